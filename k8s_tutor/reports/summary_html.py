"""A summary as one HTML page that needs nothing else: light and dark by the reader's own wish, good on paper."""

from __future__ import annotations

import html

from k8s_tutor.checks.words import clip, clock, duration
from k8s_tutor.reports.summary import Summary, mended, remarks, stamp

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6773; --line: #d8dde3; --paper: #fff;
  --good: #1a7f37; --wrong: #b3261e; --accent: #0b5fae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ec; --soft: #9aa5b1; --line: #333c47; --paper: #14191f;
  --good: #4cc26b; --wrong: #ff8a80; --accent: #79b8ff; } }
body { margin: 3rem auto; max-width: 52rem; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.lead { color: var(--soft); margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } td.n { white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar { display: block; height: .35rem; border-radius: .2rem; background: var(--accent); margin-top: .3rem; }
.good { color: var(--good); } .wrong { color: var(--wrong); } .soft, footer { color: var(--soft); }
ul { padding-left: 1.2rem; } li { margin: .25rem 0; } .told { overflow-wrap: anywhere; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: .8rem; font-size: .9rem; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } tr, li { break-inside: avoid; }
  :root { --ink: #000; --paper: #fff; --soft: #444; --line: #bbb; --good: #000; --wrong: #000; --accent: #555; } }
""".strip()


def html_page(summary: Summary) -> str:
    """The page."""
    longest = max((step.seconds or 0.0 for step in summary.steps), default=0.0)
    rows = []
    for step in summary.steps:
        done = step.done_at is not None
        sign = '<span class="good">✓ done</span>' if done else '<span class="soft">· open</span>'
        took = duration(step.seconds) if step.seconds is not None else ""
        share = 100 * (step.seconds or 0.0) / longest if longest else 0.0
        bar = f'<span class="bar" style="width: {max(share, 1):.0f}%"></span>' if step.seconds is not None else ""
        note = f' <span class="soft">({_safe(remarks(step))})</span>' if remarks(step) else ""
        at = stamp(step.done_at) if step.done_at is not None else ""
        rows.append(
            f'<tr><td class="n">{sign}</td><td>{step.number}. {_safe(step.title, 160)}{note}</td>'
            f'<td class="n">{at}</td><td class="n">{took}{bar}</td></tr>'
        )
    seen = "".join(f'<li class="told">{_safe(fact)}</li>' for step in summary.steps for fact in step.facts)
    mistakes = "".join(
        f'<li class="told"><span class="n">{clock(item.at)}</span> <strong>{_safe(item.check, 200)}</strong> '
        f'<span class="soft">({_safe(item.step, 120)})</span><br><span class="wrong">✗ found:</span> '
        f"{_safe(item.found)}{'<br>because ' + _safe(item.because) if item.because else ''}"
        f"<br>{_safe(mended(item))}</li>"
        for item in summary.mistakes
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{_safe(summary.title, 160)}</title>",
        f"<style>{_STYLE}</style></head>",
        f'<body><h1>{_safe(summary.title, 160)}</h1><p class="lead">{_safe(summary.sentence)}.</p>',
        "<h2>Steps</h2><table><thead><tr><th></th><th>Step</th><th>Done</th><th>Took</th></tr></thead><tbody>",
        *rows,
        "</tbody></table>",
        f"<h2>What was seen</h2><ul>{seen}</ul>" if seen else "",
        "<h2>Mistakes met</h2>",
        f"<ul>{mistakes}</ul>" if mistakes else '<p class="soft">None that stood for longer than a second.</p>',
        f"<footer>{_safe(summary.foot)}</footer></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _safe(value: str, limit: int = 400) -> str:
    return html.escape(clip(value, limit), quote=True)
