from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from k8s_tutor.ui.terminal.cells import CellStyle, Span
from k8s_tutor.ui.terminal.core import MIN_COLS, MIN_ROWS, Core, Cursor
from k8s_tutor.ui.terminal.keys import command_text

FUZZ = Path(__file__).with_name("fuzz_core.py")


class Terminal(Core):
    """A core that keeps its replies and its rows."""

    def __init__(self, cols: int = 40, rows: int = 6) -> None:
        self.replies: list[bytes] = []
        super().__init__(cols, rows, self.replies.append)

    def lines(self) -> list[str]:
        kept = getattr(self, "_kept", {})
        for row in self.rows():
            kept[row.y] = row.text
        self._kept = kept
        return [kept[y].rstrip() for y in range(self.size[1])]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal() as made:
        yield made


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("1", CellStyle(bold=True)),
        ("2", CellStyle(faint=True)),
        ("3", CellStyle(italic=True)),
        ("4", CellStyle(underline=1)),
        ("4:3", CellStyle(underline=3)),
        ("7", CellStyle(inverse=True)),
        ("8", CellStyle(invisible=True)),
        ("9", CellStyle(strike=True)),
        ("31;44", CellStyle(fg=1, bg=4)),
        ("97", CellStyle(fg=15)),
        ("38;5;208", CellStyle(fg=208)),
        ("38;2;1;2;3;48;2;4;5;6", CellStyle(fg=(1, 2, 3), bg=(4, 5, 6))),
        ("1;31;0", CellStyle()),
    ],
)
def test_colours_and_attributes(terminal: Terminal, codes: str, style: CellStyle) -> None:
    terminal.feed(f"a\x1b[{codes}mX\x1b[0mb".encode())
    row = terminal.rows()[0]
    assert row.text.rstrip() == "aXb"
    assert row.spans[1 if style != CellStyle() else 0] == (Span("X", style) if style != CellStyle() else row.spans[0])
    assert [span.style for span in row.spans if "X" in span.text] == [style]


def test_erased_cells_keep_their_background(terminal: Terminal) -> None:
    terminal.feed(b"\x1b[48;2;9;8;7m\x1b[K\r\n\x1b[0m\x1b[44m\x1b[K")
    first, second = terminal.rows()[:2]
    assert first.spans == (Span(" " * 40, CellStyle(bg=(9, 8, 7))),)
    assert second.spans == (Span(" " * 40, CellStyle(bg=4)),)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("漢字!", "漢字!"),
        ("e\u0301x", "e\u0301x"),
        ("┌─┐✓⠿", "┌─┐✓⠿"),
        ("👍x", "👍x"),
    ],
)
def test_wide_and_combined_text(terminal: Terminal, text: str, shown: str) -> None:
    terminal.feed(text.encode())
    row = terminal.rows()[0]
    assert row.text.rstrip() == shown
    assert cell_len(row.text) == 40


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f1e9\U0001f1ea",
        "\U0001f1e9",
        "👍🏽",
        "👩\u200d👩\u200d👧",
        "a\u200db",
        "\u202eabc",
        "x" * 39 + "漢",
        "漢" * 25,
    ],
)
def test_no_row_is_wider_or_narrower_than_the_screen(terminal: Terminal, text: str) -> None:
    terminal.feed(text.encode() + b"\x1b[1;2Hz")  # and cut a wide glyph in two
    for row in terminal.rows():
        assert sum(cell_len(span.text) for span in row.spans) == 40 == cell_len(row.text)


def test_only_changed_rows_are_told(terminal: Terminal) -> None:
    assert len(terminal.rows()) == 6
    assert terminal.rows() == []
    terminal.feed(b"\x1b[3;1Hx")
    # The row that the cursor left may be told too.
    assert 2 in {row.y for row in terminal.rows()} <= {0, 2}


def test_alternate_screen_comes_and_goes(terminal: Terminal) -> None:
    terminal.feed(b"before")
    assert terminal.lines()[0] == "before"
    terminal.feed(b"\x1b[?1049h\x1b[Hvim")
    assert (terminal.alternate, terminal.lines()[0]) == (True, "vim")
    terminal.feed(b"\x1b[?1049l")
    assert (terminal.alternate, terminal.lines()[0]) == (False, "before")


def test_calm_ends_a_dead_programs_modes_and_keeps_its_text(terminal: Terminal) -> None:
    terminal.feed(b"text\x1b[?1002h\x1b[?2004h\x1b[?25l\x1b[2;3r\x1b[1;5H\x1b[?2026h")
    terminal.calm()
    terminal.feed(b"!")
    assert terminal.lines()[0] == "text!"
    assert not (terminal.wants_mouse or terminal.mode(2004) or terminal.held)
    assert terminal.cursor() == Cursor(5, 0, 1)
    terminal.feed(b"\x1b[?1049h\x1b[Hdead")
    terminal.calm()
    assert terminal.lines()[0] == "text!"


def test_lines_reflow(terminal: Terminal) -> None:
    terminal.feed(b"0123456789" * 3)
    terminal.resize(20, 6)
    assert terminal.lines()[:2] == ["01234567890123456789", "0123456789"]
    terminal.resize(40, 6)
    assert terminal.lines()[0] == "0123456789" * 3


def test_size_has_a_floor(terminal: Terminal) -> None:
    assert terminal.resize(1, 1) == (MIN_COLS, MIN_ROWS) == (20, 4) == terminal.size
    with Terminal(0, 0) as tiny:
        assert tiny.size == (20, 4)


def test_history(terminal: Terminal) -> None:
    terminal.feed(b"".join(b"line %d\r\n" % n for n in range(3000)))
    assert terminal.scrolled().total > 3000
    terminal.scroll(-10)
    assert terminal.scrolled().up == 10
    assert terminal.lines()[0] == "line 2985"
    terminal.feed(b"more\r\n")
    assert terminal.lines()[0] == "line 2985", "the view stays while output comes"
    assert terminal.cursor() is None
    terminal.scroll_top()
    assert terminal.lines()[0] == "line 0"
    terminal.scroll_bottom()
    assert terminal.scrolled().up == 0
    assert terminal.lines()[4] == "more"


KEYS = [
    ("a", "a", b"a"),
    ("A", "A", b"A"),
    ("é", "é", "é".encode()),
    ("space", " ", b" "),
    ("full_stop", ".", b"."),
    ("enter", "\r", b"\r"),
    ("tab", "\t", b"\t"),
    ("shift+tab", None, b"\x1b[Z"),
    ("escape", "\x1b", b"\x1b"),
    ("backspace", "\x7f", b"\x7f"),
    ("ctrl+h", "\x08", b"\x08"),
    *((f"ctrl+{chr(96 + n)}", chr(n), bytes([n])) for n in range(1, 27) if chr(96 + n) not in "im"),
    ("ctrl+@", "\x00", b"\x00"),
    ("ctrl+backslash", None, b"\x1c"),
    ("ctrl+right_square_bracket", None, b"\x1d"),
    ("ctrl+underscore", None, b"\x1f"),
    ("up", None, b"\x1b[A"),
    ("ctrl+left", None, b"\x1b[1;5D"),
    ("shift+up", None, b"\x1b[1;2A"),
    ("home", None, b"\x1b[H"),
    ("end", None, b"\x1b[F"),
    ("pageup", None, b"\x1b[5~"),
    ("delete", None, b"\x1b[3~"),
    ("f1", None, b"\x1bOP"),
    ("f5", None, b"\x1b[15~"),
    ("f12", None, b"\x1b[24~"),
    ("alt+x", "x", b"\x1bx"),
    ("alt+full_stop", ".", b"\x1b."),
    ("alt+space", None, b"\x1b "),
    ("ctrl+alt+x", None, b"\x1b\x18"),
    ("scroll_lock", None, b""),
]


@pytest.mark.parametrize(("name", "character", "sent"), KEYS, ids=[name for name, _, _ in KEYS])
def test_keys(terminal: Terminal, name: str, character: str | None, sent: bytes) -> None:
    assert terminal.key(name, character) == sent


def test_keys_follow_what_the_program_asked_for(terminal: Terminal) -> None:
    terminal.feed(b"\x1b[?1h")
    assert (terminal.key("up", None), terminal.key("home", None)) == (b"\x1bOA", b"\x1bOH")
    terminal.feed(b"\x1b[>1u")
    assert (terminal.key("ctrl+c", None), terminal.key("escape", None)) == (b"\x1b[99;5u", b"\x1b[27u")


def test_paste_is_disarmed(terminal: Terminal) -> None:
    assert terminal.paste("a\nb") == b"a\rb"
    terminal.feed(b"\x1b[?2004h")
    sent = terminal.paste("rm x\x1b[201~\n")
    assert sent.startswith(b"\x1b[200~")
    assert sent.endswith(b"\x1b[201~")
    assert sent.count(b"\x1b") == 2, "what is pasted cannot end the paste"
    assert terminal.paste("") in (b"", b"\x1b[200~\x1b[201~")


def test_mouse(terminal: Terminal) -> None:
    assert terminal.mouse("press", 1, 3, 4) == b""
    terminal.feed(b"\x1b[?1002h\x1b[?1006h")
    assert terminal.wants_mouse
    assert terminal.mouse("press", 1, 3, 4) == b"\x1b[<0;4;5M"
    assert terminal.mouse("motion", 1, 5, 4) == b"\x1b[<32;6;5M"
    assert terminal.mouse("release", 1, 5, 4) == b"\x1b[<0;6;5m"
    assert terminal.mouse("press", 3, 0, 0) == b"\x1b[<2;1;1M"
    assert terminal.mouse("press", 2, 0, 0) == b"\x1b[<1;1;1M"
    assert terminal.mouse("press", 4, 0, 0) == b"\x1b[<64;1;1M"


def test_questions_are_answered_and_titles_are_tame(terminal: Terminal) -> None:
    terminal.feed(b"\x1b[2;3H\x1b[6n\x1b]0;[red]evil\x1b]0;" + b"t" * 500 + b"\x07\x07")
    assert b"\x1b[2;3R" in terminal.replies
    assert terminal.title_changed
    assert terminal.bell
    assert len(terminal.title()) <= 200
    assert terminal.title().isprintable()


def test_clipboard_is_neither_read_nor_written(terminal: Terminal) -> None:
    terminal.feed(b"\x1b]52;c;?\x07\x1b]52;c;cm0gLXJmIC8=\x07")
    assert terminal.replies == []


def test_close_twice() -> None:
    made = Terminal()
    made.close()
    made.close()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("kubectl get pods\n", "kubectl get pods"),
        ("kubectl get \\\n    pods", "kubectl get pods"),
        ("a\r\nb\nc", "a b c"),
        ("a\tb", "a b"),
        ("\x1b[31mred\x1b[0m\x03\x04\x15", "red"),
        ("x\u202ey\x00z\x9b", "xyz"),
        ("\n\r\x1b", ""),
        ("y" * 9999, "y" * 4096),
    ],
)
def test_command_text(text: str, line: str) -> None:
    assert command_text(text) == line


@pytest.mark.parametrize("seed", [25])
def test_hostile_output_does_not_crash_the_process(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, str(FUZZ), str(seed), str(2_000_000)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-2000:]
