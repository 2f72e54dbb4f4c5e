from __future__ import annotations

from itertools import pairwise

import pytest

from k8s_tutor.ui import yaml_colours
from k8s_tutor.ui.yaml_colours import LONGEST, START, State, States, spans


def words(row: str, state: State = START) -> list[tuple[str, str]]:
    return [(row[begin:end], kind) for begin, end, kind in spans(row, state)[0]]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("kind: Pod", [("kind", "key")]),
        ("  replicas: 3", [("replicas", "key"), ("3", "typed")]),
        ("  port: 8080 # the web", [("port", "key"), ("8080", "typed"), ("# the web", "comment")]),
        ("    - name: web", [("-", "dash"), ("name", "key")]),
        ("- - a: 1", [("-", "dash"), ("-", "dash"), ("a", "key"), ("1", "typed")]),
        ("on: true", [("on", "key"), ("true", "typed")]),
        ("a: truely", [("a", "key")]),
        ("a: 1.2.3", [("a", "key")]),
        ("a: -1.5e3", [("a", "key"), ("-1.5e3", "typed")]),
        ("cpu: 500m", [("cpu", "key")]),
        ("'a b': \"x: y\"", [("'a b'", "key"), ('"x: y"', "text")]),
        ("a: 'it''s' # c", [("a", "key"), ("'it''s'", "text"), ("# c", "comment")]),
        (r'a: "q\" # no"', [("a", "key"), (r'"q\" # no"', "text")]),
        ("image: nginx:1.27", [("image", "key")]),
        ("url: http://a/#b", [("url", "key")]),
        ("nginx:1.27", []),
        ("a: &base {b: *base, c: !!str 5}", [
            ("a", "key"), ("&base", "name"), ("b", "key"), ("*base", "name"), ("c", "key"), ("!!str", "name"),
            ("5", "typed"),
        ]),
        ("args: [a, '-x', 3, true]", [("args", "key"), ("'-x'", "text"), ("3", "typed"), ("true", "typed")]),
        ('{"a":1}', [('"a"', "key"), ("1", "typed")]),
        ("<<: *base", [("<<", "key"), ("*base", "name")]),
        ("---", [("---", "mark")]),
        ("apiVersion: v1      #[1]", [("apiVersion", "key"), ("#[1]", "callout")]),
        ("a: b #[1] more", [("a", "key"), ("#[1]", "callout"), (" more", "comment")]),
        ("# [12]", [("# [12]", "callout")]),
        ("   ", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_words_of_a_line(row: str, told: list[tuple[str, str]]) -> None:
    assert words(row) == told


def test_spans_lie_in_the_line_in_order_whatever_is_typed() -> None:
    for row in (
        ": : :",
        "- - -",
        "[[[{{{",
        "]]},",
        "'",
        '"\\',
        "a: |-9x",
        "&",
        "*",
        "!",
        "%",
        "@a",
        "`",
        "\t- a:\t1",
        "é: ü #",
    ):
        found, _ = spans(row)
        assert all(0 <= begin < end <= len(row) for begin, end, _ in found), row
        assert all(one[1] <= other[0] for one, other in pairwise(found)), row


def test_text_of_several_lines_lasts_while_it_is_deeper() -> None:
    rows = ["data:", "  page: |  # as it is", "    kind: Pod", "", "    # no comment", "  other: 1"]
    states, kinds = [START], []
    for row in rows:
        found, state = spans(row, states[-1])
        kinds.append([kind for *_, kind in found])
        states.append(state)
    assert kinds == [["key"], ["key", "mark", "comment"], ["text"], [], ["text"], ["key", "typed"]]
    assert states[2].block == states[4].block == 3 and states[6] == START


def test_in_a_list_text_is_deeper_than_its_key() -> None:
    found, state = spans("- run: >-")
    assert [kind for *_, kind in found] == ["dash", "key", "mark"]
    assert words("    text: 1", state) == [("    text: 1", "text")]
    assert words("  name: 1", state) == [("name", "key"), ("1", "typed")]


def test_a_quote_goes_on_until_it_is_closed() -> None:
    found, state = spans('a: "one')
    assert found[-1] == (3, 7, "text") and state == State(quote='"')
    assert spans("b: 2", state) == ([(0, 4, "text")], state)
    closing = 'end" # c'
    assert words(closing, state) == [('end"', "text"), ("# c", "comment")]
    assert spans(closing, state)[1] == START


def test_a_very_long_line_is_coloured_up_to_a_bound() -> None:
    found, state = spans("a: '" + "x" * 10_000 + "'")
    assert found[-1][1] == LONGEST and state == State(quote="'")


class Lines:
    """A document that counts how often its lines are read."""

    def __init__(self, *rows: str) -> None:
        self.rows = list(rows)
        self.read: list[int] = []

    def __call__(self, number: int) -> str:
        self.read.append(number)
        return self.rows[number]


def test_states_are_worked_out_once_and_anew_below_an_edit() -> None:
    lines = Lines("a: |", "  text", "b: 1", "c: 2")
    states = States()
    assert states.before(1, lines).block == 1 and states.before(2, lines).block == 1
    assert states.before(3, lines) == START
    assert lines.read == [0, 1, 2]
    assert states.before(2, lines).block == 1 and lines.read == [0, 1, 2]
    lines.rows[0] = "a: 1"
    states.forget(0)
    assert states.before(3, lines) == START and states.before(1, lines) == START
    assert lines.read == [0, 1, 2, 0, 1, 2]


def test_the_first_line_begins_in_nothing_also_after_an_edit() -> None:
    states = States()
    states.before(2, Lines("a: '", "b", "c'"))
    states.forget(0)
    assert states.before(0, Lines("x")) == START


def test_a_plain_line_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def counted(row: str, state: State = START):  # type: ignore[no-untyped-def]
        taken.append(row)
        return spans(row, state)

    monkeypatch.setattr(yaml_colours, "spans", counted)
    States().before(3, Lines("a: 1", "b: 'x'", "c: d"))
    assert taken == ["b: 'x'"]
