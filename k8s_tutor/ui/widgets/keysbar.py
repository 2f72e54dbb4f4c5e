"""The keys that are there now, in one or two rows: by a click as well, dimmed where they can do nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from k8s_tutor.ui.bindings import SHORT
from k8s_tutor.ui.reasons import Reasons
from k8s_tutor.ui.text import ACCENT, DIM, line, lines, plain

if TYPE_CHECKING:
    from textual.screen import Screen

GAP = 2
ROWS = 2
PINNED = ("help", "palette", "quit_tutor")
"""Ids of keys that are shown even where others have no room: they lead to all others."""


@dataclass(frozen=True)
class Item:
    """One key as it is shown. ``key`` is Textual's name of it, ``action`` what it does."""

    key: str
    display: str
    label: str
    action: str
    enabled: bool
    tip: str = ""
    pinned: bool = False

    def text(self, *, short: bool) -> Content:
        """``h hint``."""
        label = SHORT.get(self.label, self.label.split(" ")[0]) if short else self.label
        key = (self.display, f"bold {ACCENT}" if self.enabled else f"dim {DIM}")
        return line(key, (f" {plain(label, 30)}" if label else "", DIM if self.enabled else f"dim {DIM}"))


class KeysBar(Widget, can_focus=False):
    """Docked below; painted anew only when the keys, their state or the width changed."""

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._items: tuple[Item, ...] = ()
        self._placed: list[list[tuple[int, int, Item]]] = []

    def on_mount(self) -> None:
        """Listen for other keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        if screen is self.screen:
            self.look()

    def look(self) -> None:
        """Take over the keys as they are now."""
        found: dict[str, Item] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in found:
                found[binding.action] = Item(
                    binding.key,
                    self.app.get_key_display(binding),
                    binding.description,
                    binding.action,
                    active.enabled,
                    binding.tooltip,
                    binding.id in PINNED,
                )
        items = tuple(found.values())
        if items != self._items:
            before, self._items = len(self._arranged(self.size.width)[0]), items
            self.refresh(layout=len(self._arranged(self.size.width)[0]) != before)

    def _arranged(self, width: int) -> tuple[list[list[tuple[Item, Content]]], bool]:
        """The keys in rows of this width, whole words if there is room; whether all are there."""
        for short in (False, True):
            texts = [(item, item.text(short=short)) for item in self._items]
            rows = _fill(texts, width)
            if len(rows) <= ROWS:
                return rows, True
        pinned = [pair for pair in texts if pair[0].pinned]
        others = [pair for pair in texts if not pair[0].pinned]
        while others and len(rows) > ROWS:
            others.pop()
            rows = _fill(others + pinned, width)
        return rows[:ROWS], False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One or two rows."""
        return max(1, len(self._arranged(width)[0]))

    def render(self) -> Content:
        """The rows; remembers what stands where."""
        shown, self._placed = [], []
        for row in self._arranged(self.size.width)[0]:
            at, places = 1, []
            for item, text in row:
                places.append((at, at + text.cell_length, item))
                at += text.cell_length + GAP
            self._placed.append(places)
            shown.append(line(" ", Content(" " * GAP).join([text for _, text in row])))
        return lines(shown)

    def item_at(self, x: int, y: int) -> Item | None:
        """The key that stands there."""
        row = self._placed[y] if 0 <= y < len(self._placed) else []
        return next((item for start, end, item in row if start <= x <= end), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """What the key under the pointer is for."""
        at = event.get_content_offset(self)
        item = self.item_at(at.x, at.y) if at else None
        self.tooltip = item.tip if item else None

    def on_click(self, event: events.Click) -> None:
        """As the key; a dimmed one says why."""
        event.stop()
        at = event.get_content_offset(self)
        item = self.item_at(at.x, at.y) if at else None
        if item is None:
            return
        if item.enabled:
            self.app.simulate_key(item.key)
        elif isinstance(self.screen, Reasons):
            self.screen.tell_why(item.action)


def _fill(texts: list[tuple[Item, Content]], width: int) -> list[list[tuple[Item, Content]]]:
    rows: list[list[tuple[Item, Content]]] = [[]]
    at = 1
    for item, text in texts:
        if rows[-1] and at + text.cell_length + 1 > width:
            rows.append([])
            at = 1
        rows[-1].append((item, text))
        at += text.cell_length + GAP
    return rows
