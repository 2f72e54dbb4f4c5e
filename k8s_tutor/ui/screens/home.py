"""Home: which lab, how far, and what cluster there is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from k8s_tutor.ui import bindings
from k8s_tutor.ui.messages import JobDone
from k8s_tutor.ui.text import BAD, DIM, GOOD, STRONG, WAIT, line, lines, plain, span, tilde
from k8s_tutor.ui.widgets.statusbar import StatusBar

if TYPE_CHECKING:
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.ui.app import TutorApp
    from k8s_tutor.ui.ports import LabCard


class LabList(OptionList):
    """The labs; the footer says what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "open", tooltip="Start this lab, or go on where you were", id="open"),
    ]


class HomeScreen(Screen[None]):
    """The labs with their progress, the cluster's line, the folder of the learner's work."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings.HOME]

    def __init__(self) -> None:
        super().__init__()
        self._cards: tuple[LabCard, ...] = ()
        self._cluster: Cluster | None = None
        self._looked = False

    @property
    def tutor(self) -> TutorApp:
        """The app, with its desk."""
        return cast("TutorApp", self.app)

    def compose(self) -> ComposeResult:
        """A line on top, the labs, what there is below."""
        yield StatusBar(id="bar")
        yield LabList(id="labs", markup=False, compact=True)
        yield Static("", markup=False, id="home-facts")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look at labs and cluster."""
        bar = self.query_one(StatusBar)
        bar.left = line(("k8s-tutor", STRONG))
        self.query_one("#home-facts", Static).update(line(("looking for your cluster …", DIM)))
        self.look()

    def on_screen_resume(self) -> None:
        """Coming back: the lab may have gone on, the cluster may be there now."""
        if self._looked:
            self.look()

    def look(self) -> None:
        """Ask labs and cluster beside the screen."""
        desk = self.tutor.desk
        self.tutor.jobs.start(self, "cards", desk.cards, then=self._show_cards, failed=self._broken)
        self.tutor.jobs.start(self, "cluster", desk.cluster, then=self._show_cluster, failed=self._broken)

    def on_job_done(self, message: JobDone) -> None:
        """A look ended."""
        message.settle()

    def action_refresh(self) -> None:
        """Look again."""
        self.look()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        card = self._cards[event.option_index]
        if card.trouble:
            self.tutor.say(card.trouble, bad=True, title=f"{card.title} cannot be opened")
        else:
            self.tutor.open_lab(card.id)

    @work
    async def action_restart(self) -> None:
        """Start the chosen lab over."""
        index = self.query_one("#labs", OptionList).highlighted
        cluster = self._cluster
        if index is None or index >= len(self._cards):
            return
        from k8s_tutor.ui.screens.confirm import ConfirmScreen

        card = self._cards[index]
        if cluster is None or not cluster.ready:
            self.tutor.say("Starting over removes objects from a cluster, and none is running: open the lab first.")
            return
        question = ConfirmScreen(
            f"Start {card.title} over?",
            f"Deletes everything in namespace {cluster.namespace} of cluster {cluster.name} ({cluster.provider}) and "
            f"forgets its progress. Your files are moved aside in {tilde(self.tutor.desk.workspace(card.id))}.",
            yes="start over",
        )
        if await self.app.push_screen_wait(question):

            def over() -> None:
                session = self.tutor.desk.open(card.id, cluster)
                try:
                    session.reset()
                finally:
                    session.close()

            self.tutor.jobs.start(self, "reset", over, then=lambda _: self._started_over(card), failed=self._broken)

    def _started_over(self, card: LabCard) -> None:
        self.tutor.say(f"{card.title} starts over.")
        self.look()

    def _broken(self, error: Exception) -> None:
        self.query_one("#home-facts", Static).update(
            line(
                ("✗ ", BAD), plain(getattr(error, "message", error)), ("  " + plain(getattr(error, "remedy", "")), DIM)
            )
        )

    def _show_cards(self, cards: tuple[LabCard, ...]) -> None:
        labs = self.query_one("#labs", OptionList)
        chosen = labs.highlighted
        if chosen is None or not self._cards:
            started = [index for index, card in enumerate(cards) if card.done < card.total]
            chosen = started[0] if started else 0
        self._cards = cards
        labs.clear_options()
        width = self.size.width - 6
        labs.add_options(Option(card_text(card, number, width)) for number, card in enumerate(cards, 1))
        if cards:
            labs.highlighted = min(chosen, len(cards) - 1)
            labs.focus()
        self._show_facts()

    def _show_cluster(self, cluster: Cluster | None) -> None:
        self._cluster = cluster
        self._looked = True
        self.query_one(StatusBar).right = cluster_sign(cluster, self.tutor.startup.running)
        self._show_facts()

    def _show_facts(self) -> None:
        if not self._looked:
            return
        rows = [line(("Cluster   ", DIM), cluster_line(self._cluster, self.tutor.startup.running))]
        index = self.query_one("#labs", OptionList).highlighted
        if index is not None and index < len(self._cards):
            card = self._cards[index]
            rows.append(line(("Work      ", DIM), plain(tilde(self.tutor.desk.workspace(card.id)), 160)))
            if card.summary:
                rows += [line(), line((plain(card.summary, 400), DIM))]
        self.query_one("#home-facts", Static).update(lines(rows))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, _event: OptionList.OptionHighlighted) -> None:
        self._show_facts()


def card_text(card: LabCard, number: int, width: int) -> Content:
    """``2  A Deployment   ◐ 4 of 10   continue at: delete one pod``."""
    if card.trouble:
        mark, colour, far = "✗", BAD, "cannot be opened"
    elif card.total and card.done >= card.total:
        mark, colour, far = "✓", GOOD, f"{card.done} of {card.total}"
    elif card.done or card.touched:
        mark, colour, far = "◐", WAIT, f"{card.done} of {card.total}"
    else:
        mark, colour, far = "○", DIM, f"{card.total} steps"
    notes = []
    if card.done and card.done < card.total and card.next_step:
        notes.append(f"continue at: {plain(card.next_step, 60)}")
    elif not card.done and card.minutes:
        notes.append(f"about {card.minutes} min")
    if card.done and card.done >= card.total and card.touched:
        notes.append(f"{span(time.time() - card.touched)} ago")
    if card.hints:
        notes.append(f"{card.hints} hint{'s' if card.hints != 1 else ''}")
    wide = width >= 60
    column = 34 if width >= 94 else 20
    title = plain(card.title, column - 2 if wide else 60)
    row = line(
        (f"{number}  ", DIM),
        (f"{title:<{column}}" if wide else f"{title}  ", STRONG),
        (f"{mark} {far:<10}", colour),
        ("  " + ", ".join(notes) if notes and wide else "", DIM),
    )
    return row.truncate(max(10, width), ellipsis=True)


def cluster_sign(cluster: Cluster | None, starting: bool) -> Content:
    """Short, for the line on top."""
    if starting:
        return line(("◐ starting", WAIT))
    if cluster is None or not cluster.running:
        return line(("○ no cluster runs", DIM))
    text = f"{plain(cluster.provider, 20)} · {plain(cluster.version, 20)} · {nodes_word(cluster)}  "
    return line((text, DIM), ("● ready", GOOD) if cluster.ready else ("◐ not ready", WAIT))


def cluster_line(cluster: Cluster | None, starting: bool) -> Content:
    """A sentence: what is there, or what opening a lab would do."""
    if starting:
        return line(("◐ ", WAIT), "is being started; open a lab to watch")
    if cluster is None:
        return line(("○ ", DIM), "none yet; opening a lab starts one, nothing else is touched")
    since = f", running for {span(time.time() - cluster.started_at)}" if cluster.started_at and cluster.running else ""
    what = f"{plain(cluster.name, 60)} ({plain(cluster.provider, 20)}){since}, {nodes_word(cluster)}"
    if not cluster.running:
        return line(("○ ", DIM), f"{what}, stopped; opening a lab starts it again")
    if not cluster.ready:
        return line(("◐ ", WAIT), f"{what}, not ready: {plain(cluster.trouble or 'still on its way', 200)}")
    return line(("● ", GOOD), what)


def nodes_word(cluster: Cluster) -> str:
    """``1 node``, ``3 nodes``."""
    number = len(cluster.nodes) or 1
    return f"{number} node{'s' if number != 1 else ''}"
