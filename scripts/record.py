"""Record docs/recording.cast: about two minutes of a real learner's keys in the real tutor, on a real cluster.

    python scripts/record.py [--home FOLDER] [--out FILE]

The tutor runs in tmux and is driven by keys with a person's pauses, by what stands on its screen (tests/e2e). What
stands there is kept ten times a second, in the asciicast format, version 2; pauses are shortened to two seconds, and
nothing else is changed: what waits for a cluster takes as long as it took.
Play it with ``asciinema play docs/recording.cast``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from learner import Learner, Terminal  # noqa: E402 - the hands and eyes of the tests
from pictures import cast  # noqa: E402
from pictures.learner import environment, take_down  # noqa: E402

SIZE = (120, 34)
LETTER = 0.05
"""Seconds from letter to letter."""
PACE = 1.0
"""What every pause is multiplied by: for who reads along."""


class Person(Terminal):
    """A terminal whose user types letter by letter, and reads before going on."""

    def type(self, text: str) -> None:
        """Letter by letter."""
        for letter in text:
            super().type(letter)
            time.sleep(LETTER)

    def keys(self, *names: str) -> None:
        """One after the other."""
        for name in names:
            super().keys(name)
            time.sleep(0.12 if len(names) > 1 else 0.0)

    def picture(self) -> cast.Picture:
        """What stands there, with its colours."""
        place = "#{cursor_x} #{cursor_y} #{cursor_flag}"
        told = self._tmux("capture-pane", "-p", "-e", "-N", ";", "display-message", "-p", place)
        *rows, last = told.rstrip("\n").split("\n")
        column, row, shown = last.split()
        return cast.Picture(cast.rows_of("\n".join(rows)), (int(column), int(row)), shown == "1")

    def read(self, seconds: float) -> None:
        """Look at the screen for a while."""
        time.sleep(seconds * PACE)


class Onlooker(threading.Thread):
    """Looks at the terminal ten times a second, and keeps what it saw, with the time."""

    def __init__(self, person: Person) -> None:
        super().__init__(daemon=True)
        self.pictures: list[tuple[float, cast.Picture]] = []
        self._person = person
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        """Until told to end."""
        while not self._over.wait(0.1):
            self.pictures.append((time.monotonic(), self._person.picture()))

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


def story(one: Learner, person: Person) -> None:
    """What is shown: parts of both labs."""
    person.type("k8s-tutor")
    person.read(0.4)
    person.keys("Enter")
    person.wait(lambda s: "Work " in s and "q quit" in s, why="home")
    person.read(1.5)
    one.open_lab("A Pod")
    one.at(1, "Why an orchestrator")
    person.read(2.0)
    one.onward(2, "How a cluster is built")
    person.read(1.0)
    one.onward(3, "Write it down")
    person.read(1.0)
    one.typed_for_me("protocol: TCP")
    one.done()
    person.read(2.0)
    one.onward(4, "Which keys are required?")
    person.read(0.8)
    one.answer("Which field of a container is required?", "name")
    one.done()
    person.read(1.5)
    one.onward(5, "Hand it over")
    _in_shell(one, person, "lab1", "kubectl apply -f nginx-pod.yaml")
    person.read(1.0)
    one.onward(6, "Is it running?")
    one.done()
    person.keys("4")
    person.read(2.0)

    person.keys("b")
    person.wait("A Deployment", why="home")
    person.read(1.0)
    person.keys("Down")
    person.read(0.4)
    one.open_lab("A Deployment")
    one.at(1, "Write it down, once more")
    one.typed_for_me("protocol: TCP")
    one.done()
    person.read(0.8)
    one.onward(2, "Three from one")
    _in_shell(one, person, "lab2", "kubectl apply -f nginx-deploy.yaml")
    person.read(0.8)
    one.onward(3, "What does it say of itself?")
    person.read(0.8)
    one.answer("Which update strategy", "RollingUpdate")
    one.done()
    person.read(1.0)
    one.onward(4, "Delete one pod")
    person.read(0.5)
    names = [pod["metadata"]["name"] for pod in one.objects("pods", "-l", "app=nginx")]
    victim = next(name for name in names if name.startswith("nginx-deployment-"))
    one.enter_shell("lab2")
    person.type(f"kubectl delete pod {victim} --wait=false")
    person.keys("Enter")
    one.leave_shell()
    person.keys("4")  # the pod goes, and another comes
    one.done()
    person.read(2.0)
    one.onward(5, "A pod that nobody misses")
    person.read(0.5)
    _in_shell(one, person, "lab2", "kubectl delete pod nginx-pod")
    one.onward(6, "Ten of them")
    person.read(0.5)
    one.enter_shell("lab2")
    person.type("kubectl scale deployment nginx-deployment --replicas=10")
    person.keys("Enter")
    one.leave_shell()
    person.keys("4")
    one.done(120)
    person.read(2.0)
    one.onward(7, "One address that stays")
    person.read(0.5)
    _in_shell(one, person, "lab2", "kubectl expose deployment nginx-deployment --name=nginx-service")
    one.onward(8, "Who answers?")
    person.read(0.5)
    person.keys("w")
    # The tutor asks by itself as well, as soon as there is a Service.
    before = _asked(person.wait(lambda s: "Who answered" in s or " requests to " in s, why="who answered"))
    for asked in (10, 20, 30):
        person.read(0.6)
        person.keys("Space")
        person.wait(lambda s, asked=asked: _asked(s) >= before + asked, 30, why=f"{asked} requests more")
    person.read(2.5)
    person.keys("Escape")
    person.wait(lambda s: " requests to " not in s, why="the lab again")
    one.done()
    person.read(1.5)
    person.keys("u")
    person.wait("summary.md", why="the summary")
    person.read(3.0)
    person.keys("Escape")
    person.wait(lambda s: "summary.md" not in s, why="the lab again")
    person.read(0.5)
    person.keys("q")
    person.wait(lambda s: s.rstrip().endswith("$"), 15, why="the prompt after the tutor")
    person.read(0.5)


def _in_shell(one: Learner, person: Person, lab: str, command: str) -> None:
    """F6, a command, its answer; out again."""
    one.enter_shell(lab)
    one.run(lab, command)
    one.done()
    person.read(1.0)
    one.leave_shell()


def _asked(screen: str) -> int:
    found = [row.split(" requests")[0].split()[-1] for row in screen.splitlines() if " requests to " in row]
    return int(found[0]) if found and found[0].isdigit() else 0


def main() -> int:
    """Parse, play, write, clear up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, help="the learner's home (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "recording.cast")
    args = parser.parse_args()
    home: Path = (args.home or Path(tempfile.mkdtemp(prefix="k8s-tutor-"))).resolve()
    home.mkdir(parents=True, exist_ok=True)
    variables = environment(home) | {"PS1": "$ "}
    (home / "config" / "k8s-tutor").mkdir(parents=True, exist_ok=True)
    # Through home each time, so that it is seen.
    (home / "config" / "k8s-tutor" / "config.toml").write_text('start = "home"\n')
    os.chdir(home)
    person = Person(["bash", "--norc", "--noprofile"], variables, home, *SIZE)
    try:
        person.wait("$", why="a prompt")
        onlooker = Onlooker(person)
        person.read(0.5)
        story(Learner(person, variables), person)
        onlooker.end()
    finally:
        person.close()
        take_down(variables)
    events = list(cast.events(onlooker.pictures))
    text = cast.written(events, SIZE, "k8s-tutor: parts of two labs")
    wrong = cast.problems(text)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    args.out.write_text(text, encoding="utf-8")
    print(f"{args.out}: {events[-1][0]:.0f} s, {len(events)} events, {len(text) // 1024} KiB")
    if args.home is None:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
