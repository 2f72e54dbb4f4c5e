"""Official releases over HTTP, each file checked against the sha256 that its project publishes.

``$K8S_TUTOR_DOWNLOAD_BASE`` replaces scheme and host of every address (a mirror laid out the same way).
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import tarfile
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from k8s_tutor.clusters.node.lock import Component, architecture
from k8s_tutor.errors import EnvironmentFault

CONNECT_SECONDS = 10.0
DECIDE_SECONDS = 5.0
_ATTEMPTS = 3
_CHUNK = 1 << 20
_NETWORK_ERRORS = (OSError, http.client.HTTPException)

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all (0 where the server does not say)."""


class Unavailable(Exception):
    """A release cannot be had from its place: no network, or not published there."""


class Hosts:
    """Which hosts answer; asked once a run, because a dead network must cost seconds once."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}
        self._guard = threading.Lock()

    def answers(self, url: str) -> bool:
        """Whether a request for ``url`` gets a good answer within 5 s, or did for its host before."""
        host = urllib.parse.urlsplit(url).netloc
        with self._guard:
            if host not in self._known:
                self._known[host] = _within(DECIDE_SECONDS, lambda: _ask(url))
            return self._known[host]


def rebased(url: str, base: str | None = None) -> str:
    """The address under ``$K8S_TUTOR_DOWNLOAD_BASE``, unchanged where that is not set."""
    base = os.environ.get("K8S_TUTOR_DOWNLOAD_BASE", "") if base is None else base
    if not base:
        return url
    if urllib.parse.urlsplit(base).scheme not in ("http", "https"):
        raise EnvironmentFault(
            f"K8S_TUTOR_DOWNLOAD_BASE is {base!r}: it must start with http:// or https://.",
            remedy="unset K8S_TUTOR_DOWNLOAD_BASE",
            code="download-base",
        )
    return base.rstrip("/") + urllib.parse.urlsplit(url).path


def published_sha256(text: str, name: str) -> str | None:
    """The hash of ``name`` in a checksum file: a bare hash, or lines of hash and name."""
    for line in text.splitlines():
        words = line.split()
        if not words or not re.fullmatch(r"[0-9a-fA-F]{64}", words[0]):
            continue
        if len(words) == 1 or words[-1].removeprefix("*").rsplit("/", 1)[-1] == name:
            return words[0].lower()
    return None


def download(component: Component, arch: str, folder: Path, hosts: Hosts, progress: Progress) -> None:
    """Put a component's files into ``folder``, verified.

    Raises Unavailable when its host does not answer or has no such release; EnvironmentFault when what came
    is not what was published (code ``sha256``), or broke off again and again (code ``download``).
    """
    urls: dict[str, list[str]] = {}
    for program in component.files:
        urls.setdefault(_filled(component.url, arch, program.name), []).append(program.name)
    if not is_published(component, hosts):
        raise Unavailable(urllib.parse.urlsplit(component.url).netloc)
    for done, (url, names) in enumerate(urls.items()):
        name = url.rsplit("/", 1)[-1]
        expected = _checksum(rebased(_filled(component.sha256, arch, names[0])), name)

        def tell(so_far: int, size: int, done: int = done) -> None:
            progress(int((done * size + so_far) / len(urls)), size)

        if not component.member:
            fetch(rebased(url), folder / names[0], expected, tell)
            (folder / names[0]).chmod(0o755)
            continue
        archive = folder / f".{name}"
        fetch(rebased(url), archive, expected, tell)
        _extract(archive, {_filled(component.member, arch, each): folder / each for each in names})
        archive.unlink()


def is_published(component: Component, hosts: Hosts) -> bool:
    """Whether the place of a component's official release answers."""
    return hosts.answers(rebased(_filled(component.sha256, architecture(), component.files[0].name)))


def fetch(url: str, target: Path, sha256: str, progress: Progress, *, headers: Mapping[str, str] | None = None) -> None:
    """Load ``url`` into ``target``: there is a whole, verified file under that name, or none.

    ``headers`` go to the first server only, not to one that it redirects to.
    Raises EnvironmentFault (codes ``sha256``, ``download``).
    """
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            got = _stream(url, target, sha256, progress, headers or {})
        except _NETWORK_ERRORS as broken:
            error = broken
            continue
        if got != sha256:
            raise EnvironmentFault(
                f"{url} is not what was published: expected sha256 {sha256}, got {got}.",
                remedy="Nothing of it was kept. Try again; if it stays so, something between here and there alters it.",
                code="sha256",
            )
        return
    raise EnvironmentFault(
        f"{url} could not be loaded: {error}",
        remedy="Run the same command again: what has arrived whole is kept.",
        code="download",
    )


def _stream(url: str, target: Path, sha256: str, progress: Progress, headers: Mapping[str, str]) -> str:
    """One attempt; returns the hash of what came, and keeps it only when it is the right one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(url)
    for key, value in headers.items():
        request.add_unredirected_header(key, value)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        digest, done = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                progress(done, size)
            file.flush()
            os.fsync(file.fileno())
        if size and done < size:
            raise http.client.IncompleteRead(b"", size - done)
        if digest.hexdigest() == sha256:
            os.replace(temporary, target)
        return digest.hexdigest()
    finally:
        Path(temporary).unlink(missing_ok=True)


def _checksum(url: str, name: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer:
            text = answer.read(_CHUNK).decode("utf-8", "replace")
    except _NETWORK_ERRORS as error:
        raise Unavailable(f"{url}: {error}") from error
    expected = published_sha256(text, name)
    if expected is None:
        raise Unavailable(f"{url} does not name {name}")
    return expected


def _extract(archive: Path, members: dict[str, Path]) -> None:
    with tarfile.open(archive) as tar:
        for entry in tar:
            target = members.pop(entry.name.removeprefix("./"), None)
            source = tar.extractfile(entry) if target and entry.isfile() else None
            if target is None or source is None:
                continue
            with source, target.open("wb") as file:
                while chunk := source.read(_CHUNK):
                    file.write(chunk)
            target.chmod(0o755)
    if members:
        raise EnvironmentFault(f"{archive.name.lstrip('.')} has no {', '.join(sorted(members))}.", code="download")


def _filled(template: str, arch: str, file: str) -> str:
    return template.replace("{arch}", arch).replace("{file}", file)


def _ask(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=DECIDE_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        # A registry that wants a token is there. Any other answer: a proxy that refuses, a release that is not there.
        return error.code == 401
    except _NETWORK_ERRORS:
        return False


def _within(seconds: float, question: Callable[[], bool]) -> bool:
    """The answer, false if it takes longer: name resolution obeys no socket time-out."""
    answer: list[bool] = []
    thread = threading.Thread(target=lambda: answer.append(question()), daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answer and answer[0])
