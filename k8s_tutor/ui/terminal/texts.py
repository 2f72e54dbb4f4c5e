"""What stands in a terminal beyond its painted rows: links that a program named, lines that wrapped, the history."""

from __future__ import annotations

from typing import Any

from k8s_tutor.ui.terminal import links

MAX_CONTENTS = 2 * 1024 * 1024
"""Characters of the history that are handed out, the newest: a clipboard takes no more gladly."""


class Texts:
    """The part of a ``Core`` that reads single cells and all of the text."""

    _terminal: Any
    _ffi: Any
    _lib: Any

    def _inside(self, x: int, y: int) -> bool:
        # The library takes any number and looks there: only what is on view may be asked for.
        cols, rows = self._terminal.size
        return bool(0 <= x < cols and 0 <= y < rows)

    def link(self, x: int, y: int) -> str:
        """The address that the program gave to this cell of the viewport (OSC 8): tame text, empty if there is none."""
        if not self._inside(x, y):
            return ""
        where = self._terminal.ref(x, y, "viewport")
        raw, length = self._ffi.new("uint8_t[]", links.MAX_LINK), self._ffi.new("size_t*")
        if self._lib.ghostty_grid_ref_hyperlink_uri(where, raw, len(raw), length):
            return ""
        return links.tame(bytes(self._ffi.buffer(raw, min(length[0], len(raw)))).decode("utf-8", "replace"))

    def wrapped(self, y: int) -> bool:
        """Whether row ``y`` of the viewport goes on in the next one, for it did not fit."""
        if not self._inside(0, y):
            return False
        row, told = self._ffi.new("GhosttyRow*"), self._ffi.new("bool*")
        if self._lib.ghostty_grid_ref_row(self._terminal.ref(0, y, "viewport"), row):
            return False
        return not self._lib.ghostty_row_get(row[0], self._lib.GHOSTTY_ROW_DATA_WRAP, told) and bool(told[0])

    def contents(self) -> str:
        """All of it, history and screen, as the lines that were printed: what wrapped is one line again."""
        return str(self._terminal.contents())[-MAX_CONTENTS:]
