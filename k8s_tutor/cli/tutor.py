"""The tutor itself: the only command that loads the screens."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading

from k8s_tutor.errors import UsageError

SETTLED = 3.0
"""Seconds after which the first screen stands: what is there then is not searched for garbage any more."""


GARBAGE = (2_000, 10, 100)
"""How many new objects make Python search them for garbage, and how many searches a wider one. With Python's own (700)
thousands of objects that came from a cluster are gone through several times a second, and a key waits; a search of
10,000 took 10 ms, one of ten times that 40, and a key waited that long."""


def _collect() -> None:
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()


def run(options: argparse.Namespace) -> int:
    """Open the tutor on a terminal. Raises UsageError without one."""
    name, context = getattr(options, "cluster", None), getattr(options, "context", None)
    if name and context:
        raise UsageError("name either --cluster or --context, not both")
    # In a browser the screen is drawn on the other side of two pipes.
    served = os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")
    if not served and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the tutor needs a terminal",
            remedy="without one: k8s-tutor lesson lab1, k8s-tutor check lab1, k8s-tutor --help",
            code="no-terminal",
        )
    lab, seed = getattr(options, "lab", None), getattr(options, "seed", None)
    if seed is not None and not lab:
        raise UsageError("a seed is for one lab", remedy=f"name the lab: k8s-tutor --lab LAB --seed {seed[:64]}")
    if lab and seed is not None:
        from k8s_tutor.session.variant import own

        own(lab, seed)
    elif lab:
        from k8s_tutor.labs.loader import find

        find(lab)
    from k8s_tutor.clusters import choose

    wish = choose.wish(getattr(options, "provider", None))
    if wish != choose.AUTO:
        # The learner's shell and the commands in it are to mean the same cluster.
        os.environ[choose.VARIABLE] = wish
    # Modules, screens and objects are made to stay: searching them for garbage took a seventh of the time.
    gc.disable()
    later = threading.Timer(SETTLED, _collect)
    later.daemon = True
    later.start()
    from k8s_tutor.ui.app import run as run_app

    # While thousands of objects are read and judged in other threads, the screen waits this long for its turn, and
    # several times for one key.
    sys.setswitchinterval(0.0005)
    return run_app(name, context, lab)
