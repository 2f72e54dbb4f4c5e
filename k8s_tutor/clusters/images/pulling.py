"""Images from their registries into this machine's keeping; every byte verified by digest."""

from __future__ import annotations

import os
from collections.abc import Sequence

from k8s_tutor.clusters.images import kept
from k8s_tutor.clusters.node.download import Hosts, Unavailable
from k8s_tutor.clusters.node.lock import Image
from k8s_tutor.clusters.node.oci import Layout
from k8s_tutor.clusters.node.pull import Registry
from k8s_tutor.clusters.node.work import Work
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Report


def pull(refs: Sequence[str], platform: str, report: Report) -> list[kept.Kept]:
    """Load images of a platform; what is here already is not loaded again, what stopped half-way goes on.

    Raises EnvironmentFault: a registry that does not answer or does not give the image (``registry``), a byte that is
    not what its digest says (``sha256``), a full disk. What was pulled before stays as it was.
    """
    folder = kept.pulled_dir(platform)
    hosts = Hosts()
    registries: dict[str, Registry] = {}
    got: list[kept.Kept] = []
    work = Work(report, folder.parent / "logs")
    try:
        layout = Layout(folder)
        for number, ref in enumerate(refs, 1):
            title = f"{ref} ({number} of {len(refs)})"
            with work.phase(f"pull-{number}", title, "from its registry, verified by digest") as telling:
                image = Image("", ref, "")
                registry = registries.setdefault(image.registry, Registry(image.registry, platform))
                if not registry.answers(hosts):
                    raise Unavailable(f"{image.registry} does not answer")
                registry.pull(image, layout, telling)
                image_here = kept.read(folder, ref, layout.references()[ref])
                if image_here.platform != platform:
                    raise Unavailable(f"the registry has it for {image_here.platform} only, not for {platform}")
                got.append(image_here)
    except Unavailable as error:
        raise EnvironmentFault(
            f"{ref} was not pulled: {error}",
            remedy=_remedy(ref, platform),
            code="registry",
        ) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentFault(f"{folder}: {why}", remedy="free some space there", code="disk") from error
    return got


def _remedy(ref: str, platform: str) -> str:
    if os.environ.get("K8S_TUTOR_REGISTRY_BASE"):
        return "K8S_TUTOR_REGISTRY_BASE names the registry that was asked; does it have this image?"
    there = kept.find(ref, platform)
    if there is not None:
        what = (
            f"a stand-in ({there.stand_in})" if there.stand_in else f"one that was pulled before, {there.digest[:19]}…"
        )
        return f"pull where the network reaches it; k8s-tutor images save would take what is here: {what}"
    return "pull on a machine whose network reaches it, k8s-tutor images save there, and bring the archive"
