"""The tutor itself: the only command that loads the screens."""

from __future__ import annotations

import argparse
import gc
import os
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
    if getattr(options, "provider", None):
        from k8s_tutor.clusters import choose

        # The learner's shell and the commands in it are to mean the same cluster.
        os.environ[choose.VARIABLE] = choose.wish(options.provider)
    # Modules are loaded to stay: searching them for garbage took a seventh of the time.
    gc.disable()
    from k8s_tutor.ui.app import run as run_app

    gc.freeze()
    gc.enable()
    # While thousands of objects are read and judged in other threads, the screen waits this long for its turn, and
    # several times for one key.
    sys.setswitchinterval(0.0005)
    return run_app(name, context, lab)
