"""The tutor itself: the only command that loads the screens."""

from __future__ import annotations

import argparse
import sys

from k8s_tutor.errors import UsageError


def run(options: argparse.Namespace) -> int:
    """Open the tutor on a terminal. Raises UsageError without one."""
    name, context = getattr(options, "cluster", None), getattr(options, "context", None)
    if name and context:
        raise UsageError("name either --cluster or --context, not both")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the tutor needs a terminal",
            remedy="without one: k8s-tutor lesson lab1, k8s-tutor check lab1, k8s-tutor --help",
            code="no-terminal",
        )
    lab = getattr(options, "lab", None)
    if lab:
        from k8s_tutor.labs.loader import find

        find(lab)
    from k8s_tutor.session.places import DEFAULT_NAME, chosen_name
    from k8s_tutor.ui.app import run as run_app

    return run_app(DEFAULT_NAME if context else chosen_name(name), context, lab)
