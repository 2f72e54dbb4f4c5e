"""Which images a lab needs, read from the lab itself: its manifests, solutions, claims and commands.

What a known mistake names is left out: most of those images do not exist, which is the point of them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from k8s_tutor.labs.model import Action, Lab, Step

_IMAGE_LINE = re.compile(r"^\s*(?:-\s+)?image:\s*[\"']?([\w./:@-]+)", re.MULTILINE)


def needed(lab: Lab) -> dict[str, tuple[str, ...]]:
    """Image as the lab writes it -> ids of the steps that need it, in the lab's order."""
    found: dict[str, list[str]] = {}
    texts = {manifest.name: manifest.text for manifest in lab.manifests}
    for step in lab.steps:
        for image in _of_step(step, texts):
            steps = found.setdefault(image, [])
            if step.id not in steps:
                steps.append(step.id)
    return {image: tuple(steps) for image, steps in found.items()}


def _of_step(step: Step, texts: Mapping[str, str]) -> Iterator[str]:
    if step.manifest in texts:
        yield from of_manifests(texts[step.manifest])
    for check in step.checks:
        wanted = check.params.get("image", ())
        yield from (wanted,) if isinstance(wanted, str) else map(str, wanted)
        for action in check.experiment:
            yield from _of_action(action, texts)
    for action in (*step.solution, *step.again):
        yield from _of_action(action, texts)
    for command in step.commands:
        yield from _of_command(_words(command))


def _of_action(action: Action, texts: Mapping[str, str]) -> Iterator[str]:
    match action.do:
        case "write":
            yield from of_manifests(texts.get(str(action.args.get("from")), ""))
        case "content":
            yield from of_manifests(str(action.args.get("text", "")))
        case "edit":
            yield from _IMAGE_LINE.findall(str(action.args.get("with", "")))
        case "kubectl":
            yield from _of_command([str(each) for each in action.args.get("args", ())])


def of_manifests(text: str) -> Iterator[str]:
    """The images of all containers in a manifest's text; nothing where it is no YAML."""
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return
    for document in documents:
        yield from _of_value(document)


def _of_value(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("containers", "initContainers") and isinstance(inner, list):
                yield from (str(each["image"]) for each in inner if isinstance(each, Mapping) and each.get("image"))
            yield from _of_value(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_value(inner)


def _of_command(words: list[str]) -> Iterator[str]:
    """The images of ``kubectl run|create --image=X`` and ``kubectl set image OBJECT CONTAINER=X``."""
    words = words[1:] if words[:1] == ["kubectl"] else words
    if words[:1] in (["run"], ["create"]):
        for word, following in zip(words, [*words[1:], ""], strict=True):
            if word.startswith("--image="):
                yield word.removeprefix("--image=")
            elif word == "--image":
                yield following
    elif words[:2] == ["set", "image"]:
        for word in words[3:]:
            name, equals, image = word.partition("=")
            if equals and not name.startswith("-"):
                yield image


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
