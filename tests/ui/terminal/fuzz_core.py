"""Feed hostile output to the terminal's core: ``fuzz_core.py SEED BYTES``. A process of its own, for it may die."""

from __future__ import annotations

import random
import sys

from rich.cells import cell_len

from k8s_tutor.ui.terminal.core import Core

PIECES = [
    *(b"\x1b[", b"\x1bP", b"\x1b_G", b"\x1b\\", b"\x07", b"\r\n", b"m", b";38;2;1;2;3m", b"word " * 30),
    *(b"\x1b]8;;http://x/\x1b\\", b"\x1b]8;;\x1b\\", b"\x1b]0;", b"\x1b(0", b"\x1b7", b"\x1b8", b"\x1bc"),
    *(b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?3h", b"\x1b[?40h", b"\x1b[2J", b"\x1b[5;2r", b"\x1b[9L", b"\x1b[9M"),
    *(b"\x1b[3000b", "漢字👍🏽\U0001f1e9e\u0301\u200d".encode()),
]


def piece(seed: random.Random) -> bytes:
    """Something that a program could, but should not, write."""
    kind = seed.random()
    if kind < 0.4:
        return b"".join(seed.choice(PIECES) for _ in range(40))
    if kind < 0.7:
        middle = bytes(seed.choice(b"0123456789;:?<>=") for _ in range(seed.randrange(12)))
        return (b"\x1b[" + middle + bytes([seed.randrange(64, 127)])) * seed.randrange(1, 40)
    return seed.randbytes(seed.randrange(1, 4000))


def look(core: Core) -> None:
    """Everything that the screen asks the core."""
    for row in core.rows():
        assert cell_len(row.text) == sum(cell_len(span.text) for span in row.spans), row
        assert cell_len(row.text) == core.size[0], row
    core.cursor()
    core.scrolled()
    assert core.title().isprintable() or not core.title()
    cols, rows = core.size
    for x, y in ((0, 0), (cols - 1, rows - 1), (cols // 2, rows // 2), (cols, rows), (-1, 0)):
        assert core.link(x, y).isprintable()
        core.wrapped(y)
    core.key("up", None)
    core.mouse("press", 1, 3, 3)


def main(number: int, total: int) -> None:
    """Feed ``total`` bytes, with resizes, scrolling and looks between."""
    seed = random.Random(number)
    core = Core(80, 24, lambda _data: None)
    fed = 0
    while fed < total:
        data = piece(seed)
        fed += len(data)
        core.feed(data)
        if seed.random() < 0.03:
            core.resize(seed.choice([1, 20, 21, 33, 80, 200]), seed.choice([1, 4, 5, 24, 60]))
        if seed.random() < 0.05:
            core.scroll(seed.randrange(-500, 500))
        if seed.random() < 0.05:
            look(core)
        if seed.random() < 0.01:
            core.calm()
            core.contents()
    core.close()
    print("alive")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
