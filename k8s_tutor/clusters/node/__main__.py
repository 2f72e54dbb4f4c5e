"""``python -m k8s_tutor.clusters.node [kind]``: make a node's material and print where it is and what each part took.

With ``kind`` also the kind program and the node image for it.
"""

from __future__ import annotations

import sys
import time

from k8s_tutor.clusters.node.prepare import prepare, root_dir
from k8s_tutor.errors import TutorError
from k8s_tutor.phases import Phase, PhaseState

_SILENCE = 15.0
"""Seconds after which a phase that goes on says how far it is."""


class _Teller:
    """Prints each phase when it ends, and now and then how far the running ones are."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def __call__(self, phase: Phase) -> None:
        now = time.monotonic()
        if phase.state in (PhaseState.DONE, PhaseState.FAILED):
            print(f"{phase.seconds:7.1f} s  {phase.title} ({phase.id}): {phase.state}", file=sys.stderr, flush=True)
        elif phase.state is PhaseState.RUNNING and now - self._said.get(phase.id, now - _SILENCE) >= _SILENCE:
            self._said[phase.id] = now
            part = f"{phase.fraction:.0%}" if phase.fraction is not None else "under way"
            left = f", about {phase.seconds_left:.0f} s left" if phase.seconds_left is not None else ""
            print(f"{phase.seconds:7.1f} s  {phase.title} ({phase.id}): {part}{left}", file=sys.stderr, flush=True)


def main() -> int:
    """Prepare; returns the exit code."""
    started = time.monotonic()
    try:
        teller = _Teller()
        material = prepare(teller)
        if "kind" in sys.argv[1:]:
            from k8s_tutor.clusters.node import kind_image, tools

            print(f"kind: {tools.ensure('kind', root_dir(), teller)}")
            print(f"kind node image: {kind_image.make(teller).reference}")
    except TutorError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return error.exit_code
    for name in ("bin_dir", "cni_dir", "store_dir", "registry_dir", "kubernetes_version", "images", "stand_ins"):
        print(f"{name}: {getattr(material, name)}")
    print(f"{time.monotonic() - started:7.2f} s in all", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
