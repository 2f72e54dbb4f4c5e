"""Keys of a field act in the order in which they were pressed, also when several wait to be read.

Textual gives a letter to the field at once, but a key that is bound (an arrow, Delete) first travels up through all
that the field lies in, to the app. On a busy machine a quick hand's ``Up``, ``Home``, ``kind`` became ``kind``, ``Up``,
``Home``. What the field itself binds is done here, in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.widget import Widget as _Widget
else:
    _Widget = object


class KeysInOrder(_Widget):
    """To be named before the widget's own class."""

    async def own_binding(self, event: events.Key) -> bool:
        """Do what this field binds to the key, if it does; then nobody else hears of it."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return True
        return False

    async def _on_key(self, event: events.Key) -> None:
        if not await self.own_binding(event):
            await super()._on_key(event)
