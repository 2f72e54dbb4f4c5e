"""Where things are kept, after the XDG base directory specification.

cache: what can be made again (binaries, images). state: clusters that run, progress, logs.
data: the learner's workspace is ``~/k8s-tutor`` (``K8S_TUTOR_HOME`` names another folder).
Every function reads the environment anew, so that tests and several users can differ.
"""

from __future__ import annotations

import os
from pathlib import Path

APP = "k8s-tutor"


def cache_dir() -> Path:
    """Folder of what can be made again: ``$XDG_CACHE_HOME/k8s-tutor``."""
    return _xdg("XDG_CACHE_HOME", ".cache") / APP


def state_dir() -> Path:
    """Folder of what must survive a crash: ``$XDG_STATE_HOME/k8s-tutor``."""
    return _xdg("XDG_STATE_HOME", ".local/state") / APP


def config_dir() -> Path:
    """Folder of the user's own settings: ``$XDG_CONFIG_HOME/k8s-tutor``."""
    return _xdg("XDG_CONFIG_HOME", ".config") / APP


def workspace_dir() -> Path:
    """Folder of the learner's own files: ``$K8S_TUTOR_HOME`` or ``~/k8s-tutor``."""
    named = os.environ.get("K8S_TUTOR_HOME")
    return Path(named) if named else Path.home() / APP


def _xdg(variable: str, fallback: str) -> Path:
    named = os.environ.get(variable, "")
    # The specification: a relative path is invalid and must be ignored.
    return Path(named) if os.path.isabs(named) else Path.home() / fallback
