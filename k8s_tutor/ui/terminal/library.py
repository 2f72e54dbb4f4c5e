"""The terminal library, loaded once: the one place that imports ``pyghostty``.

The package and its C library load in about a quarter of a second (cffi reads 80 KB of declarations), so this happens
when the first terminal opens and not at the program's start.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, NamedTuple

VERSION = "0.1.3"
"""The only release that this code is written for: between 0.1.1 and 0.1.3 signatures and structures changed."""


class Library(NamedTuple):
    """What ``core.py`` uses: cffi's two handles, the package's helpers, and ``scroll(terminal, tag, value)``."""

    ffi: Any
    lib: Any
    check: Any
    init_sized: Any
    make_terminal: Any
    scroll: Any


_one_at_a_time = threading.Lock()


def load() -> Library:
    """The loaded library; safe from any thread.

    Raises ImportError where the package is not installed, OSError where its C library does not load or fit.
    """
    with _one_at_a_time:
        return _load()


@cache
def _load() -> Library:
    from pyghostty import Terminal, ffi, lib
    from pyghostty._ffi import check
    from pyghostty.core import init_sized

    # cffi cannot pass a union by value in ABI mode; a structure of the same layout is passed alike (pyghostty._ffi
    # does the same for points).
    twin = "K8sTutorScrollViewport"
    ffi.cdef(f"typedef struct {{ GhosttyTerminalScrollViewportTag tag; int64_t value; uint64_t pad; }} {twin};")
    if ffi.sizeof(twin) != ffi.sizeof("GhosttyTerminalScrollViewport"):
        raise OSError("libghostty-vt: GhosttyTerminalScrollViewport has another layout")
    function = ffi.cast(f"void(*)(GhosttyTerminal, {twin})", ffi.addressof(lib, "ghostty_terminal_scroll_viewport"))

    def scroll(terminal: Any, tag: int, value: int) -> None:
        function(terminal, ffi.new(f"{twin}*", {"tag": tag, "value": value})[0])

    return Library(ffi, lib, check, init_sized, Terminal, scroll)
