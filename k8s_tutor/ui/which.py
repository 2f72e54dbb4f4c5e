"""Which screen is this? Asked without loading any: a screen whose module was never loaded cannot be there.

The lab's modules take twice as long to load as the rest of a start together, and home needs none of them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from k8s_tutor.ui.screens.bringup import BringUpScreen
    from k8s_tutor.ui.screens.lab import LabScreen


def is_lab(screen: object) -> TypeGuard[LabScreen]:
    """Whether it is a lab's screen."""
    return _is(screen, "lab", "LabScreen")


def is_bringup(screen: object) -> TypeGuard[BringUpScreen]:
    """Whether it is the screen on which the cluster comes up."""
    return _is(screen, "bringup", "BringUpScreen")


def _is(screen: object, module: str, name: str) -> bool:
    loaded = sys.modules.get(f"k8s_tutor.ui.screens.{module}")
    return loaded is not None and isinstance(screen, getattr(loaded, name, ()))
