"""A shell on somebody else's terminal ends with the tutor, and takes along what it started."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from terminal_desk import SHELL_ENV, until

from k8s_tutor.ui.terminal import keeper

JOBS = """
sleep 101 & echo $! >plain
setsid sleep 102 & echo $! >own
nohup sleep 103 >/dev/null 2>&1 & echo $! >stays
bash -c "trap '' HUP TERM; echo \\$\\$ >deaf; while :; do sleep 0.2; done"
"""


def gone(pid: int) -> bool:
    """Whether a process is gone, or dead and only not yet reaped."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Kept:
    """A shell with a keeper, on a terminal that is ours; ``tutor`` is the process on whose behalf it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tutor = subprocess.Popen(["sleep", "1000"])
        command = keeper.argv_with_keeper(["bash", "--norc", "--noprofile", "-i"])
        command[command.index(str(os.getpid()))] = str(self.tutor.pid)
        self.master, slave = pty.openpty()
        self.shell = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=SHELL_ENV, start_new_session=True
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    async def pid(self, name: str) -> int:
        file = self.folder / name
        await until(lambda: file.exists() and file.read_text().strip(), name)
        return int(file.read_text())

    def close(self) -> None:
        for process in (self.tutor, self.shell):
            process.kill()
            process.wait()
        os.close(self.master)


@pytest.mark.parametrize("end", ["the tutor is killed", "the shell is left"])
async def test_nothing_is_left_but_what_was_told_to_stay(tmp_path: Path, end: str) -> None:
    kept = Kept(tmp_path)
    (tmp_path / "jobs").write_text(JOBS)
    kept.type(". ./jobs\n")
    jobs = {name: await kept.pid(name) for name in ("plain", "own", "stays", "deaf")}
    await until(lambda: b"sleep" in Path(f"/proc/{jobs['stays']}/cmdline").read_bytes())
    try:
        if end == "the tutor is killed":
            kept.tutor.kill()
            kept.tutor.wait()
            await until(lambda: kept.shell.poll() is not None, "the shell ends")
        else:
            os.kill(kept.shell.pid, signal.SIGKILL)
            kept.shell.wait()
        for name in ("plain", "own", "deaf"):
            await until(lambda name=name: gone(jobs[name]), name)  # type: ignore[misc]
        assert not gone(jobs["stays"])
    finally:
        os.kill(jobs["stays"], signal.SIGKILL)
        kept.close()
    await until(lambda: gone(jobs["stays"]))


def test_the_program_is_the_process_itself_and_has_no_child_it_did_not_start() -> None:
    command = keeper.argv_with_keeper(["sh", "-c", "ps -o comm= --ppid $$; exit 7"])
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=SHELL_ENV)
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == ["ps"]


def test_a_program_that_does_not_exist_is_told() -> None:
    done = subprocess.run(
        keeper.argv_with_keeper(["/no/such/shell"]), capture_output=True, text=True, check=False, env=SHELL_ENV
    )
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_the_keeper_starts_fast_and_with_the_standard_library_only() -> None:
    program = f"import runpy, sys; runpy.run_path({keeper.__file__!r}, run_name='x'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert not {"asyncio", "subprocess", "textual", "k8s_tutor"} & set(done.stdout.split())
