"""Home: which lab, how far, on which cluster, and what Enter would do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from k8s_tutor.ui import bindings
from k8s_tutor.ui.choices import Choice, Ground
from k8s_tutor.ui.home_text import card_text, choice_text, cluster_sign, enter_row
from k8s_tutor.ui.messages import JobDone
from k8s_tutor.ui.screens.home_pages import HomePages
from k8s_tutor.ui.text import BAD, DIM, STRONG, WAIT, line, plain, tilde
from k8s_tutor.ui.widgets.keysbar import KeysBar
from k8s_tutor.ui.widgets.rows import Row, Rows
from k8s_tutor.ui.widgets.statusbar import StatusBar

if TYPE_CHECKING:
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.ui.app import TutorApp
    from k8s_tutor.ui.ports import LabCard

HELP = """
Home: the labs and how far you are, and the cluster to work on.

Up and down choose a lab, Enter opens it where you were. Below the labs stands what Enter does now and how long that
takes, and below that the clusters that were found: the tutor's own, and local ones of your kubeconfig (it is only
read). Why another context is not used stands beside it.

  ✓ 10 of 10  a lab that is done
  ◐ 4 of 10  one that is under way
  ● ◐ ○  a cluster that runs, is on its way, is not there or not asked yet
  ▸  the one that is chosen

  enter  open the lab; in the list of clusters: work on this one
  c, tab  to the list of clusters
  l  the lab as one text
  f  your files of this lab
  d  what this machine has and lacks
  x  stop and remove the tutor's own cluster (asks first)
  r  start the lab over (asks first)
"""
"""What F1 shows here."""


LOOK_AGAIN = 2.0
"""Seconds between looks at a cluster that runs and does not answer."""


class LabList(OptionList):
    """The labs; the footer says what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "open", tooltip="Start this lab, or go on where you were", id="open"),
    ]


class ClusterList(OptionList):
    """The clusters; Enter chooses one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "work on this one", tooltip="Work on this cluster", id="choose"),
    ]


class HomeScreen(HomePages):
    """The labs with their progress, the clusters that were found, the folder of the learner's work."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings.HOME]
    pane = "home"

    def __init__(self, opening: str = "") -> None:
        """``opening``: id of the lab that is being opened already."""
        super().__init__()
        self._cards: tuple[LabCard, ...] = ()
        self._cluster: Cluster | None = None
        self._choices: tuple[Choice, ...] = ()
        self._ground: Ground | None = None
        self._looked = False
        self._stopping = ""
        self._opening = opening
        self._trouble: Row | None = None

    @property
    def tutor(self) -> TutorApp:
        """The app, with its desk."""
        return cast("TutorApp", self.app)

    @property
    def card(self) -> LabCard | None:
        """The lab that is chosen."""
        index = self.query_one("#labs", OptionList).highlighted
        return self._cards[index] if index is not None and index < len(self._cards) else None

    @property
    def choice(self) -> Choice | None:
        """The cluster that is worked on."""
        return next((each for each in self._choices if self._is_chosen(each)), None)

    def _is_chosen(self, choice: Choice) -> bool:
        return self.tutor.desk.cluster_name == f"{choice.provider if choice.own else 'context'} {choice.name}"

    def compose(self) -> ComposeResult:
        """A line on top, the labs, what Enter does, the clusters, the work."""
        yield StatusBar(id="bar")
        yield LabList(id="labs", markup=False, compact=True)
        yield Rows(id="home-enter")
        yield Static(line(("Clusters", DIM)), markup=False, id="home-clusters-title")
        yield ClusterList(id="clusters", markup=False, compact=True)
        yield Rows(id="home-facts")
        yield KeysBar()

    def on_mount(self) -> None:
        """Look at labs and clusters."""
        self.query_one(StatusBar).left = line(("k8s-tutor", STRONG))
        self.query_one("#home-enter", Rows).show([(line(), line(("looking for labs and clusters …", DIM)))])
        self.query_one("#home-clusters-title").display = False
        self.look()

    def on_screen_resume(self) -> None:
        """Coming back: the lab may have gone on, the cluster may be there now."""
        if self._looked:
            self._opening = ""
            self.look()

    def look(self) -> None:
        """Ask labs and clusters beside the screen."""
        desk = self.tutor.desk
        self.tutor.jobs.start(self, "cards", desk.cards, then=self._show_cards, failed=self._broken)
        self.tutor.jobs.start(self, "cluster", desk.cluster, then=self._show_cluster, failed=self._broken)

    def _look_around(self) -> None:
        """The other clusters: after the one that counts, so that going straight on waits for nothing else."""
        desk = self.tutor.desk
        if not self._opening and self.app.screen is self:
            self.tutor.jobs.start(
                self, "choices", lambda: (desk.choices(), desk.ground()), then=self._show_choices, failed=self._broken
            )

    def on_job_done(self, message: JobDone) -> None:
        """A look ended."""
        message.settle()

    def action_refresh(self) -> None:
        """Look again."""
        self._trouble = None
        self.look()

    # -- why a key can do nothing now

    def why_not(self, action: str, parameters: tuple[object, ...] = ()) -> str:
        """In one line; empty if it can."""
        if not self.is_mounted:
            return ""
        if action == "stop":
            return self._why_not_stop()
        if action == "restart" and (self._cluster is None or not self._cluster.ready):
            return "starting over removes objects from a cluster, and none is running: open the lab first."
        if action in ("lesson", "folder", "restart") and self.card is None:
            return "the labs are still being looked for."
        if action == "clusters" and len(self._choices) < 2:
            return (
                "there is only this cluster to choose." if self._looked else "the clusters are still being looked for."
            )
        return super().why_not(action, parameters)

    def _why_not_stop(self) -> str:
        if self._stopping:
            return f"cluster {plain(self._stopping, 60)} is being stopped already."
        if self.tutor.startup.running:
            return "a cluster is being started; when it is there it can be stopped."
        if self._cluster is None:
            return "there is no cluster of the tutor's own to stop."
        if self._cluster.tenant:
            return "others work on this cluster too: whoever runs the server stops it."
        return (
            "" if self._cluster.owned else f"{plain(self._cluster.name, 60)} is not the tutor's: stop it with its tool."
        )

    # -- opening, choosing

    @on(OptionList.OptionSelected, "#labs")
    def _lab_chosen(self, event: OptionList.OptionSelected) -> None:
        card = self._cards[event.option_index]
        if card.trouble:
            self.tutor.say(card.trouble, bad=True, title=f"{card.title} cannot be opened")
        elif not self._opening:
            self._opening = card.id
            self._show_facts()
            self.tutor.open_lab(card.id)

    @on(OptionList.OptionSelected, "#clusters")
    def _cluster_chosen(self, event: OptionList.OptionSelected) -> None:
        choice = self._choices[event.option_index]
        if choice.why_not:
            self.tutor.say(choice.why_not, title=f"{choice.name} is not used")
        elif self.tutor.startup.running:
            self.tutor.say("A cluster is being started: wait for it, then choose.")
        else:
            self.tutor.desk.choose(choice)
            self.tutor.remember("cluster", self.tutor.desk.cluster_name)
            self._cluster = choice.cluster
            self._show_lists()
            self.query_one("#labs").focus()
            self.look()

    def action_clusters(self) -> None:
        """To the list of clusters."""
        self.query_one("#clusters").focus()

    # -- stopping, starting over

    @work
    async def action_stop(self) -> None:
        """Stop and remove our own cluster."""
        cluster = self._cluster
        if self.tell_why("stop") or cluster is None:
            return
        from k8s_tutor.ui.screens.confirm import ConfirmScreen

        question = ConfirmScreen(
            f"Stop and remove cluster {cluster.name}?",
            f"Removes the tutor's own cluster {cluster.name} with everything in it. Your files and what you have "
            "done so far are kept; a new cluster is there in seconds, without the objects of this one.",
            yes="stop it",
        )
        if await self.app.push_screen_wait(question):
            self._stopping = cluster.name
            self._show_facts()
            stop = lambda: self.tutor.desk.stop(cluster.name, lambda _phase: None)  # noqa: E731
            self.tutor.jobs.start(self, "stop", stop, then=lambda _: self._stopped(cluster), failed=self._not_stopped)

    def _stopped(self, cluster: Cluster) -> None:
        self._stopping = ""
        self.tutor.say(f"Cluster {cluster.name} is removed.")
        self.look()

    def _not_stopped(self, error: Exception) -> None:
        self._stopping = ""
        self._broken(error)

    @work
    async def action_restart(self) -> None:
        """Start the chosen lab over."""
        card, cluster = self.card, self._cluster
        if self.tell_why("restart") or card is None or cluster is None:
            return
        from k8s_tutor.ui.screens.confirm import about_starting_over

        question = about_starting_over(card.title, cluster, self.tutor.desk.workspace(card.id))
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

    # -- showing

    def _broken(self, error: Exception) -> None:
        told, remedy = plain(getattr(error, "message", error)), plain(getattr(error, "remedy", ""))
        self._trouble = line(("✗         ", BAD)), line(told, (f"  → {remedy}" if remedy else "", DIM))
        self._looked = True
        self._show_facts()

    def _show_cards(self, cards: tuple[LabCard, ...]) -> None:
        labs = self.query_one("#labs", OptionList)
        chosen = labs.highlighted
        if chosen is None or not self._cards:
            started = [index for index, card in enumerate(cards) if card.done < card.total]
            chosen = started[0] if started else 0
        first, self._cards = not self._cards, cards
        labs.clear_options()
        width = self.size.width - 6
        labs.add_options(Option(card_text(card, number, width)) for number, card in enumerate(cards, 1))
        if cards:
            labs.highlighted = min(chosen, len(cards) - 1)
            if first:
                labs.focus()
        self._show_facts()
        self._resume()

    def _show_cluster(self, cluster: Cluster | None) -> None:
        self._cluster = cluster
        self._looked = True
        if not self._choices:
            name = self.tutor.desk.cluster_name
            kind, _, rest = name.partition(" ")
            self._choices = (Choice(rest, context=rest if kind == "context" else "", cluster=cluster),)
        else:
            self._agree()
        self._show_lists()
        self._resume()
        if cluster is not None and cluster.running and not cluster.ready and self.app.screen is self:
            self.set_timer(LOOK_AGAIN, self.look)  # on its way, or a busy machine: nobody tells when it is there

    def _agree(self) -> None:
        """Both looks tell of the chosen cluster: what was asked of it alone counts."""
        self._choices = tuple(
            replace(each, cluster=self._cluster) if each.own and self._is_chosen(each) else each
            for each in self._choices
        )

    def _show_choices(self, found: tuple[tuple[Choice, ...], Ground]) -> None:
        self._choices, self._ground = found
        if self._looked:
            self._agree()
        self._show_lists()

    def _show_lists(self) -> None:
        clusters = self.query_one("#clusters", OptionList)
        at = clusters.highlighted or 0
        starting, width = self.tutor.startup.running, self.size.width - 6
        clusters.clear_options()
        clusters.add_options(
            Option(choice_text(each, chosen=self._is_chosen(each), starting=starting, width=width))
            for each in self._choices
        )
        if self._choices:
            clusters.highlighted = min(at, len(self._choices) - 1)
        title = self.query_one("#home-clusters-title", Static)
        why = self.tutor.desk.cluster_why
        title.update(line((f"Clusters{f'  {plain(why, 300)}' if why else ''}", DIM)).truncate(width, ellipsis=True))
        title.display = True
        self._show_facts()

    def _show_facts(self) -> None:
        self.query_one(StatusBar).right = cluster_sign(self._cluster, self.tutor.startup.running)
        self.refresh_bindings()
        if not self._looked:
            return
        card, rows = self.card, []
        if self._trouble is not None:
            rows.append(self._trouble)
        if self._stopping:
            rows.append((line(("◐         ", WAIT)), line(f"stopping cluster {plain(self._stopping, 60)} …")))
        if self._opening:
            rows.append((line(("◐         ", WAIT)), line("opening the lab …")))
        elif card is not None:
            rows.append(enter_row(card, self.choice, self._ground, starting=self.tutor.startup.running))
        self.query_one("#home-enter", Rows).show(rows)
        facts: list[Row] = []
        if card is not None:
            facts.append((line(("Work      ", DIM)), line(plain(tilde(self.tutor.desk.workspace(card.id)), 160))))
            if card.summary:
                facts.append((line(("About     ", DIM)), line((plain(card.summary, 400), DIM))))
        facts += [
            (line(("! settings ", WAIT)), line((plain(row, 300), DIM))) for row in self.tutor.settings.troubles[:3]
        ]
        self.query_one("#home-facts", Rows).show(facts)

    def _resume(self) -> None:
        if self._cards and self._looked and self.app.screen is self:
            self._opening = self._opening or self.tutor.resume(self._cards, self._cluster)
            self._look_around()

    @on(OptionList.OptionHighlighted, "#labs")
    def _highlighted(self, _event: OptionList.OptionHighlighted) -> None:
        self._show_facts()
