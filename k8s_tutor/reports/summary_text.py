"""A summary for a terminal: 80 columns, no colour."""

from __future__ import annotations

import textwrap

from k8s_tutor.checks.words import clip, clock, duration
from k8s_tutor.reports.summary import Summary, mended, remarks, stamp

WIDTH = 80


def text(summary: Summary) -> str:
    """The page as lines."""
    lines = [clip(summary.title, 78), *_wrap(summary.sentence, 2), ""]
    for step in summary.steps:
        sign = "✓" if step.done_at is not None else "·"
        took = f"  {duration(step.seconds)}" if step.seconds is not None else ""
        at = f"  {stamp(step.done_at)}" if step.done_at is not None else "  not done"
        more = f"  ({remarks(step)})" if remarks(step) else ""
        lines += _wrap(f"{sign} {step.number:>2}  {clip(step.title, 100)}{at}{took}{more}", 0, 6)
        for fact in step.facts:
            lines += _wrap(clip(fact, 300), 8)
    if summary.mistakes:
        lines += ["", "Mistakes met"]
        for mistake in summary.mistakes:
            lines += _wrap(f"{clock(mistake.at)}  {clip(mistake.check, 160)}: {mended(mistake)}", 2, 12)
            lines += _wrap(f"found: {clip(mistake.found, 300)}", 12)
            if mistake.because:
                lines += _wrap(f"because: {clip(mistake.because, 300)}", 12)
    lines += ["", *_wrap(summary.foot, 0)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _wrap(told: str, margin: int, hang: int | None = None) -> list[str]:
    below = " " * (margin if hang is None else hang)
    return textwrap.wrap(told, WIDTH, initial_indent=" " * margin, subsequent_indent=below) or [""]
