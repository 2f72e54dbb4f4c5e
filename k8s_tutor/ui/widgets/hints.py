"""What helps and what comes next: hints shown so far, why it worked, and the way on."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from k8s_tutor.session.again import may_again
from k8s_tutor.session.hints import ladder
from k8s_tutor.session.state import StepState
from k8s_tutor.ui.reasons import Reasons
from k8s_tutor.ui.text import ACCENT, DIM, GOOD, STRONG, WAIT, block, line, plain
from k8s_tutor.ui.widgets.rows import Row, Rows


class Onward(Vertical):
    """Under a step: its hints, how to go on once it is done, and why it worked."""

    def __init__(self) -> None:
        super().__init__(id="onward")
        self._told: tuple[str, int] = ("", 0)

    def compose(self) -> ComposeResult:
        """Three texts; the empty ones are not there."""
        yield Rows(id="hints")
        yield Rows(id="next")
        yield Rows(id="why")

    def show_why(self) -> None:
        """Bring why it worked into view."""
        why = self.query_one("#why", Rows)
        if why.display:
            why.scroll_visible(animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click on the line of a key is as good as the key."""
        name = event.widget.id if event.widget is not None else None
        if name in ("hints", "next") and isinstance(self.screen, Reasons):
            event.stop()
            self.screen.do("hint" if name == "hints" else "next")

    def show_step(self, step: StepState, following: str | None, *, behind: bool) -> None:
        """``following``: title of the next step, None after the last. ``behind``: an earlier step is still open."""
        hints = self.query_one("#hints", Rows)
        hints.show(hint_rows(step))
        before, self._told = self._told, (step.step.id, step.hints_shown)
        if before[0] == self._told[0] and before[1] < self._told[1]:
            # One more was asked for: a long finding above must not keep it out of sight.
            self.call_after_refresh(hints.scroll_visible, animate=False)
        why = block(step.step.why, limit=2_000).strip() if step.done else ""
        self.query_one("#why", Rows).show([(line(("why  ", GOOD)), line(why))] if why else [])
        self.query_one("#next", Rows).show(next_rows(step, following, behind=behind))


def hint_rows(step: StepState) -> list[Row]:
    """The hints that were asked for, and how many there are."""
    hints = ladder(step)
    total = len(hints)
    shown = min(step.hints_shown, total)
    rows = [
        (line((f"hint {number} of {total}  ", WAIT)), line(block(text, limit=2_000).strip()))
        for number, text in enumerate(hints[:shown], 1)
    ]
    if shown < total and not step.done:
        rows.append((line(("h  ", f"bold {ACCENT}")), line((f"hint {shown + 1} of {total}", DIM))))
    elif total and step.step.solution and not step.done:
        rows.append((line(("s  ", f"bold {ACCENT}")), line(("the solution: have it done (asks first)", DIM))))
    if step.solved and step.done and may_again(step.step):
        rows.append((line(("r  ", f"bold {ACCENT}")), line(("it was done for you: do it once more yourself", DIM))))
    return rows


def next_rows(step: StepState, following: str | None, *, behind: bool) -> list[Row]:
    """One line: what ``n`` does now."""
    if not step.done and step.checks:
        return []
    n = line(("n  ", f"bold {ACCENT}"))
    if following is None:
        if not step.done:
            return [(n, line(("read, and done", ACCENT)))]
        if behind:
            return [(line(), line(("The last step is done, an earlier one is still open.", DIM)))]
        done = (line(("✓  ", GOOD)), line(("That was the whole lab.", STRONG)))
        page = (line(("u  ", f"bold {ACCENT}")), line(("your summary: steps, times, mistakes met", ACCENT)))
        return [done, page, (line(("b  ", f"bold {ACCENT}")), line(("back to the labs", DIM)))]
    word = "next: " if step.done else "read, go on to: "
    return [(n, line((word, ACCENT), plain(following, 80)))]
