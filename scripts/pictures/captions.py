"""What each picture shows, in the order of docs/screens.md: name of the file, heading, one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Caption(NamedTuple):
    """One picture of the page."""

    name: str
    title: str
    text: str


CAPTIONS = (
    Caption("home-first", "Home, the first time", "No cluster runs yet: home says what Enter would do."),
    Caption("bring-up", "The cluster comes up", "Each part, what it is for, and how long it took here."),
    Caption(
        "lab1-manifest",
        "Lab 1: the manifest",
        "`m` had it typed; below stands what the line under the cursor is for, in a wider pane beside each line.",
    ),
    Caption(
        "lab1-completion", "What can be written here", "`ctrl+space` offers the fields of the cluster's own schema."
    ),
    Caption("lab1-problem", "A problem while typing", "The misspelt field is underlined; below stands what mends it."),
    Caption(
        "lab1-red",
        "A red result",
        "What was expected, what was found, the command that shows it; further down the likely cause.",
    ),
    Caption("lab1-hints", "Hints", "`h` gives one at a time, the solution last."),
    Caption("lab1-difference", "Before an apply", "`d` shows what an apply would change, and applies nothing."),
    Caption("lab1-answers", "Questions", "An answer is held against what the cluster says."),
    Caption("lab", "Lab 2: three panes", "Lesson, your shell and the live cluster side by side, from 150 columns on."),
    Caption(
        "lab2-replaced",
        "A pod is replaced",
        "200 by 60: one pod was deleted in the shell, its ReplicaSet made another.",
    ),
    Caption("lab2-80x24-lesson", "80 by 24: the lesson", "One pane at a time; `1` to `5` change it."),
    Caption("lab2-80x24-cluster", "80 by 24: the cluster", "The same tree in a small terminal."),
    Caption("lab2-80x24-results", "80 by 24: the results", "Every claim of the step, and what proved it."),
    Caption(
        "cluster-tables", "The cluster as tables", "`g` leads to the next view: what `kubectl get` would print, live."
    ),
    Caption("cluster-nodes", "The cluster's nodes", "Which pod runs where, and the parts of the cluster itself."),
    Caption("cluster-events", "The cluster's events", "As they come, newest last."),
    Caption("what-happened", "What happened", "`t`: what followed from your last apply, by component, with times."),
    Caption("who-answered", "Who answers", "`w` counts the requests in the pods' own logs, and says what chance does."),
    Caption("summary", "Summary", "`u`: steps, times, hints and mistakes met; saved as Markdown and HTML."),
    Caption("command-log", "Command log", "`c`: what the tutor itself did, as the kubectl commands that do the same."),
    Caption("help", "All keys", "`?` lists the keys and signs of the screen."),
    Caption("pane-help", "Help for one pane", "`F1` explains the pane in focus."),
    Caption("home", "Home", "Later: how far each lab is, and the cluster that runs."),
    Caption("light", "Light", "The light theme; chosen in the palette (`:`) or by `K8S_TUTOR_THEME`."),
    Caption("ansi", "The terminal's own colours", '`theme = "ansi"` uses the sixteen colours that the terminal has.'),
    Caption("no-color", "Without colour", "`NO_COLOR`: each sign and word tells it without colour, too."),
    Caption("lost", "A lost connection", "A calm line says since when and what is tried; it goes by itself."),
)

_HEAD = """# The screens

Pictures of the tutor at work, taken by `scripts/screenshots.py` from runs on a real cluster that the script brings
up and takes down (`./dev screenshots` makes them anew). The keys are in the [README](../README.md#in-the-tutor).
"""


def page() -> str:
    """The text of docs/screens.md."""
    parts = [_HEAD]
    parts += [f"## {item.title}\n\n{item.text}\n\n![{item.title}](images/{item.name}.png)\n" for item in CAPTIONS]
    return "\n".join(parts)


def write(docs: Path) -> Path:
    """Write the page into the folder of the documents."""
    path = docs / "screens.md"
    path.write_text(page(), encoding="utf-8")
    return path
