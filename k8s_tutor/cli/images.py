"""``k8s-tutor images …``: everything that labs need, for a classroom behind one slow line."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.checks.images import normalise
from k8s_tutor.cli.cluster import Narrator
from k8s_tutor.clusters.images import kept
from k8s_tutor.clusters.images.kept import Kept
from k8s_tutor.errors import EXIT_PASS, EnvironmentFault, UsageError
from k8s_tutor.phases import Phase, PhaseState

PROBER = "nginx"
"""What the tutor's own prober pod runs where only pods reach pods (``kube/podprober.py``)."""


@dataclass(frozen=True)
class Wanted:
    """An image that labs need: as they write it, its whole reference, and lab -> ids of the steps."""

    written: str
    ref: str
    labs: dict[str, tuple[str, ...]]


def wanted(names: Sequence[str]) -> list[Wanted]:
    """What these labs (none named: all) need, by whole reference. Raises UsageError for an unknown lab."""
    from k8s_tutor.labs.images import needed
    from k8s_tutor.labs.loader import labs, load

    found: dict[str, Wanted] = {}
    for name in names or [info.id for info in labs()]:
        lab = load(name)
        images = needed(lab)
        images.setdefault(PROBER, ())
        for written, steps in images.items():
            ref = whole(written)
            known = found.setdefault(ref, Wanted(written, ref, {}))
            before = known.labs.get(lab.id, ())
            known.labs[lab.id] = (*before, *(step for step in steps if step not in before))
    return [found[ref] for ref in sorted(found)]


def whole(written: str) -> str:
    """``nginx`` -> ``docker.io/library/nginx:latest``. Raises UsageError for what is no image's name."""
    image = normalise(written)
    if image is None or image.digest:
        raise UsageError(f"{written[:100]!r} is no image's name with a tag", code="image")
    return f"{image.host}/{image.repository}:{image.tag}"


def listed(options: argparse.Namespace) -> int:
    """Say which images the labs need, what of them is here, and where it would come from."""
    platform = options.platform or kept.default_platform()
    rows = [(each, kept.find(each.ref, platform)) for each in wanted(options.labs)]
    if options.output == "json":
        print(json.dumps([_row(each, here, platform) for each, here in rows], indent=1))
        return EXIT_PASS
    for each, here in rows:
        print(each.ref)
        for lab, steps in each.labs.items():
            print(f"    {lab}: {', '.join(steps) or 'the tutor’s own requests, where only pods reach pods'}")
        if here is None:
            print(f"    not here for {platform}: k8s-tutor images pull")
        else:
            print(f"    {here.digest}  {_megabytes(here.size)}  {here.platform}, {_where(here)}")
    return EXIT_PASS


def _row(each: Wanted, here: Kept | None, platform: str) -> dict[str, object]:
    row: dict[str, object] = {"image": each.written, "ref": each.ref, "platform": platform}
    row["labs"] = {lab: list(steps) for lab, steps in each.labs.items()}
    row["here"] = here is not None
    if here is not None:
        row |= {"digest": here.digest, "size": here.size, "where": here.where, "stand_in": here.stand_in}
    return row


def _where(here: Kept) -> str:
    return f"{here.where}; a stand-in: {here.stand_in}" if here.stand_in else here.where


def pull(options: argparse.Namespace) -> int:
    """Pull what the labs need from their registries."""
    from k8s_tutor.clusters.images.pulling import pull as pull_all

    platform = options.platform or kept.default_platform()
    for here in pull_all([each.ref for each in wanted(options.labs)], platform, Narrator()):
        print(f"{here.ref}  {here.digest}  {_megabytes(here.size)}")
    return EXIT_PASS


def save(options: argparse.Namespace) -> int:
    """Write what the labs need into one archive."""
    from k8s_tutor.clusters.images.archive import save as write

    platform = options.platform or kept.default_platform()
    images, lacking = [], []
    for each in wanted(options.labs):
        here = kept.find(each.ref, platform)
        if here is None:
            lacking.append(each.ref)
        else:
            images.append(here)
    if lacking:
        raise EnvironmentFault(
            f"not here for {platform}: {', '.join(lacking)}",
            remedy="k8s-tutor images pull" + (f" --platform {platform}" if options.platform else ""),
            code="images",
        )
    target = Path(options.file)
    with _Telling("save", f"saving {target.name}") as tell:
        size = write(images, target, tell)
    for image in images:
        print(f"{image.ref}  {image.digest}  {_where(image)}")
    print(f"{target}: {len(images)} images, {_megabytes(size)}; k8s-tutor images load {target}")
    return EXIT_PASS


def load(options: argparse.Namespace) -> int:
    """Put the images of an archive onto every node of a cluster, each byte verified first."""
    from k8s_tutor.clusters.images.archive import verify
    from k8s_tutor.session.places import chosen

    archive = Path(options.file)
    with _Telling("verify", f"verifying {archive.name}") as tell:
        images = verify(archive, tell)
    platform = kept.default_platform()
    foreign = [image for image in images if image.platform != platform]
    if foreign:
        raise UsageError(
            f"{archive}: {foreign[0].ref} is for {foreign[0].platform}, this machine's nodes are {platform}",
            remedy=f"k8s-tutor images pull --platform {platform}, then save --platform {platform}",
            code="platform",
        )
    meant = chosen(options.name, options.provider)
    meant.provider.load_images(meant.name, archive, report=Narrator())
    for image in images:
        print(f"{image.ref}  {image.digest}" + (f"  a stand-in: {image.stand_in}" if image.stand_in else ""))
    print(f"{len(images)} images are on every node of cluster {meant.name}")
    always = [image.ref for image in images if image.ref.endswith(":latest")]
    cluster = meant.provider.status(meant.name)
    if always and cluster is not None and cluster.egress:
        print(
            f"note: {', '.join(always)}: a node asks a registry for an image of the tag latest each time a container "
            "starts, unless the manifest says imagePullPolicy: IfNotPresent; without a registry that container waits",
            file=sys.stderr,
        )
    return EXIT_PASS


class _Telling:
    """A phase whose progress is bytes."""

    def __init__(self, phase_id: str, title: str) -> None:
        self._phase = Phase(phase_id, title, "every byte is checked against its digest", PhaseState.RUNNING)
        self._narrator = Narrator()
        self._began = time.monotonic()

    def __enter__(self) -> _Telling:
        self._narrator(self._phase)
        return self

    def __call__(self, done: int, whole: int) -> None:
        from dataclasses import replace

        spent = time.monotonic() - self._began
        left = (whole - done) * spent / done if done else None
        fraction = done / whole if whole else None
        self._narrator(replace(self._phase, seconds=spent, fraction=fraction, seconds_left=left))

    def __exit__(self, kind: object, error: object, _trace: object) -> None:
        from dataclasses import replace

        state = PhaseState.DONE if kind is None else PhaseState.FAILED
        self._narrator(replace(self._phase, state=state, seconds=time.monotonic() - self._began))


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
