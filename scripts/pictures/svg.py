"""From Textual's SVG export to a PNG, by ``rsvg-convert`` (Debian: librsvg2-bin); smaller where ``pngquant`` is."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
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


def converter() -> str | None:
    """The program that makes PNGs of SVGs, None where there is none."""
    return shutil.which("rsvg-convert")


def to_png(svg: str, png: Path, width: int) -> None:
    """Write the picture, ``width`` pixels wide. Raises CalledProcessError when the converter refuses it."""
    program = converter()
    if program is None:
        raise SystemExit("no rsvg-convert on the PATH (Debian: librsvg2-bin)")
    subprocess.run([program, "-w", str(width), "-o", str(png)], input=placed(svg), text=True, check=True)
    smaller = shutil.which("pngquant")
    if smaller is not None:
        # 99: no picture was worth the work, the file stays as it is.
        done = subprocess.run(
            [smaller, "--force", "--strip", "--skip-if-larger", "--speed", "1", "--ext", ".png", "256", str(png)]
        )
        if done.returncode not in (0, 98, 99):
            raise SystemExit(f"pngquant failed on {png.name}")
