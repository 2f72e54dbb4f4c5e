"""Which provider: the one place that knows all that make clusters, and what ``auto`` means.

``auto`` takes the tutor's own cluster that is there, else kind where a container engine answers, else minikube where it
is found with a driver that can work, else native. Another provider is one more entry of ``_PROVIDERS`` and, if ``auto``
may take it, one more line of ``_would_do``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from k8s_tutor.clusters.provider import Cluster, Provider
from k8s_tutor.errors import ClusterError, UsageError

AUTO = "auto"
VARIABLE = "K8S_TUTOR_PROVIDER"
DEFAULT_NAME = "tutor"
"""The name of the cluster that is made when none is named."""


@dataclass(frozen=True)
class Chosen:
    """A provider and the cluster's name; ``why``: half a sentence for the user; ``cluster``: what is there now."""

    provider: Provider
    name: str
    why: str
    cluster: Cluster | None = None


def names() -> tuple[str, ...]:
    """What ``--provider`` takes beside ``auto``."""
    return tuple(_PROVIDERS)


def make(provider: str) -> Provider:
    """The provider of that name. Raises UsageError."""
    if provider not in _PROVIDERS:
        known = ", ".join((AUTO, *_PROVIDERS))
        raise UsageError(
            f"there is no provider {provider[:40]!r}", remedy=f"--provider {AUTO}, one of: {known}", code="provider"
        )
    return _PROVIDERS[provider]()


def providers(wanted: str = AUTO) -> list[Provider]:
    """All of them, or the one that is wanted. Raises UsageError."""
    return [make(name) for name in _PROVIDERS] if wanted == AUTO else [make(wanted)]


def wish(given: str | None) -> str:
    """What the command line says, else ``$K8S_TUTOR_PROVIDER``, else auto. Raises UsageError for an unknown one."""
    wanted = given or os.environ.get(VARIABLE, "") or AUTO
    if wanted != AUTO:
        make(wanted)
    return wanted


def clusters(wanted: str = AUTO) -> list[Cluster]:
    """All clusters that the tutor made, also broken ones. May take some seconds."""
    return [cluster for provider in providers(wanted) for cluster in provider.list()]


def find(name: str, wanted: str = AUTO) -> Chosen | None:
    """The cluster of that name, None if nobody has one.

    Of two of one name the one that is ready is meant; raises ClusterError when both are, or neither.
    """
    found = [(provider, cluster) for provider in providers(wanted) if (cluster := provider.status(name)) is not None]
    if len(found) > 1:
        ready = [pair for pair in found if pair[1].ready]
        if len(ready) != 1:
            raise ClusterError(
                f"there are {len(found)} clusters named {name!r}",
                remedy="say which: " + ", ".join(f"--provider {provider.name}" for provider, _ in found),
                code="which-provider",
            )
        found = ready
    if not found:
        return None
    provider, cluster = found[0]
    return Chosen(provider, name, f"cluster {name} is there", cluster)


def choose(name: str | None, given: str | None = None) -> Chosen:
    """The cluster that is meant: the named one, else the only one there is, else the default name.

    Where there is none yet the provider is what is wanted, or for ``auto`` the first that would do. Raises UsageError
    (unknown provider, a name that cannot be one), ClusterError (two of one name).
    """
    wanted = wish(given)
    if name is None:
        there = clusters(wanted)
        if len(there) == 1:
            only = there[0]
            return Chosen(_among(only.provider, wanted), only.name, f"cluster {only.name} is there", only)
    meant = name or DEFAULT_NAME
    found = find(meant, wanted)
    if found is not None:
        return found
    if wanted != AUTO:
        return Chosen(_among(wanted, wanted), meant, "as asked for")
    provider, why = _would_do()
    return Chosen(_among(provider, wanted), meant, why)


def fitted(provider: str, image: str, kubernetes: str) -> Provider:
    """The provider with a node image or a version of Kubernetes of the user's choice. Raises UsageError."""
    if provider == "kind":
        from k8s_tutor.clusters.kind.provider import KindProvider

        return KindProvider(image=image, kubernetes=kubernetes)
    if provider == "minikube" and not image:
        from k8s_tutor.clusters.minikube.provider import MinikubeProvider

        return MinikubeProvider(kubernetes=kubernetes)
    what, whose = ("--image", "kind") if image else ("--kubernetes", "kind and minikube")
    raise UsageError(f"{what} is for {whose}", remedy="--provider kind", code="node-image")


def _among(provider: str, wanted: str) -> Provider:
    return next((each for each in providers(wanted) if each.name == provider), None) or make(provider)


def _would_do() -> tuple[str, str]:
    from k8s_tutor.clusters.kind import engine

    found = engine.find()
    if found is not None:
        return "kind", f"a container engine answers ({found})"
    from k8s_tutor.clusters.minikube import drivers, program

    why = "no container engine answers"
    if program.find() is None:
        return "native", why
    driver = drivers.able(found)
    if driver:
        return "minikube", f"{why}, and minikube is there with a driver that can work ({driver})"
    return "native", f"{why}, and minikube is there without a driver that could work"


def _native() -> Provider:
    from k8s_tutor.clusters.native.provider import NativeProvider

    return NativeProvider()


def _kind() -> Provider:
    from k8s_tutor.clusters.kind.provider import KindProvider

    return KindProvider()


def _minikube() -> Provider:
    from k8s_tutor.clusters.minikube.provider import MinikubeProvider

    return MinikubeProvider()


_PROVIDERS: dict[str, Callable[[], Provider]] = {"native": _native, "kind": _kind, "minikube": _minikube}
