"""Which image the nodes are made of: the one that was asked for, kind's own, or ours where no registry answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from k8s_tutor.clusters.kind.engine import Engine
from k8s_tutor.clusters.node import kind_image, prepare
from k8s_tutor.clusters.node.download import Hosts
from k8s_tutor.clusters.node.tools import tool, version_in
from k8s_tutor.clusters.node.work import Work, output
from k8s_tutor.errors import UsageError
from k8s_tutor.phases import Report

_REGISTRY = "https://registry-1.docker.io/v2/"
_REFERENCE = re.compile(r"[a-z0-9][\w./:-]*(@sha256:[0-9a-f]{64})?")
_VERSION = re.compile(r"v?\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Chosen:
    """``reference`` is empty for the default of the kind program itself; ``why`` says in words how it was chosen."""

    reference: str
    why: str
    ours: bool = False


def choose(engine: Engine, kind: str, *, image: str = "", kubernetes: str = "", hosts: Hosts | None = None) -> Chosen:
    """The image to use. Raises UsageError for a reference or version that cannot be one."""
    if image and kubernetes:
        raise UsageError("Name an image or a version of Kubernetes, not both.", code="node-image")
    if image:
        if not _REFERENCE.fullmatch(image):
            raise UsageError(f"{image[:80]!r} is not an image.", remedy="kindest/node:v1.37.0", code="node-image")
        return Chosen(image, "as asked for", image.startswith(f"{kind_image.REPOSITORY}:"))
    if kubernetes:
        if not _VERSION.fullmatch(kubernetes):
            raise UsageError(f"{kubernetes[:40]!r} is not a version.", remedy="v1.37.0", code="kubernetes-version")
        return Chosen(f"kindest/node:v{kubernetes.removeprefix('v')}", "kind's own of that version")
    pinned = tool("kind")
    own = pinned.node_image if version_in(output([kind, "version"])) == pinned.component.version else ""
    if own and engine.has_image(own):
        return Chosen(own, "kind's own, which the engine has")
    ours = kind_image.planned()
    if engine.has_image(ours.reference):
        return Chosen(ours.reference, "made on this machine before", ours=True)
    if (hosts or Hosts()).answers(_REGISTRY):
        return Chosen(own, "kind's own, from its registry")
    return Chosen(ours.reference, "made on this machine: no registry answers", ours=True)


def ensure(engine: Engine, chosen: Chosen, report: Report) -> None:
    """Have the engine hold an image of ours; others kind gets itself. Raises EnvironmentFault."""
    if not chosen.ours or engine.has_image(chosen.reference):
        return
    made = kind_image.make(report)
    if made.reference != chosen.reference:
        raise UsageError(
            f"{chosen.reference} is not there, and this version makes {made.reference}.",
            remedy=f"--image {made.reference}, or none",
            code="node-image",
        )
    work = Work(report, prepare.root_dir() / "logs")
    with work.phase("kind-load", "Loading the node image", f"{engine} takes about a gigabyte"):
        engine.ask("load", "--input", str(made.archive), timeout=600)


def stand_ins(engine: Engine, reference: str) -> dict[str, str]:
    """The truth about images that ride in a node image of ours; nothing for any other."""
    try:
        said = json.loads(engine.label_of(reference, kind_image.STAND_INS) or "{}")
        return {str(key): str(value) for key, value in said.items()}
    except (ValueError, AttributeError):
        return {}
