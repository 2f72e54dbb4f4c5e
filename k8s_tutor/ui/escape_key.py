"""Escape is a key by itself, soon enough for those who write ``esc`` ``:wq``.

A terminal sends Escape as the byte that also begins every function key, and Alt with a letter as Escape and the letter,
so a program has to wait whether more comes. Textual waits 100 ms, and looks at the clock only when nothing comes: a
quick hand has typed the next letter by then, and vim never sees the Escape. A terminal sends the bytes of one key
together, so a shorter wait is enough. Behind a sign of punctuation, or Enter, Textual loses the Alt in any case; there
Escape and the sign are two keys at once, which is also what a shell wants for Alt and a full stop.
"""

from __future__ import annotations

import os
import re
from functools import wraps

SECONDS = 0.03
"""The wait for more. 25 to 50 ms is what editors in terminals use; over ssh the bytes of a key travel in one packet."""

_ALONE = ":.,;/?!<>+-*=#$%&@'\"(){}|~`\r\t "
_CUT = re.compile(f"(?<=\x1b)(?=[{re.escape(_ALONE)}])")


def hasten() -> None:
    """Have Textual's parser tell an Escape from what follows. Once a process, before the app runs; harmless twice.

    ``$ESCDELAY`` (milliseconds), where it is set, is the wait all the same.
    """
    from textual import constants
    from textual._xterm_parser import XTermParser

    if not os.environ.get("ESCDELAY"):
        setattr(constants, "ESCAPE_DELAY", SECONDS)  # noqa: B010 - Final for those who only read it
    plain_feed = XTermParser.feed
    if getattr(plain_feed, "hastens_escape", False):
        return

    @wraps(plain_feed)
    def feed(self: XTermParser, data: str) -> object:
        events = list(self.tick())  # the wait may be over since long: nobody looked
        for piece in _CUT.split(data):
            # Without a time limit nothing waits: the Escape was told already.
            waiting = self.__dict__.get("_k8s_tutor_escape", False) and self._timeout_time is not None
            if waiting and piece and piece[0] in _ALONE:
                self._timeout_time = 0
                events += self.tick()
            events += plain_feed(self, piece)
            self.__dict__["_k8s_tutor_escape"] = piece.endswith("\x1b")
        return events

    feed.hastens_escape = True  # type: ignore[attr-defined]
    XTermParser.feed = feed  # type: ignore[method-assign, assignment]
