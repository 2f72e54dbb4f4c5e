"""What the learner takes out of the terminal: links and text, to the clipboard or to a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.screen import Screen

from k8s_tutor.ui.clipboard import opens_links
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.copying import CopyScreen, choices
from k8s_tutor.ui.terminal.links import may_open
from k8s_tutor.ui.terminal.pointer import Pointer
from k8s_tutor.ui.text import plain
from k8s_tutor.ui.widgets.terminal_slot import TerminalSlot

if TYPE_CHECKING:
    from k8s_tutor.ui.app import TutorApp


class LabTerminal(Screen[None]):
    """The part of the lab screen that copies from the terminal."""

    if TYPE_CHECKING:

        @property
        def tutor(self) -> TutorApp: ...  # noqa: D102 - the screen's

    @on(Pointer.LinkChosen)
    def _link_chosen(self, message: Pointer.LinkChosen) -> None:
        message.stop()
        self._take_link(message.address)

    @work
    async def _take_link(self, address: str) -> None:
        """Copy a link; where a browser would appear before the learner, offer to open it. Its address is shown."""
        self.app.copy_to_clipboard(address)
        if may_open(address) and opens_links(self.app):
            question = ConfirmScreen("Open this link in the browser?", address, yes="open it (it is copied already)")
            if await self.app.push_screen_wait(question):
                # Starting a browser can take its time.
                self.tutor.jobs.start(self, "browser", lambda: self.app.open_url(address))
            return
        self.tutor.say(f"Copied the link {plain(address, 300)}")

    @work
    async def action_copy_from_terminal(self) -> None:
        """Choose what to copy from the terminal, by keys."""
        pane = self.query_one(TerminalSlot).pane
        offered = choices(pane.text, pane.history(), pane.links()) if pane is not None else []
        if not offered:
            self.tutor.say("There is nothing in the terminal to copy.")
            return
        chosen = await self.app.push_screen_wait(CopyScreen(offered))
        if chosen is None:
            return
        if chosen.link:
            self._take_link(chosen.text)
            return
        self.app.copy_to_clipboard(chosen.text)
        self.tutor.say(f"Copied {chosen.label}.")
