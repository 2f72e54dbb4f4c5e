from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal_desk import BASH, SHELL_ENV, until

from k8s_tutor.ui.terminal.keeper import session_members
from k8s_tutor.ui.terminal.pty import Pty


class Run:
    """A program with what it wrote and how it ended."""

    def __init__(self, *argv: str, cwd: Path = Path("/")) -> None:
        self.out = b""
        self.code: int | None = None
        self.pty = Pty(argv, SHELL_ENV, cwd, 80, 24, on_data=self._data, on_exit=self._exit)

    def _data(self, data: bytes) -> None:
        self.out += data

    def _exit(self, code: int) -> None:
        assert self.code is None, "told twice"
        self.code = code

    async def wrote(self, text: bytes) -> None:
        await until(lambda: text in self.out, lambda: repr(self.out))


def gone(pid: int) -> Callable[[], bool]:
    """Whether a process is gone, or dead and only waiting to be reaped by another parent."""

    def check() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    return check


def children() -> list[str]:
    """Our own children, zombies too."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


async def test_the_program_has_a_terminal_and_a_session_of_its_own(tmp_path: Path) -> None:
    script = (
        "stty size; test -t 0 && test -t 1 && test -t 2 && echo tty; exec 3</dev/tty && echo controlled; pwd; exit 7"
    )
    run = Run("sh", "-c", script, cwd=tmp_path)
    await until(lambda: run.code is not None, lambda: repr(run.out))
    assert run.code == 7
    assert run.out.decode().split() == ["24", "80", "tty", "controlled", str(tmp_path)]
    assert not run.pty.running


async def test_a_signal_is_told_as_shells_do() -> None:
    run = Run("sh", "-c", "kill -KILL $$")
    await until(lambda: run.code is not None)
    assert run.code == 128 + signal.SIGKILL


async def test_resize_reaches_the_program() -> None:
    run = Run("sh", "-c", "trap 'stty size' WINCH; echo up; while :; do read x; done")
    await run.wrote(b"up")
    run.pty.resize(33, 11)
    await run.wrote(b"11 33")
    await run.pty.close()


async def test_much_typing_waits_for_a_program_that_does_not_read() -> None:
    run = Run("sh", "-c", "stty raw -echo; echo up; read x < /dev/tty; cat >/dev/null & wc -c")
    await run.wrote(b"up")
    run.pty.write(b"x" * 300_000)
    assert run.pty.running
    await run.pty.close()
    assert gone(run.pty.pid)()


async def test_what_does_not_exist_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for argv, cwd in ((["/no/such/program"], tmp_path), (["sh"], tmp_path / "no")):
        with pytest.raises(OSError, match="No such file"):
            Run(*argv, cwd=cwd)
    assert len(os.listdir("/proc/self/fd")) == len(before)


async def test_a_job_that_keeps_the_terminal_does_not_hide_the_end() -> None:
    run = Run("bash", "-c", "trap '' HUP; sleep 30 & echo pid=$!=; disown; exit 4")
    await until(lambda: run.code is not None)
    assert run.code == 4
    job = int(run.out.split(b"=")[1])
    os.kill(job, signal.SIGKILL)
    await until(gone(job))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("sleep 100 & echo pid=$!=; wait", id="background job"),
        pytest.param("echo pid=$$=; exec sleep 100", id="foreground program"),
        pytest.param("trap '' HUP TERM; (trap '' HUP TERM; while :; do sleep 1; done) & echo pid=$$=; wait", id="deaf"),
    ],
)
async def test_close_leaves_no_orphan(script: str) -> None:
    run = Run(*BASH)
    await run.wrote(b"ready$")
    run.pty.write(b"stty -echo\r")
    program = script.replace('"', '\\"').replace("$", "\\$")
    run.pty.write(f'bash -c "{program}"\r'.encode())
    await until(lambda: run.out.count(b"pid=") and run.out.rsplit(b"pid=", 1)[1].partition(b"=")[0].isdigit())
    child = int(run.out.rsplit(b"pid=", 1)[1].partition(b"=")[0])
    assert child in session_members(run.pty.pid)
    await run.pty.close()
    await until(gone(run.pty.pid))
    await until(gone(child))
    assert run.code is None, "on_exit is for programs that end by themselves"
    await run.pty.close()


async def test_a_job_that_is_just_being_started_is_no_orphan() -> None:
    # A hang-up that comes between fork and exec is lost: bash does not know the job yet, its handler ends with exec.
    run = Run("bash", "-c", "trap : HUP; sleep 100 & echo pid=$!=; wait; wait")
    await until(lambda: run.out.count(b"="))
    await run.pty.close()
    await until(lambda: not session_members(run.pty.pid))


async def test_what_was_told_to_outlive_the_terminal_does() -> None:
    run = Run(*BASH)
    await run.wrote(b"ready$")
    run.pty.write(b"stty -echo\r")
    run.pty.write(b"nohup sleep 100 >/dev/null 2>&1 & echo pid=$!=\r")
    await until(lambda: run.out.rsplit(b"pid=", 1)[-1].partition(b"=")[0].isdigit())
    job = int(run.out.rsplit(b"pid=", 1)[1].partition(b"=")[0])
    await until(lambda: b"sleep" in Path(f"/proc/{job}/cmdline").read_bytes())
    await run.pty.close()
    assert not gone(job)()
    os.kill(job, signal.SIGKILL)
    await until(gone(job))


async def test_nothing_leaks_over_thirty_terminals() -> None:
    async def once() -> None:
        run = Run("sh", "-c", "echo hello; exec cat")
        await run.wrote(b"hello")
        await run.pty.close()

    await once()
    born = children()
    files, tasks = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
    for _ in range(30):
        await once()
    assert len(os.listdir("/proc/self/fd")) == files
    assert len(asyncio.all_tasks()) == tasks
    assert children() == born
