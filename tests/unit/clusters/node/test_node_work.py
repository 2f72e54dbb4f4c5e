from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from node_helpers import Site

from k8s_tutor.clusters.node.download import fetch
from k8s_tutor.clusters.node.work import Work, output
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Phase


def wait_for(fact: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not fact():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_failure_shows_the_last_lines_and_the_log(work: Work) -> None:
    script = "for i in $(seq 1 40); do echo line $i; done; echo broken >&2; exit 3"
    with pytest.raises(EnvironmentFault) as error:
        work.run(["sh", "-c", script], log="x", what="Building x")
    assert error.value.message.startswith("Building x failed (exit 3):")
    assert "line 40" in error.value.message and "broken" in error.value.message
    assert "line 3\n" not in error.value.message
    log = work.logs / "x.log"
    assert str(log) in error.value.remedy
    assert "line 3\n" in log.read_text()


def test_lines_are_told_and_stdin_is_fed(work: Work) -> None:
    lines: list[str] = []
    work.run(["cat"], log="x", feed=lambda pipe: pipe.write(b"a\nb\xff\n") and None, line=lines.append)
    assert lines == ["a", "b\N{REPLACEMENT CHARACTER}"]


def test_a_program_that_does_not_read_its_input_tells_why(work: Work) -> None:
    def feed(pipe) -> None:  # type: ignore[no-untyped-def]
        for _ in range(64):
            pipe.write(b"x" * 65536)

    with pytest.raises(EnvironmentFault, match="will not"):
        work.run(["sh", "-c", "exec <&-; echo will not; exit 1"], log="x", feed=feed)


def test_stop_ends_children_with_all_they_started(work: Work, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    failed: list[EnvironmentFault] = []

    def run() -> None:
        try:
            work.run(["sh", "-c", f"sleep 600 & echo $! $$ >{pids}.new; mv {pids}.new {pids}; wait"], log="x")
        except EnvironmentFault as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(pids.exists)
    work.stop()
    thread.join(10)
    assert not thread.is_alive() and failed
    for pid in map(int, pids.read_text().split()):
        wait_for(lambda pid=pid: not alive(pid))
    with pytest.raises(EnvironmentFault, match="Stopped"):
        work.run(["true"], log="x")


def test_a_killed_maker_takes_its_child_along(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "from pathlib import Path\n"
        "from k8s_tutor.clusters.node.work import Work\n"
        "from k8s_tutor.phases import silent\n"
        f"work = Work(silent, Path({str(tmp_path)!r}))\n"
        f"work.run(['sh', '-c', 'echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 600'], log='x')\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", program])
    try:
        wait_for(pid_file.exists)
    finally:
        maker.kill()
        maker.wait()
    pid = int(pid_file.read_text())
    wait_for(lambda: not alive(pid))


def test_phases_run_and_end(work: Work, phases: list[Phase]) -> None:
    with work.phase("a", "A", "why") as telling:
        telling.say("first", fraction=0.5, seconds_left=3)
        telling.say("swallowed: too soon")
    with pytest.raises(ValueError), work.phase("b", "B"):
        raise ValueError("broken")
    assert [(phase.id, phase.state) for phase in phases] == [
        ("a", "running"),
        ("a", "running"),
        ("a", "done"),
        ("b", "running"),
        ("b", "failed"),
    ]
    assert (phases[1].fraction, phases[1].seconds_left, phases[1].explains) == (0.5, 3, "why")
    assert (phases[2].fraction, phases[2].seconds_left) == (1.0, None)
    assert phases[4].detail == "broken"


def test_a_download_ends_with_the_rest(site: Site, work: Work, tmp_path: Path) -> None:
    site.files["/large"] = bytes(3 << 20)

    def tell(done: int, size: int) -> None:
        work.stop()
        telling.say(f"{done} of {size}")

    with pytest.raises(EnvironmentFault, match="Stopped"), work.phase("a", "A") as telling:
        fetch(f"{site.url}/large", tmp_path / "large", "0" * 64, tell)
    assert site.asked == ["/large"]
    assert not list(tmp_path.glob("*large*")) and not list(tmp_path.glob(".part-*"))


def test_output_of_what_cannot_be_run_is_empty() -> None:
    assert output(["no-such-program-anywhere"]) == ""
    assert output(["sh", "-c", "echo a; echo b >&2; exit 1"]) == "a\nb\n"
