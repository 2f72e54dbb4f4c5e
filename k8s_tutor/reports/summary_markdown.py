"""A summary as Markdown: every text from elsewhere is escaped, so none of it becomes structure."""

from __future__ import annotations

import re

from k8s_tutor.checks.words import clip, clock, duration
from k8s_tutor.reports.summary import Summary, mended, remarks, stamp

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&:])")


def escaped(value: str, limit: int = 300) -> str:
    """One bounded line in which no character means anything to Markdown (or to HTML in it)."""
    # "&" and "<" as entities: some renderers pass a backslash before them through.
    text = _SPECIAL.sub(r"\\\1", clip(value, limit))
    return text.replace("\\&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


def markdown(summary: Summary) -> str:
    """The page."""
    lines = [f"# {escaped(summary.title, 120)}", "", f"{escaped(summary.sentence)}.", "", "## Steps", ""]
    lines += ["| | step | done | took | |", "|---|---|---|---|---|"]
    for step in summary.steps:
        sign = "✓" if step.done_at is not None else "·"
        at = stamp(step.done_at) if step.done_at is not None else "not done"
        took = duration(step.seconds) if step.seconds is not None else ""
        lines.append(f"| {sign} | {step.number}. {escaped(step.title, 120)} | {at} | {took} | {remarks(step)} |")
    if any(step.facts for step in summary.steps):
        lines += ["", "## What was seen", ""]
        for step in summary.steps:
            lines += [f"- {escaped(fact)}" for fact in step.facts]
    lines += ["", "## Mistakes met", ""]
    if not summary.mistakes:
        lines.append("None that stood for longer than a second.")
    for mistake in summary.mistakes:
        because = f" Because {escaped(mistake.because)}." if mistake.because else ""
        lines.append(
            f"- {clock(mistake.at)}, {escaped(mistake.step, 120)}: {escaped(mistake.check, 200)}. "
            f"Found: {escaped(mistake.found)}.{because} {mended(mistake).capitalize()}."
        )
    lines += ["", escaped(summary.foot)]
    return "\n".join(lines) + "\n"
