"""Pages that home opens: what the machine lacks, the learner's files, a lab as text. Each is made beside the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from k8s_tutor.clusters.doctor.finding import well
from k8s_tutor.ui.home_text import finding_rows
from k8s_tutor.ui.reasons import Reasons
from k8s_tutor.ui.screens.page import PageScreen
from k8s_tutor.ui.text import ACCENT, BAD, DIM, STRONG, block, line, plain, span, tilde
from k8s_tutor.ui.widgets.rows import Row

if TYPE_CHECKING:
    from k8s_tutor.ui.app import TutorApp
    from k8s_tutor.ui.ports import LabCard

MOST_FILES = 60
LARGEST = 64 * 1024


class HomePages(Reasons):
    """The part of home that shows pages."""

    if TYPE_CHECKING:

        @property
        def tutor(self) -> TutorApp: ...  # noqa: D102 - the screen's
        @property
        def card(self) -> LabCard | None: ...  # noqa: D102 - the screen's

    def _page(self, page: PageScreen, make: Callable[[], tuple[list[Row], str]]) -> None:
        self.app.push_screen(page)

        def failed(error: Exception) -> None:
            page.show([(line(("✗ ", BAD)), line(block(getattr(error, "message", error), limit=1_500)))])

        self.tutor.jobs.start(self, f"page-{id(page)}", make, then=lambda made: page.show(*made), failed=failed)

    def action_doctor(self) -> None:
        """What this machine has and lacks."""
        desk = self.tutor.desk

        def look() -> tuple[list[Row], str]:
            found = list(desk.findings())
            return finding_rows(found), "everything needed is there" if well(found) else "something needed is missing"

        self._page(PageScreen("Doctor", "what this machine and the cluster have and lack", waits="looking …"), look)

    def action_folder(self) -> None:
        """The learner's files of the chosen lab."""
        card = self.card
        if card is not None:
            folder = self.tutor.desk.workspace(card.id)
            title = f"Your files of {card.title}"
            self._page(PageScreen(title, tilde(folder), waits="reading …"), lambda: folder_rows(folder, time.time()))

    def action_lesson(self) -> None:
        """The chosen lab as one text."""
        card, desk = self.card, self.tutor.desk
        if card is not None:
            note = f"also: k8s-tutor lesson {card.id}"
            make = lambda: (text_rows(desk.lab_text(card.id)), note)  # noqa: E731
            self._page(PageScreen(card.title, note, waits="reading …"), make)


def folder_rows(folder: Path, now: float) -> tuple[list[Row], str]:
    """The files with size and age, then what is in those that are text; and the note beside the title."""
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except FileNotFoundError:
        return [(line(), line(("not there yet: it is made when the lab is opened", DIM)))], tilde(folder)
    files = [path for path in entries if path.is_file() and not path.is_symlink() and not path.name.startswith(".")]
    rows: list[Row] = []
    for path in files[:MOST_FILES]:
        status = path.stat()
        name = plain(path.name, 60)
        age = f"{span(now - status.st_mtime)} ago"
        rows.append((line((f"{name:<28}", STRONG)), line((f"{status.st_size:>7} bytes   {age}", DIM))))
    for path in files[:MOST_FILES]:
        rows += [(line(), line()), (line(), line((plain(path.name, 60), f"bold {ACCENT}")))]
        rows += text_rows(_text(path))
    others = [path.name for path in entries if path.is_dir() and not path.name.startswith(".")]
    if others:
        rows += [(line(), line()), (line(), line((f"and the folders {plain(', '.join(others[:8]), 200)}", DIM)))]
    note = f"{tilde(folder)}, {len(files)} file{'s' if len(files) != 1 else ''}"
    return rows or [(line(), line(("empty", DIM)))], note


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        return f"(cannot be read: {error.strerror})"
    if len(data) > LARGEST or b"\0" in data:
        return "(not shown: too large, or no text)"
    return data.decode("utf-8", "replace")


def text_rows(text: str) -> list[Row]:
    """Lines as they are; one that wraps goes on under its own indent."""
    rows: list[Row] = []
    for row in block(text.rstrip(), limit=200_000, lines=4_000).split("\n"):
        words = row.lstrip(" ")
        rows.append((line(" " * (len(row) - len(words))), line(words)))
    return rows
