"""What is told to be wrong while a manifest is written: each kind both ways, at its place, with its fix."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_samples import DEPLOYMENT, POD, SCHOOL, schemas

from k8s_tutor.checks.completing import complete, explain
from k8s_tutor.checks.places import Problem
from k8s_tutor.checks.writing import api_versions, problems, refusals
from k8s_tutor.kube.apply import Applied
from k8s_tutor.kube.apply import Problem as Refused
from k8s_tutor.kube.manifest import rows_of


def found(text: str) -> tuple[Problem, ...]:
    return problems(text, schemas())


def marked(text: str, problem: Problem) -> str:
    """The characters that are underlined."""
    return rows_of(text)[problem.line - 1][problem.column - 1 : problem.column - 1 + problem.length]


@pytest.mark.parametrize("text", [POD, DEPLOYMENT, SCHOOL, f"{POD}---\n{DEPLOYMENT}---\n{SCHOOL}"])
def test_what_the_cluster_takes_has_no_problem(text: str) -> None:
    assert found(text) == ()
    assert found(text.replace("\n", "\r\n")) == ()


@pytest.mark.parametrize("text", ["", "   \n", "# only words\n", "---\n---\n"])
def test_an_empty_text_has_none(text: str) -> None:
    assert found(text) == ()


SCHEMA = [
    # text, line, what is underlined, message, fix
    (POD.replace("Pod", "Pods", 1), 2, "Pods", "v1 has no kind 'Pods'", "did you mean Pod?"),
    (POD.replace("image:", "imge:"), 10, "imge", "spec.containers[0] has no field 'imge'", "did you mean image?"),
    (DEPLOYMENT.replace(": 80", ': "80"'), 19, '"80"', "must be a whole number", "take the quotes off: 80"),
    (DEPLOYMENT.replace(": 3", ": three"), 6, "three", "not the text 'three'", "write a whole number"),
    (DEPLOYMENT.replace("apps/v1", "v1"), 1, "v1", "v1 has no kind 'Deployment'", "write apiVersion: apps/v1"),
    (DEPLOYMENT.replace("apps/v1", "apps/v2"), 1, "apps/v2", "the cluster has no apiVersion", "did you mean apps/v1?"),
    (DEPLOYMENT.replace("TCP", "tcp"), 20, "tcp", "protocol cannot be 'tcp'", "did you mean TCP?"),
    (POD.replace("app: nginx", "app: no"), 6, "no", "must be text, not no", 'put it in quotes: "no"'),
    (POD.replace("app: nginx", "app: 0644  # x"), 6, "0644", "must be text, not 0644", 'put it in quotes: "0644"'),
    (POD.replace("- name: web\n      ", "- "), 9, "image", "has no name, which is required", "add name:"),
    (POD.split("    - name")[0], 8, "containers", "has no containers, which is required", "give it a value"),
    (POD.replace("    - name", "      name"), 8, "containers", "must be a list", "begin each item on its own line"),
    (POD.replace("    app:", "    - app:"), 5, "labels", "must be a group of fields, not a list", "take the dash away"),
    (POD.replace("  labels:\n    app", "  app"), 5, "app", "metadata has no field 'app'", "under labels:"),
    (POD.replace("apiVersion", "apiversion"), 1, "apiversion", "there is no field", "did you mean apiVersion?"),
    (POD.replace("kind: Pod\n", ""), 1, "apiVersion", "the object has no kind", "ConfigMap, Pod"),
    (POD.replace("apiVersion: v1\n", ""), 1, "kind", "the object has no apiVersion", "add apiVersion: v1"),
    (POD.replace("name: nginx-pod", "name:"), 4, "name", "metadata has no name", "add name:"),
    (POD.replace("  labels", "\u00a0 labels"), 5, "\u00a0 labels:", "has no field", "looks like a space and is none"),
    ("hello\n", 1, "hello", "this is no object with fields", "begin with apiVersion:"),
    (DEPLOYMENT.replace("  replicas: 3\n", "").replace("    metadata", "    replicas: 3\n    metadata"),
     10, "replicas", "spec.template has no field 'replicas'", "it belongs under spec"),
    (SCHOOL.replace("linux", "linx"), 6, "linx", "spec.course cannot be 'linx'", "did you mean linux?"),
    (SCHOOL.replace("online", "onlin"), 8, "onlin", "spec has no field 'onlin'", "did you mean online?"),
    (SCHOOL.replace("- name: ann", "- since: 3"), 11, "since", "spec.teachers[0] has no name", "add name:"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "under", "message", "fix"), SCHEMA)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mistake_is_told_at_its_place_with_its_fix(
    text: str, line: int, under: str, message: str, fix: str, end: str
) -> None:
    text = text.replace("\n", end)
    told = [item for item in found(text) if item.line == line]
    assert told, found(text)
    assert marked(text, told[0]) == under
    assert message in told[0].message and fix in told[0].fix and told[0].source == "schema"


SYNTAX = [
    (POD.replace("kind: Pod", "kind Pod"), 2, "kind Pod", "a key needs a colon"),
    (POD.replace("kind: Pod", "kind:Pod"), 2, "kind:Pod", "put a blank after the colon: kind: Pod"),
    (POD.replace("      image", "     image"), 10, "image: nginx", "begin image in column 7, as name in line 9"),
    (POD.replace("      image", "       image"), 10, "image: nginx", "begin image in column 7, as name in line 9"),
    (POD.replace("  name", "\tname", 1), 4, "\t", "put spaces in its place"),
    (POD.replace("image: nginx", "name: two  # c"), 10, "name", "take one of the two out"),
    (POD + POD, 11, "apiVersion", "put --- on a line of its own between two objects"),
    (POD.replace("name: web", 'name: "web'), 9, '"web', "close the quote"),
    (POD.replace("name: web", "name: @web"), 9, "@web", "put the value in quotes"),
    (POD.replace("name: web", "name: *web"), 9, "*web", "* begins an alias"),
    (POD.replace("nginx\n", "nginx\x07\n", 1), 6, "\x07", "delete it"),
]


@pytest.mark.parametrize(("text", "line", "under", "fix"), SYNTAX)
def test_a_syntax_error_is_told_where_the_mistake_is(text: str, line: int, under: str, fix: str) -> None:
    (told,) = found(text)
    assert (told.line, told.source) == (line, "syntax")
    assert marked(text, told) == under and fix in told.fix
    assert problems(text) == (told,)  # no cluster is needed for it


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"])
def test_a_selector_must_match_the_template_even_without_schemas(kind: str) -> None:
    text = DEPLOYMENT.replace("Deployment", kind).replace(
        "      app: nginx\n  template", "      app: ngnix\n  template"
    )
    (told,) = problems(text)
    assert told.line == 9 and marked(text, told) == "ngnix"
    assert "app=ngnix" in told.message and "app=nginx" in told.message
    assert problems(DEPLOYMENT.replace("Deployment", kind)) == ()


def test_json_anchors_merges_and_lists_are_read_as_what_they_are() -> None:
    json_text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"nam": "w"}]}}'
    told = found(json_text)
    assert [marked(json_text, item) for item in told] == ['"nam"']
    merged = POD.replace("    app: nginx", "    &l app: nginx").replace("metadata:", "metadata: &m")
    assert found(merged) == ()
    twice = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - &c {name: a, image: b}\n"
    assert found(twice + "  - <<: *c\n    name: d\n") == ()
    (wrong,) = found(twice + "  - <<: *c\n    nam: d\n")
    assert wrong.line == 8 and "has no field 'nam'" in wrong.message
    items = "apiVersion: v1\nkind: List\nitems:\n- " + POD.replace("\n", "\n  ").rstrip().replace("image:", "imge:")
    assert [(item.line, item.column) for item in found(items)] == [(13, 9)]


def test_the_second_document_has_its_own_lines() -> None:
    (told,) = found(f"# first\n{POD}---\n{DEPLOYMENT.replace('image:', 'imag:')}")
    assert (told.line, told.column) == (29, 11)


def test_without_schemas_nothing_is_said_of_fields() -> None:
    assert problems(POD.replace("image:", "imge:")) == ()


def test_a_megabyte_is_refused_at_once_and_its_size_told() -> None:
    text = "a: 1\n" * 220_000
    begun = time.monotonic()
    (told,) = found(text)
    assert "larger than" in told.message and told.line == 1
    assert time.monotonic() - begun < 2
    assert explain(text, 5, 0, schemas()) is None
    assert time.monotonic() - begun < 5


def test_many_mistakes_are_told_up_to_a_bound() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n" + "".join(f"  wrong{n}: 1\n" for n in range(200))
    assert len(found(text)) == 50


def test_names_from_a_text_are_one_bounded_line() -> None:
    text = POD.replace("image:", '"a\\e[31m\\u202e' + "x" * 300 + '":')
    told = found(text)
    assert told and all(len(item.message) < 500 and item.message.isprintable() for item in told)


def test_a_dry_runs_refusal_stands_at_the_field_it_names() -> None:
    path, why = "spec.replicas", "must be positive"
    applied = [
        Applied("created", "Pod", "a", "n", 1),
        Applied("failed", "Deployment", "web", "n", 1, "no", (Refused(6, 3, path, why),)),
        Applied("failed", "Service", "b", "n", 3, "exceeded quota"),
    ]
    first, second = refusals(DEPLOYMENT, applied)
    assert (marked(DEPLOYMENT, first), first.source, first.message) == ("replicas", "server", f"{path}: {why}")
    assert (second.line, second.message) == (3, "exceeded quota")


def test_api_versions_are_found_in_text_that_is_no_yaml_yet() -> None:
    assert api_versions("apiVersion: v1\nkind: [\n---\n- apiVersion: 'apps/v1'\n") == {"v1", "apps/v1"}
    assert api_versions('{"apiVersion": "v1"}') == {"v1"}


BITS = st.sampled_from([
    "apiVersion: v1\n", "kind: Pod\n", "metadata:\n", "  name: a\n", "spec:\n", "  containers:\n", "  - name: b\n",
    "    image", ": ", "\n", "- ", "  ", "\t", "|\n", ">-\n", "'", '"', "{", "}", "[", "]", "&a ", "*a", "<<: *a\n",
    "#", "---\n", "!!binary x\n", "\r\n", "\u2028", "é", "\u202e", "null", "80", "2026-01-01", "? ", "%", "\x00", "=",
    "<<", "kind: List\nitems:\n", "1.5e400\n", "0x\n", "~: 1\n", "!!set {a}\n", "!!timestamp x\n", "!!float x\n",
])  # fmt: skip


@settings(max_examples=300, deadline=2_000)
@given(
    st.one_of(st.lists(BITS, max_size=40).map("".join), st.text(max_size=200)), st.integers(0, 30), st.integers(0, 40)
)
def test_no_text_makes_anything_raise_or_take_long(text: str, row: int, column: int) -> None:
    for item in found(text):
        assert item.line >= 1 and item.column >= 1 and item.length >= 1
    complete(text, row, column, schemas())
    explain(text, row, column, schemas())
    api_versions(text)
