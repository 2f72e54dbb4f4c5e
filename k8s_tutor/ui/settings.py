"""What a learner set in ``config.toml``, and what the tutor remembers of their choices.

The file is the learner's: it is only read. A mistake in it is told with its line and what is allowed, and that one
setting keeps its default; the tutor starts all the same. Choices made in the tutor (colours, the split) are
kept in the state folder; the newer of the two counts.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.ui import bindings

THEME_VARIABLE = "K8S_TUTOR_THEME"
THEMES = ("tutor-dark", "tutor-light", "ansi")
"""The names that are offered; ``ansi`` is the terminal's own sixteen colours. Textual's other themes are taken too."""
TERMINALS = ("auto", "embedded", "tmux", "suspend")
STARTS = ("resume", "home")
SPLIT = (45,)
"""Per cent of the width for the lesson, with two panes."""
THREE = (26, 25)
"""Per cent for the lesson and for the live cluster, with three."""
LEAST, MOST = 15, 70
_LARGEST = 64 * 1024
_KEY = re.compile(r"(?:(?:ctrl|alt|shift)\+)*(?:[a-z][a-z0-9_]*|\S)")


@dataclass(frozen=True)
class Settings:
    """The effective values. ``keys`` holds only the keys that were moved; ``troubles`` what is wrong in the file."""

    theme: str = "tutor-dark"
    terminal: str = "auto"
    start: str = "resume"
    split: tuple[int, ...] = SPLIT
    three: tuple[int, ...] = THREE
    keys: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


def config_file() -> Path:
    """The learner's own file."""
    return paths.config_dir() / "config.toml"


def remembered_file() -> Path:
    """What was chosen in the tutor."""
    return paths.state_dir() / "tutor.json"


def read(path: Path | None = None) -> Settings:
    """The settings of the file alone; defaults where there is none. Never raises."""
    path = path or config_file()
    try:
        if path.stat().st_size > _LARGEST:
            return Settings(troubles=(f"{path}: too large for a settings file; all settings have their defaults",))
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        return Settings(troubles=(f"{path}: cannot be read ({error}); all settings have their defaults",))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        at = f":{line.group(1) if line else text.count(chr(10)) + 1}"  # without a number it is the end
        return Settings(troubles=(f"{path}{at}: not TOML ({error}); all settings have their defaults",))
    return _Reader(path, text).read(document)


def load(path: Path | None = None) -> Settings:
    """The effective settings: the file, and over it what was chosen in the tutor since it was last written.

    A theme in the environment that there is not is among the ``troubles``; ``chosen_theme`` does not take it.
    """
    path = path or config_file()
    settings, kept = read(path), remembered()
    try:
        written = path.stat().st_mtime
    except OSError:
        written = 0.0
    newer = {name: value for name, value in kept.items() if name in ("theme", "split", "three")}
    for name, value in newer.items():
        at = kept.get("at", {}).get(name, 0.0)
        if isinstance(at, int | float) and at > written:
            reader = _Reader(path, "")
            found = reader.value(name, value)
            if found is not None:
                settings = replace(settings, **{name: found})
    named = os.environ.get(THEME_VARIABLE, "")
    if named and not known_theme(named):
        told = f"${THEME_VARIABLE} = {named[:60]!r}; allowed: {allowed_themes()}"
        settings = replace(settings, troubles=(*settings.troubles, told))
    return settings


def known_theme(name: object) -> bool:
    """Whether there is a theme of this name."""
    from textual.theme import BUILTIN_THEMES

    return name in THEMES or name in BUILTIN_THEMES


def allowed_themes() -> str:
    """The names of all themes, ours first."""
    from textual.theme import BUILTIN_THEMES

    return ", ".join(dict.fromkeys((*THEMES, *sorted(BUILTIN_THEMES))))


def remembered() -> dict[str, Any]:
    """What was chosen in the tutor, as it was kept; empty if there is nothing."""
    try:
        document = json.loads(remembered_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict) or not isinstance(document.get("at", {}), dict):
        return {}
    return document


def remember(name: str, value: Any, now: float) -> None:
    """Keep a choice (blocks for a moment). Raises OSError."""
    document = remembered()
    document[name] = value
    document["at"] = {**document.get("at", {}), name: now}
    atomic.write_text(remembered_file(), json.dumps(document, indent=1) + "\n")


def theme_name(name: str) -> str:
    """Textual's name of a theme."""
    return "ansi-dark" if name == "ansi" else name


class _Reader:
    """Reads one file; collects what is wrong."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.troubles: list[str] = []

    def read(self, document: Mapping[str, Any]) -> Settings:
        settings = Settings()
        for name, value in document.items():
            if name == "keys" and isinstance(value, dict):
                settings = replace(settings, keys=self._keys(value))
            elif name in ("theme", "terminal", "start", "split", "split_three"):
                field_name = "three" if name == "split_three" else name
                found = self.value(field_name, value)
                if found is not None:
                    settings = replace(settings, **{field_name: found})
            else:
                self._wrong(name, f"no such setting {name!r}", "theme, terminal, start, split, split_three, [keys]")
        return replace(settings, troubles=tuple(self.troubles))

    def value(self, name: str, value: Any) -> Any:
        """A setting's value if it is allowed, else None (and the trouble is noted)."""
        if name == "theme":
            if isinstance(value, str) and known_theme(value):
                return value
            return self._wrong(name, f"theme = {value!r}", allowed_themes())
        if name in ("terminal", "start"):
            allowed = TERMINALS if name == "terminal" else STARTS
            return value if value in allowed else self._wrong(name, f"{name} = {value!r}", ", ".join(allowed))
        wanted = 1 if name == "split" else 2
        numbers = value if isinstance(value, list | tuple) else [value]
        good = len(numbers) == wanted and all(type(n) is int and LEAST <= n <= MOST for n in numbers)
        if good and sum(numbers) <= 100 - LEAST:
            return tuple(numbers)
        key = "split_three" if name == "three" else name
        allowed_numbers = f"{LEAST} to {MOST}" + (", twice, that leave 15 for the middle" if wanted == 2 else "")
        return self._wrong(key, f"{key} = {value!r}", allowed_numbers)

    def _keys(self, document: Mapping[str, Any]) -> dict[str, str]:
        from textual.keys import _character_to_key

        known = bindings.known()
        moved: dict[str, str] = {}
        for name, value in document.items():
            keys = [value] if isinstance(value, str) else value
            if name not in known:
                self._wrong(name, f"no such key action {name!r}", ", ".join(sorted(known)))
            elif not (isinstance(keys, list) and keys and all(isinstance(k, str) and _KEY.fullmatch(k) for k in keys)):
                self._wrong(name, f"{name} = {value!r}", 'a key ("x", "f3", "ctrl+t") or a list of keys')
            else:
                moved[name] = ",".join(_character_to_key(key) if len(key) == 1 else key for key in keys)
        for name in list(moved):
            clash = bindings.clash(name, moved)
            if clash:
                self._wrong(name, f"{name} = {moved[name]!r} is the key of {clash}", "a key of its own")
                del moved[name]
        return moved

    def _wrong(self, name: str, what: str, allowed: str) -> None:
        found = re.search(rf"(?m)^\s*\[?[\"']?{re.escape(name)}[\"']?\s*[=\]]", self.text)
        line = self.text.count("\n", 0, found.end()) + 1 if found else 0
        self.troubles.append(f"{self.path}{f':{line}' if line else ''}: {what}; allowed: {allowed}")


def as_toml(settings: Settings) -> str:
    """The effective values as a file to start from: with what each is for, its default commented out."""

    def row(name: str, value: str, default: str, why: str) -> list[str]:
        return [f"# {why}", f"{name} = {value}" if value != default else f"# {name} = {value}", ""]

    def pair(numbers: tuple[int, ...]) -> str:
        return str(numbers[0]) if len(numbers) == 1 else f"[{', '.join(map(str, numbers))}]"

    rows = [f"# {config_file()}", ""]
    rows += row("theme", f'"{settings.theme}"', '"tutor-dark"', f"Colours: {', '.join(THEMES)}, or one of Textual's.")
    rows += row(
        "terminal", f'"{settings.terminal}"', '"auto"', f"Where the shell of a lab runs: {', '.join(TERMINALS)}."
    )
    rows += row(
        "start",
        f'"{settings.start}"',
        '"resume"',
        "resume: straight into the one lab that is under way, if its cluster runs; home: the list of labs.",
    )
    rows += row("split", pair(settings.split), pair(SPLIT), "Two panes: per cent of the width for the lesson.")
    rows += row(
        "split_three", pair(settings.three), pair(THREE), "Three: per cent for the lesson, and for the live cluster."
    )
    rows += ["# Keys: a key, or a list of keys. Letters work while no text is being typed.", "[keys]"]
    for name, binding in bindings.known().items():
        keys = settings.keys.get(name, binding.key).split(",")
        value = json.dumps(keys[0] if len(keys) == 1 else keys)
        rows.append(f"{'' if name in settings.keys else '# '}{name} = {value}".ljust(40) + f"  # {binding.tooltip}")
    return "\n".join(rows) + "\n"


def chosen_theme(settings: Settings) -> str:
    """Textual's name of the theme: ``$K8S_TUTOR_THEME``, if there is such a one, before the settings."""
    named = os.environ.get(THEME_VARIABLE, "")
    return theme_name(named if named and known_theme(named) else settings.theme)
