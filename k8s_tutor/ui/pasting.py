"""Pasted text stays text, whatever is in it.

The terminal marks a paste (``ESC [200~`` … ``ESC [201~``). Textual's parser looks for keys behind each escape
character, also inside the marks: with an escape in the clipboard a part of the pasted text would arrive as keys that
were pressed, Enter among them, and a command would run. No terminal means anything by an escape inside a paste, so it
is taken out before the parser sees it.
"""

from __future__ import annotations

from functools import wraps

START, END = "\x1b[200~", "\x1b[201~"


class Pastes:
    """Filters what comes from the keyboard, piece by piece; the pieces may be cut anywhere."""

    def __init__(self) -> None:
        self._inside = False
        self._kept = ""
        self._tail = ""  # nothing is held back outside: a lone escape is a key, and a start mark may come in two pieces

    def clean(self, data: str) -> str:
        """``data`` without the escapes that stand inside a paste; what may be half an end mark is kept for later."""
        data = self._kept + data
        self._kept = ""
        out = []
        while data:
            if not self._inside:
                at = (self._tail + data).find(START)
                end = len(data) if at < 0 else at + len(START) - len(self._tail)
                out.append(data[:end])
                self._inside = at >= 0
                self._tail = "" if self._inside else (self._tail + data)[1 - len(START) :]
                data = data[end:]
                continue
            text, mark, rest = data.partition(END)
            if mark:
                out += (text.replace("\x1b", ""), mark)
                self._inside = False
                data = rest
                continue
            cut = next((n for n in range(len(END) - 1, 0, -1) if data.endswith(END[:n])), 0)
            if cut:
                self._kept = data[-cut:]
                data = data[:-cut]
            out.append(data.replace("\x1b", ""))
            break
        return "".join(out)


def harden() -> None:
    """Have Textual's terminal parser read through ``Pastes``. Once a process, before the app runs; harmless twice."""
    from textual._xterm_parser import XTermParser

    plain_feed = XTermParser.feed
    if getattr(plain_feed, "cleans_pastes", False):
        return

    @wraps(plain_feed)
    def feed(self: XTermParser, data: str) -> object:
        pastes = self.__dict__.setdefault("_k8s_tutor_pastes", Pastes())
        cleaned = pastes.clean(data)
        # Nothing at all means the end of the input to the parser.
        return plain_feed(self, cleaned) if cleaned or not data else ()

    feed.cleans_pastes = True  # type: ignore[attr-defined]
    XTermParser.feed = feed  # type: ignore[method-assign,assignment]
