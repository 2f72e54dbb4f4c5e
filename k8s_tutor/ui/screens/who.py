"""Who answered: bars for each ready pod behind a Service, counted from the pods' own logs, and what random means."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.errors import TutorError
from k8s_tutor.session.asking import Answers, chance_of_all, expected_draws
from k8s_tutor.ui.background import Jobs
from k8s_tutor.ui.messages import Counted, JobDone
from k8s_tutor.ui.ports import AskingPort, SessionPort
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, clock, line, lines, plain
from k8s_tutor.ui.widgets.knob import Knob

ROUND = 10
WIDTH = 30


class WhoScreen(ModalScreen[None]):
    """Listens to the pods while it is open; space sends ten more requests in the background."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "ask", "ten more", tooltip="Send ten more requests through the Service"),
        Binding("escape,w,q,enter", "close", "close", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, session: SessionPort, service: str, jobs: Jobs) -> None:
        super().__init__()
        self._session, self._service, self._jobs = session, service, jobs
        self._asking: AskingPort = session.listen(lambda answers: self.post_message(Counted(answers)))
        self._busy = False
        self._trouble = ""
        self._answers: Answers | None = None

    def compose(self) -> ComposeResult:
        """Title, bars, words, keys."""
        with VerticalScroll(classes="dialog wide"):
            yield Static("", markup=False, id="who-title")
            yield Static("", markup=False, id="who-bars", classes="gap")
            yield Static("", markup=False, id="who-words", classes="gap")
            with Horizontal(classes="gap knobs"):
                yield Knob("space", "ten more requests", "ask")
                yield Knob("esc", "close", "close")

    def on_mount(self) -> None:
        """Look who is there."""
        self._paint()
        self._look()

    def look_again(self) -> None:
        """The pods behind the Service may be others now."""
        if self.is_mounted:
            self._look()

    def _look(self) -> None:
        look = lambda: self._asking.look(self._service)  # noqa: E731
        self._jobs.start(self, "look", look, then=self._known, failed=self._failed)

    @on(JobDone)
    def _job_done(self, message: JobDone) -> None:
        message.stop()
        message.settle()

    @on(Counted)
    def _counted(self, message: Counted) -> None:
        message.stop()
        self._known(message.answers)

    def _known(self, answers: Answers) -> None:
        self._answers = answers
        self._paint()

    def _failed(self, error: Exception) -> None:
        self._busy = False
        said = (
            f"{error.message}{'  → ' + error.remedy if error.remedy else ''}" if isinstance(error, TutorError) else ""
        )
        self._trouble = said or f"{type(error).__name__}: {error}"
        self._paint()

    def action_ask(self) -> None:
        """Ten more."""
        self._trouble = ""

        def done(answers: Answers) -> None:
            self._busy = False
            self._known(answers)

        if self._jobs.start(self, "ask", lambda: self._asking.ask(ROUND), then=done, failed=self._failed):
            self._busy = True
            self._paint()

    def action_close(self) -> None:
        """Back to the lab; nobody listens any more."""
        self.dismiss(None)

    def on_unmount(self) -> None:
        """Nobody listens any more."""
        self._jobs.start(self, "close", self._asking.close)

    def _paint(self) -> None:
        title, bars, words = who_text(self._answers, self._service, busy=self._busy, trouble=self._trouble)
        self.query_one("#who-title", Static).update(title)
        self.query_one("#who-bars", Static).update(lines(bars))
        self.query_one("#who-bars").display = bool(bars)
        self.query_one("#who-words", Static).update(lines(words))


def who_text(
    answers: Answers | None, service: str, *, busy: bool = False, trouble: str = ""
) -> tuple[Content, list[Content], list[Content]]:
    """Title, one row a pod, and the words below: only what was counted."""
    name = plain(service, 80) or "a Service"
    bad = [line(("! ", BAD), plain(trouble, 400))] if trouble else []
    if answers is None:
        return line(("Who answered  ", STRONG), name), [], [*bad, line(("reading the pods' logs …", WAIT))]
    place = answers.behind
    if place.trouble:
        return line(("Who answered  ", STRONG), name), [], [*bad, line(("◐ ", WAIT), plain(place.trouble, 300))]
    count, total = len(answers.pods), answers.total
    head: list[str | tuple[str, str]] = [(f"{total} requests", STRONG), f" to {name} ({plain(place.target, 60)})   "]
    if answers.met_after is not None:
        head.append((f"✓ {answers.heard} of {count} pods answered after {answers.met_after}", GOOD))
    else:
        head.append((f"{answers.heard} of {count} pods answered so far", ACCENT))
    if busy:
        head.append(("   ◐ asking …", WAIT))
    most = max((pod.total for pod in answers.pods), default=0)
    tails = [pod.name.rsplit("-", 1)[-1] if "-" in pod.name else pod.name for pod in answers.pods]
    bars = []
    for pod, tail in zip(answers.pods, tails, strict=True):
        scale = min(1.0, WIDTH / most) if most else 0.0
        own = round(pod.own * scale)
        yours = round(pod.total * scale) - own
        row: list[str | tuple[str, str]] = [f"  …-{plain(tail, 24):<8} ", ("█" * own, ACCENT), ("▒" * yours, GOOD)]
        row.append(f" {pod.total}" if pod.total else (" none yet", DIM))
        row.append((f"  ({pod.own} tutor's, {pod.yours} yours)" if pod.yours else "", DIM))
        row.append((f"  ! its log cannot be read: {plain(pod.trouble, 80)}" if pod.trouble else "", WAIT))
        bars.append(line(*row))
    return line(*head), bars, [*bad, *_words(answers)]


def _words(answers: Answers) -> list[Content]:
    place, count, total = answers.behind, len(answers.pods), answers.total
    own = sum(pod.own for pod in answers.pods)
    rows = [
        line(("█", ACCENT), f" {own} sent by the tutor   ", ("▒", GOOD), f" {total - own} sent by you or others "),
        line(("  any GET in these logs that bears no mark of the tutor and is no probe's; the log does not tell", DIM)),
        line(("  whether it came through the Service or straight to the pod", DIM)),
        line(),
    ]
    if place.sticky:
        rows.append(
            line("sessionAffinity is ClientIP: one caller is sent to the same pod again and again, not by chance.")
        )
    elif count > 1:
        mean = expected_draws(count)
        rows.append(line("Not in turn: kube-proxy draws a pod at random for each new connection, and keeps no count."))
        rows.append(line(f"To meet all {count} takes about {mean:.0f} draws on average, sometimes many more."))
        if total:
            chance = chance_of_all(count, answers.met_after or total)
            low, high = min(pod.total for pod in answers.pods), max(pod.total for pod in answers.pods)
            percent = "over 99%" if chance > 0.99 else "less than 1%" if chance < 0.01 else f"{chance * 100:.0f}%"
            if answers.met_after is not None:
                rows.append(
                    line(f"Here it took {answers.met_after}; so few or fewer are enough in {percent} of all runs.")
                )
            else:
                missing = count - answers.heard
                rows.append(line(f"After {total}, all would have been met in {percent} of all runs."))
                rows.append(line(f"The next one meets a new pod with a chance of {missing} in {count}."))
            rows.append(line(f"Even shares would be {total / count:.1f} each; chance made them {low} to {high}."))
    else:
        rows.append(line("One pod stands behind it: there is nothing to draw."))
    if place.since:
        rows.append(line((f"Counted since {clock(place.since)}, when the last of these pods became ready.", DIM)))
    if answers.earlier:
        rows.append(line((f"{answers.earlier} requests in their logs are older and not counted.", DIM)))
    for why, number in answers.failed.items():
        rows.append(line(("! ", BAD), f"{number} of {answers.sent} sent now got no answer: {plain(why, 100)}"))
    if answers.trouble:
        rows.append(line(("! ", WAIT), f"{plain(answers.trouble, 200)}; what was counted stands"))
    good = answers.sent - sum(answers.failed.values())
    if good > 0 and not total:
        rows.append(
            line(("! ", WAIT), f"{good} were answered, but no log shows them (yet): does the image log requests?")
        )
    if answers.cut:
        rows.append(line(("! ", WAIT), "a log is longer than is read: there are at least so many"))
    return rows
