"""A timeline as rows with bars to scale: when, who, what, and how long of the whole."""

from __future__ import annotations

import time

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from k8s_tutor.session.timeline import Row, Timeline, Touch, offset
from k8s_tutor.ui.text import ACCENT, BAD, DIM, STRONG, WAIT, clock, line, lines, plain

WHEN, WHO = 11, 17
EIGHTHS = " ▏▎▍▌▋▊▉█"
KNOWN_ROUGHLY = "~ known to the second only (the API server's stamps): its place among its neighbours is not certain"
KNOWN_FINELY = (
    "+ when it was heard of here, or as the component's own event has it; bars to scale, from what came before"
)


def heading(touch: Touch) -> Content:
    """``deployment/nginx-deployment, applied 20:11:40.112 by you (kubectl apply)``."""
    at = clock(touch.at) if touch.rough else f"{clock(touch.at)}.{int(touch.at % 1 * 1000):03d}"
    about = "about " if touch.rough else ""
    by = f" by {plain(touch.by, 60)}" if touch.by else ""
    day = "" if time.time() - touch.at < 80_000 else time.strftime(" on %Y-%m-%d", time.localtime(touch.at))
    return line((plain(touch.subject, 90), STRONG), f", {plain(touch.verb, 20)} {about}{at}{day}{by}")


class TimelineRows(Widget):
    """The rows of one timeline, wrapped to the width there is; the bar stands at the right."""

    DEFAULT_CSS = "TimelineRows { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._timeline: Timeline | None = None

    @property
    def plain(self) -> str:
        """The text alone."""
        return "\n".join(f"{offset(row)} {row.who} {row.what}" for row in self._timeline.rows) if self._timeline else ""

    def show(self, timeline: Timeline | None) -> None:
        """Show this one; painted anew only when it differs."""
        if timeline != self._timeline:
            self._timeline = timeline
            self.display = timeline is not None
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """How many lines the rows take at this width."""
        return len(self._lines(width))

    def render(self) -> Content:
        """The rows."""
        return lines(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        if self._timeline is None:
            return []
        room = width - WHEN - WHO
        bars = max(0, min(30, room * 3 // 10)) if room > 36 else 0
        told = max(12, room - bars - (2 if bars else 0))
        found: list[Content] = []
        for row in self._timeline.rows:
            head = line((f"{offset(row):>{WHEN - 2}}  ", DIM), (f"{plain(row.who, WHO - 2):<{WHO}}", ACCENT))
            body = line((("! " if row.bad else "") + plain(row.what, 300), WAIT if row.bad else "")).wrap(told)
            bar = drawn(row, self._timeline.length, bars)
            first = head + body[0]
            if bars:
                first += Content(" " * max(1, told + 2 - body[0].cell_length)) + line((bar, BAD if row.bad else ACCENT))
            found.append(first)
            found += [Content(" " * (WHEN + WHO)) + piece for piece in body[1:]]
        return found


def drawn(row: Row, length: float, width: int) -> str:
    """The bar of a row, ``width`` cells being the whole: at least the eighth of a cell, in its true place."""
    if not width:
        return ""
    scale = width * 8 / length if length > 0 else 0.0
    begin, end = round(row.began * scale), round(row.ended * scale)
    begin = min(begin, width * 8 - 1)
    end = max(end, begin + 1)
    cell, inside = divmod(begin, 8)
    # A block character fills from its left edge: where the bar begins within a cell, it begins with the next one,
    # unless it would not be seen then.
    if inside and end > (cell + 1) * 8:
        cell, inside = cell + 1, 0
    whole, rest = divmod(end - cell * 8 if not inside else min(end - begin, 8), 8)
    return " " * cell + "█" * whole + (EIGHTHS[rest] if rest else "")
