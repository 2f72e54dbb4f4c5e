"""What can be written at the cursor, and what the field there is for: with schemas cut out of a real cluster's."""

from __future__ import annotations

import pytest
import yaml
from openapi_samples import DEPLOYMENT, POD, SCHOOL, schemas

from k8s_tutor.checks.completing import Choice, complete, explain
from k8s_tutor.checks.writing import problems
from k8s_tutor.kube.openapi import Schemas


def at(text: str) -> tuple[str, int, int]:
    """The text without its ``^``, and where that stood."""
    before = text.split("^")[0]
    return text.replace("^", ""), before.count("\n"), len(before.rsplit("\n", 1)[-1])


def choices(text: str) -> list[Choice]:
    return list(complete(*at(text), schemas()).choices)


def labels(text: str) -> list[str]:
    return [choice.label for choice in choices(text)]


HEAD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^", ["apiVersion", "kind", "metadata", "spec"]),
        ("apiVersion: v1\nkind: Pod\n^", ["metadata", "spec"]),
        (HEAD + "sp^", ["spec"]),
        (HEAD + "spec:\n  rest^", ["restartPolicy"]),
        (HEAD + "spec:\n  containers:\n    - im^", ["image", "imagePullPolicy"]),
        (HEAD + "spec:\n  containers:\n  - name: web\n    im^", ["image", "imagePullPolicy"]),
        (HEAD + "spec:\n  containers:\n    - name: web\n      image: a\n      imag^", ["imagePullPolicy"]),
        (HEAD + "spec:\n  containers:\n    - name: web\n      im^\n      image: a\n", ["imagePullPolicy"]),
        (HEAD + "spec:\n  containers:\n    - ports:\n      - prot^", ["protocol"]),
        (DEPLOYMENT.replace("TCP", "^"), ["SCTP", "TCP", "UDP"]),
        (HEAD + "spec:\n  containers:\n    - stdin: t^", ["true"]),
        (HEAD + "spec:\n  restartPolicy: On^", ["OnFailure"]),
        (HEAD + "spec: {broken\n  containers:\n    - na^", ["name", "terminationMessagePath"]),
        (SCHOOL.replace("linux", "^"), ["linux", "networking", "yes"]),
        (SCHOOL.replace("name: ann", "s^"), ["since"]),
        (SCHOOL + "  t^", ["tags"]),
        ("kind: ^\n", ["ConfigMap", "Deployment"]),
        ("kind: SchoolOfSre\napiVersion: ^", ["learn.example.com/v1", "apps/v1"]),
        ("apiVersion: learn.example.com/v1\nkind: ^", ["SchoolOfSre"]),
        (f"{POD}---\napiVersion: apps/v1\nkind: Deployment\nspec:\n  repl^", ["replicas"]),
        (HEAD.replace("\n", "\r\n") + "sp^", ["spec"]),
    ],
)  # fmt: skip
def test_what_fits_is_offered(text: str, expected: list[str]) -> None:
    assert [name for name in expected if name not in labels(text)] == []
    if len(expected) > 1 or "^\n" not in text:
        assert labels(text)[: len(expected)] == expected


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "data: |\n  ki^",  # text of several lines
        "# ki^",
        HEAD + "spec:\n  nodeName: ^",
        HEAD + "wrong:\n  a^",
        "apiVersion: other/v1\nkind: Pod\nspec:\n  con^",
        "kind: Pod # ^",
    ],
)
def test_nothing_is_offered_where_nothing_is_known(text: str) -> None:
    assert labels(text) == []


def test_required_fields_come_first_and_say_so() -> None:
    first = choices(HEAD + "spec:\n  containers:\n    - ^")[0]
    assert (first.label, first.note) == ("name", "string required")
    assert labels(HEAD + "spec:\n  ^")[0] == "containers"


def test_what_is_taken_fits_into_the_text() -> None:
    text, row, column = at(HEAD + "spec:\n  cont^")
    found = complete(text, row, column, schemas())
    assert found.choices[0].insert == "containers:\n    - "
    text = text[: -len("cont")] + found.choices[0].insert + "name: web\n"
    assert problems(text, schemas()) == ()
    # Right below a key whose value is a list, the item comes with its dash.
    below = choices(HEAD + "spec:\n  containers:\n    na^")[0]
    assert below.insert == "- name: "


def test_values_that_yaml_would_read_as_something_else_are_quoted() -> None:
    for choice in choices(SCHOOL.replace("linux", "^")):
        assert yaml.safe_load(f"course: {choice.insert}") == {"course": choice.label}


def test_names_of_a_strange_schema_stay_one_plain_line() -> None:
    raw = {
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Odd"}],
        "properties": {"metadata": {}, "spec": {"properties": {"a: b\n- c": {"type": "string"}, "x" * 900: {}}}},
    }
    odd = Schemas({"v1": {"odd": raw}}, frozenset({"v1"}))
    found = complete("apiVersion: v1\nkind: Odd\nspec:\n  ", 3, 2, odd).choices
    assert found[0].insert == '"a: b - c": '
    assert len(found[1].insert) < 130


CONTAINERS = "deployment.spec.template.spec.containers"
EXPLAINED = [
    (DEPLOYMENT.replace("replicas", "repl^icas"), "deployment.spec.replicas", "integer", False),
    (DEPLOYMENT.replace("  selector:", "  selector:^"), "deployment.spec.selector", "LabelSelector", True),
    (DEPLOYMENT.replace("- name: web", "- na^me: web"), f"{CONTAINERS}.name", "string", True),
    (DEPLOYMENT.replace("containers:", "^containers:"), CONTAINERS, "[]Container", True),
    (DEPLOYMENT.replace("Port: 80", "Port: 80^"), f"{CONTAINERS}.ports.containerPort", "integer", True),
    (POD.replace("  labels:", "  labels:^"), "pod.metadata.labels", "map[string]string", False),
    (POD + "      image^", "pod.spec.containers.image", "string", False),
    (SCHOOL.replace("teachers:", "teach^ers:"), "schoolofsre.spec.teachers", "[]Object", False),
    (SCHOOL.replace("course", "cour^se"), "schoolofsre.spec.course", "string", True),
    (SCHOOL.replace("since", "since") + "  tags:\n    a^: b", "schoolofsre.spec.tags.a", "string", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "kind", "required"), EXPLAINED)
def test_a_field_is_explained_as_kubectl_explain_does(text: str, path: str, kind: str, required: bool) -> None:
    found = explain(*at(text), schemas())
    assert found is not None
    assert (found.path, found.type, found.required) == (path, kind, required)


def test_the_words_are_the_schemas_own() -> None:
    found = explain(*at(SCHOOL.replace("course", "cour^se")), schemas())
    assert found is not None and found.text.split("\n") == ["Which course is held.", "One of: linux, networking, yes."]


@pytest.mark.parametrize("text", ["^", "# a^", "kind: Pod\n^", HEAD + "nothing: 1^", HEAD + "spec:\n  ^\n"])
def test_where_there_is_no_field_nothing_is_explained(text: str) -> None:
    assert explain(*at(text), schemas()) is None


def test_a_line_of_a_text_of_several_lines_is_explained_as_its_field() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a.conf: |\n    user: ^x\n    b\n"
    found = explain(*at(text), schemas())
    assert found is not None and found.path == "configmap.data.a.conf"
