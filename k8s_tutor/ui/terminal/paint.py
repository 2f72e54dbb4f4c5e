"""From the terminal's rows to Textual's strips: styles, cursor, selection."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from k8s_tutor.ui.terminal.cells import PLAIN, CellStyle, Colour, Row

CURSOR_FOCUSED = Style(reverse=True)
CURSOR_BLURRED = Style(underline=True)


def _colour(colour: Colour) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)


@lru_cache(maxsize=4096)
def rich_style(style: CellStyle) -> Style:
    """The style as Rich knows it."""
    if style == PLAIN:
        return Style.null()
    return Style(
        color=_colour(style.fg),
        bgcolor=_colour(style.bg),
        bold=style.bold or None,
        italic=style.italic or None,
        dim=style.faint or None,
        blink=style.blink or None,
        reverse=style.inverse or None,
        conceal=style.invisible or None,
        strike=style.strike or None,
        overline=style.overline or None,
        underline=style.underline == 1 or style.underline > 2 or None,
        underline2=style.underline == 2 or None,
    )


def strip_of(row: Row) -> Strip:
    """The row as a strip, without the pane's own colours (those go under it when it is drawn)."""
    return Strip([Segment(text, rich_style(style)) for text, style in row.spans])


def over(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """The strip with ``style`` on top of its cells ``start`` to ``end`` (exclusive); ``apply_style`` goes beneath."""
    width = strip.cell_length
    start, end = max(0, start), min(end, width)
    if start >= end:
        return strip
    marked = Strip([Segment(text, (own or Style.null()) + style) for text, own, _ in strip.crop(start, end)])
    return Strip.join([strip.crop(0, start), marked, strip.crop(end, width)])


def note_over(strip: Strip, note: str) -> Strip:
    """The strip with a short note over its right end, if there is room for it."""
    width = strip.cell_length
    if len(note) > width:
        return strip
    return Strip.join([strip.crop(0, width - len(note)), Strip([Segment(note, Style(reverse=True, dim=True))])])
