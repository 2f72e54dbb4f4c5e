"""A lab file that breaks the format gets its file, its line and what is allowed there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from k8s_tutor.errors import EXIT_USAGE, LabError
from k8s_tutor.labs.lint import lint
from k8s_tutor.labs.loader import load
from k8s_tutor.labs.model import Mode

MakeLab = Callable[..., Path]
Signatures = Mapping[str, inspect.Signature]
CAUSES = ("not-applied", "wrong-namespace", "crash-loop")


def row(path: object, text: str) -> int:
    """The line of the first occurrence of ``text`` in the file."""
    lines = Path(str(path)).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_sample_is_good(make_lab: MakeLab, checks: Signatures) -> None:
    path = make_lab()
    assert lint(path, checks, CAUSES) == []
    lab = load(path)
    first = lab.steps[0]
    assert [spec.id for spec in lab.checks] == ["there", "ready", "address"]
    assert first.checks[0].mode is Mode.EDGE and first.checks[1].mode is Mode.LEVEL
    assert first.checks[1].needs == ("there",)
    assert [action.do for action in first.solution] == ["write", "apply", "wait"]
    assert first.solution[1].args == {"file": "pod.yaml"}
    assert first.checks[1].line == row(path, "- id: ready") and first.solution[2].line == row(path, "- wait")
    assert first.mistakes[0].because == "not-applied" and first.mistakes[0].cleanup == ()
    assert lab.manifests[0].text.startswith("apiVersion") and lab.manifests[0].callouts[0].number == 1
    assert load(path.parent).hash == lab.hash


# what is changed, to what, a text on the line that must be named, words of the message, allowed values (some)
BROKEN = [
    ("mode: edge", "mode: egde", "mode: egde", ["steps[1].checks[1].mode", "'edge'"], ["level", "edge"]),
    ("    title: First", "    titel: First", "titel", ["titel", "'title'"], ["title", "hints"]),
    ("minutes: 5", "minutes: five", "minutes: five", ["minutes", "whole number"], []),
    ("minutes: 5", "minutes: 0", "minutes: 0", ["at least 1"], []),
    ("minutes: 5\n", "", "id: sample", ["lacks the key 'minutes'"], ["minutes", "summary"]),
    ("id: first", "id: First Step", "id: First Step", ["not an id"], []),
    ("text: steps/01.md", "text: ../../etc/passwd.md", "passwd", ["Markdown file in the lab's folder"], []),
    ("text: steps/01.md", "text: steps/01.txt", "01.txt", ["Markdown file"], []),
    ("- apply: {file: pod.yaml}", "- aply: {file: pod.yaml}", "aply", ["'aply'", "'apply'"], ["apply", "kubectl"]),
    ("- apply: {file: pod.yaml}", "- apply: {fil: pod.yaml}", "{fil:", ["'fil'", "'file'"], ["file"]),
    ("- apply: {file: pod.yaml}", "- apply: {file: ../x.yaml}", "../x.yaml", ["plain file name"], []),
    ("- apply: {file: pod.yaml}", "- pause: {seconds: 60}", "pause", ["at most 15"], []),
    ("- apply: {file: pod.yaml}", "- kubectl: {args: get pods}", "kubectl", ["must be a list"], []),
    (
        "- apply: {file: pod.yaml}",
        "- {apply: {file: a.yaml}, wait: {check: ready}}",
        "a.yaml",
        ["exactly one key"],
        [],
    ),
    ("needs: [there]", "needs: there", "needs: there", ["must be a list"], []),
    ("- Look at the file.", "- ''", "- ''", ["must not be empty"], []),
    ("        because: not-applied\n", "", "id: forgotten", ["lacks the key 'because'"], ["because"]),
    ("task: Apply the file.", "task: [a]", "task: [a]", ["must be text"], []),
]


@pytest.mark.parametrize(("old", "new", "at", "words", "allowed"), BROKEN, ids=lambda value: str(value)[:24])
def test_the_schema_is_broken(
    make_lab: MakeLab, checks: Signatures, old: str, new: str, at: str, words: list[str], allowed: list[str]
) -> None:
    path = make_lab((old, new))
    with pytest.raises(LabError) as caught:
        load(path)
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.file == str(path)
    assert caught.value.line == row(path, at)
    assert str(caught.value).startswith(f"{path}:{row(path, at)}: ")
    for word in (*words, *allowed):
        assert word in str(caught.value)
    found = lint(path, checks, CAUSES)
    assert found and found[0].line == caught.value.line
    assert set(allowed) <= set(found[0].allowed)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("id: a\nsteps:\n\t- id: x\n", 3, ["not valid YAML", "never with tabs"]),
        ("id: a\ntitle: b\nid: c\n", 3, ["'id' is given twice", "line 1"]),
        ("id: a\ntitle: [b\nsummary: c\n", 3, ["not valid YAML"]),
        ("- a\n- b\n", 1, ["must be a mapping"]),
        ("", 0, ["must be a mapping"]),
        ("id: &a [*a]\n", 1, ["refers to what contains it"]),
        ("id: !!python/object:os.system x\n", 1, ["not valid YAML"]),
    ],
)
def test_the_yaml_is_broken(make_lab: MakeLab, text: str, line: int, words: list[str]) -> None:
    path = make_lab()
    path.write_text(text)
    with pytest.raises(LabError) as caught:
        load(path)
    assert caught.value.line == line
    for word in words:
        assert word in str(caught.value)
    assert [problem.line for problem in lint(path)][:1] == [line]


def test_aliases_that_multiply_are_refused(make_lab: MakeLab) -> None:
    path = make_lab()
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    path.write_text("\n".join(rows))
    with pytest.raises(LabError, match="more than"):
        load(path)


# what lint finds beyond the schema: change, the line's text, words, an allowed value
LINTED = [
    (("check: object-exists", "check: object-exist"), "object-exist", ["did you mean 'object-exists'"], "pod-ready"),
    (("with: {kind: Pod, name: web}", "with: {kind: Pod, nam: web}"), "nam: web", ["takes no 'nam'", "'name'"], "kind"),
    (("with: {kind: Pod, name: web}", "with: {name: web}"), "id: there", ["needs 'kind'"], "name"),
    (("needs: [there]", "needs: [their]"), "needs: [their]", ["'their'", "'there'"], "there"),
    (("needs: [there]", "needs: [address]"), "needs: [address]", ["waits for itself"], None),
    (("id: ready\n", "id: there\n"), "title: The pod is ready", ["two checks are named 'there'"], None),
    (("because: not-applied", "because: not-aplied"), "not-aplied", ["'not-applied'"], "crash-loop"),
    (("fails: there", "fails: thee"), "fails: thee", ["no check 'thee'", "'there'"], "ready"),
    (("wait: {check: ready}", "wait: {check: redy}"), "redy", ["no check 'redy'", "'ready'"], "ready"),
    (("write: {file: pod.yaml, from: pod.yaml}", "write: {file: a, from: b}"), "from: b", ["no manifest"], "pod.yaml"),
    (("manifest: pod.yaml", "manifest: pot.yaml"), "pot.yaml", ["no manifest 'pot.yaml'"], "pod.yaml"),
    (("      - check: address\n        ask: Which address?", "      - {check: addres, ask: Which?}"), "addres, ask",
     ["'addres'"], "address"),
    (("    task: Apply the file.\n", ""), "id: first", ["checks but no task"], None),
    (("    why: Because.\n", ""), "id: first", ["checks but no why"], None),
    (("    hints:\n      - Look at the file.\n      - Then hand it over.\n", ""), "id: first", ["but no hints"], None),
    (("- Then hand it over.", "- Then `kubectl apply -f pod.yaml`."), "- Then", ["hint 2 gives the whole"], None),
    (("text: \"The kind.\"", "text: x}\n      - {number: 2, text: \"The kind.\""), "callouts:", ["callout 2"], None),
    (("      - {number: 1, text: \"The kind.\"}", "      []"), "callouts:", ["which no callout explains"], None),
    (("id: sample", "id: another"), "id: another", ["not the folder's name"], None),
    (("- apply: {file: pod.yaml}", "- kubectl: {args: [get, '{pod=web}']}"), "{pod=web}", ["{pod:label=value}"], None),
    (("- apply: {file: pod.yaml}", "- kubectl: {args: [label, ns, learner]}"), "learner", ["{namespace}"], None),
    (("- apply: {file: pod.yaml}", "- kubectl: {args: [kubectl, get]}"), "args: [kubectl", ["after the word"], None),
]  # fmt: skip


@pytest.mark.parametrize(("change", "at", "words", "allowed"), LINTED, ids=lambda value: str(value)[:40])
def test_lint_names_line_and_allowed_values(
    make_lab: MakeLab, checks: Signatures, change: tuple[str, str], at: str, words: list[str], allowed: str | None
) -> None:
    path = make_lab(change)
    wanted = row(path, at) - (1 if at == "title: The pod is ready" else 0)
    found = [each for each in lint(path, checks, CAUSES) if all(word in each.message for word in words)]
    assert found, [str(each) for each in lint(path, checks, CAUSES)]
    assert (found[0].file, found[0].line) == (str(path), wanted)
    assert allowed is None or allowed in found[0].allowed
    assert str(found[0]).startswith(f"{path}:{wanted}: ")


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("\n".join(["line"] * 23) + "\n", 23, "23 lines"),
        ("x" * 79 + "\n", 1, "79 columns"),
        ("\n".join(["x" * 78] * 20), 0, "characters"),
        ("```\nopen\n", 2, "not closed"),
        (" \n", 0, "empty"),
    ],
)
def test_lint_measures_texts(make_lab: MakeLab, checks: Signatures, text: str, line: int, word: str) -> None:
    path = make_lab(text=text)
    found = lint(path, checks, CAUSES)
    assert [(each.file, each.line) for each in found] == [(str(path.parent / "steps" / "01.md"), line)]
    assert word in found[0].message


def test_lint_reads_manifests(make_lab: MakeLab, checks: Signatures) -> None:
    broken = lint(make_lab(pod="kind: Pod  #[1]\n\tname: x\n"), checks, CAUSES)
    assert broken[0].file.endswith("pod.yaml") and broken[0].line == 2
    no_object = lint(make_lab(pod="a: 1  #[1]\n"), checks, CAUSES)
    assert "lacks apiVersion, kind, metadata" in no_object[0].message


def test_a_missing_file_is_named_where_it_is_named(make_lab: MakeLab) -> None:
    path = make_lab(("steps/01.md", "steps/02.md"))
    with pytest.raises(LabError, match=r"02\.md: there is no such file") as caught:
        load(path)
    assert caught.value.line == row(path, "steps/02.md")
    assert [each.line for each in lint(path)] == [row(path, "steps/02.md")]
    path = make_lab(("name: pod.yaml", "name: other.yaml"))
    with pytest.raises(LabError, match=r"other\.yaml: there is no such file") as caught:
        load(path)
    assert caught.value.line == row(path, "name: other.yaml")


def test_every_problem_is_found_at_once(make_lab: MakeLab) -> None:
    path = make_lab(("mode: edge", "mode: never"), ("minutes: 5", "minutes: long"), ("why: Because.", "wy: Because."))
    assert [each.line for each in lint(path)] == sorted(
        [row(path, "minutes"), row(path, "mode: never"), row(path, "wy: Because.")]
    )


def test_what_is_not_known_is_not_judged(make_lab: MakeLab, checks: Signatures) -> None:
    path = make_lab(("check: object-exists", "check: of-a-plugin"), ("because: not-applied", "because: of-a-plugin"))
    assert lint(path) == []
    assert len(lint(path, checks, CAUSES)) == 2


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ("- wait: {check: ready}", "again undoes a step"),
        ("- answer: {check: address}", "again undoes a step"),
        ("- kubectl: {args: [kubectl, delete, pod, a]}", "begins after the word kubectl"),
        ("- remove: {file: pod.yaml}", ""),
    ],
)
def test_again_is_read_and_looked_at(make_lab: MakeLab, checks: Signatures, actions: str, words: str) -> None:
    path = make_lab(("    solution:\n", f"    again:\n      {actions}\n    solution:\n"))
    found = lint(path, checks, CAUSES)
    if words:
        assert [problem for problem in found if words in problem.message and problem.line == row(path, actions)]
    else:
        assert found == []
        assert [step.again[0].do for step in load(path).steps if step.again][:1] == ["remove"]
