"""Whether the embedded terminal can be trusted on this machine, tried in a process that may die of it.

The library is compiled without safety checks: where it does not fit, it ends the process and no exception is raised.
So the first use of a release on a machine runs the whole of ``core.py`` in a child; a pass is remembered.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from k8s_tutor import atomic, paths
from k8s_tutor.ui.terminal import cells, library

TIMEOUT = 60.0
"""Seconds for the trial; it takes a second and a half on an idle machine, and ten times that beside a build."""
PASSED = "terminal: ok"


@dataclass(frozen=True)
class Verdict:
    """Whether the embedded terminal works here, and why not (a sentence for the user)."""

    works: bool
    why: str = ""


def verdict() -> Verdict:
    """Try the terminal once for each release of the library on this machine. Blocks; call it from a worker thread."""
    if os.name != "posix":
        return Verdict(False, f"the embedded terminal needs a POSIX system, this is {platform.system()}")
    try:
        version = metadata.version("pyghostty")
        spec = importlib.util.find_spec("pyghostty")
    except (metadata.PackageNotFoundError, ImportError, ValueError):
        return Verdict(False, "pyghostty is not installed (it has no wheel for this system)")
    if version != library.VERSION:
        return Verdict(False, f"pyghostty {version} is installed, the embedded terminal needs {library.VERSION}")
    if spec is None or spec.origin is None:
        return Verdict(False, "pyghostty is not installed (it has no wheel for this system)")
    record = paths.cache_dir() / "terminal" / f"selftest-{version}.json"
    key = _fingerprint(Path(spec.origin).parent)
    with contextlib.suppress(OSError, ValueError):
        if json.loads(record.read_text()) == key:
            return Verdict(True)
    found = _try()
    if found.works:
        with contextlib.suppress(OSError):  # a full disk costs half a second at the next start, no more
            atomic.write_text(record, json.dumps(key))
    return found


def _fingerprint(package: Path) -> dict[str, object]:
    """What the trial's result depends on."""
    files = {}
    for file in sorted((package / "_lib").iterdir()):
        status = file.stat()
        files[file.name] = [status.st_size, status.st_mtime_ns]
    return {"library": files, "machine": platform.machine(), "python": platform.python_version()}


def _try() -> Verdict:
    source = str(Path(__file__).resolve().parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))}
    try:
        # -P: a file of the learner's that is named like a module must not be imported.
        child = subprocess.run(
            [sys.executable, "-P", "-m", "k8s_tutor.ui.terminal.selftest"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Verdict(False, f"the embedded terminal's self-test did not end within {TIMEOUT:.0f} s")
    except OSError as error:
        return Verdict(False, f"the embedded terminal's self-test could not be started: {error.strerror}")
    if child.returncode == 0 and child.stdout.strip() == PASSED:
        return Verdict(True)
    if child.returncode < 0:
        return Verdict(False, f"the terminal library crashed in its self-test (signal {-child.returncode})")
    last = (child.stderr.strip().splitlines() or ["no message"])[-1]
    return Verdict(False, f"the embedded terminal failed its self-test: {last[:200]}")


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{what}: {found!r} instead of {expected!r}")


def _layout() -> None:
    """The C library's own description of its structures against what this code and cffi take them for."""
    loaded = library.load()
    types = json.loads(loaded.ffi.string(loaded.lib.ghostty_type_json()))["types"]
    for name, described in types.items():
        if described.get("kind") in ("struct", "union"):
            _expect(f"size of {name}", loaded.ffi.sizeof(name), described["size"])
    bits = types["GhosttyCell"]["bits"]
    for name, shift, mask in (
        ("content_tag", 0, cells.TAG_MASK),
        ("style_id", cells.STYLE_SHIFT, cells.STYLE_MASK),
        ("wide", cells.WIDE_SHIFT, cells.WIDE_MASK),
        ("hyperlink", cells.LINK_SHIFT, 1),
    ):
        _expect(f"cell's {name}", (bits[name]["lsb"], (1 << bits[name]["width"]) - 1), (shift, mask))
    _expect("cell's content", bits["content"]["lsb"], cells.CONTENT_SHIFT)


def _smoke() -> None:
    """Everything ``core.py`` calls, once."""
    from k8s_tutor.ui.terminal.core import MIN_COLS, MIN_ROWS, Core, Cursor

    replies: list[bytes] = []
    with Core(80, 24, replies.append) as core:
        core.feed("a\x1b[1;31mb\x1b[0m\N{CJK UNIFIED IDEOGRAPH-6F22}e\u0301\r\n\x1b[6n\x07\x1b]0;title\x07".encode())
        rows = core.rows()
        _expect("rows", len(rows), 24)
        _expect("text", rows[0].text.rstrip(), "ab\N{CJK UNIFIED IDEOGRAPH-6F22}e\u0301")
        _expect("style", rows[0].spans[1], cells.Span("b", cells.CellStyle(fg=1, bold=True)))
        _expect("cursor", core.cursor(), Cursor(0, 1, 1))
        _expect("reply", replies, [b"\x1b[2;1R"])
        _expect("callbacks", (core.bell, core.title_changed, core.title()), (True, True, "title"))
        core.feed(b"\x1b[?2026hheld")
        _expect("hold", core.held, True)
        core.feed(b"\x1b[?2026l\r\n" + b"".join(b"line %d\r\n" % n for n in range(100)))
        core.scroll(-5)
        _expect("scrolled", core.scrolled().up, 5)
        core.scroll_bottom()
        _expect("history", core.contents().count("line "), 100)
        core.feed(b"\r\x1b]8;;http://x/\x07" + b"link" * 30 + b"\x1b]8;;\x07")
        core.rows()
        _expect("link", [core.link(x, y) for x, y in ((0, 22), (30, 23), (79, 23))], ["http://x/"] * 2 + [""])
        _expect("wrapped", (core.wrapped(22), core.wrapped(23)), (True, False))
        _expect("keys", (core.key("ctrl+c", None), core.key("up", None)), (b"\x03", b"\x1b[A"))
        core.feed(b"\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1049h")
        _expect("paste", core.paste("x"), b"\x1b[200~x\x1b[201~")
        _expect("mouse", core.mouse("press", 1, 3, 4), b"\x1b[<0;4;5M")
        _expect("modes", (core.wants_mouse, core.alternate), (True, True))
        for size in ((MIN_COLS, MIN_ROWS), (200, 60), (1, 1)):
            core.resize(*size)
            core.feed(b"x" * 5000)
            core.rows()
        _expect("floor", core.size, (MIN_COLS, MIN_ROWS))


if __name__ == "__main__":
    _layout()
    _smoke()
    sys.stdout.write(PASSED)
