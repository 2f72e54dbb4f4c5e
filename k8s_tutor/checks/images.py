"""Image names compared by meaning: ``nginx`` is ``docker.io/library/nginx:latest``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_tutor.checks.words import did_you_mean

_HUB = "docker.io"
_HUB_ALIASES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_KNOWN = (
    "nginx",
    "httpd",
    "redis",
    "busybox",
    "alpine",
    "postgres",
    "mysql",
    "memcached",
    "debian",
    "ubuntu",
    "python",
)


@dataclass(frozen=True)
class Image:
    """A whole image name. ``tag`` is empty only where ``digest`` alone names the image."""

    host: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def short(self) -> str:
        """The name as a person writes it: ``nginx``, ``nginx:1.20.1``, ``ghcr.io/a/b:1``."""
        ours = self.host == _HUB
        name = self.repository.removeprefix("library/") if ours else f"{self.host}/{self.repository}"
        if self.tag and self.tag != "latest":
            name += f":{self.tag}"
        return name + (f"@{self.digest}" if self.digest else "")


def normalise(name: str) -> Image | None:
    """The whole name for ``name`` as container runtimes complete it; None for what is no image name."""
    name = name.strip()
    name, _, digest = name.partition("@")
    if not name or any(character.isspace() for character in name):
        return None
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        host = head
    else:
        host, rest = _HUB, name
    base, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        base, tag = rest, ""
    if host in _HUB_ALIASES:
        host = _HUB
        if "/" not in base:
            base = f"library/{base}"
    if not base.removeprefix("library/"):
        return None
    return Image(host, base, tag or ("" if digest else "latest"), digest)


def same(one: str, other: str) -> bool:
    """Whether two names mean the same image; a digest counts only where both have one."""
    first, second = normalise(one), normalise(other)
    if first is None or second is None:
        return False
    if first.digest and second.digest:
        return (first.host, first.repository, first.digest) == (second.host, second.repository, second.digest)
    return (first.host, first.repository, first.tag) == (second.host, second.repository, second.tag)


def allowed(name: str, images: Sequence[str]) -> bool:
    """Whether ``name`` is one of ``images`` (``nginx:*`` allows every tag); an empty list allows all."""
    return not images or any(_fits(name, pattern) for pattern in images)


def _fits(name: str, pattern: str) -> bool:
    if not pattern.endswith(":*"):
        return same(name, pattern)
    first, second = normalise(name), normalise(pattern[:-2])
    return bool(first and second and (first.host, first.repository) == (second.host, second.repository))


def names(value: object) -> tuple[str, ...]:
    """The images of a check's parameter: one name, a list of names, or none."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list | tuple):
        return tuple(item for item in value if isinstance(item, str) and item)
    return ()


def spoken(images: Sequence[str]) -> str:
    """``nginx`` or ``nginx:1.20.1 or nginx``: the allowed images in words."""
    return " or ".join(image[:-2] + " (any tag)" if image.endswith(":*") else image for image in images)


def meant(name: str, images: Sequence[str] = ()) -> str:
    """The image that a misspelt ``name`` probably means: of ``images`` first, else a well-known one; else empty."""
    found = normalise(name)
    if found is None:
        return ""
    own = [image for image in (normalise(item.removesuffix(":*")) for item in images) if image]
    for image in own:
        if (image.host, image.repository) == (found.host, found.repository):
            return image.short
    base = found.repository.rsplit("/", 1)[-1]
    known = {image.repository.rsplit("/", 1)[-1]: image.short for image in reversed(own)}
    near = did_you_mean(base, list(known))
    if near:
        return known[near]
    near = did_you_mean(base, _KNOWN)
    return near if near and near != base else ""
