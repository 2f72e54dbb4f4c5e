from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.style import Style
from terminal_desk import BASH, SHELL_ENV, Desk, until
from textual import events
from textual.widgets import Input

from k8s_tutor.ui.terminal import TerminalPane, keeps_keys
from k8s_tutor.ui.terminal.keeper import session_members


async def raw(app: Desk) -> None:
    """Have the terminal show each byte it gets, as the program sees it."""
    await app.at_prompt()
    app.pane._send(b"stty raw -echo; clear; echo go; cat -v\r")
    await app.shows("go")


async def test_a_real_shell() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.at_prompt()
        await pilot.press(*"echo $((6*7))", "enter")
        await app.shows("42")
        app.run_line("stty size")
        await app.shows("{} {}".format(*reversed(app.pane.size)))
        shown = [app.pane.render_line(y) for y in range(app.pane.size.height)]
        assert {strip.cell_length for strip in shown} == {app.pane.size.width}
        cursor = [segment for strip in shown for segment in strip if segment.style and segment.style.reverse]
        assert len(cursor) == 1, "the cursor, and nothing else, is inverted"


async def test_keys_typed_before_the_shell_is_there_are_not_lost() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press(*"echo ea", *"rly", "enter")
        await app.shows("\nearly")


async def test_every_key_reaches_the_program_but_the_two_that_leave() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await raw(app)
        assert keeps_keys(app)
        sent = (
            "ctrl+p",
            "ctrl+q",
            "ctrl+c",
            "ctrl+z",
            "ctrl+d",
            "tab",
            "shift+tab",
            "escape",
            "q",
            "up",
            "f1",
            "ctrl+r",
        )
        await pilot.press(*sent)
        await app.shows("^P^Q^C^Z^D")
        await app.shows("^[[Z^[q^[[A^[OP^R")
        assert (app.stolen, app.heard) == (0, [])
        assert app.focused is app.pane
        await pilot.press("f6")
        await until(lambda: len(app.heard) == 1 and not app.pane.has_focus)
        assert isinstance(app.heard[0], TerminalPane.Leave)
        assert not keeps_keys(app)
        await pilot.press("ctrl+p")
        await until(lambda: app.stolen == 1)
        app.pane.focus()
        await until(lambda: app.pane.has_focus)
        await pilot.press("ctrl+right_square_bracket")
        await until(lambda: len(app.heard) == 2 and isinstance(app.focused, Input))


async def test_insert_never_runs(tmp_path: Path) -> None:
    app = Desk(cwd=tmp_path)
    async with app.run_test(size=(100, 20)) as pilot:
        assert app.pane.insert("touch early\n"), "kept until there is a prompt"
        await app.shows("ready$ touch early")
        assert app.pane.insert("touch one\r\n touch \\\n  two\x04\x0d\x1b[31m")
        await app.shows("ready$ touch one touch two")
        assert "early" not in app.pane.text, "in place of what was there"
        await pilot.press("ctrl+c")
        await app.at_prompt()
        app.run_line("pwd")
        await app.shows(str(tmp_path))
        assert os.listdir(tmp_path) == []
        assert app.pane.insert("touch mine")
        await pilot.press("enter")
        await until(lambda: (tmp_path / "mine").exists())
        assert not app.pane.insert("\n\x1b\r")
        await app.at_prompt()
        app.pane._send(b"printf '\\033[?1049h'; echo full; cat\r")
        await app.shows("full")
        await until(lambda: app.pane._core is not None and app.pane._core.alternate)
        assert not app.pane.insert("ls"), "not into a full-screen program"


async def test_insert_waits_for_a_running_command() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await app.at_prompt()
        app.run_line("cat >/dev/null")
        await until(lambda: not app.pane.at_prompt)
        assert app.pane.insert("echo patient")
        await app.shows("echo patient")
        await pilot.press("ctrl+c")
        await until(lambda: app.pane.at_prompt)
        assert "\npatient" not in app.pane.text


async def test_paste_is_one_piece_and_does_not_run() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await app.at_prompt()
        app.post_message(events.Paste("echo pas\necho ted"))
        await app.shows("echo ted")
        assert "\npas\n" not in app.pane.text
        await pilot.press("enter")
        await app.shows("\npas\nted")


async def test_history_by_keys_and_wheel() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.at_prompt()
        app.run_line("seq 200")
        await app.shows("200\nready$")
        top = app.pane.text.splitlines()[0]
        await pilot.press("shift+pageup")
        await until(lambda: app.pane.text.splitlines()[0] != top)
        assert "lines · shift+pgdn" in app.pane.render_line(app.pane.size.height - 1).text
        await pilot.press("shift+pagedown")
        await until(lambda: app.pane.text.splitlines()[0] == top)
        await pilot._post_mouse_events([events.MouseScrollUp], app.pane)
        await until(lambda: int(app.pane.text.splitlines()[0]) == int(top) - 3)
        await pilot.press("x")
        await app.shows("ready$ x")
        assert app.pane.text.splitlines()[0] == top, "typing comes back to the prompt"


async def test_mouse_of_a_program_that_asks_for_it() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await app.at_prompt()
        app.pane._send(b"printf '\\033[?1002h\\033[?1006h'; stty raw -echo; clear; echo go; cat -v\r")
        await app.shows("go")
        assert not app.pane.allow_select
        await pilot.click(app.pane, offset=(3, 4))
        await app.shows("^[[<0;4;5M^[[<0;4;5m")
        assert app.mouse_captured is None


async def test_selection_goes_to_the_clipboard() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.at_prompt()
        app.run_line("clear; echo first second")
        await until(lambda: app.pane.text.startswith("first second\nready$"))
        await pilot.mouse_down(app.pane, offset=(0, 0))
        await pilot.hover(app.pane, offset=(5, 0))
        await pilot.mouse_up(app.pane, offset=(5, 0))
        await until(lambda: app.clipboard.strip() == "first", lambda: repr(app.clipboard))
        marked = app.screen.get_component_rich_style("screen--selection").bgcolor
        assert [s.text for s in app.pane.render_line(0) if s.style and s.style.bgcolor == marked] == ["first "]
        await pilot.double_click(app.pane, offset=(8, 0))
        await until(lambda: app.clipboard == "second", lambda: repr(app.clipboard))


async def test_resize_reflows_and_tells_the_program() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.at_prompt()
        await pilot.resize_terminal(44, 15)
        await until(lambda: app.pane.size.width == 44)
        app.run_line("stty size")
        await app.shows(f"{app.pane.size.height} 44")


async def test_a_tiny_pane_keeps_the_floor_and_shows_the_cursor() -> None:
    app = Desk()
    app.pane.styles.height = 2
    async with app.run_test(size=(10, 10)):
        await until(lambda: app.pane.at_prompt)
        app.run_line("seq 30")
        # The echo of the command has a 30 too: it is done when the prompt stands below the last number.
        await until(lambda: app.pane.text.rstrip().endswith("30\nready$"), lambda: repr(app.pane.text))
        assert app.pane._core is not None
        assert app.pane._core.size == (20, 4)
        lines = [app.pane.render_line(y) for y in range(2)]
        assert lines[1].text.startswith("ready$")
        assert {line.cell_length for line in lines} == {10}


async def test_titles_and_bells_come_once_a_frame() -> None:
    app = Desk(("sh", "-c", "for i in $(seq 500); do printf '\\033]0;t%s\\007\\007' $i; done; echo done; cat"))
    async with app.run_test():
        await app.shows("done")
        await until(lambda: any(getattr(m, "title", "") == "t500" for m in app.heard))
        assert len(app.heard) < 100


async def test_exit_is_told_and_enter_starts_anew() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await app.at_prompt()
        first = app.pane.pid
        app.run_line("exit 3")
        await until(lambda: app.pane.exited)
        await app.shows("exit code 3")
        await until(lambda: bool(app.heard))
        assert isinstance(app.heard[0], TerminalPane.Exited)
        assert (app.heard[0].code, app.heard[0].control) == (3, app.pane)
        assert not keeps_keys(app)
        await pilot.press("q")
        await until(lambda: app.stolen == 1)
        await pilot.press("enter")
        await until(lambda: not app.pane.exited and app.pane.pid not in (None, first))
        await app.at_prompt()
        assert "exit code" not in app.pane.text
        app.pane.restart()
        second = app.pane.pid
        await until(lambda: app.pane.pid not in (None, second))
        await app.at_prompt()


async def test_a_shell_that_cannot_be_started_says_so() -> None:
    app = Desk(("/no/such/shell",))
    async with app.run_test():
        await app.shows("No such file")
        await until(lambda: [getattr(m, "code", None) for m in app.heard] == [127])


async def test_nothing_is_left_when_the_app_ends() -> None:
    app = Desk()
    async with app.run_test():
        await app.at_prompt()
        app.run_line("sleep 99 & sleep 98")
        shell = app.pane.pid
        assert shell is not None
        await until(lambda: len(session_members(shell)) == 3)
    await until(lambda: not session_members(shell))
    with pytest.raises(ProcessLookupError):
        os.kill(shell, 0)


async def test_panes_come_and_go_without_a_leak() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await app.at_prompt()

        async def once() -> None:
            pane = TerminalPane(("sh", "-c", "echo up; cat"), SHELL_ENV, Path("/"))
            await app.mount(pane)
            await until(lambda: "up" in pane.text)
            await pane.remove()

        await once()
        files = len(os.listdir("/proc/self/fd"))
        for _ in range(8):
            await once()
        assert len(os.listdir("/proc/self/fd")) == files
        assert await pilot.pause() is None


async def test_flood_leaves_the_app_usable() -> None:
    app = Desk()
    async with app.run_test():
        await app.at_prompt()
        app.run_line("yes flood")
        await app.shows("flood\nflood")
        # Not by the pilot: it waits for a quiet process, which this is not.
        app.post_message(events.Key("f6", None))
        await until(lambda: isinstance(app.focused, Input))
        for letter in "still":
            app.post_message(events.Key(letter, letter))
        await until(lambda: app.query_one(Input).value == "still")
        app.pane.focus()
        await until(lambda: app.pane.has_focus)
        app.post_message(events.Key("ctrl+c", None))
        await until(lambda: app.pane.at_prompt)


def test_the_pane_is_plain_where_the_program_is() -> None:
    pane = TerminalPane(BASH, SHELL_ENV, Path("/"))
    assert pane.text == ""
    assert pane.pid is None
    assert not pane.exited
    assert not pane.at_prompt
    assert pane._cursor_style() != Style.null()
