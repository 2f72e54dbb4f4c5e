"""Take the pictures of docs/images from the real tutor on a running cluster.

    python scripts/screenshots.py [--name CLUSTER] [--lab lab2] [--type COMMAND]

Each picture is saved as SVG (Textual's own export) and, where ``rsvg-convert`` is on the PATH, as PNG. The lab is shown
as far as the learner's progress on that cluster goes; ``--type`` is what a learner would type next.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

_TEXT = re.compile(
    r'<text (?P<before>[^>]*?)x="(?P<x>[\d.]+)"(?P<middle>[^>]*?) textLength="(?P<length>[\d.]+)"'
    r"(?P<after>[^>]*)>(?P<text>[^<]*)</text>"
)
_WORD = re.compile(r"[^\s\u00a0]+")


def placed(svg: str) -> str:
    """The SVG with each word at its own place: librsvg knows no ``textLength`` and drops leading spaces."""

    def words(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        if not text.strip("\u00a0 \n"):
            return ""
        from rich.cells import cell_len

        cell = float(found["length"]) / max(1, cell_len(text))
        pieces = []
        for word in _WORD.finditer(text):
            x = float(found["x"]) + cell * cell_len(text[: word.start()])
            attributes = f'{found["before"]}x="{x:.2f}"{found["middle"]}{found["after"]}'
            pieces.append(f"<text {attributes}>{html.escape(word.group())}</text>")
        return "".join(pieces)

    return _TEXT.sub(words, svg)


def to_png(svg: Path, width: int) -> Path | None:
    """A PNG beside the SVG, None where no converter is found."""
    converter = shutil.which("rsvg-convert")
    if converter is None:
        return None
    png = svg.with_suffix(".png")
    subprocess.run(
        [converter, "-w", str(width), "-o", str(png)], input=placed(svg.read_text("utf-8")), text=True, check=True
    )
    return png


async def take(cluster: str, lab: str, command: str, out: Path) -> list[Path]:
    """Home, the lab in three columns, and at 80 by 24, with its terminal in use."""
    from k8s_tutor.ui.app import TutorApp
    from k8s_tutor.ui.desk import Desk
    from k8s_tutor.ui.screens.lab import LabScreen
    from k8s_tutor.ui.terminal import TerminalPane

    taken: list[Path] = []
    for name, size, keys in (
        ("home", (100, 24), ()),
        ("lab", (150, 40), ("f6", "COMMAND")),
        ("lab-80x24", (80, 24), ()),
        ("what-happened", (120, 34), ("t",)),
    ):
        app = TutorApp(Desk(cluster, None), lab=None if name == "home" else lab)
        async with app.run_test(size=size) as pilot:
            deadline = time.monotonic() + 60
            while name != "home" and not isinstance(app.screen, LabScreen):
                if time.monotonic() > deadline:
                    raise SystemExit("the lab did not open within 60 s: is the cluster up? (k8s-tutor cluster status)")
                await pilot.pause(0.1)
            await pilot.pause(3.0)
            for key in keys:
                if key == "COMMAND":
                    await pilot.pause(3.0)  # a shell takes a moment to its prompt
                    app.screen.query_one(TerminalPane).insert(command)
                await pilot.press("enter" if key == "COMMAND" else key)
            await pilot.pause(2.0)
            path = out / f"{name}.svg"
            path.write_text(app.export_screenshot(title="k8s-tutor"), encoding="utf-8")
        taken.append(path)
        png = to_png(path, size[0] * 10)
        if png is not None:
            taken.append(png)
    return taken


def main() -> int:
    """Parse, take, say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="learner", help="name of the native cluster")
    parser.add_argument("--lab", default="lab2")
    parser.add_argument("--type", default="kubectl get pods", help="what is run in the terminal of the lab's picture")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "images")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(take(args.name, args.lab, args.type, args.out)):
        print(path)
    if shutil.which("rsvg-convert") is None:
        print("no rsvg-convert on the PATH: SVG only (Debian: librsvg2-bin)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
