"""Images from their own registries, by tag, every byte verified by digest, into an OCI layout.

After https://github.com/opencontainers/distribution-spec and the token flow that registries answer with (401 and
``WWW-Authenticate: Bearer``). ``$K8S_TUTOR_REGISTRY_BASE`` names one registry to ask in place of all others, which is
told the real one in ``?ns=``, as containerd does with mirrors.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import Any

from k8s_tutor.clusters.node.download import CONNECT_SECONDS, Hosts, Unavailable, fetch
from k8s_tutor.clusters.node.lock import Image, architecture
from k8s_tutor.clusters.node.oci import INDEX, MANIFEST, Descriptor, Layout
from k8s_tutor.clusters.node.work import Telling
from k8s_tutor.errors import EnvironmentFault

_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_ACCEPT = ", ".join((INDEX, MANIFEST, _DOCKER_LIST, _DOCKER_MANIFEST))
_MOST_BYTES = 4 << 20
"""A manifest has some kilobytes; 4 MiB is what registries refuse beyond."""
_NETWORK_ERRORS = (OSError, http.client.HTTPException, ValueError)


class Registry:
    """One registry as a client sees it."""

    def __init__(self, host: str, platform: str = "") -> None:
        """A registry's host; ``platform`` (``linux/amd64``) is this machine's unless it is said."""
        self._platform = platform or f"linux/{architecture()}"
        base = os.environ.get("K8S_TUTOR_REGISTRY_BASE", "")
        self._base = base.rstrip("/") if base else f"https://{'registry-1.docker.io' if host == 'docker.io' else host}"
        self._query = f"?ns={urllib.parse.quote(host)}" if base else ""
        self._tokens: dict[str, str] = {}

    def answers(self, hosts: Hosts) -> bool:
        """Whether it can be reached (at most 5 s, once a run)."""
        return hosts.answers(f"{self._base}/v2/")

    def pull(self, image: Image, layout: Layout, telling: Telling) -> None:
        """Load an image of the platform into ``layout`` under its reference.

        Raises Unavailable when the registry does not give it, EnvironmentFault (code ``sha256``) when it gives
        something else than the digest says.
        """
        repository, _, tag = image.ref.split("/", 1)[1].rpartition(":")
        try:
            body, media_type = self._manifest(repository, tag)
            parsed = json.loads(body)
            if media_type in (INDEX, _DOCKER_LIST):
                body, media_type = self._manifest(repository, _of_platform(parsed, image.ref, self._platform))
                parsed = json.loads(body)
            for blob in (parsed["config"], *parsed["layers"]):
                self._blob(repository, blob, layout, telling, image.ref)
        except (*_NETWORK_ERRORS, KeyError) as error:
            raise Unavailable(f"{image.ref}: {error}") from error
        layout.name(image.ref, layout.add_bytes(body, media_type))

    def _manifest(self, repository: str, what: str) -> tuple[bytes, str]:
        url = f"{self._base}/v2/{repository}/manifests/{what}{self._query}"
        try:
            answer = self._open(url, repository)
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
            self._tokens[repository] = _token(error.headers.get("WWW-Authenticate", ""))
            answer = self._open(url, repository)
        with answer:
            body = answer.read(_MOST_BYTES)
            media_type = answer.headers.get_content_type()
            told = answer.headers.get("Docker-Content-Digest", "")
        expected = what if what.startswith("sha256:") else told
        got = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if expected.startswith("sha256:") and expected != got:
            raise EnvironmentFault(
                f"{url} is not what its digest says: expected {expected}, got {got}.",
                remedy="Nothing of it was kept. Try again; if it stays so, something between here and there alters it.",
                code="sha256",
            )
        return body, media_type

    def _open(self, url: str, repository: str) -> Any:
        request = urllib.request.Request(url, headers={"Accept": _ACCEPT})
        for key, value in self._authorization(repository).items():
            request.add_unredirected_header(key, value)
        return urllib.request.urlopen(request, timeout=CONNECT_SECONDS)

    def _authorization(self, repository: str) -> dict[str, str]:
        token = self._tokens.get(repository)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _blob(self, repository: str, blob: dict[str, Any], layout: Layout, telling: Telling, ref: str) -> None:
        digest = str(blob["digest"])
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise Unavailable(f"{ref} has a blob of an unknown digest")
        target = layout.blob_path(digest)
        if target.exists():
            return

        began, before = time.monotonic(), 0

        def tell(done: int, size: int) -> None:
            nonlocal before
            before = before or done  # what was here already took no time
            spent = time.monotonic() - began
            left = (size - done) * spent / (done - before) if size and done > before else None
            fraction = done / size if size else None
            telling.say(f"{ref}: {done >> 20} of {size >> 20} MB", fraction=fraction, seconds_left=left)

        url = f"{self._base}/v2/{repository}/blobs/{digest}{self._query}"
        # Not redirected: what a registry redirects to signs its addresses and refuses a second authorization.
        fetch(url, target, digest.removeprefix("sha256:"), tell, headers=self._authorization(repository))
        target.chmod(0o644)


def pull_all(images: Iterable[Image], layout: Layout, hosts: Hosts, telling: Telling) -> None:
    """Load images into ``layout``.

    Raises Unavailable as soon as one cannot be had: then all are made here, so that they fit each other.
    """
    registries: dict[str, Registry] = {}
    for image in images:
        registry = registries.setdefault(image.registry, Registry(image.registry))
        if not registry.answers(hosts):
            raise Unavailable(image.registry)
        telling.say(image.ref)
        registry.pull(image, layout, telling)


def reachable(images: Iterable[Image], hosts: Hosts) -> bool:
    """Whether every registry of these images answers."""
    return all(Registry(name).answers(hosts) for name in dict.fromkeys(image.registry for image in images))


def _of_platform(index: dict[str, Any], ref: str, wanted: str) -> str:
    for entry in index["manifests"]:
        platform = entry.get("platform", {})
        if f"{platform.get('os')}/{platform.get('architecture')}" == wanted:
            return Descriptor(entry["mediaType"], entry["digest"], entry["size"]).digest
    raise Unavailable(f"{ref} is not published for {wanted}")


def _token(challenge: str) -> str:
    """Ask for an anonymous token as the challenge says.

    Raises ValueError when it is not one that can be followed.
    """
    told = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = told.pop("realm", "")
    if not challenge.lower().startswith("bearer") or urllib.parse.urlsplit(realm).scheme != "https":
        raise ValueError(f"the registry wants an authorization that is not known: {challenge[:100]}")
    asked = urllib.parse.urlencode({key: told[key] for key in ("service", "scope") if key in told})
    with urllib.request.urlopen(f"{realm}?{asked}", timeout=CONNECT_SECONDS) as answer:
        body = json.loads(answer.read(_MOST_BYTES))
    return str(body.get("token") or body["access_token"])
