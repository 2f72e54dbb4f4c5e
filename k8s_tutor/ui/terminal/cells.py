"""Rows of the terminal's grid as text with styles: what the screen draws and what tests compare.

A cell is one 64-bit word (layout published by ``ghostty_type_json`` and compared at the self-test): tag in bits
0-1, content in 2-25, style id in 26-41, width class in 42-43, whether it is a link in 45. Style ids are local to a
page of the library, so they are looked up anew in each row and cached by the bytes of the style itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rich.cells import cell_len

CONTENT_SHIFT, CODEPOINT_MASK = 2, 0x1FFFFF
STYLE_SHIFT, STYLE_MASK = 26, 0xFFFF
WIDE_SHIFT, WIDE_MASK = 42, 0x3
TAG_MASK = 0x3
LINK_SHIFT = 45
TAG_CODEPOINT, TAG_GRAPHEME, TAG_PALETTE, TAG_RGB = range(4)
NARROW, WIDE, TAIL, HEAD = range(4)

UNSHOWABLE = "\N{REPLACEMENT CHARACTER}"

Colour = int | tuple[int, int, int] | None
"""A palette index (0 to 255), red, green, blue (0 to 255 each), or the pane's own colour."""


class CellStyle(NamedTuple):
    """How a cell looks; the defaults are a plain cell."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    italic: bool = False
    faint: bool = False
    blink: bool = False
    inverse: bool = False
    invisible: bool = False
    strike: bool = False
    overline: bool = False
    underline: int = 0


PLAIN = CellStyle()


class Span(NamedTuple):
    """A part of a row in one style; the text's cell width is exactly the number of cells it stands for."""

    text: str
    style: CellStyle


class Row(NamedTuple):
    """A row of the viewport that changed: its number from the top (0-based) and its spans from the left."""

    y: int
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The row's text, blanks at the end included."""
        return "".join(span.text for span in self.spans)


def _fitting(glyph: str, cells: int) -> str:
    """``glyph`` if the drawing side gives it the same width, else a replacement that has it."""
    # Rich and Ghostty differ on flags, skin tones and lone joiners; one wrong width breaks the whole line.
    if glyph.isprintable() and cell_len(glyph) == cells:
        return glyph
    return UNSHOWABLE if cells == 1 else UNSHOWABLE + " " * (cells - 1)


def _joined(glyphs: list[str], cells: int) -> str:
    text = "".join(glyphs)
    if text.isascii() or cell_len(text) == cells:
        return text
    # Glyphs that fit alone can fuse when joined (an emoji and a joiner of the next cell).
    return "".join(g if g.isascii() else UNSHOWABLE + " " * (cell_len(g) - 1) for g in glyphs)


def spans_of(
    words: list[int], grapheme: Callable[[int], str], style_at: Callable[[int], CellStyle]
) -> tuple[Span, ...]:
    """The spans of one row.

    Args:
        words: The row's cells, one 64-bit word each, from the left.
        grapheme: The whole text of the cell in a column whose tag says that it has several code points.
        style_at: The style of the cell in a column; asked once for each style id of the row.
    """
    count = len(words)
    if not any(words):
        return (Span(" " * count, PLAIN),)
    styles: dict[int, CellStyle] = {0: PLAIN}
    spans: list[Span] = []
    glyphs: list[str] = []
    width = 0
    current: CellStyle = PLAIN
    column = 0
    while column < count:
        word = words[column]
        tag = word & TAG_MASK
        kind = word >> WIDE_SHIFT & WIDE_MASK
        style_id = word >> STYLE_SHIFT & STYLE_MASK
        style = styles.get(style_id)
        if style is None:
            style = styles[style_id] = style_at(column)
        if word >> LINK_SHIFT & 1 and not style.underline:
            style = style._replace(underline=1)  # a link that does not look like one is found by nobody
        cells = 1
        if tag == TAG_CODEPOINT:
            code = word >> CONTENT_SHIFT & CODEPOINT_MASK
            if kind == NARROW and 32 <= code < 127:
                glyph = chr(code)
            elif code == 0 or kind >= TAIL:
                glyph = " "
            else:
                cells = _cells(words, column, kind)
                glyph = _fitting(chr(code), cells)
        elif tag == TAG_GRAPHEME:
            cells = _cells(words, column, kind)
            glyph = _fitting(grapheme(column), cells)
        else:
            glyph = " "
            style = style._replace(bg=_background(word, tag))
        if style != current:
            if glyphs:
                spans.append(Span(_joined(glyphs, width), current))
            glyphs, width, current = [], 0, style
        glyphs.append(glyph)
        width += cells
        column += cells
    spans.append(Span(_joined(glyphs, width), current))
    return tuple(spans)


def _cells(words: list[int], column: int, kind: int) -> int:
    """2 where a wide cell has its tail beside it, else 1 (a wide flag can be left on a cell that was cut)."""
    if kind != WIDE or column + 1 >= len(words):
        return 1
    return 2 if words[column + 1] >> WIDE_SHIFT & WIDE_MASK == TAIL else 1


def _background(word: int, tag: int) -> Colour:
    content = word >> CONTENT_SHIFT
    if tag == TAG_PALETTE:
        return content & 0xFF
    return content & 0xFF, content >> 8 & 0xFF, content >> 16 & 0xFF


def read_style(struct: Any) -> CellStyle:
    """The style in a filled ``GhosttyStyle``."""

    def colour(value: Any) -> Colour:
        if value.tag == 1:
            return int(value.value.palette)
        if value.tag == 2:
            rgb = value.value.rgb
            return int(rgb.r), int(rgb.g), int(rgb.b)
        return None

    return CellStyle(
        colour(struct.fg_color),
        colour(struct.bg_color),
        bool(struct.bold),
        bool(struct.italic),
        bool(struct.faint),
        bool(struct.blink),
        bool(struct.inverse),
        bool(struct.invisible),
        bool(struct.strikethrough),
        bool(struct.overline),
        int(struct.underline),
    )
