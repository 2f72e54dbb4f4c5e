"""In which order what was handed in is done again: pure, from a lab's steps and a submission.

What a student hands in is the end of the work: the file after its last change, all commands in one list. A replay
needs it in the lab's order, so that a claim about history (three pods were kept, seven are new) can be observed again.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from k8s_tutor.checks.images import normalise
from k8s_tutor.grading.commands import RESOURCES, Command
from k8s_tutor.grading.manifests import OWN_NAMESPACES
from k8s_tutor.grading.submission import Manifest, Submission
from k8s_tutor.kube.manifest import Document, objects_of
from k8s_tutor.labs.model import Change, Lab, Step

CHANGED_BY = {"set image": "image", "scale": "replicas"}
"""Commands that change one field: the last part of the field's path."""
_MADE = re.compile(r"(?P<owner>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)-[a-z0-9]{6,10}-[a-z0-9]{5}")
"""A pod's name as a Deployment's ReplicaSet makes it; on another cluster it is another one."""


@dataclass(frozen=True)
class Apply:
    """``kubectl apply`` of a file: ``name`` as the student named it, ``text`` as it is at that time."""

    name: str
    text: str


@dataclass(frozen=True)
class Run:
    """One line of ``commands.txt``; ``texts``: the files it names with ``-f``, as they are at that time."""

    command: Command
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Ask:
    """One request to this pod, as the learner's own curl would send it."""

    pod: str


Do = Apply | Run | Ask


@dataclass(frozen=True)
class Turn:
    """What is done when a step's turn comes; its checks are judged afterwards."""

    step: Step
    deeds: tuple[Do, ...]


def plan(lab: Lab, submission: Submission) -> tuple[Turn, ...]:
    """The turns of all steps, in the lab's order. Nothing that was handed in is left out."""
    files = own_files(lab, submission)
    turns = _assigned(lab, submission.commands)
    applied: dict[str, str] = {}
    found = []
    for number, step in enumerate(lab.steps):
        texts = {manifest.name: as_of(lab, number, name, manifest) for name, manifest in files.items()}
        commands = [command for command, turn in zip(submission.commands, turns, strict=True) if turn == number]
        deeds: list[Do] = []
        for name in _due(lab, number):
            manifest = files.get(name)
            if manifest is None or applied.get(name) == texts[manifest.name] or _told(commands, manifest.name):
                continue
            if name not in _applied(step) and any(
                _deed(each.argv)[0] in {d[0] for d in _makes(step)} for each in commands
            ):
                continue
            deeds.append(Apply(manifest.name, texts[manifest.name]))
            applied[name] = texts[manifest.name]
        for command in commands:
            named = {value: texts.get(value, "") for value in _named_files(command)}
            deeds.append(Run(command, {value: text for value, text in named.items() if text}))
            for name, manifest in files.items():
                if manifest.name in named and command.argv[0] in ("apply", "create", "replace"):
                    applied[name] = texts[manifest.name]
        deeds += [Ask(str(action.args["pod"])) for action in step.solution if action.do == "request"]
        found.append(Turn(step, tuple(deeds)))
    return tuple(found)


def own_files(lab: Lab, submission: Submission) -> dict[str, Manifest]:
    """The manifests that were handed in, by the name that the lab gives them where they have one (``.json`` too)."""
    wanted = {_stem(name): name for step in lab.steps for name in _applied(step)}
    found: dict[str, Manifest] = {}
    for manifest in sorted(submission.manifests, key=lambda each: each.name not in wanted.values()):
        name = wanted.get(_stem(manifest.name), manifest.name)
        found.setdefault(name, manifest)
    return found


def as_of(lab: Lab, step: int, name: str, manifest: Manifest) -> str:
    """The file's text when the turn of step number ``step`` (from 0) comes: what later steps change is put back.

    What belongs to the cluster that it was written on is left out (its namespace, what the server filled in). The text
    as handed in where nothing is different; else JSON, which is YAML.
    """
    order = {each.id: number for number, each in enumerate(lab.steps)}
    changes = [
        change
        for each in lab.manifests
        if each.name == name
        for change in each.changes
        if order.get(change.step, 0) > step
    ]
    documents = [_here(_put_back(document, changes)) for document in manifest.documents]
    if all(now == document.object for now, document in zip(documents, manifest.documents, strict=True)):
        return manifest.text
    return "\n---\n".join(json.dumps(each, indent=1) for each in documents) + "\n"


_SERVERS = ("namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


def _here(item: Any) -> Any:
    """An object without what only the cluster that it comes from can say (as of ``kubectl get -o yaml``)."""
    if not isinstance(item, dict):
        return item
    made = {key: value for key, value in item.items() if key != "status"}
    if isinstance(made.get("metadata"), dict):
        made["metadata"] = {key: value for key, value in made["metadata"].items() if key not in _SERVERS}
    spec = made.get("spec")
    if made.get("kind") == "Service" and isinstance(spec, dict) and spec.get("clusterIP") not in (None, "", "None"):
        made["spec"] = {key: value for key, value in spec.items() if key not in ("clusterIP", "clusterIPs")}
    if isinstance(made.get("items"), list):
        made["items"] = [_here(each) for each in made["items"]]
    return made


def _put_back(document: Document, changes: list[Change]) -> Any:
    made = document.object
    for change, (inside, _item) in product(changes, list(objects_of(document))):
        place = document.path(".".join([*_words(inside), change.field]))
        if place is None or not _later(_value(made, place), change.before):
            continue
        if made is document.object:
            made = copy.deepcopy(made)
        _value(made, place[:-1])[place[-1]] = change.before
    return made


def _words(inside: tuple[str | int, ...]) -> list[str]:
    """Where an object of a List stands, as a field's path says it: ``items[0]``."""
    return [f"{inside[0]}[{inside[1]}]"] if len(inside) == 2 else []


def at_home(manifest: Manifest, namespace: str) -> str:
    """The text with the namespace that it names, if any, become ``namespace``; every line stays where it was."""
    lines = manifest.text.splitlines(keepends=True)
    for document in manifest.documents:
        for inside, item in objects_of(document):
            metadata = item.get("metadata") if isinstance(item, dict) else None
            if not isinstance(metadata, dict) or metadata.get("namespace") not in OWN_NAMESPACES:
                continue
            row = document.where((*inside, "metadata", "namespace"))[0] - 1
            if 0 <= row < len(lines):
                lines[row] = _NAMESPACE.sub(lambda found: f"{found[1]}{namespace}", lines[row])
    return "".join(lines)


_NAMESPACE = re.compile(r"""(namespace["']?\s*:\s*["']?)(?:""" + "|".join(OWN_NAMESPACES) + r")\b")


def _value(item: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        item = item[step]
    return item


def _later(value: Any, before: Any) -> bool:
    """Whether a value looks like one to which ``before`` was changed: another tag of the image, a larger number.

    A value that is wrong from the beginning (another image, one replica) stays as it is, to be found wrong.
    """
    if isinstance(before, str) and isinstance(value, str):
        one, other = normalise(before), normalise(value)
        if one is None or one == other:
            return False
        if other is None:  # a tag that none can be: the name before it tells
            return value.partition(":")[0].endswith(before.partition(":")[0])
        return (one.host, one.repository) == (other.host, other.repository)
    whole = isinstance(value, int) and isinstance(before, int) and not isinstance(value, bool)
    return whole and value > before


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _applied(step: Step) -> list[str]:
    return [str(action.args["file"]) for action in step.solution if action.do == "apply"]


def _due(lab: Lab, number: int) -> Iterator[str]:
    """The lab's files that are applied when this step's turn comes: by its solution, or since the step changes them."""
    step = lab.steps[number]
    seen = _applied(step)
    yield from seen
    for manifest in lab.manifests:
        if manifest.name not in seen and any(change.step == step.id for change in manifest.changes):
            yield manifest.name
    # Another way to what the solution makes by a command: the step shows a file for it.
    if step.manifest and step.manifest not in seen and _makes(step):
        yield step.manifest


def _makes(step: Step) -> list[tuple[str, str, str]]:
    """The commands of a step's solution that make an object which a file could make as well."""
    deeds = [_deed(tuple(map(str, each.args["args"]))) for each in step.solution if each.do == "kubectl"]
    return [deed for deed in deeds if deed[0] in ("expose", "create", "run")]


def _told(commands: list[Command], name: str) -> bool:
    """Whether the step's own commands hand this file over: then nobody does it for them, nor at another time."""
    return any(each.argv[0] in ("apply", "create", "replace") and name in _named_files(each) for each in commands)


def _named_files(command: Command) -> list[str]:
    return [word.partition("=")[2] for word in command.argv if word.startswith(("-f=", "--filename="))]


def _assigned(lab: Lab, commands: tuple[Command, ...]) -> list[int]:
    """For each command the number of the step in whose turn it is run, never falling.

    A command belongs to the step whose solution does the same, or which it changes a field for. What belongs to none
    goes with the next one that does. None is run before one that stands above it: where the order is not the lab's,
    the earlier step's turn takes what stands above.
    """
    found = [_step_of(lab, commands, index) for index in range(len(commands))]
    after: int | None = None
    for index in range(len(commands) - 1, -1, -1):
        here = found[index]
        if here is not None:
            after = here if after is None else min(here, after)
        found[index] = after
    last = max((each for each in found if each is not None), default=_last_with_checks(lab))
    return [last if each is None else each for each in found]


def _last_with_checks(lab: Lab) -> int:
    return max((number for number, step in enumerate(lab.steps) if step.checks), default=len(lab.steps) - 1)


def _step_of(lab: Lab, commands: tuple[Command, ...], index: int) -> int | None:
    command = commands[index]
    verb = _verb(command.argv)
    files = _named_files(command)
    if files and verb in ("apply", "create", "replace"):
        places = [n for n, _ in enumerate(lab.steps) if any(_stem(name) == _stem(files[0]) for name in _due(lab, n))]
        before = sum(files[0] in _named_files(each) and _verb(each.argv) == verb for each in commands[:index])
        # What stands after a later step's command is not the first time.
        reached = max((_step_of(lab, commands, number) or 0 for number in range(index)), default=0)
        places = [place for place in places[before:] if place >= reached] or places[-1:]
        if places:
            return places[0]
    if verb in CHANGED_BY:
        for number, step in enumerate(lab.steps):
            changes = [each for manifest in lab.manifests for each in manifest.changes if each.step == step.id]
            if any(change.field.rpartition(".")[2] == CHANGED_BY[verb] for change in changes):
                return number
    wanted = _deed(command.argv)
    loose = None
    for number, step in enumerate(lab.steps):
        for action in (*step.solution, *(each for spec in step.checks for each in spec.experiment)):
            if action.do != "kubectl":
                continue
            told = tuple(str(word) for word in action.args["args"])
            deed = _deed(told)
            if deed[:2] != wanted[:2] or verb in ("get", "describe", "wait"):
                continue
            if deed[2] == wanted[2] and deed[2]:
                return number
            if deed[2].startswith("{pod:") and loose is None:
                loose = number
    return loose


def _verb(argv: tuple[str, ...]) -> str:
    pair = " ".join(argv[:2])
    return pair if pair in ("set image", "rollout status", "rollout restart", "rollout undo") else argv[0]


def _deed(argv: tuple[str, ...]) -> tuple[str, str, str]:
    """Verb, kind and name of the object; the name is empty where a selector is in its place."""
    verb = _verb(argv)
    words = [word for word in argv[len(verb.split()) :] if not word.startswith("-")]
    if not words:
        return verb, "", ""
    if verb == "run":
        return verb, "pod", words[0]
    kind, slash, name = words[0].partition("/")
    return verb, RESOURCES.get(kind, kind), name if slash else words[1] if len(words) > 1 else ""


def made_by(name: str) -> str:
    """The Deployment that a pod's name tells of; empty where it tells of none."""
    match = _MADE.fullmatch(name)
    return match["owner"] if match else ""
