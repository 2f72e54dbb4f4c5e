"""File locks that leave no file: whoever holds one may remove it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from k8s_tutor.errors import ClusterError

_POLL = 0.1


@contextmanager
def locked(path: Path, *, patience: float, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock ``path`` while this is open; the kernel frees it when we are killed.

    ``waiting`` is called about ten times a second while another process holds it.
    Raises ClusterError when it is still held after ``patience`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + patience
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder before us removed the file that we opened: this lock is worth nothing.
            if _same(handle, path):
                break
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(handle)
                raise ClusterError(
                    "Another k8s-tutor is working on this cluster and does not finish.",
                    remedy=f"See who: fuser {path}",
                    code="locked",
                ) from None
            waiting()
            time.sleep(_POLL)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _same(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
