"""A key that can do nothing now stays in the footer, dimmed, and says why when it is pressed or clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events
from textual.screen import Screen

if TYPE_CHECKING:
    from k8s_tutor.ui.app import TutorApp


class Reasons(Screen[None]):
    """A screen whose keys have reasons. ``why_not`` is asked often: it only looks at what is at hand."""

    def why_not(self, action: str, parameters: tuple[object, ...] = ()) -> str:
        """Why this action can do nothing now, in one line; empty if it can."""
        return ""

    def told_why(self, action: str) -> None:
        """The learner pressed a key that could do nothing and was told so."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None (dimmed) for what has a reason."""
        if self.why_not(action, parameters):
            return None
        return super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """A dimmed key says why."""
        found = self.active_bindings.get(event.key)
        if found is not None and not found.enabled and found.node is self:
            event.stop()
            self.tell_why(found.binding.action)

    def do(self, action: str) -> None:
        """Do it, or say why it cannot be done."""
        if not self.tell_why(action):
            self.run_worker(self.run_action(action))

    def tell_why(self, action: str) -> bool:
        """Say why an action can do nothing now; false if it can."""
        name, _, rest = action.partition("(")
        why = self.why_not(name, (rest.rstrip(")").strip("'\""),) if rest else ())
        if why:
            cast("TutorApp", self.app).say(why[0].upper() + why[1:])
            self.told_why(name)
            self.refresh_bindings()
        return bool(why)
