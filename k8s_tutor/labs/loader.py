"""From ``lab.yaml`` and its Markdown files to a ``Lab``.

Shipped labs lie in this package (``content/<id>/``) and hand out ``lab_manifests/<id>/`` (``_manifests`` in a
wheel). Any other lab is a folder with a ``lab.yaml``; its manifests lie in its folder ``manifests``. A lab
given by path is checked against the schema; a shipped one was checked by our tests, so that ``check`` starts
without jsonschema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from k8s_tutor.errors import LabError, UsageError
from k8s_tutor.labs import vary
from k8s_tutor.labs.fields import NoSuchField, set_fields
from k8s_tutor.labs.located import Located, Place, parse
from k8s_tutor.labs.model import (
    Action,
    Callout,
    Change,
    CheckSpec,
    Lab,
    Manifest,
    Mistake,
    Mode,
    Question,
    Source,
    Step,
)
from k8s_tutor.labs.where import DEFAULT, Part, chosen, parts_of, told, unknown

LARGEST = 1_000_000
"""Bytes of the largest file of a lab that is read."""


@dataclass(frozen=True)
class LabInfo:
    """What a list of labs shows: read from the head of ``lab.yaml`` alone."""

    id: str
    title: str
    summary: str
    minutes: int
    folder: Path


def content_dir() -> Path:
    """The folder of the shipped labs."""
    return Path(__file__).parent / "content"


def manifests_dir() -> Path:
    """The folder of the shipped labs' manifests: in the package when installed, else of the source tree."""
    package = Path(__file__).parent.parent
    inside = package / "_manifests"
    return inside if inside.is_dir() else package.parent / "lab_manifests"


@cache
def labs() -> tuple[LabInfo, ...]:
    """The shipped labs, in their order. Fast: reads no steps, needs no jsonschema."""
    return tuple(_info(folder) for folder in sorted(content_dir().iterdir()) if (folder / "lab.yaml").is_file())


def load(lab: str | Path, *, seed: str = "", validate: bool | None = None) -> Lab:
    """The lab of this id, or the one in this folder (or of this ``lab.yaml``); ``seed``: in the variant of this seed.

    ``validate``: against the schema; by default for labs given by path. Raises UsageError for an id that is
    not known and for what can be no seed, LabError (file, line, allowed values) for a lab that breaks the format.
    """
    path, shipped = _find(lab)
    text = read(path)
    variation = vary.read(text, str(path))
    variant = variation.variant(_id(text, variation, path) if seed else "", seed)
    located = parse(variant.render(text), str(path))
    if validate if validate is not None else not shipped:
        from k8s_tutor.labs.validate import problems

        for problem in problems(located, str(path)):
            raise problem.error()
    return build(located, path, variant)


def another(lab: Lab, seed: str) -> Lab:
    """The same lab in the variant of another seed. Raises UsageError for what can be none."""
    return lab if seed == lab.seed else load(lab.folder, seed=seed, validate=False)


def find(lab: str | Path) -> Path:
    """The ``lab.yaml`` of this lab; raises UsageError that names the labs there are."""
    return _find(lab)[0]


def read(path: Path) -> str:
    """The text of one file of a lab (UTF-8, bounded). Raises LabError."""
    try:
        if path.stat().st_size > LARGEST:
            raise LabError(f"larger than {LARGEST:,} bytes", file=str(path))
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise LabError("there is no such file", file=str(path), remedy="make the file, or correct its name") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"cannot be read: {error}", file=str(path)) from error


def manifest_path(folder: Path, lab_id: str, name: str) -> Path:
    """Where the manifest of this name lies: in the lab's own folder ``manifests``, else with the shipped ones."""
    own = folder / "manifests" / name
    return (
        own if own.exists() or folder.resolve().parent != content_dir().resolve() else manifests_dir() / lab_id / name
    )


def build(located: Located, path: Path, variant: vary.Variant = vary.Variant()) -> Lab:  # noqa: B008
    """The lab from data that fits the schema and was rendered by ``variant``, as the files that it names are here.

    Raises LabError where one of these is missing.
    """
    data = _Data(located, str(path))
    top = data.mapping(())
    folder = path.parent
    digest = hashlib.sha256(read(path).encode())

    def text_of(place: Place, file: Path) -> str:
        try:
            text = read(file)
        except LabError as error:
            raise LabError(
                f"{file.relative_to(folder) if file.is_relative_to(folder) else file}: {str(error).partition(': ')[2]}",
                file=str(path),
                line=located.line(*place),
                remedy=error.remedy,
            ) from error
        digest.update(f"\0{file.name}\0{text}".encode())
        return text

    manifests = tuple(
        _manifest(
            data,
            ("manifests", index),
            manifest_path(folder, top["id"], each["name"]),
            text_of(("manifests", index, "name"), manifest_path(folder, top["id"], each["name"])),
            variant,
        )
        for index, each in enumerate(top.get("manifests", ()))
    )
    steps = tuple(
        _step(
            data,
            ("steps", index),
            parts_of(
                variant.render(text_of(("steps", index, "text"), folder / each["text"])), str(folder / each["text"])
            ),
        )
        for index, each in enumerate(data.sequence(("steps",)))
    )
    return Lab(
        id=top["id"],
        title=top["title"],
        summary=top["summary"].strip(),
        minutes=top["minutes"],
        steps=steps,
        manifests=manifests,
        folder=folder,
        hash=digest.hexdigest(),
        seed=variant.seed,
        variant=variant.chosen,
    )


def _info(folder: Path) -> LabInfo:
    path = folder / "lab.yaml"
    text = read(path)
    top = _head(text, vary.read(text, str(path)), path)
    return LabInfo(top["id"], top["title"], top["summary"].strip(), top["minutes"], folder)


def _head(text: str, variation: vary.Variation, path: Path) -> Mapping[str, Any]:
    """What stands before manifests and steps, without a seed."""
    head = text.partition("\nmanifests:")[0].partition("\nsteps:")[0]
    return _Data(parse(variation.variant("").render(head), str(path)), str(path)).mapping(())


def _id(text: str, variation: vary.Variation, path: Path) -> str:
    return str(_head(text, variation, path)["id"])


def _find(lab: str | Path) -> tuple[Path, bool]:
    known = {info.id: info.folder / "lab.yaml" for info in labs()}
    if isinstance(lab, str) and lab in known:
        return known[lab], True
    path = Path(lab)
    if path.is_dir():
        path /= "lab.yaml"
    if path.is_file():
        return path, False
    if isinstance(lab, Path) or "/" in lab:
        raise LabError("there is no such lab", file=str(path), remedy="name a folder that has a lab.yaml")
    raise UsageError(f"there is no lab named {lab!r}", remedy="one of: " + ", ".join(known), code="no-lab")


class _Data:
    """The data, by place; a shape that the schema forbids is a LabError here too, never a traceback."""

    def __init__(self, located: Located, file: str) -> None:
        self.located = located
        self.file = file

    def _at(self, place: Place) -> Any:
        value = self.located.data
        for part in place:
            value = value[part]
        return value

    def mapping(self, place: Place) -> Mapping[str, Any]:
        value = self._at(place)
        if not isinstance(value, dict):
            raise LabError("must be a mapping (key: value)", file=self.file, line=self.located.line(*place))
        return _Required(value, self.file, self.line(place))

    def sequence(self, place: Place) -> list[Any]:
        value = self._at(place)
        if not isinstance(value, list):
            raise LabError("must be a list", file=self.file, line=self.located.line(*place))
        return value

    def line(self, place: Place) -> int:
        return self.located.line(*place)


class _Required(dict[str, Any]):
    """A mapping whose missing key is a LabError with the line."""

    def __init__(self, value: Mapping[str, Any], file: str, line: int) -> None:
        super().__init__(value)
        self.file, self.line = file, line

    def __missing__(self, key: str) -> Any:
        raise LabError(f"lacks the key {key!r}", file=self.file, line=self.line)


def _manifest(data: _Data, place: Place, path: Path, text: str, variant: vary.Variant) -> Manifest:
    each = data.mapping(place)
    callouts = tuple(Callout(callout["number"], callout["text"].strip()) for callout in each.get("callouts", ()))
    changes = tuple(
        Change(change["step"], change["field"], change["before"], data.line((*place, "changes", index)))
        for index, change in enumerate(each.get("changes", ()))
    )
    varied = dict(data.mapping((*place, "vary"))) if "vary" in each else {}
    if not variant.plain:
        try:
            text = set_fields(text, varied)
        except NoSuchField as error:
            raise LabError(f"{path.name} {error}", file=data.file, line=data.line((*place, "vary"))) from error
    return Manifest(each["name"], path, text, callouts, changes, varied)


def _parts(data: _Data, place: Place) -> tuple[Part, ...]:
    """Texts of a list, each plain or ``{where, text}``."""
    found = []
    for index, each in enumerate(data.sequence(place)):
        here = (*place, index)
        entry = {"text": each} if isinstance(each, str) else data.mapping(here)
        where = data.mapping((*here, "where")) if "where" in entry else {}
        trouble = unknown(where)
        if trouble is not None:
            raise LabError(trouble[0], file=data.file, line=data.line(here), remedy=f"one of: {', '.join(trouble[1])}")
        found.append(Part(str(entry["text"]).strip(), dict(where), data.line(here)))
    return tuple(found)


def _step(data: _Data, place: Place, text: tuple[Part, ...]) -> Step:
    step = data.mapping(place)
    source = Source(
        text,
        _parts(data, (*place, "commands")) if "commands" in step else (),
        _parts(data, (*place, "hints")) if "hints" in step else (),
    )
    many = {key: tuple(range(len(step.get(key, ())))) for key in ("checks", "questions", "mistakes")}
    return Step(
        id=step["id"],
        title=step["title"],
        text=told(source.text, DEFAULT),
        task=step.get("task", "").strip(),
        commands=chosen(source.commands, DEFAULT),
        manifest=step.get("manifest", ""),
        checks=tuple(_check(data, (*place, "checks", index)) for index in many["checks"]),
        questions=tuple(_question(data.mapping((*place, "questions", index))) for index in many["questions"]),
        hints=chosen(source.hints, DEFAULT),
        solution=_actions(data, (*place, "solution")) if "solution" in step else (),
        mistakes=tuple(_mistake(data, (*place, "mistakes", index)) for index in many["mistakes"]),
        why=step.get("why", "").strip(),
        covers=tuple(step.get("covers", ())),
        line=data.line(place),
        again=_actions(data, (*place, "again")) if "again" in step else (),
        source=source,
    )


def _check(data: _Data, place: Place) -> CheckSpec:
    spec = data.mapping(place)
    return CheckSpec(
        id=spec["id"],
        title=spec["title"],
        uses=spec["check"],
        params=spec.get("with", {}),
        mode=Mode(spec.get("mode", "level")),
        stable=float(spec.get("stable", 0)),
        points=spec.get("points", 1),
        needs=tuple(spec.get("needs", ())),
        optional=spec.get("optional", False),
        before=tuple(spec.get("before", ())),
        experiment=_actions(data, (*place, "experiment")) if "experiment" in spec else (),
        visibility=spec.get("visibility", "visible"),
        line=data.line(place),
    )


def _question(question: Mapping[str, Any]) -> Question:
    return Question(question["check"], question["ask"].strip(), question.get("example", ""))


def _mistake(data: _Data, place: Place) -> Mistake:
    mistake = data.mapping(place)
    return Mistake(
        mistake["id"],
        mistake["title"],
        mistake["fails"],
        mistake["because"],
        _actions(data, (*place, "actions")),
        data.line(place),
        _actions(data, (*place, "cleanup")) if "cleanup" in mistake else (),
    )


def _actions(data: _Data, place: Place) -> tuple[Action, ...]:
    made = []
    for index, _ in enumerate(data.sequence(place)):
        each = data.mapping((*place, index))
        do, args = next(iter(each.items()))
        if do == "kubectl":  # what only some variants have is an empty word in the others
            args = {**args, "args": [word for word in args["args"] if word != ""]}
        made.append(Action(do, args, data.line((*place, index))))
    return tuple(made)
