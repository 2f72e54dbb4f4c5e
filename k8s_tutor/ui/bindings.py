"""All keys in one place: letters work wherever no text is being typed; each is in the palette as well.

Every binding has an id, so that ``App.set_keymap`` can move it, and a tooltip, so that the footer explains it.
"""

from __future__ import annotations

from textual.binding import Binding


def _key(key: str, action: str, label: str, tip: str, *, show: bool = True, display: str | None = None) -> Binding:
    return Binding(key, action, label, show=show, key_display=display, tooltip=tip, id=action.split("(")[0])


APP = [
    _key("question_mark,f1", "help", "help", "What the keys and signs mean", display="?"),
    _key("q", "quit_tutor", "quit", "Leave; the cluster keeps running"),
    Binding("ctrl+q", "quit_tutor", "quit", show=False, tooltip="Leave", id="quit_anywhere", priority=True),
]

HOME = [
    _key("r", "restart", "start over", "Remove this lab's objects and progress (asks first)"),
    _key("f5", "refresh", "look again", "Read labs and cluster anew", show=False),
]

BRINGUP = [
    _key("escape,b", "back", "back", "Go back; the start goes on", display="esc"),
    _key("r", "retry", "try again", "Start again where it broke"),
]

LAB = [
    _key("h", "hint", "hint", "Show one hint more"),
    _key("n", "next", "next", "On to the next step"),
    _key("p", "previous", "back", "Look at the step before", show=False),
    _key("a", "apply", "apply", "Save the manifest and apply it"),
    Binding("e", "show('manifest')", "manifest", tooltip="The manifest editor", id="edit_manifest"),
    _key("f6", "swap", "terminal", "Into the terminal, and out of it again", display="F6"),
    Binding(
        "f6", "leave_terminal", "leave the terminal", key_display="F6", tooltip="Letters are keys again", id="leave"
    ),
    _key("t", "happened", "what happened", "The cluster's own story, with times"),
    Binding("l,1", "show('lesson')", "lesson", show=False, tooltip="The lesson", id="show_lesson"),
    Binding("2", "show('manifest')", "manifest", show=False, tooltip="The manifest", id="show_manifest"),
    Binding("3", "show_terminal", "terminal", show=False, tooltip="The terminal", id="show_terminal"),
    Binding("o,4", "show('cluster')", "cluster", show=False, tooltip="The live cluster", id="show_cluster"),
    Binding("v,5", "show('results')", "results", show=False, tooltip="The results", id="show_results"),
    _key("m", "fill", "type it for me", "Put the lab's manifest into the editor", show=False),
    _key("ctrl+s", "save", "save", "Save the manifest", show=False),
    _key("f2", "explain_field", "explain field", "What the cluster's schema says of the field", show=False),
    _key("s", "solve", "solve", "Do this step for me (asks first)", show=False),
    _key("R", "reset", "start over", "Start this lab over (asks first)", show=False),
    _key("y", "copy_from_terminal", "copy", "Copy from the terminal: its text, or a link in it", show=False),
    _key("z", "zoom", "zoom", "This pane alone, and back", show=False),
    _key("escape", "unfocus", "leave", "Back to the letters", display="esc"),
    _key("b", "home", "labs", "Back to the list of labs", show=False),
]
