"""All keys in one place: letters work wherever no text is being typed; each is in the palette as well.

Every binding has an id, so that the learner's settings can move it, and a tooltip, so that the help explains it.
``SHORT`` are the words of the footer where there is little room.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding


def _key(key: str, action: str, label: str, tip: str, *, show: bool = True, display: str | None = None) -> Binding:
    return Binding(key, action, label, show=show, key_display=display, tooltip=tip, id=action.split("(")[0])


APP = [
    _key("question_mark", "help", "keys", "What the keys and signs mean", display="?"),
    _key(
        "f1", "pane_help", "this pane", "Help for the pane in focus: what it shows, its signs, its keys", display="F1"
    ),
    Binding("colon", "command_palette", "commands", key_display=":", tooltip="All commands by name", id="palette"),
    _key("q", "quit_tutor", "quit", "Leave; the cluster keeps running"),
    Binding("ctrl+q", "quit_tutor", "quit", show=False, tooltip="Leave", id="quit_anywhere", priority=True),
]

HOME = [
    _key("l", "lesson", "lesson as text", "The whole lab as one text to read"),
    _key("f", "folder", "folder", "Your files of this lab"),
    _key("c", "clusters", "choose cluster", "To the list of clusters: Enter there chooses one"),
    _key("d", "doctor", "doctor", "What this machine has and lacks"),
    _key("x", "stop", "stop cluster", "Stop and remove the tutor's own cluster (asks first)"),
    _key("r", "restart", "start over", "Remove this lab's objects and progress (asks first)"),
    _key("f5", "refresh", "look again", "Read labs and clusters anew", show=False),
]

BRINGUP = [
    _key("escape,b", "back", "back", "Go back; the start goes on", display="esc"),
    _key("r", "retry", "try again", "Start again where it broke"),
]

LAB = [
    _key("h", "hint", "hint", "Show one hint more"),
    _key("n", "next", "next", "On to the next step"),
    _key("p", "previous", "back", "Look at the step before"),
    _key("a", "apply", "apply", "Save the manifest and apply it"),
    _key("d", "difference", "difference", "What an apply would change on the cluster", show=False),
    Binding("e", "show('manifest')", "manifest", tooltip="The manifest editor", id="edit_manifest"),
    _key("f6", "swap", "terminal", "Into the terminal, and out of it again", display="F6"),
    Binding(
        "f6", "leave_terminal", "leave the terminal", key_display="F6", tooltip="Letters are keys again", id="leave"
    ),
    _key("t", "happened", "what happened", "What followed from your last apply, with times"),
    _key("w", "who", "who answered", "Who answers behind the Service: send requests, see the bars", show=False),
    _key("u", "summary", "summary", "What came of this lab so far, saved as Markdown and HTML", show=False),
    _key("c", "commands", "command log", "What the tutor did itself, as kubectl commands", show=False),
    _key("r", "redo", "once more", "Do this step once more: undo it (asks first)", show=False),
    Binding("l,1", "show('lesson')", "lesson", show=False, tooltip="The lesson", id="show_lesson"),
    Binding("2", "show('manifest')", "manifest", show=False, tooltip="The manifest", id="show_manifest"),
    Binding("3", "show_terminal", "terminal", show=False, tooltip="The terminal", id="show_terminal"),
    Binding("o,4", "show('cluster')", "cluster", show=False, tooltip="The live cluster", id="show_cluster"),
    _key("g", "next_view", "next view", "The next view of the live cluster", show=False),
    Binding("v,5", "show('results')", "results", show=False, tooltip="The results", id="show_results"),
    _key("m", "fill", "type it for me", "Put the lab's manifest into the editor"),
    _key("S,ctrl+s", "save", "save", "Save the manifest"),
    _key("D", "take_disk", "take file", "Drop what is typed for the file on disk", show=False),
    _key("x,f2", "explain_field", "explain field", "What the cluster's schema says of the field", show=False),
    _key("s", "solve", "do it for me", "Do this step for me (asks first)"),
    _key("R", "reset", "start over", "Start this lab over (asks first)", show=False),
    _key("y", "copy_from_terminal", "copy", "Copy from the terminal: its text, or a link in it", show=False),
    _key("z", "zoom", "zoom", "The pane in focus alone, and back"),
    _key("less_than_sign", "split(-4)", "narrower", "The dividing line to the left", display="<"),
    Binding(
        "greater_than_sign",
        "split(4)",
        "wider",
        key_display=">",
        tooltip="The dividing line to the right",
        id="split_right",
    ),
    _key("escape", "unfocus", "leave", "Back to the letters", display="esc"),
    _key("b", "home", "labs", "Back to the list of labs"),
]

CLUSTER = [
    Binding("up", "cursor(-1)", "up", show=False, tooltip="The object above", id="row_above"),
    Binding("down", "cursor(1)", "down", show=False, tooltip="The object below", id="row_below"),
    Binding("pageup", "page(-1)", "page up", show=False, tooltip="A screen up", id="rows_up"),
    Binding("pagedown", "page(1)", "page down", show=False, tooltip="A screen down", id="rows_down"),
    Binding("home", "edge(-1)", "first", show=False, tooltip="The first object", id="first_row"),
    Binding("end", "edge(1)", "last", show=False, tooltip="The last object", id="last_row"),
    Binding("left", "aside(-1)", "left", show=False, tooltip="Back from the side", id="rows_left"),
    Binding("right", "aside(1)", "right", show=False, tooltip="Look further to the side", id="rows_right"),
    _key("enter", "describe", "describe", "kubectl describe of the object, at the terminal's prompt", show=False),
    _key("y", "yaml", "as YAML", "kubectl get -o yaml of the object, at the terminal's prompt", show=False),
]

SHORT = {
    "what happened": "story",
    "terminal": "shell",
    "type it for me": "type it",
    "do it for me": "do it",
    "leave the terminal": "leave",
    "lesson as text": "lesson",
    "choose cluster": "cluster",
    "stop cluster": "stop",
    "start over": "over",
    "commands": "all",
    "this pane": "pane",
    "explain field": "explain",
    "narrower": "",
    "wider": "",
}


IN_AND_OUT = {"swap", "leave"}
"""Into the terminal and out of it are one key: they are never there at once."""


def known() -> dict[str, Binding]:
    """Every binding that can be moved, by its id."""
    return {binding.id: binding for group in (APP, HOME, BRINGUP, LAB, CLUSTER) for binding in group if binding.id}


def clash(name: str, moved: Mapping[str, str]) -> str:
    """The id of another binding that would have the same key on the same screen; empty if there is none."""
    for group in ((*HOME, *APP), (*BRINGUP, *APP), (*LAB, *APP), (*CLUSTER,)):
        ids = [binding.id for binding in group]
        if name not in ids:
            continue
        mine = set(moved[name].split(","))
        for binding in group:
            theirs = _keys_of(binding, moved)
            if binding.id and binding.id != name and mine & theirs and {binding.id, name} != IN_AND_OUT:
                return binding.id
    return ""


def _keys_of(binding: Binding, moved: Mapping[str, str]) -> set[str]:
    return set(moved.get(binding.id or "", binding.key).split(","))
