"""The terminal itself, without a screen: bytes of a program in, rows of cells and bytes for the program out.

Stands on ``pyghostty`` (the core of the Ghostty terminal), pinned exactly: its C interface changes between releases.
It is imported when the first terminal is made, because that takes a quarter of a second. Knows nothing of Textual.
One thread only. Never fewer rows than ``MIN_ROWS``: with a single row the library can crash the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

from k8s_tutor.ui.terminal.cells import PLAIN, CellStyle, Row, read_style, spans_of
from k8s_tutor.ui.terminal.keys import KeyPress, press_of
from k8s_tutor.ui.terminal.library import load
from k8s_tutor.ui.terminal.texts import Texts

MIN_COLS, MIN_ROWS = 20, 4
MAX_SIDE = 1000
SCROLLBACK_LINES = 5000
SCROLLBACK_BYTES = 64 * 1024 * 1024  # the library's default of 10,000 bytes would keep a few hundred lines only
CELL_PIXELS = (8, 16)

BRACKETED_PASTE, ALTERNATE_SCROLL, FOCUS_EVENTS = 2004, 1007, 1004

_LEAVE_ALTERNATE = b"\x1b[?1049l"
# Mouse, paste marks, held frames, kitty keys, margins, colours, hidden cursor. Margins move the cursor: kept aside.
_CALM = b"\x1b[?1;9;1000;1002;1003;1004;1005;1006;1015;2004;2026l\x1b[<9u\x1b7\x1b[r\x1b8\x1b[0m\x1b[?25h"


class Cursor(NamedTuple):
    """Where the cursor stands in the viewport (0-based cells) and how wide it is (1 or 2 cells)."""

    x: int
    y: int
    width: int


class Scroll(NamedTuple):
    """Rows in all, rows above the viewport, rows in the viewport."""

    total: int
    above: int
    shown: int

    @property
    def up(self) -> int:
        """How many rows the viewport is above the newest."""
        return self.total - self.above - self.shown


def clamp(cols: int, rows: int) -> tuple[int, int]:
    """The size that the terminal is given for an area of this many cells."""
    return min(max(cols, MIN_COLS), MAX_SIDE), min(max(rows, MIN_ROWS), MAX_SIDE)


class Core(Texts):
    """One terminal.

    Args:
        cols: Width in cells; raised to ``MIN_COLS``.
        rows: Height in cells; raised to ``MIN_ROWS``.
        reply: Takes bytes that the terminal answers to the program (cursor position, device attributes).
        fg: Red, green, blue that the terminal tells a program who asks for the text's colour.
        bg: The same for the background.

    Raises ImportError or OSError where the library is missing, ``pyghostty.GhosttyError`` where it refuses.
    """

    def __init__(
        self,
        cols: int,
        rows: int,
        reply: Callable[[bytes], None],
        *,
        fg: tuple[int, int, int] | None = None,
        bg: tuple[int, int, int] | None = None,
    ) -> None:
        loaded = load()
        ffi, lib = loaded.ffi, loaded.lib
        self._ffi, self._lib, self._check, self._init_sized = ffi, lib, loaded.check, loaded.init_sized
        self._move = loaded.scroll
        self.bell = False
        self.title_changed = False
        self.held = False
        cols, rows = clamp(cols, rows)
        self._terminal = loaded.make_terminal(cols, rows, scrollback=SCROLLBACK_LINES, fg=fg, bg=bg)
        self._t = self._terminal._t[0]
        self._terminal.on_reply(reply)
        self._keep: list[Any] = []
        self._set("SCROLLBACK_MAX_BYTES", ffi.new("size_t*", SCROLLBACK_BYTES))
        self._listen("BELL", "GhosttyTerminalBellFn", lambda _t, _u: setattr(self, "bell", True))
        self._listen(
            "TITLE_CHANGED", "GhosttyTerminalTitleChangedFn", lambda _t, _u: setattr(self, "title_changed", True)
        )
        self._listen(
            "RENDER_HOLD", "GhosttyTerminalRenderHoldFn", lambda _t, _u, held: setattr(self, "held", bool(held))
        )
        self._terminal.resize(cols, rows, *CELL_PIXELS)
        self._state = self._new("GhosttyRenderState*", lib.ghostty_render_state_new)
        self._rows = self._new("GhosttyRenderStateRowIterator*", lib.ghostty_render_state_row_iterator_new)
        self._cells = self._new("GhosttyRenderStateRowCells*", lib.ghostty_render_state_row_cells_new)
        self._key_encoder = self._new("GhosttyKeyEncoder*", lib.ghostty_key_encoder_new)
        self._key_event = self._new("GhosttyKeyEvent*", lib.ghostty_key_event_new)
        self._mouse_encoder = self._new("GhosttyMouseEncoder*", lib.ghostty_mouse_encoder_new)
        self._mouse_event = self._new("GhosttyMouseEvent*", lib.ghostty_mouse_event_new)
        self._style = loaded.init_sized("GhosttyStyle")
        self._cursor = loaded.init_sized("GhosttyRenderStateCursor")
        self._view = ffi.new("GhosttyCellsView*")
        self._y = ffi.new("uint16_t*")
        self._length = ffi.new("size_t*")
        self._styles: dict[bytes, CellStyle] = {}
        self._at_cells = False

    # ---- making and freeing

    def _new(self, kind: str, make: Callable[[Any, Any], int]) -> Any:
        handle = self._ffi.new(kind)
        self._check(make(self._ffi.NULL, handle), kind)
        return handle

    def _set(self, option: str, value: Any) -> None:
        self._check(
            self._lib.ghostty_terminal_set(self._t, getattr(self._lib, f"GHOSTTY_TERMINAL_OPT_{option}"), value), option
        )

    def _listen(self, option: str, kind: str, function: Callable[..., None]) -> None:
        # The C side keeps the bare pointer; cffi prints tracebacks on stderr, which is the user's screen.
        callback = self._ffi.callback(kind, function, onerror=lambda *_: None)
        self._keep.append(callback)
        self._set(option, callback)

    def close(self) -> None:
        """Free everything; the terminal cannot be used after it. Harmless twice."""
        if self._t is None:
            return
        self._t = None
        self._lib.ghostty_mouse_event_free(self._mouse_event[0])
        self._lib.ghostty_mouse_encoder_free(self._mouse_encoder[0])
        self._lib.ghostty_key_event_free(self._key_event[0])
        self._lib.ghostty_key_encoder_free(self._key_encoder[0])
        self._lib.ghostty_render_state_row_cells_free(self._cells[0])
        self._lib.ghostty_render_state_row_iterator_free(self._rows[0])
        self._lib.ghostty_render_state_free(self._state[0])
        self._terminal.close()
        self._keep.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- in

    def feed(self, data: bytes) -> None:
        """Take output of the program: any bytes, cut anywhere."""
        self._terminal.feed(data)

    def calm(self) -> None:
        """Switch off whatever a program that died had switched on; what it wrote stays."""
        self.feed(b"\x18" + (_LEAVE_ALTERNATE if self.alternate else b"") + _CALM)

    def resize(self, cols: int, rows: int) -> tuple[int, int]:
        """Change the size (lines on the primary screen reflow); returns the size that was really taken."""
        cols, rows = clamp(cols, rows)
        self._terminal.resize(cols, rows, *CELL_PIXELS)
        return cols, rows

    def scroll(self, rows: int) -> None:
        """Move the viewport over the history by ``rows``, negative is up."""
        self._move(self._t, self._lib.GHOSTTY_SCROLL_VIEWPORT_DELTA, rows)

    def scroll_top(self) -> None:
        """Show the oldest rows."""
        self._move(self._t, self._lib.GHOSTTY_SCROLL_VIEWPORT_TOP, 0)

    def scroll_bottom(self) -> None:
        """Show the newest rows."""
        self._move(self._t, self._lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)

    # ---- out

    def rows(self) -> list[Row]:
        """The rows of the viewport that changed since the last call (all of them at the first)."""
        ffi, lib, state, iterator = self._ffi, self._lib, self._state[0], self._rows
        self._check(lib.ghostty_render_state_update(state, self._t), "render_state_update")
        self._check(
            lib.ghostty_render_state_get(state, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, iterator), "row_iterator"
        )
        found: list[Row] = []
        while lib.ghostty_render_state_row_iterator_next_dirty(iterator[0], self._y):
            raw = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW
            self._check(lib.ghostty_render_state_row_get(iterator[0], raw, self._view), "cells_raw")
            words = memoryview(ffi.buffer(self._view.ptr, self._view.len * 8)).cast("Q").tolist()
            self._at_cells = False
            found.append(Row(int(self._y[0]), spans_of(words, self._grapheme, self._style_at)))
        self._check(lib.ghostty_render_state_clean(state), "render_state_clean")
        return found

    def _select(self, column: int) -> Any:
        """The cell in ``column`` of the row that the iterator stands on."""
        lib = self._lib
        if not self._at_cells:
            kind = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS
            self._check(lib.ghostty_render_state_row_get(self._rows[0], kind, self._cells), "cells")
            self._at_cells = True
        self._check(lib.ghostty_render_state_row_cells_select(self._cells[0], column), "cells_select")
        return self._cells[0]

    def _style_at(self, column: int) -> CellStyle:
        cell, lib = self._select(column), self._lib
        if lib.ghostty_render_state_row_cells_get(cell, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, self._style):
            return PLAIN
        key = bytes(self._ffi.buffer(self._style))
        style = self._styles.get(key)
        if style is None:
            if len(self._styles) > 4096:  # a program that uses a new colour for each cell
                self._styles.clear()
            style = self._styles[key] = read_style(self._style)
        return style

    def _grapheme(self, column: int) -> str:
        cell, lib, ffi = self._select(column), self._lib, self._ffi
        text = ffi.new("uint8_t[]", 256)
        buffer = ffi.new("GhosttyBuffer*", {"ptr": text, "cap": 256, "len": 0})
        if lib.ghostty_render_state_row_cells_get(cell, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_UTF8, buffer):
            return ""  # longer than any real glyph: shown as not showable
        return bytes(ffi.buffer(text, buffer.len)).decode("utf-8", "replace")

    def cursor(self) -> Cursor | None:
        """The cursor as of the last ``rows()``; None if it is hidden or scrolled away."""
        data = self._lib.GHOSTTY_RENDER_STATE_DATA_CURSOR
        self._check(self._lib.ghostty_render_state_get(self._state[0], data, self._cursor), "cursor")
        found = self._cursor
        if not (found.visible and found.viewport_has_value):
            return None
        if found.wide_tail and found.viewport_x:
            return Cursor(int(found.viewport_x) - 1, int(found.viewport_y), 2)
        return Cursor(int(found.viewport_x), int(found.viewport_y), 1)

    def scrolled(self) -> Scroll:
        """Where the viewport stands in the history."""
        bar = self._terminal.get("scrollbar", "GhosttyTerminalScrollbar")
        return Scroll(int(bar.total), int(bar.offset), int(bar.len))

    def title(self) -> str:
        """The title the program set: untrusted, so printable characters only and at most 200."""
        found = self._terminal.get("title", "GhosttyString")
        raw = bytes(self._ffi.buffer(found.ptr, min(found.len, 2000))) if found.len else b""
        return "".join(c for c in raw.decode("utf-8", "replace") if c.isprintable())[:200]

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows as they are now (a program can change the columns)."""
        cols, rows = self._terminal.size
        return int(cols), int(rows)

    def mode(self, number: int) -> bool:
        """Whether a DEC private mode is set."""
        return bool(self._terminal.mode(number))

    @property
    def alternate(self) -> bool:
        """Whether a full-screen program (vim, less) has the alternate screen."""
        return bool(self._terminal.get("active_screen", "GhosttyTerminalScreen"))

    @property
    def wants_mouse(self) -> bool:
        """Whether the program asked for mouse events."""
        return bool(self._terminal.get("mouse_tracking", "bool"))

    # ---- what the user does, as bytes for the program

    def key(self, name: str, character: str | None) -> bytes:
        """The bytes for a key, by Textual's name for it and the text it types; empty if there are none."""
        press = press_of(name, character)
        return press if isinstance(press, bytes) else self._encode(press)

    def _encode(self, press: KeyPress) -> bytes:
        lib, event, encoder = self._lib, self._key_event[0], self._key_encoder[0]
        lib.ghostty_key_encoder_setopt_from_terminal(encoder, self._t)
        text = press.text.encode()
        lib.ghostty_key_event_set_action(event, lib.GHOSTTY_KEY_ACTION_PRESS)
        lib.ghostty_key_event_set_key(event, getattr(lib, f"GHOSTTY_KEY_{press.key}"))
        lib.ghostty_key_event_set_mods(event, press.mods)
        lib.ghostty_key_event_set_utf8(event, text or self._ffi.NULL, len(text))
        lib.ghostty_key_event_set_unshifted_codepoint(event, ord(press.text.lower()) if len(press.text) == 1 else 0)
        out = self._ffi.new("char[]", 128)
        self._check(lib.ghostty_key_encoder_encode(encoder, event, out, len(out), self._length), "key_encode")
        return bytes(self._ffi.buffer(out, self._length[0]))

    def mouse(self, action: str, button: int, x: int, y: int, mods: int = 0) -> bytes:
        """The bytes for a mouse event, empty if the program did not ask for it.

        Args:
            action: ``press``, ``release`` or ``motion``.
            button: 1 left, 2 middle, 3 right, 4 wheel up, 5 wheel down, 0 none.
            x: Column, 0-based.
            y: Row, 0-based.
            mods: Bits of ``keys.SHIFT`` and its neighbours.
        """
        lib, ffi, event, encoder = self._lib, self._ffi, self._mouse_event[0], self._mouse_encoder[0]
        lib.ghostty_mouse_encoder_setopt_from_terminal(encoder, self._t)
        cols, rows = self.size
        width, height = CELL_PIXELS
        size = self._init_sized("GhosttyMouseEncoderSize")
        size.screen_width, size.screen_height = cols * width, rows * height
        size.cell_width, size.cell_height = width, height
        lib.ghostty_mouse_encoder_setopt(encoder, lib.GHOSTTY_MOUSE_ENCODER_OPT_SIZE, size)
        pressed = ffi.new("bool*", bool(button) and action != "release")
        lib.ghostty_mouse_encoder_setopt(encoder, lib.GHOSTTY_MOUSE_ENCODER_OPT_ANY_BUTTON_PRESSED, pressed)
        lib.ghostty_mouse_event_set_action(event, getattr(lib, f"GHOSTTY_MOUSE_ACTION_{action.upper()}"))
        if button:
            lib.ghostty_mouse_event_set_button(event, {2: 3, 3: 2}.get(button, button))
        else:
            lib.ghostty_mouse_event_clear_button(event)
        lib.ghostty_mouse_event_set_mods(event, mods)
        middle = ffi.new("GhosttyMousePosition*", {"x": x * width + width / 2, "y": y * height + height / 2})
        lib.ghostty_mouse_event_set_position(event, middle[0])
        out = ffi.new("char[]", 64)
        self._check(lib.ghostty_mouse_encoder_encode(encoder, event, out, len(out), self._length), "mouse_encode")
        return bytes(ffi.buffer(out, self._length[0]))

    def paste(self, text: str) -> bytes:
        """The bytes of pasted text: control characters disarmed, marked as a paste if the program asked for that."""
        data = text.encode("utf-8", "replace")
        source, out = self._ffi.from_buffer("char[]", bytearray(data)), self._ffi.new("char[]", len(data) + 64)
        self._check(
            self._lib.ghostty_paste_encode(source, len(data), self.mode(BRACKETED_PASTE), out, len(out), self._length),
            "paste_encode",
        )
        return bytes(self._ffi.buffer(out, self._length[0]))
