"""A cluster that already runs, by the name of a context in the user's kubeconfig.

The user's files are only read. What we use is a private copy (0600) that holds this one context, certificates
embedded, with the learner's namespace as its default. The copy is named after the cluster that it leads to: when the
user's context comes to mean another one, that is another copy, and whoever works with the old one stays where they are.
``guard`` decides by name and address, or ``consent`` was given, before anything is written here or asked there; the
cluster's own facts are judged by the session (``session/standing.py``) before it writes anything.
"""

from __future__ import annotations

import base64
import builtins
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.clusters import consent, guard
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, EnvironmentFault, UsageError
from k8s_tutor.phases import Phase, PhaseState, Report

NAMESPACE = "learner"
LARGEST = 4 * 1024 * 1024


class ContextProvider:
    """Uses clusters that others made; makes and removes none."""

    name = "context"

    def __init__(self, kubeconfigs: tuple[Path, ...] | None = None, *, resolve: guard.Resolve | None = None) -> None:
        """``kubeconfigs`` in place of ``$KUBECONFIG`` or ``~/.kube/config``."""
        self._given = kubeconfigs
        self._resolve = resolve

    def up(self, name: str, *, nodes: int = 1, egress: bool = False, report: Report) -> Cluster:
        """Make the private copy of this context. Raises EnvironmentFault when the guard refuses it."""
        report(Phase("context", "Reading context", "your own kubeconfig is only read", PhaseState.RUNNING))
        cluster = self._cluster(name)
        report(Phase("context", "Reading context", "your own kubeconfig is only read", PhaseState.DONE))
        return cluster

    def down(self, name: str, *, report: Report) -> bool:
        """Remove our private copy; the cluster itself is not ours and stays."""
        copies = _copies(name)
        for copy in copies:
            copy.unlink(missing_ok=True)
        return bool(copies)

    def remains(self, name: str) -> builtins.list[str]:
        """What ``down`` would remove."""
        return [f"file {copy}" for copy in _copies(name)]

    def status(self, name: str) -> Cluster | None:
        """The cluster of this context, None if there is none; whether it answers is the session's to find out."""
        try:
            return self._cluster(name)
        except UsageError:
            return None

    def inspect(self, name: str) -> Cluster:
        """The cluster of this context, with nothing written. Raises EnvironmentFault with the guard's reason."""
        return self._cluster(name, write=False)

    def list(self) -> list[Cluster]:
        """Every context that the guard lets us use."""
        clusters = []
        for name in self.names():
            try:
                clusters.append(self.inspect(name))
            except (EnvironmentFault, UsageError):
                continue
        return clusters

    def load_images(self, name: str, archive: Path, *, report: Report) -> None:
        """Not ours to fill. Raises UsageError."""
        raise UsageError(
            f"the nodes of {name!r} are not k8s-tutor's: images come there by the tool that made the cluster",
            remedy="kind load image-archive, minikube image load; or push to a registry that the cluster reaches",
            code="load-images",
        )

    def logs(self, name: str, component: str = "") -> Iterator[str]:
        """Not ours to read. Raises UsageError."""
        raise UsageError(
            f"the parts of {name!r} are not k8s-tutor's: ask the tool that made the cluster for their logs",
            remedy=f"kubectl --context {name} -n kube-system logs POD",
        )

    def shell_argv(self, name: str, command: Sequence[str] = ()) -> builtins.list[str]:
        """Not ours to enter. Raises UsageError."""
        raise UsageError(
            f"the nodes of {name!r} are not k8s-tutor's to enter",
            remedy="kind: docker exec -it NODE bash; minikube: minikube ssh",
        )

    def names(self) -> tuple[str, ...]:
        """The contexts of the user's kubeconfig, in its order."""
        return tuple(self._merged()["contexts"])

    def unguarded(self, name: str) -> Cluster:
        """The cluster of this context whatever it is, for its user to be asked about it; nothing else may use it."""
        return self._cluster(name, unguarded=True)

    def _guard(self, name: str, cluster_name: str, cluster: dict[str, Any]) -> None:
        server, proxy = str(cluster.get("server", "")), str(cluster.get("proxy-url") or "")
        verdict = guard.judge(name, cluster_name, server, proxy=proxy, resolve=self._resolve)
        if verdict.allowed:
            return
        ca = fingerprint(cluster)
        if not any(each.covers(server, ca) for each in consent.load()):
            raise guard.refusal(name, verdict.reason)

    def _cluster(self, name: str, *, write: bool = True, unguarded: bool = False) -> Cluster:
        merged = self._merged()
        context = merged["contexts"].get(name)
        if context is None:
            known = ", ".join(sorted(merged["contexts"])) or "none"
            raise UsageError(
                f"there is no context {name[:80]!r} in {' or '.join(str(path) for path in self._files())}",
                remedy=f"contexts there: {known[:400]}",
                code="no-context",
            )
        cluster_name, user_name = str(context.get("cluster", "")), str(context.get("user", ""))
        cluster = merged["clusters"].get(cluster_name)
        if cluster is None:
            raise EnvironmentFault(f"context {name[:80]!r} names a cluster that the kubeconfig does not hold")
        server = str(cluster.get("server", ""))
        if not unguarded:
            self._guard(name, cluster_name, cluster)
        user = merged["users"].get(user_name, {})
        path = _copy_path(name, cluster)
        if write:
            text = _minified(name, cluster_name, cluster, user_name, user)
            if not (path.exists() and path.read_text(encoding="utf-8") == text):
                atomic.write_text(path, text)
        return Cluster(
            name=name,
            provider=self.name,
            kubeconfig=path,
            namespace=NAMESPACE,
            owned=False,
            server=server,
            running=True,
            ready=True,
            egress=True,
        )

    def _files(self) -> tuple[Path, ...]:
        if self._given is not None:
            return self._given
        named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
        return tuple(named) or (Path.home() / ".kube" / "config",)

    def _merged(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Contexts, clusters and users of all files; the first to name one wins, as in kubectl."""
        result: dict[str, dict[str, dict[str, Any]]] = {"contexts": {}, "clusters": {}, "users": {}}
        for path in self._files():
            document = read_kubeconfig(path)
            for part, key in (("contexts", "context"), ("clusters", "cluster"), ("users", "user")):
                entries = document.get(part)
                for entry in entries if isinstance(entries, list) else ():
                    if isinstance(entry, dict) and isinstance(entry.get(key), dict) and "name" in entry:
                        whole = _embedded(entry[key], path.parent)
                        result[part].setdefault(str(entry["name"]), whole)
        return result


def read_kubeconfig(path: Path) -> dict[str, Any]:
    """A kubeconfig as it stands, empty if there is none. Raises ClusterError for one that cannot be read."""
    import yaml

    try:
        if path.stat().st_size > LARGEST:
            raise ClusterError(f"{path} is too large for a kubeconfig")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(f"{path} cannot be read: {error}", remedy=f"ls -l {path}") from error
    except yaml.YAMLError as error:
        raise ClusterError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from error
    return document if isinstance(document, dict) else {}


_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}


def _embedded(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The entry with relative paths made absolute, as they are meant relative to their file's folder."""
    result = dict(entry)
    for key in (*_FILES, "tokenFile"):
        value = result.get(key)
        if isinstance(value, str) and value and not os.path.isabs(value):
            result[key] = str(folder / value)
    plugin = result.get("exec")
    command = plugin.get("command") if isinstance(plugin, dict) else None
    if isinstance(command, str) and os.sep in command and not os.path.isabs(command):
        result["exec"] = {**result["exec"], "command": str(folder / command)}
    return result


def _with_data(entry: dict[str, Any]) -> dict[str, Any]:
    result = dict(entry)
    for key, data_key in _FILES.items():
        path = result.pop(key, None)
        if path and not result.get(data_key):
            try:
                result[data_key] = base64.b64encode(Path(str(path)).read_bytes()).decode("ascii")
            except OSError as error:
                raise ClusterError(f"{key} {path} cannot be read: {error.strerror}", remedy=f"ls -l {path}") from error
    return result


def fingerprint(cluster: dict[str, Any]) -> str:
    """SHA-256 of the CA certificates that a cluster's entry names, in hex; empty where it names none."""
    try:
        text = _with_data(cluster).get("certificate-authority-data")
        return hashlib.sha256(base64.b64decode(str(text))).hexdigest() if text else ""
    except (ClusterError, ValueError):
        return ""


def _minified(name: str, cluster_name: str, cluster: dict[str, Any], user_name: str, user: dict[str, Any]) -> str:
    import yaml

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_name, "cluster": _with_data(cluster)}],
        "users": [{"name": user_name, "user": _with_data(user)}],
        "contexts": [{"name": name, "context": {"cluster": cluster_name, "user": user_name, "namespace": NAMESPACE}}],
        "current-context": name,
    }
    return str(yaml.safe_dump(document, sort_keys=False))


_LEADS = ("server", "certificate-authority-data", "tls-server-name", "proxy-url", "insecure-skip-tls-verify")
"""What of a cluster's entry decides where it leads."""


def _stem(name: str) -> str:
    # A context's name may hold anything, a slash too: it must not decide where we write.
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)[:60].lstrip(".")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _copy_path(name: str, cluster: dict[str, Any]) -> Path:
    whole = _with_data(cluster)
    leads = repr([str(whole.get(key, "")) for key in _LEADS])
    digest = hashlib.sha256(leads.encode()).hexdigest()[:8]
    return paths.state_dir() / "contexts" / f"{_stem(name)}-{digest}.kubeconfig"


def _copies(name: str) -> builtins.list[Path]:
    folder = paths.state_dir() / "contexts"
    return sorted(path for path in folder.glob("*.kubeconfig") if path.name.rpartition("-")[0] == _stem(name))
