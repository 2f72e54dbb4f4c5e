"""The clipboard, also where the tutor runs inside tmux.

The terminal's own sequence (OSC 52) reaches the learner's clipboard also over ssh. tmux as it is set up by default does
not pass it on from a program in a pane, but does so for itself: there the text is handed to tmux as well, which keeps
it as its newest buffer (prefix + ] pastes it) and sends it to the terminal.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import Any

from textual.app import App

SECONDS = 5.0


def to_tmux(text: str) -> bool:
    """Hand ``text`` to the tmux that we run in; false if it did not take it. Blocks for some milliseconds."""
    for more in (["-w"], []):  # before 3.2 it has no -w
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(
                ["tmux", "load-buffer", *more, "-"],
                input=text.encode("utf-8", "replace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
            if done.returncode == 0:
                return True
    return False


class Clipboard(App[int]):
    """An app whose copies arrive."""

    def copy_to_clipboard(self, text: str) -> None:
        """Copy, by the terminal and, inside tmux, by tmux."""
        super().copy_to_clipboard(text)
        if text and os.environ.get("TMUX") and not self.is_headless:
            threading.Thread(target=to_tmux, args=(text,), daemon=True, name="clipboard").start()


def desktop() -> bool:
    """Whether a browser that is opened here appears before the learner: a desktop, and nobody came over ssh."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def opens_links(app: App[Any]) -> bool:
    """Whether the app can show a web page to the learner: in a browser it always can."""
    return app.is_web or desktop()
