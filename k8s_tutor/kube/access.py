"""Where an API server is and how to prove who we are: read from one kubeconfig file.

Importing the official client costs 0.5 s of processor time on a small machine, more than a whole ``check`` may
take. Most kubeconfigs (ours, kind's, minikube's, k3d's) hold just addresses, certificates or a token: those
are read here. What is hard, exec plugins and auth providers, is left to the official client's own loader (plugin.py).
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from k8s_tutor.errors import ClusterError
from k8s_tutor.kube import plugin

_KUBECONFIG_LIMIT = 4 << 20


@dataclass(frozen=True)
class Access:
    """All that a connection needs. ``authorization`` is the header's value (empty: none); ``proxy`` a URL or empty.

    ``impersonate``: headers by which this user acts as another one (a group is a header of its own).
    ``renew`` reads the kubeconfig again (tokens expire, clusters are made anew). ``credentials`` is a digest of
    what proves who we are; ``stamp`` tells whether the file was written since.
    """

    server: str
    context: str
    namespace: str
    tls: ssl.SSLContext | None
    authorization: str = ""
    tls_server_name: str = ""
    proxy: str = ""
    impersonate: tuple[tuple[str, str], ...] = ()
    ca_fingerprint: str = ""
    kubeconfig: Path = Path()
    credentials: str = field(default="", repr=False)
    stamp: tuple[int, ...] = ()
    renew: Callable[[], Access] | None = field(default=None, compare=False, repr=False)


def read_access(kubeconfig: Path, context: str | None = None) -> Access:
    """How to reach the cluster of this context (the file's current one if None).

    Raises ClusterError when the file is missing, broken, or names what is not in it.
    """
    stamp = file_stamp(kubeconfig)
    config = _load(kubeconfig)
    name = context or str(config.get("current-context") or "")
    chosen = _named(config, "contexts", "context", name, kubeconfig)
    cluster = _named(config, "clusters", "cluster", str(chosen.get("cluster") or ""), kubeconfig)
    user_name = str(chosen.get("user") or "")
    user = _named(config, "users", "user", user_name, kubeconfig) if user_name else {}
    server = str(cluster.get("server") or "").rstrip("/")
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _broken(kubeconfig, f"cluster of context {name!r} has no usable server address ({server!r})")
    folder = kubeconfig.resolve().parent
    ca = _data(cluster, "certificate-authority", folder)
    authorization, certificate, key = "", b"", b""
    if "exec" in user or "auth-provider" in user:
        authorization, certificate, key = plugin.credentials(kubeconfig, name)
    else:
        authorization = _authorization(user, folder)
        certificate = _data(user, "client-certificate", folder)
        key = _data(user, "client-key", folder)
    proxy = str(cluster.get("proxy-url") or "") or _environment_proxy(parts.scheme, parts.hostname)
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    if proxy and urlsplit(proxy).scheme != "http":
        raise ClusterError(
            f"the way to {server} leads through {_without_password(proxy)}: only proxies of scheme http are spoken to",
            remedy="name an http:// proxy, or none, in the cluster's proxy-url or HTTPS_PROXY",
            code="proxy",
        )
    tls = None
    if parts.scheme == "https":
        tls = _tls(kubeconfig, ca, certificate, key, verify=not cluster.get("insecure-skip-tls-verify", False))
    return Access(
        server=server,
        context=name,
        namespace=str(chosen.get("namespace") or "default"),
        tls=tls,
        authorization=authorization,
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        proxy=proxy,
        impersonate=_impersonation(user, kubeconfig),
        ca_fingerprint=hashlib.sha256(ca).hexdigest() if ca else "",
        kubeconfig=kubeconfig,
        credentials=hashlib.sha256(b"\0".join((authorization.encode(), certificate, key))).hexdigest(),
        stamp=stamp,
        renew=lambda: read_access(kubeconfig, context),
    )


def file_stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced; empty when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _load(kubeconfig: Path) -> dict[str, Any]:
    import yaml  # 30 ms, and only needed here

    try:
        with kubeconfig.open("rb") as file:
            text = file.read(_KUBECONFIG_LIMIT + 1)
        if len(text) > _KUBECONFIG_LIMIT:
            raise _broken(kubeconfig, "is larger than 4 MiB")
        config = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except OSError as error:
        raise ClusterError(
            f"cannot read the kubeconfig {kubeconfig}: {error.strerror}",
            remedy="start a cluster: k8s-tutor cluster up",
            code="kubeconfig",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _broken(kubeconfig, f"is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise _broken(kubeconfig, "is empty")
    return config


def _named(config: dict[str, Any], group: str, kind: str, name: str, kubeconfig: Path) -> dict[str, Any]:
    entries = config.get(group)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name:
            value = entry.get(kind)
            return value if isinstance(value, dict) else {}
    raise _broken(kubeconfig, f"has no {kind} named {name!r}")


def _broken(kubeconfig: Path, why: str) -> ClusterError:
    return ClusterError(
        f"the kubeconfig {kubeconfig} {why}", remedy=f"look at it: kubectl --kubeconfig {kubeconfig} config view"
    )


def _data(entry: dict[str, Any], key: str, folder: Path) -> bytes:
    """The bytes of ``<key>-data`` (base64), else of the file that ``<key>`` names, else nothing."""
    try:
        if entry.get(f"{key}-data"):
            return base64.b64decode(str(entry[f"{key}-data"]))
        if entry.get(key):
            return (folder / str(entry[key])).read_bytes()
    except (OSError, ValueError) as error:
        raise ClusterError(f"cannot read {key} of the kubeconfig: {error}", code="kubeconfig") from error
    return b""


def _authorization(user: dict[str, Any], folder: Path) -> str:
    if user.get("token"):
        return f"Bearer {user['token']}"
    if user.get("tokenFile"):
        return "Bearer " + _data(user, "tokenFile", folder).decode("ascii", "replace").strip()
    if user.get("username") and "password" in user:
        return "Basic " + base64.b64encode(f"{user['username']}:{user['password']}".encode()).decode()
    return ""


def _impersonation(user: dict[str, Any], kubeconfig: Path) -> tuple[tuple[str, str], ...]:
    """The headers for ``as``, ``as-uid``, ``as-groups`` and ``as-user-extra``, as the API server reads them.

    https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
    """
    groups, extra = user.get("as-groups") or (), user.get("as-user-extra") or {}
    if not user.get("as"):
        if groups or extra or user.get("as-uid"):
            raise _broken(kubeconfig, "wants to act as a group, and as no user (as-groups without as)")
        return ()
    if not isinstance(groups, list | tuple) or not isinstance(extra, dict):
        raise _broken(kubeconfig, "has as-groups or as-user-extra of another form than a list and a map")
    found = [("Impersonate-User", str(user["as"]))]
    if user.get("as-uid"):
        found.append(("Impersonate-Uid", str(user["as-uid"])))
    found += [("Impersonate-Group", str(group)) for group in groups]
    for key, values in extra.items():
        for value in values if isinstance(values, list) else [values]:
            found.append((f"Impersonate-Extra-{quote(str(key), safe='')}", str(value)))
    if any(not text.isprintable() for pair in found for text in pair):
        raise _broken(kubeconfig, "wants to act as somebody whose name is no text")
    return tuple(found)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"[:100]


def _tls(kubeconfig: Path, ca: bytes, certificate: bytes, key: bytes, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca.decode("ascii", "ignore") if ca else None)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate and key:
            _load_pair(context, certificate, key)
    except (ssl.SSLError, ValueError) as error:
        raise _broken(kubeconfig, f"holds a certificate that cannot be used: {error}") from error
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a client certificate. OpenSSL reads only files: one in memory, else one in our own 0700 folder."""
    pair = certificate + b"\n" + key
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("k8s-tutor", os.MFD_CLOEXEC)
        with os.fdopen(handle, "wb") as file:
            file.write(pair)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{handle}")
        return
    folder = plugin.private_folder()
    handle, path = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pair)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _environment_proxy(scheme: str, host: str) -> str:
    """The environment's proxy for this host. Never for this machine or a private network, as kubectl holds it."""
    if not any(name in os.environ for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")):
        return ""
    if is_local(host):
        return ""
    from urllib.request import getproxies, proxy_bypass

    return "" if proxy_bypass(host) else str(getproxies().get(scheme, ""))


def is_local(host: str) -> bool:
    """Whether a server's host is this machine or a private network."""
    if host == "localhost" or host.endswith((".localhost", ".internal", ".local")):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_private
    except ValueError:
        return False
