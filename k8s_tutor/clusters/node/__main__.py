"""``python -m k8s_tutor.clusters.node``: make a node's material and print where it is and what each part took."""

from __future__ import annotations

import sys
import time

from k8s_tutor.clusters.node.prepare import prepare
from k8s_tutor.errors import TutorError
from k8s_tutor.phases import Phase, PhaseState


def _tell(phase: Phase) -> None:
    if phase.state in (PhaseState.DONE, PhaseState.FAILED):
        print(f"{phase.seconds:7.1f} s  {phase.title} ({phase.id}): {phase.state}", file=sys.stderr)


def main() -> int:
    """Prepare; returns the exit code."""
    started = time.monotonic()
    try:
        material = prepare(_tell)
    except TutorError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return error.exit_code
    for name in ("bin_dir", "cni_dir", "store_dir", "registry_dir", "kubernetes_version", "images", "stand_ins"):
        print(f"{name}: {getattr(material, name)}")
    print(f"{time.monotonic() - started:7.2f} s in all", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
