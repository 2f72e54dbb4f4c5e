"""Parts of a lab that only some clusters are told: what is told where, and what an author is told who errs."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from k8s_tutor.clusters.provider import Abilities, NodePorts, Reach
from k8s_tutor.errors import LabError
from k8s_tutor.labs import where
from k8s_tutor.labs.lint import lint
from k8s_tutor.labs.loader import labs, load
from k8s_tutor.labs.text import lab_text
from k8s_tutor.labs.where import ABILITIES, DEFAULT, cases, parts_of, told

POD = {"pod-addresses": "pod"}
TEXT = """\
Ask it.

<!-- where pod-addresses: node -->
```
curl http://IP
```
<!-- where pod-addresses: pod -->
Let a pod ask.
<!-- end -->

Done.
"""


def test_a_text_is_told_by_what_a_cluster_can_do() -> None:
    parts = parts_of(TEXT, "a.md")
    assert told(parts, DEFAULT) == told(parts, {}) == "Ask it.\n\n```\ncurl http://IP\n```\n\nDone.\n"
    assert told(parts, POD) == "Ask it.\n\nLet a pod ask.\n\nDone.\n"
    assert [part.line for part in parts] == [1, 4, 8, 10]
    assert list(cases(parts)) == [{"pod-addresses": "node"}, {"pod-addresses": "pod"}]
    assert list(cases(parts_of("Plain.\n", "a.md"))) == [{}]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("<!-- where pod-adresses: pod -->\n<!-- end -->\n", 1, "no ability 'pod-adresses'"),
        ("a\n<!-- where pod-addresses: pods -->\n<!-- end -->\n", 2, "pod-addresses is never 'pods'"),
        ("a\n<!-- where pod-addresses: pod -->\nb\n", 2, "not closed"),
        ("a\nb\n<!-- end -->\n", 3, "without"),
        ("<!--where pod-addresses: pod-->\n", 1, "not understood"),
        ("a\n<!-- where pod-addresses: pod --> b\n", 2, "not understood"),
        ("a\n<!-- end where -->\n", 2, "not understood"),
    ],
)
def test_a_wrong_part_is_an_error_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(LabError, match=message) as caught:
        parts_of(text, "steps/01.md")
    assert (caught.value.file, caught.value.line) == ("steps/01.md", line)


def test_the_words_are_those_of_the_providers() -> None:
    for can in (Abilities(), Abilities(Reach.NODE, NodePorts.LOCALHOST, True, False, True, True, True)):
        words = can.words()
        assert list(words) == list(ABILITIES)
        assert all(value in ABILITIES[ability] for ability, value in words.items())
    values = {ability: set() for ability in ABILITIES}
    for reach in Reach:
        for ports in NodePorts:
            for balancer in (None, True, False):
                for flag in (True, False):
                    can = Abilities(reach, ports, flag, balancer, flag, flag, flag)
                    for ability, value in can.words().items():
                        values[ability].add(value)
    assert values == {ability: set(known) for ability, known in ABILITIES.items()}, "none is left that nobody says"


def test_the_schema_knows_the_same_words() -> None:
    schema = json.loads(resources.files("k8s_tutor.labs").joinpath("schema.json").read_text("utf-8"))
    listed = {ability: tuple(rule["enum"]) for ability, rule in schema["$defs"]["where"]["properties"].items()}
    assert listed == dict(ABILITIES)


CONDITIONAL = {
    "task: Apply the file.": "task: Apply the file.\n    commands:\n"
    "      - kubectl get pods\n"
    "      - {where: {pod-addresses: node}, text: curl IP}\n"
    "      - {where: {pod-addresses: pod}, text: kubectl run asker}",
    "      - Then hand it over.": "      - {where: {pod-addresses: pod}, text: Let a pod ask.}",
}


def test_commands_and_hints_follow_too(make_lab: Callable[..., Path]) -> None:
    folder = make_lab(*CONDITIONAL.items(), text=TEXT)
    lab = load(folder)
    assert lab.steps[0].commands == ("kubectl get pods", "curl IP")
    assert lab.steps[0].hints == ("Look at the file.",)
    fitted = lab.fitted(POD)
    assert fitted.steps[0].commands == ("kubectl get pods", "kubectl run asker")
    assert fitted.steps[0].hints == ("Look at the file.", "Let a pod ask.")
    assert "Let a pod ask." in fitted.steps[0].text and "curl" not in fitted.steps[0].text
    assert fitted.fitted(DEFAULT) == lab, "nothing is lost"
    assert fitted.hash == lab.hash and fitted.checks == lab.checks
    assert lint(folder) == []


@pytest.mark.parametrize(
    ("changes", "message", "row"),
    [
        ({"text: curl IP": "text: 7"}, "must be text", "text: 7"),
        (
            {"{pod-addresses: node}, text: curl IP": "{pod-address: node}, text: curl IP"},
            "did you mean",
            "pod-address:",
        ),
        ({"{pod-addresses: node}, text: curl IP": "{pod-addresses: host}, text: curl IP"}, "'host'", "host"),
        (
            {"where: {pod-addresses: node}, text: curl IP": "where: {}, text: curl IP"},
            "must name an ability",
            "{}, text",
        ),
        ({"{where: {pod-addresses: node}, text: curl IP}": "{text: curl IP}"}, "lacks the key 'where'", "{text: curl"),
    ],
)
def test_a_wrong_condition_is_told_with_its_line(
    make_lab: Callable[..., Path], changes: dict[str, str], message: str, row: str
) -> None:
    lab = CONDITIONAL
    for old, new in changes.items():
        lab = {key: value.replace(old, new) for key, value in lab.items()}
    folder = make_lab(*lab.items(), text=TEXT)
    (problem,) = lint(folder)
    assert message in problem.message
    assert row in folder.read_text().splitlines()[problem.line - 1]


def test_each_variant_is_judged_by_itself(make_lab: Callable[..., Path]) -> None:
    long = TEXT.replace("Let a pod ask.\n", "Let a pod ask.\n" * 20 + "x" * 79 + "\n```\n")
    problems = [(problem.line, problem.message) for problem in lint(make_lab(text=long))]
    assert (28, "26 lines do not fit one screen (at most 22) where pod-addresses: pod") in problems
    assert (28, "79 columns (at most 78)") in problems
    assert any("not closed where pod-addresses: pod" in message for _, message in problems)
    assert not any("pod-addresses: node" in message for _, message in problems)


def test_a_variant_without_text_or_with_too_many_hints_is_told(make_lab: Callable[..., Path]) -> None:
    text = "<!-- where pod-addresses: node -->\nHere only.\n<!-- end -->\n"
    assert [problem.message for problem in lint(make_lab(text=text))] == [
        "the step's text is empty where pod-addresses: pod"
    ]
    more = "      - Then hand it over.\n" + "      - {where: {pod-addresses: pod}, text: More.}\n" * 3
    (problem,) = lint(make_lab(("      - Then hand it over.\n", more)))
    assert problem.message == "5 hints; at most 4 are allowed where pod-addresses: pod"


@pytest.mark.parametrize("name", [info.id for info in labs()])
def test_no_shipped_text_shows_its_conditions_or_a_command_that_cannot_work(name: str) -> None:
    lab = load(name)
    for words in where.cases(part for step in lab.steps if step.source for part in step.source.parts):
        fitted = lab.fitted(words)
        assert "<!--" not in lab_text(fitted)
        for step in fitted.steps:
            for command in step.commands:
                asks = "curl" in command
                if asks and words.get("pod-addresses") == "pod":
                    assert command.startswith("kubectl run asker --image=nginx --rm -i "), step.id
            if words.get("pod-addresses") == "pod":
                assert "\ncurl" not in step.text and "cluster shell" not in step.text
                assert not any("cluster shell" in hint for hint in step.hints)


def test_the_steps_that_ask_a_pod_differ_and_no_others() -> None:
    differing = {
        (info.id, step.id)
        for info in labs()
        for step in load(info.id).steps
        if step.fitted(POD) != step.fitted(DEFAULT)
    }
    assert differing == {("lab1", "request"), ("lab2", "everyone")}
