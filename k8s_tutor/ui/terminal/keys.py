"""What is typed: from Textual's names of keys to what the encoder takes, and from a command to what a prompt may get.

Tables only; the encoding itself (application cursor keys, the kitty protocol, ...) is the library's, in ``core.py``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LEAVE_KEYS = frozenset({"f6", "ctrl+right_square_bracket"})
"""The two keys that leave the terminal: no shell default uses them, every terminal and multiplexer sends them."""

SHIFT, CTRL, ALT, SUPER = 1, 2, 4, 8
_MODIFIERS = {"shift": SHIFT, "ctrl": CTRL, "alt": ALT, "meta": ALT, "super": SUPER}

_NAMED = {
    "enter": "ENTER",
    "return": "ENTER",
    "tab": "TAB",
    "backspace": "BACKSPACE",
    "escape": "ESCAPE",
    "delete": "DELETE",
    "insert": "INSERT",
    "home": "HOME",
    "end": "END",
    "pageup": "PAGE_UP",
    "pagedown": "PAGE_DOWN",
    "up": "ARROW_UP",
    "down": "ARROW_DOWN",
    "left": "ARROW_LEFT",
    "right": "ARROW_RIGHT",
    "space": "SPACE",
    **{f"f{n}": f"F{n}" for n in range(1, 25)},
}

# The encoder would send these as CSI u, which a shell that did not ask for it cannot read.
_BY_HAND = {
    "ctrl+@": b"\x00",
    "ctrl+at": b"\x00",
    "ctrl+space": b"\x00",
    "ctrl+left_square_bracket": b"\x1b",
    "ctrl+backslash": b"\x1c",
    "ctrl+right_square_bracket": b"\x1d",
    "ctrl+circumflex_accent": b"\x1e",
    "ctrl+underscore": b"\x1f",
    "ctrl+minus": b"\x1f",
    "ctrl+slash": b"\x1f",
}


class KeyPress(NamedTuple):
    """A key for the encoder: the suffix of ``GHOSTTY_KEY_``, modifier bits, its text without modifiers."""

    key: str
    mods: int
    text: str


def press_of(name: str, character: str | None) -> KeyPress | bytes:
    """What a key event means: bytes that can be sent as they are, or a press for the encoder.

    Args:
        name: As Textual names it: ``a``, ``ctrl+c``, ``shift+tab``, ``alt+full_stop``.
        character: The text the key types, None for one that types nothing.

    Returns:
        Empty bytes for a key that no terminal can send.
    """
    if name in _BY_HAND:
        return _BY_HAND[name]
    *prefixes, base = name.split("+")
    mods = 0
    for prefix in prefixes:
        mods |= _MODIFIERS.get(prefix, 0)
    if base in _NAMED:
        if base == "space" and not mods & (CTRL | ALT | SUPER):
            return b" "
        return KeyPress(_NAMED[base], mods, " " if base == "space" else "")
    text = base if len(base) == 1 else (character or "")
    if len(text) == 2 and text[0] == "\x1b":
        text = text[1:]
    if not text or not text.isprintable():
        return b""
    if not mods & (CTRL | ALT | SUPER):
        return (character if character and character.isprintable() else text).encode()
    letter = text.upper() if len(text) == 1 and text.isascii() and text.isalpha() else ""
    key = letter or (f"DIGIT_{text}" if text in "0123456789" else "UNIDENTIFIED")
    return KeyPress(key, mods, text)


MAX_INSERT = 4096
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|.)?")
_BREAK = re.compile(r"[ \t]*\\?[\r\n]+[ \t]*")


def command_text(text: str) -> str:
    """``text`` as one line that a shell cannot take for Enter or for a control character; at most 4096 characters."""
    line = _BREAK.sub(" ", _ESCAPE.sub("", text).strip()).replace("\t", " ")
    return "".join(c for c in line if c.isprintable())[:MAX_INSERT].strip()
