"""Tell when files of a folder change: inotify through libc, or their times every second where there is none."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED, IN_CREATE, IN_DELETE = 0x2, 0x8, 0xC0, 0x100, 0x200
IN_DELETE_SELF, IN_MOVE_SELF = 0x400, 0x800
FALLBACK_SECONDS = 1.0
QUIET_SECONDS = 0.03
"""An editor saves in several moves (write, rename, chmod): they are told as one."""


class FolderWatch:
    """Calls ``changed`` from a thread of its own after each change in ``folder`` until ``close``."""

    def __init__(self, folder: Path, changed: Callable[[], None]) -> None:
        """Begin to watch; the folder must exist."""
        self.folder = folder
        self._changed = changed
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._inotify = _inotify(folder)
        self._before = _times(folder)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="workspace-watch", daemon=True)
        self._thread.start()

    @property
    def native(self) -> bool:
        """Whether the kernel tells (and nothing is polled)."""
        return self._inotify is not None

    def close(self) -> None:
        """Stop; returns when the thread has ended. May be called twice."""
        if self._closed:
            return
        self._closed = True
        os.write(self._writer, b"x")
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def _run(self) -> None:
        sources = [self._reader] + ([self._inotify] if self._inotify is not None else [])
        try:
            while True:
                ready, _, _ = select.select(sources, [], [], None if self.native else FALLBACK_SECONDS)
                if self._reader in ready:
                    return
                if self._inotify is not None:
                    self._drain(self._inotify)
                    told = True
                else:
                    after = _times(self.folder)
                    told, self._before = after != self._before, after
                if told:
                    self._changed()
        finally:
            for handle in (self._reader, self._writer, self._inotify):
                if handle is not None:
                    os.close(handle)

    def _drain(self, handle: int) -> None:
        while True:
            with contextlib.suppress(BlockingIOError):
                os.read(handle, 65536)
            if not select.select([handle], [], [], QUIET_SECONDS)[0]:
                return


def _inotify(folder: Path) -> int | None:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        handle = int(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    except (OSError, AttributeError):
        return None
    if handle < 0:
        return None
    mask = IN_CLOSE_WRITE | IN_MOVED | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
    if int(libc.inotify_add_watch(handle, os.fsencode(folder), ctypes.c_uint32(mask))) < 0:
        os.close(handle)
        return None
    return handle


def _times(folder: Path) -> dict[str, tuple[int, int]]:
    result = {}
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                stat = entry.stat()
                result[entry.name] = (stat.st_mtime_ns, stat.st_size)
    return result
