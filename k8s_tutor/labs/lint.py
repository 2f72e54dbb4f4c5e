"""What a schema cannot say about a lab: names that must exist, texts that fit a screen, hints that do not tell all.

A lab that loads can still be a bad lab. ``lint`` finds what would show only when a learner meets it. Which
checks and causes exist is told by the caller, since labs know nothing of checks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from k8s_tutor.errors import LabError
from k8s_tutor.labs import lint_vary, loader, vary
from k8s_tutor.labs.located import Located, Place, parse
from k8s_tutor.labs.model import Action, CheckSpec, Lab, Step
from k8s_tutor.labs.validate import Problem, did_you_mean, problems
from k8s_tutor.labs.where import Words, cases, told

MOST_LINES = 22
"""Lines of a step's text: what an 80×24 terminal shows beside two lines of the tutor's own."""
MOST_COLUMNS = 78
MOST_CHARACTERS = 1_400
MOST_HINTS = 4
_CALLOUT = re.compile(r"#\[(\d+)\]\s*$", re.MULTILINE)
_POD = re.compile(r"\{pod\b(?!:[A-Za-z0-9./_-]+=[A-Za-z0-9._-]+\})")


def lint(
    lab: str | Path,
    checks: Mapping[str, inspect.Signature] | None = None,
    causes: Collection[str] | None = None,
) -> list[Problem]:
    """Everything wrong with this lab (id, folder or ``lab.yaml``), in the order of files and lines; empty when good.

    ``checks``: each known check's parameters (``with:``) by its name; ``causes``: the known cause ids. Where one
    is None, names of that sort are not judged.
    """
    try:
        path = loader.find(lab)
        text = loader.read(path)
        variation = vary.read(text, str(path))
        plain = variation.variant("")
        found, built, located = _one(path, text, plain, checks, causes)
        if built is None or located is None:
            return found  # the rest would only repeat it
        steps = [str(built.folder / each["text"]) for each in located.data["steps"]]
        found += lint_vary.marks(
            variation, str(path), {str(path): text, **{file: loader.read(Path(file)) for file in steps}}
        )
        found += lint_vary.fields(built, located)
        for variant in variation.cover() if not found else ():
            more, other, _ = _one(path, text, variant, checks, causes)
            more += lint_vary.differing(other, built, variation, variant) if other is not None else ()
            if more:
                words = f" (in the variant {lint_vary.named(variant)})"
                found = [replace(problem, message=problem.message + words) for problem in more]
                break
    except LabError as error:
        return [_problem(error)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.file != str(path), problem.file, problem.line))


def _one(
    path: Path,
    text: str,
    variant: vary.Variant,
    checks: Mapping[str, inspect.Signature] | None,
    causes: Collection[str] | None,
) -> tuple[list[Problem], Lab | None, Located | None]:
    """What is wrong with one variant, and (where it can be built) the lab. Raises LabError."""
    located = parse(variant.render(text), str(path))
    found = problems(located, str(path))
    if found:
        return found, None, None
    built = loader.build(located, path, variant)
    return list(_Linter(built, located, path, checks, causes).all()), built, located


def _problem(error: LabError) -> Problem:
    where = f"{error.file}:{error.line}: " if error.line else f"{error.file}: "
    return Problem(error.file, error.line, error.message.removeprefix(where))


class _Linter:
    """One pass over one lab."""

    def __init__(
        self,
        lab: Lab,
        located: Located,
        path: Path,
        checks: Mapping[str, inspect.Signature] | None,
        causes: Collection[str] | None,
    ) -> None:
        self.lab, self.located, self.path, self.known, self.causes = lab, located, path, checks, causes
        self.file = str(path)
        self.specs = {spec.id: spec for spec in lab.checks}
        self.manifests = {manifest.name for manifest in lab.manifests}

    def all(self) -> Iterator[Problem]:
        """Every problem."""
        yield from self._head()
        yield from self._unique()
        yield from self._cycles()
        for index, _ in enumerate(self.lab.manifests):
            yield from self._manifest(index)
        for index, step in enumerate(self.lab.steps):
            place: Place = ("steps", index)
            for words in cases(step.source.parts if step.source else ()):
                yield from self._text(step, place, words)
                yield from self._teaching(step.fitted(words), place, words)
            for number, spec in enumerate(step.checks):
                yield from self._check(spec, (*place, "checks", number))
            yield from self._names(step, place)

    def _say(self, place: Place, message: str, allowed: tuple[str, ...] = ()) -> Problem:
        return Problem(self.file, self.located.line(*place), message, allowed)

    def _head(self) -> Iterator[Problem]:
        keys = list(self.located.data)
        if keys[:4] != ["id", "title", "summary", "minutes"]:
            yield self._say((), "the file begins with id, title, summary and minutes (a list of labs reads no further)")
        folder = self.lab.folder.resolve().name
        if folder != self.lab.id:
            yield self._say(("id",), f"the id {self.lab.id!r} is not the folder's name {folder!r}")

    def _unique(self) -> Iterator[Problem]:
        seen: dict[tuple[str, str], int] = {}
        places: list[tuple[str, str, Place]] = []
        for i, step in enumerate(self.lab.steps):
            places.append(("step", step.id, ("steps", i, "id")))
            places += [("check", spec.id, ("steps", i, "checks", n, "id")) for n, spec in enumerate(step.checks)]
            places += [("mistake", each.id, ("steps", i, "mistakes", n, "id")) for n, each in enumerate(step.mistakes)]
        places += [("manifest", each.name, ("manifests", n, "name")) for n, each in enumerate(self.lab.manifests)]
        for sort, name, place in places:
            line = self.located.line(*place)
            if (sort, name) in seen:
                yield self._say(place, f"two {sort}s are named {name!r} (first in line {seen[sort, name]})")
            seen.setdefault((sort, name), line)

    def _cycles(self) -> Iterator[Problem]:
        """``needs`` exist, and none waits for itself by way of others."""
        for i, step in enumerate(self.lab.steps):
            for n, spec in enumerate(step.checks):
                place: Place = ("steps", i, "checks", n, "needs")
                for need in spec.needs:
                    if need not in self.specs:
                        yield self._say(
                            place,
                            f"needs the check {need!r}, which is not in this lab" + did_you_mean(need, self.specs),
                            tuple(self.specs),
                        )
                way = self._way_back(spec.id)
                if way:
                    yield self._say(place, f"the check waits for itself: {' needs '.join(way)}")

    def _way_back(self, start: str) -> list[str]:
        """A way from this check over ``needs`` back to itself, empty if there is none."""
        paths = [[start]]
        seen: set[str] = set()
        while paths:
            path = paths.pop()
            for need in self.specs[path[-1]].needs:
                if need == start:
                    return [*path, need]
                if need in self.specs and need not in seen:
                    seen.add(need)
                    paths.append([*path, need])
        return []

    def _manifest(self, index: int) -> Iterator[Problem]:
        manifest = self.lab.manifests[index]
        place: Place = ("manifests", index, "callouts")
        try:
            documents = [each for each in yaml.safe_load_all(manifest.text) if each is not None]
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            yield Problem(str(manifest.path), mark.line + 1 if mark else 0, f"not valid YAML: {error}".splitlines()[0])
            return
        for document in documents:
            there = document if isinstance(document, dict) else {}
            missing = [key for key in ("apiVersion", "kind", "metadata") if key not in there]
            if missing:
                yield Problem(str(manifest.path), 1, f"not a Kubernetes object: lacks {', '.join(missing)}")
        marked = [int(number) for number in _CALLOUT.findall(manifest.text)]
        told = [callout.number for callout in manifest.callouts]
        for number in marked:
            if number not in told:
                yield self._say(place, f"{manifest.name} marks a line #[{number}], which no callout explains")
        for number in told:
            if number not in marked:
                yield self._say(
                    place, f"callout {number} explains a line that is not marked #[{number}] in {manifest.name}"
                )
        for number, change in enumerate(manifest.changes):
            if self.lab.step(change.step) is None:
                known = tuple(step.id for step in self.lab.steps)
                yield self._say(("manifests", index, "changes", number), f"there is no step {change.step!r}", known)
        if len(set(told)) != len(told) or len(set(marked)) != len(marked):
            yield self._say(place, f"{manifest.name}: a callout's number is used twice")

    def _text(self, step: Step, place: Place, words: Words) -> Iterator[Problem]:
        """The text as it is told on one sort of cluster; lines are those of the file."""
        name = self.located.data["steps"][place[1]]["text"]
        file, case = str(self.lab.folder / name), _case(words)
        parts = step.source.text if step.source else ()
        numbered = [
            (part.line + number, line)
            for part in parts
            if part.holds(words)
            for number, line in enumerate(part.text.splitlines())
        ]
        text = told(parts, words)
        while numbered and not numbered[-1][1].strip():
            numbered.pop()
        if not text.strip():
            yield Problem(file, 0, f"the step's text is empty{case}")
            return
        last = numbered[-1][0]
        if len(numbered) > MOST_LINES:
            row = numbered[MOST_LINES][0]
            yield Problem(file, row, f"{len(numbered)} lines do not fit one screen (at most {MOST_LINES}){case}")
        if len(text) > MOST_CHARACTERS:
            yield Problem(
                file, 0, f"{len(text)} characters are too many for one step (at most {MOST_CHARACTERS}){case}"
            )
        for number, line in numbered:
            if len(line) > MOST_COLUMNS:
                yield Problem(file, number, f"{len(line)} columns (at most {MOST_COLUMNS})")
        if text.count("```") % 2:
            yield Problem(file, last, f"a fenced block (```) is not closed{case}")

    def _teaching(self, step: Step, place: Place, words: Words) -> Iterator[Problem]:
        """A step that checks also helps: task, hints, solution, why."""
        case = _case(words)
        if step.checks:
            for key in ("task", "hints", "solution", "why"):
                if not getattr(step, key):
                    yield self._say(
                        place, f"the step {step.id!r} has checks but no {key}{case if key == 'hints' else ''}"
                    )
        if len(step.hints) > MOST_HINTS:
            yield self._say((*place, "hints"), f"{len(step.hints)} hints; at most {MOST_HINTS} are allowed{case}")
        whole = [_plain(_told(action)) for action in step.solution]
        whole = [each for each in whole if each]
        for number, part in enumerate(step.source.hints if step.source else ()):
            if whole and part.holds(words) and all(each in _plain(part.text) for each in whole):
                yield self._say((*place, "hints", number), f"hint {number + 1} gives the whole solution away")
        asked = [question.check for question in step.questions]
        for number, check in enumerate(asked):
            if check not in {spec.id for spec in step.checks}:
                own = tuple(spec.id for spec in step.checks)
                yield self._say(
                    (*place, "questions", number), f"asks for {check!r}, which is no check of this step", own
                )
        for number, spec in enumerate(step.checks):
            if spec.uses.startswith("answer-") and spec.id not in asked:
                yield self._say((*place, "checks", number), f"no question asks for the answer of the check {spec.id!r}")

    def _check(self, spec: CheckSpec, place: Place) -> Iterator[Problem]:
        if self.known is None:
            return
        if spec.uses not in self.known:
            near = did_you_mean(spec.uses, self.known)
            yield self._say(
                (*place, "check"), f"there is no check named {spec.uses!r}{near}", tuple(sorted(self.known))
            )
            return
        parameters = self.known[spec.uses].parameters
        if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
            return
        for name in spec.params:
            if name not in parameters:
                yield self._say(
                    (*place, "with", name),
                    f"the check {spec.uses!r} takes no {name!r}" + did_you_mean(name, parameters),
                    tuple(parameters),
                )
        for name, each in parameters.items():
            if each.default is inspect.Parameter.empty and name not in spec.params:
                yield self._say(place, f"the check {spec.uses!r} needs {name!r} (under with:)", tuple(parameters))

    def _names(self, step: Step, place: Place) -> Iterator[Problem]:
        """What the step refers to: its manifest, its mistakes' checks and causes, its actions' files and checks."""
        if step.manifest and step.manifest not in self.manifests:
            known = tuple(sorted(self.manifests))
            yield self._say((*place, "manifest"), f"there is no manifest {step.manifest!r}", known)
        yield from self._actions(step.solution, (*place, "solution"))
        yield from self._actions(step.again, (*place, "again"))
        if step.again and not step.checks:
            yield self._say((*place, "again"), f"the step {step.id!r} has no checks, so there is nothing to undo")
        for index, action in enumerate(step.again):
            own = action.args.get("check") in {spec.id for spec in step.checks}
            if action.do == "answer" or (action.do == "wait" and own):
                yield self._say((*place, "again", index), f"{action.do}: again undoes a step, it does not do one")
        for number, spec in enumerate(step.checks):
            yield from self._actions(spec.experiment, (*place, "checks", number, "experiment"))
        for number, mistake in enumerate(step.mistakes):
            there: Place = (*place, "mistakes", number)
            if mistake.fails not in self.specs:
                yield self._say(
                    (*there, "fails"),
                    f"there is no check {mistake.fails!r}" + did_you_mean(mistake.fails, self.specs),
                    tuple(self.specs),
                )
            if self.causes is not None and mistake.because not in self.causes:
                yield self._say(
                    (*there, "because"),
                    f"there is no cause {mistake.because!r}" + did_you_mean(mistake.because, self.causes),
                    tuple(sorted(self.causes)),
                )
            yield from self._actions(mistake.actions, (*there, "actions"))
            yield from self._actions(mistake.cleanup, (*there, "cleanup"))

    def _actions(self, actions: tuple[Action, ...], place: Place) -> Iterator[Problem]:
        for index, action in enumerate(actions):
            here: Place = (*place, index)
            args = action.args
            if action.do == "write" and args["from"] not in self.manifests:
                yield self._say(here, f"there is no manifest {args['from']!r}", tuple(sorted(self.manifests)))
            if action.do in ("wait", "answer") and args["check"] not in self.specs:
                yield self._say(
                    here,
                    f"there is no check {args['check']!r}" + did_you_mean(args["check"], self.specs),
                    tuple(self.specs),
                )
            if action.do == "kubectl":
                yield from self._kubectl(args["args"], here)

    def _kubectl(self, args: list[str], here: Place) -> Iterator[Problem]:
        if args[0] == "kubectl":
            yield self._say(here, "the argument list begins after the word kubectl")
        for word in args:
            if _POD.search(word):
                yield self._say(here, f"{word!r}: a pod's name is written {{pod:label=value}}")
            if word == "learner" or word.removeprefix("--namespace=") == "learner":
                yield self._say(here, f"{word!r}: the namespace differs; its name is written {{namespace}}")


def _case(words: Words) -> str:
    """`` where pod-addresses: pod``; nothing for a step that is told alike everywhere."""
    return "".join(f" where {ability}: {value}" for ability, value in words.items())


def _told(action: Action) -> str:
    """What a hint would have to say to give this action away, empty for actions that are no work."""
    args: Mapping[str, Any] = action.args
    match action.do:
        case "kubectl":
            return "kubectl " + " ".join(args["args"])
        case "apply":
            return f"kubectl apply -f {args['file']}"
        case "edit":
            return str(args["with"])
        case "content":
            return str(args["text"])
        case _:
            return ""


def _plain(text: str) -> str:
    return " ".join(text.replace("`", " ").split())
