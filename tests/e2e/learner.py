"""A learner at a terminal: real keys into the real program inside tmux, and eyes for what stands on its screen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
"""Where the program is installed."""

PATIENCE = 60.0
"""Seconds to wait for a fact: none is waited for in vain on a healthy machine, and a busy one is slow."""

OWN = "%0"
"""tmux's name of the pane that the program runs in: the first one of its server."""

_LETTERS = "h hint"  # the footer while letters are keys
_FIELD = "esc leave"  # while text is typed into a field or the editor


class Terminal:
    """One tmux session on a server of its own. ``screen`` is what a person would read."""

    def __init__(self, argv: Sequence[str], environment: dict[str, str], folder: Path, width: int, height: int) -> None:
        self.socket = folder / "tmux.sock"
        self.log: list[str] = []
        # This environment and no other: readline, once loaded, sets LINES and COLUMNS behind Python's back.
        self._environment = environment
        settings = ["set-option", "-g", "remain-on-exit", "on", ";", "set-option", "-s", "escape-time", "0", ";"]
        # In one call: a program that ends at once must not take the server with it before it is told to stay.
        size = ["-x", str(width), "-y", str(height)]
        self._tmux("-f", "/dev/null", "start-server", ";", *settings, "new-session", "-d", *size, *argv)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self.socket), *arguments],
            env=self._environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self) -> str:
        """The visible text."""
        return self._tmux("capture-pane", "-p", "-t", OWN)

    def panes(self) -> int:
        """How many panes there are: the program's own, and what it opened beside."""
        return len(self._tmux("list-panes", "-a").splitlines())

    def other(self) -> str:
        """The text of the pane that is active: the one beside, after the program opened it."""
        return self._tmux("capture-pane", "-p")

    def to_other(self, text: str) -> None:
        """Type a line into the active pane, and Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0: the program puts it where text would go."""
        column, row = self._tmux("display-message", "-p", "-t", OWN, "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names (``Enter``, ``F6``, ``n``)."""
        self.log.append(f"keys {names}")
        self._tmux("send-keys", "-t", OWN, *names)

    def type(self, text: str) -> None:
        """Type text as a person would, without Enter."""
        self.log.append(f"type {text!r}")
        self._tmux("send-keys", "-t", OWN, "-l", text)

    def wait(self, what: str | Callable[[str], bool], seconds: float = PATIENCE, why: str = "") -> str:
        """Wait until the screen shows a text (or satisfies a condition); the last screen is in the failure."""
        deadline = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if what(screen) if callable(what) else what in screen:
                return screen
            if time.monotonic() > deadline:
                wanted = why or (what if isinstance(what, str) else "what was waited for")
                raise AssertionError(
                    f"not on the screen within {seconds:.0f} s: {wanted}\nafter {self.log[-8:]}\n{screen}"
                )
            time.sleep(0.05)  # tmux tells nobody when its screen changes

    def shows(self, condition: Callable[[str], bool], seconds: float) -> bool:
        """Whether the screen comes to satisfy a condition in this time."""
        try:
            self.wait(condition, seconds)
        except AssertionError:
            return False
        return True

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return int(self._tmux("display-message", "-p", "-t", OWN, "#{pane_pid}"))

    def ended(self) -> int | None:
        """The program's exit code, or the signal that ended it below zero; None while it runs."""
        told = self._tmux("display-message", "-p", "-t", OWN, "#{pane_dead}/#{pane_dead_status}/#{pane_dead_signal}")
        dead, status, number = told.strip().split("/")
        if status:
            return int(status)
        if number:
            return -int(number)
        if dead == "1":
            # tmux 3.3a misses a child now and then; the end of another one has it look at all of them.
            self._tmux("run-shell", "true")
        return None

    def wait_ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the program to end; as ``ended`` tells it."""
        deadline = time.monotonic() + seconds
        while (code := self.ended()) is None:
            assert time.monotonic() < deadline, f"still runs after {seconds:.0f} s\n{self.screen()}"
            time.sleep(0.05)
        return code

    def close(self) -> None:
        """End the server and what still runs in it."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, timeout=60)


class Learner:
    """What a learner does in the tutor, and reads there, in the layout of three columns (from 150 columns on)."""

    def __init__(self, terminal: Terminal, environment: dict[str, str]) -> None:
        self.terminal = terminal
        self._environment = environment

    # -- reading

    @staticmethod
    def columns(screen: str) -> tuple[list[str], list[str], list[str]]:
        """Lesson, work (editor or shell) and live cluster, line by line; rows keep their number."""
        # A notice lies over the lower right; what is under it cannot be read.
        # A thick line marks the pane in focus.
        parts = [[*line.replace("┃", " ").split("▌")[0].split("│"), "", ""][:3] for line in screen.splitlines()]
        return [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts]

    def lesson(self) -> str:
        """The left column."""
        return "\n".join(self.columns(self.terminal.screen())[0])

    def shell_rows(self, screen: str) -> list[str]:
        """What stands in the shell, without the blank rows at its end; empty while another tab is on view."""
        rows = [row.rstrip().removeprefix(" ") for row in self.columns(screen)[1][:-2]]
        tabs = next((i for i, row in enumerate(rows) if row.startswith("Manifest")), len(rows))
        rows = rows[tabs + 2 :]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def last_row(self, screen: str) -> str:
        """The last row of the shell that is not blank."""
        return next(reversed(self.shell_rows(screen)), "")

    @staticmethod
    def title(screen: str) -> str:
        """Number, title and sign of the step on view, on one line; empty if no step is on view."""
        rows = Learner.columns(screen)[0][2:]
        first = next((i for i, row in enumerate(rows) if row.strip()), 0)
        title = []
        for row in rows[first : first + 3]:
            if not row.strip():
                break
            title.append(row.strip())
        return " ".join(title) if title and re.match(r"\d+ ", title[0]) else ""

    @staticmethod
    def progress(screen: str) -> str:
        """``3 of 12``, from the line on top."""
        found = re.search(r"\d+ of \d+", screen.partition("\n")[0])
        return found.group() if found else ""

    # -- the way in and on

    def open_lab(self, title: str) -> list[str]:
        """From home into the lab whose line is chosen; the phases of the bring-up that were seen on the way."""
        self.terminal.wait(lambda s: "Work " in s and "q quit" in s, why="home")
        self.terminal.keys("Enter")
        seen: list[str] = []

        def there(screen: str) -> bool:
            for row in screen.splitlines():
                found = re.match(r" +[✓◐·✗] (\w+) .*", row)
                if found and found.group(1) not in seen:
                    seen.append(found.group(1))
            return screen.startswith(f" {title} ") and _LETTERS in screen and "● live" in screen

        self.terminal.wait(there, 300, why=f"the lab {title!r}, live")
        return seen

    def at(self, number: int, title: str) -> None:
        """Wait until this step is on view."""
        self.terminal.wait(lambda s: self.title(s).startswith(f"{number} {title[:30]}".replace(" ", "  ", 1)),
                           why=f"step {number} {title}")  # fmt: skip

    def done(self, seconds: float = PATIENCE) -> None:
        """Wait until the step on view says that it is done."""
        self.terminal.wait(lambda s: "✓ done" in self.title(s), seconds, why="✓ done beside the step's title")

    def onward(self, number: int, title: str) -> None:
        """``n``, until the next step is on view."""
        self.letters()
        self.terminal.keys("n")
        self.at(number, title)

    def proven(self, check: str) -> None:
        """Wait for a check's sign of success below the step."""
        self.terminal.wait(lambda s: any(row.startswith(f" ✓ {check[:40]}") for row in self.columns(s)[0]),
                           why=f"✓ {check}")  # fmt: skip

    def letters(self) -> None:
        """Wait until letters are keys."""
        self.terminal.wait(lambda s: _LETTERS in last_line(s), why="a footer with letters as keys")

    # -- answering

    def answer(self, ask: str, text: str, *, nth: int = 0) -> None:
        """Tab to the field of a question, type, Enter. ``nth``: how many fields stand above it in this step."""
        screen = self.terminal.screen()
        if nth and _FIELD in last_line(screen):
            self.terminal.keys("Tab")
        else:
            self.letters()
            # The part below the text is a stop of its own (it scrolls), then each command, then the fields.
            stops = 1 + sum(row.startswith("  $ ") for row in self.columns(screen)[0])
            self.terminal.keys(*["Tab"] * (stops + 1 + nth))
        self.terminal.wait(lambda s: _FIELD in last_line(s) and self._in_field(s, ask), why=f"the cursor below {ask!r}")
        self.give(text)

    def give(self, text: str) -> None:
        """Type into the field that the cursor is in, see it there, Enter."""
        self.terminal.type(text)
        self.terminal.wait(lambda s: self._typed(s).endswith(text), why=f"{text!r} typed")
        self.terminal.keys("Enter")

    def clear_field(self) -> None:
        """Take out what stands in the field that the cursor is in."""
        self.terminal.keys("C-u")
        self.terminal.wait(lambda s: self._typed(s).startswith("for example"), why="an empty field")

    def _typed(self, screen: str) -> str:
        """What stands on the cursor's row; empty while the cursor is on no row of the lesson."""
        rows, at = self.columns(screen)[0], self.terminal.cursor()[1]
        return rows[at].strip() if at < len(rows) else ""

    def _in_field(self, screen: str, ask: str) -> bool:
        rows, at = self.columns(screen)[0], self.terminal.cursor()[1]
        above = [row for row in rows[:at] if row.startswith(" ? ")]
        return bool(above) and above[-1].startswith(f" ? {ask[:30]}")

    def leave_field(self) -> None:
        """Escape, until letters are keys again."""
        self.terminal.keys("Escape")
        self.letters()

    # -- the manifest

    def typed_for_me(self, last: str) -> None:
        """``m`` has the lab's manifest typed, ctrl+s saves it; ``last`` is on its last line."""
        self.letters()
        self.terminal.keys("m")
        self.terminal.wait(lambda s: "not saved" in s and any(last in row for row in self.columns(s)[1]),
                           why="the lab's manifest in the editor, not saved")  # fmt: skip
        self.terminal.keys("C-s")
        self.terminal.wait("✓ saved")
        self.terminal.keys("Escape")
        self.letters()

    # -- the shell

    def enter_shell(self, lab: str) -> None:
        """F6, until the prompt is there and has the keys."""
        self.letters()
        self.terminal.keys("F6")
        self.terminal.wait(lambda s: self.idles(s, lab), why="the shell's prompt")
        self.terminal.wait(keys_in_shell, why="keys that go to the shell")

    def leave_shell(self) -> None:
        """F6 again: letters are keys."""
        self.terminal.keys("F6")
        self.letters()

    def start(self, lab: str, command: str) -> str:
        """Type a command into a cleared shell, and Enter; what stood at the prompt, without blanks."""
        self.terminal.keys("C-l")
        self.terminal.wait(lambda s: self.shell_rows(s) == [prompt(lab)], why="a cleared shell")
        self.terminal.type(command)
        # Long lines wrap: compare without blanks.
        typed = _squeeze(prompt(lab) + command)
        self.terminal.wait(lambda s: _squeeze("".join(self.shell_rows(s))) == typed, why=f"{command!r} at the prompt")
        self.terminal.keys("Enter")
        return typed

    def idle(self, lab: str, seconds: float = PATIENCE, why: str = "the prompt") -> str:
        """Wait for the prompt; the screen then."""
        return self.terminal.wait(lambda s: self.idles(s, lab), seconds, why=why)

    def run(self, lab: str, command: str, seconds: float = PATIENCE) -> str:
        """Type a command into the shell, wait for the next prompt; what was printed, as far as it is on view."""
        typed = self.start(lab, command)
        screen = self.idle(lab, seconds, f"the prompt after {command!r}")
        rows = self.shell_rows(screen)[:-1]
        while rows and typed:  # the rows of the command itself come first
            typed = typed.removeprefix(_squeeze(rows.pop(0)))
        return "\n".join(rows)

    def run_until(self, lab: str, command: str, *wanted: str, seconds: float = PATIENCE) -> None:
        """Run a command again and again, as one does who waits for something, until it prints all that is wanted."""
        deadline = time.monotonic() + seconds
        while not all(word in (printed := self.run(lab, command)) for word in wanted):
            assert time.monotonic() < deadline, (
                f"{command!r} does not print {wanted} within {seconds:.0f} s:\n{printed}"
            )

    def idles(self, screen: str, lab: str) -> bool:
        """Whether the shell is at its prompt."""
        rows = self.shell_rows(screen)
        return bool(rows) and rows[-1].strip() == prompt(lab)

    # -- leaving

    def quit(self) -> float:
        """``q``; seconds until the program had ended, with exit code 0."""
        self.terminal.wait(lambda s: "q quit" in last_line(s), why="a footer that offers to quit")
        began = time.monotonic()
        self.terminal.keys("q")
        assert self.terminal.wait_ended() == 0, self.terminal.screen()
        return time.monotonic() - began

    # -- the cluster, asked beside the tutor by the learner's own kubeconfig

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints in another terminal of the learner, made ready as the program says."""
        ready = 'eval "$(k8s-tutor env)" && exec kubectl "$@"'
        done = subprocess.run(
            ["/bin/sh", "-c", ready, "kubectl", *arguments],
            env=self._environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects of a kind, as the API server has them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, "-o", "json", *arguments))
        items: list[dict[str, Any]] = found.get("items", [found])
        return items


def prompt(lab: str) -> str:
    """The shell's prompt in a lab's folder, as it looks without its last blank."""
    return f"~/{lab} $"


def keys_in_shell(screen: str) -> bool:
    """Whether the footer offers nothing but the way out of the shell."""
    footer = last_line(screen)
    return footer.startswith("F6") and _LETTERS not in footer and _FIELD not in footer


def _squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


def last_line(screen: str) -> str:
    """The footer: one or two rows, below the last line across."""
    rows = screen.rstrip("\n").splitlines()
    above = [index for index, row in enumerate(rows) if row.startswith("──")]
    return "  ".join(row.strip() for row in rows[above[-1] + 1 if above else -1 :])
