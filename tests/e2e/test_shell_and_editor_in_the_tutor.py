"""The shell, the editor, hints and a killed tutor, as a learner uses them: real keys, real programs, a real cluster.

The tests of this file are one story in its order, on a cluster of its own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from learner import Learner, keys_in_shell, last_line, prompt

Open = Callable[..., Learner]


def gone(process: int, seconds: float = 20.0) -> bool:
    """Whether a process ends in this time (a process that is no child of ours tells nobody)."""
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{process}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_programs_that_take_the_whole_screen(tutor: Open, learner: dict[str, str]) -> None:
    """vim writes a file, less goes to its end, top draws; after each the prompt is back."""
    one = tutor()
    one.open_lab("A Pod")
    one.enter_shell("lab1")
    work = Path(learner["K8S_TUTOR_HOME"]) / "lab1"

    one.start("lab1", "vim -u NONE -N note.txt")
    one.terminal.wait(lambda s: sum(row.startswith("~") for row in one.shell_rows(s)) > 5, why="vim's empty lines")
    one.terminal.keys("i")
    one.terminal.wait("-- INSERT --")
    one.terminal.type("q n h are letters here")
    one.terminal.wait("q n h are letters here")
    one.terminal.keys("Escape")
    time.sleep(0.06)  # a quick hand
    one.terminal.type(":wq")
    one.terminal.keys("Enter")
    one.idle("lab1")
    assert (work / "note.txt").read_text() == "q n h are letters here\n"

    one.start("lab1", "seq 1000 | less")
    one.terminal.wait(lambda s: one.shell_rows(s)[:1] == ["1"], why="the first line in less")
    one.terminal.keys("G")
    one.terminal.wait(lambda s: "1000" in one.shell_rows(s), why="the last line in less")
    one.terminal.keys("q")
    one.idle("lab1")

    one.start("lab1", "top")
    one.terminal.wait("load average")
    one.terminal.keys("q")
    one.idle("lab1")

    # A lesson's step is still the one on view: no key of these was the tutor's.
    one.leave_shell()
    one.at(1, "Why an orchestrator")
    assert one.quit() < 5.0


def test_kubectl_with_completion_exec_and_edit(tutor: Open) -> None:
    """``k`` is kubectl, Tab completes, exec has a terminal of its own, edit opens the learner's editor."""
    one = tutor()
    one.open_lab("A Pod")
    one.enter_shell("lab1")
    assert "created" in one.run("lab1", "k run web --image=nginx")
    one.run("lab1", "k wait pod web --for=condition=Ready --timeout=60s", 90)

    one.run("lab1", "true")
    one.terminal.type("kubectl get pod w")
    one.terminal.keys("Tab")
    one.terminal.wait(lambda s: one.last_row(s).startswith(f"{prompt('lab1')} kubectl get pod web"), why="web")
    one.terminal.keys("C-c")
    one.terminal.wait(lambda s: one.last_row(s).strip() == prompt("lab1"), why="a fresh prompt after ^C")

    one.start("lab1", "kubectl exec -it web -- sh")
    one.terminal.wait(lambda s: one.last_row(s).strip() == "#", why="the prompt in the container")
    one.terminal.type("hostname; tty")
    one.terminal.keys("Enter")
    one.terminal.wait(lambda s: "web" in one.shell_rows(s) and "/dev/pts/0" in s, why="the container's name and tty")
    one.terminal.keys("C-d")
    one.idle("lab1")

    one.start("lab1", "KUBE_EDITOR='vim -u NONE' kubectl edit pod web")
    one.terminal.wait("# Please edit the object below")
    one.terminal.type(":%s/run: web/run: edited/")
    one.terminal.keys("Enter")
    one.terminal.type(":wq")
    one.terminal.keys("Enter")
    one.idle("lab1")
    assert one.objects("pod", "web")[0]["metadata"]["labels"] == {"run": "edited"}
    assert "deleted" in one.run("lab1", "k delete pod web --now")
    one.leave_shell()
    assert one.quit() < 5.0


def test_scrollback_and_a_flood(tutor: Open) -> None:
    """What scrolled away is reached again; 100,000 lines pour through and the tutor's own keys still answer."""
    one = tutor()
    one.open_lab("A Pod")
    one.enter_shell("lab1")
    one.run("lab1", "seq 300")
    one.terminal.keys("S-PPage")
    screen = one.terminal.wait("lines · shift+pgdn", why="how far up the view is")
    assert "300" not in one.shell_rows(screen)
    one.terminal.keys("S-End")
    one.terminal.wait(lambda s: "300" in one.shell_rows(s) and "lines · shift+pgdn" not in s, why="the end again")

    one.start("lab1", "seq 100000")
    one.terminal.keys("F6")
    one.letters()
    one.terminal.keys("n")
    one.at(2, "How a cluster is built")
    one.terminal.wait(lambda s: "100000" in one.shell_rows(s) and one.idles(s, "lab1"), why="the flood's end")
    assert one.quit() < 5.0


def test_a_command_of_the_lesson_waits_at_the_prompt(tutor: Open) -> None:
    """Enter on it puts it there; the learner's own Enter runs it, and nothing else does."""
    one = tutor()
    one.open_lab("A Pod")
    one.at(2, "How a cluster is built")
    one.terminal.keys("Tab", "Tab", "Enter")  # past the part below the text, onto the first command
    one.terminal.wait(keys_in_shell, why="keys that go to the shell")
    wanted = f"{prompt('lab1')} kubectl get nodes -o wide"
    one.terminal.wait(lambda s: one.last_row(s).startswith(wanted), why="the command at the prompt")
    time.sleep(1.0)  # long enough for a command that was run to have printed
    screen = one.terminal.screen()
    assert one.last_row(screen).startswith(wanted) and "Ready" not in "".join(one.shell_rows(screen))
    one.terminal.keys("Enter")
    one.terminal.wait(lambda s: any(" Ready " in row for row in one.shell_rows(s)), why="the node, Ready")
    one.leave_shell()
    assert one.quit() < 5.0


def test_hints_then_a_mistake_underlined_then_killed_while_typing(tutor: Open, learner: dict[str, str]) -> None:
    """Hints come one by one and are remembered; what was typed and not saved is there again after a SIGKILL."""
    one = tutor()
    one.open_lab("A Pod")
    one.at(2, "How a cluster is built")
    one.onward(3, "Write it down")
    one.terminal.keys("h")
    one.terminal.wait("hint 1 of ")
    one.terminal.keys("h")
    one.terminal.wait("hint 2 of ")

    one.terminal.keys("e")
    one.terminal.wait(lambda s: "esc leave" in last_line(s), why="the editor with the keys")
    for line in ("apiVersion: v1", "knd: Pod"):
        one.terminal.type(line)
        one.terminal.keys("Enter")
    one.terminal.wait(lambda s: any("✗ 2:1" in row or "2✗" in row for row in one.columns(s)[1]), why="line 2 marked")
    one.terminal.keys("Up", "Home", "DC", "DC", "DC")
    one.terminal.type("kind")
    one.terminal.wait(lambda s: any("kind: Pod" in row for row in one.columns(s)[1])
                      and not any("2✗" in row for row in one.columns(s)[1]), why="line 2 mended")  # fmt: skip
    time.sleep(1.5)  # a draft is kept a moment after the last key
    program = one.terminal.pid
    os.kill(program, signal.SIGKILL)
    assert one.terminal.wait_ended() == -signal.SIGKILL

    two = tutor()
    two.open_lab("A Pod")
    two.at(3, "Write it down")
    two.terminal.wait("Brought back what you had typed and not saved")
    two.terminal.wait("hint 2 of ")
    two.terminal.wait(lambda s: any("apiVersion: v1" in row for row in two.columns(s)[1])
                      and any("kind: Pod" in row for row in two.columns(s)[1]), why="what was typed")  # fmt: skip
    assert not (Path(learner["K8S_TUTOR_HOME"]) / "lab1" / "nginx-pod.yaml").exists()

    # Leaving asks now, and takes a no for an answer.
    two.terminal.keys("q")
    two.terminal.wait("Leave without saving?")
    two.terminal.keys("Escape")
    two.terminal.wait(lambda s: "Leave without saving?" not in s, why="no question any more")
    two.terminal.keys("e")
    two.terminal.wait(lambda s: "esc leave" in last_line(s), why="the editor with the keys")
    two.terminal.keys("C-s")
    two.terminal.wait("✓ saved")
    two.terminal.keys("Escape")
    two.letters()
    assert two.quit() < 5.0


def test_no_process_outlives_a_quit(tutor: Open) -> None:
    """An editor open in the shell: q asks, names it, and takes everything along when told to."""
    one = tutor()
    one.open_lab("A Pod")
    one.enter_shell("lab1")
    shell = int(one.run("lab1", "echo $$").strip())
    job = int(one.run("lab1", "sleep 1000 & echo $!").split()[-1])
    one.start("lab1", "vim -u NONE other.txt")
    one.terminal.wait(lambda s: sum(row.startswith("~") for row in one.shell_rows(s)) > 5, why="vim's empty lines")
    one.terminal.keys("F6")
    one.letters()
    one.terminal.keys("q")
    one.terminal.wait("vim is open in the terminal")
    one.terminal.keys("y")
    assert one.terminal.wait_ended() == 0
    assert gone(shell) and gone(job)


def test_a_tmux_pane_instead(tutor: Open) -> None:
    """Where the shell cannot be embedded and the tutor runs in tmux: a pane beside, which ends with the tutor."""
    one = tutor(environment={"K8S_TUTOR_TERMINAL": "tmux"})
    one.open_lab("A Pod")
    one.terminal.keys("F6")
    one.terminal.wait(lambda _: one.terminal.panes() == 2, why="a second pane")
    one.terminal.wait(lambda _: prompt("lab1") in one.terminal.other(), why="the shell's prompt in it")
    one.terminal.to_other("kubectl config view --minify -o jsonpath='{..namespace}'; echo")
    one.terminal.wait(lambda _: "\nlearner" in one.terminal.other(), why="the lab's namespace")
    one.terminal.keys("q")
    assert one.terminal.wait_ended() == 0
    one.terminal.wait(lambda _: one.terminal.panes() == 1, why="no pane but the tutor's own")


def test_a_shell_in_the_tutors_stead(tutor: Open) -> None:
    """Elsewhere the shell takes the screen, and exit leads back to the step."""
    one = tutor(environment={"K8S_TUTOR_TERMINAL": "suspend"})
    one.open_lab("A Pod")
    one.terminal.keys("F6")
    one.terminal.wait(lambda s: "The tutor waits." in s and prompt("lab1") in s, why="the shell on the whole screen")
    one.terminal.type("kubectl get nodes -o name")
    one.terminal.keys("Enter")
    one.terminal.wait("node/")
    one.terminal.type("exit")
    one.terminal.keys("Enter")
    one.letters()
    assert one.quit() < 5.0
