from __future__ import annotations

from small_lab import NOW, checker, lab_of, record, spec, step

from k8s_tutor.checks.check import Check
from k8s_tutor.checks.outcome import failed, passed
from k8s_tutor.kube.record import Change, Evidence, Life, Log, LogLine, Record, Version
from k8s_tutor.labs.model import Action, Mode, Question
from k8s_tutor.session.again import again_in_words, begun_again, may_again
from k8s_tutor.session.engine import Memory, evaluate
from k8s_tutor.session.later import later

from small_lab import finding  # isort: skip


def version(at: float, rv: int, change: Change = Change.MODIFIED) -> Version:
    return Version(at, change, {"metadata": {"name": "a", "uid": "u", "resourceVersion": str(rv)}})


def event(name: str, when: str, at: float) -> Life:
    item = {"metadata": {"name": name, "uid": name}, "lastTimestamp": when}
    return Life("Event", name, (Version(at, Change.ADDED, item),))


def test_later_forgets_what_was_gone_and_keeps_what_is_as_if_seen_at_first():
    living = Life("Pod", "u", (version(NOW - 50, 1, Change.ADDED), version(NOW - 40, 2), version(NOW + 5, 3)))
    gone = Life("Pod", "g", (version(NOW - 50, 1),), gone_at=NOW - 1)
    ended = Life("Pod", "e", (version(NOW - 50, 1),), gone_at=NOW + 1)
    found = later(Record("learner", NOW - 100, NOW + 10, {"Pod": (living, gone, ended)}), NOW)
    assert [life.uid for life in found.lives["Pod"]] == ["u", "e"]
    first = found.lives["Pod"][0]
    assert first.seen_from_start
    assert [item.object["metadata"]["resourceVersion"] for item in first.versions] == ["2", "3"]
    assert found.began == NOW


def test_later_goes_by_an_events_own_date_and_leaves_old_lines_and_evidence_out():
    old = event("old", "2026-11-23T20:00:00Z", NOW + 5)  # seen late: the program was started again
    new = event("new", "2027-01-15T09:00:00Z", NOW + 5)
    log = Log("a", "u", "web", False, (LogLine(NOW - 1, "before"), LogLine(NOW + 1, "after")))
    evidence = {"x": Evidence("x", NOW - 1), "y": Evidence("y", NOW + 1)}
    full = Record("learner", NOW - 9, NOW + 10, {"Event": (old, new)}, logs=(log,), evidence=evidence)
    found = later(full, NOW)
    assert [life.uid for life in found.lives["Event"]] == ["new"]
    assert [line.text for line in found.logs[0].lines] == ["after"]
    assert set(found.evidence) == {"y"}


def test_a_step_begun_again_is_open_and_what_happened_before_counts_no_more():
    lab = lab_of(step("one", spec("gone", mode=Mode.EDGE)), step("two", spec("other", mode=Mode.EDGE)))

    def judge(seen: Record, /, **_params: object):
        return passed("seen", "a fact") if any(seen.gone("Pod")) else failed("no", finding())

    def find(name: str) -> Check:
        return Check(name, judge, ("Pod",), None)

    gone = Life("Pod", "g", (version(NOW - 50, 1),), gone_at=NOW - 5)
    before = Record("learner", NOW - 100, NOW, {"Pod": (gone,)})
    state, memory = evaluate(lab, before, Memory(solved={"one": NOW}), NOW, find_check=find)
    assert state.done and state.steps[0].solved
    memory = begun_again(memory, lab.steps[0], NOW + 1)
    state, memory = evaluate(lab, before, memory, NOW + 2, find_check=find)
    assert [one.done for one in state.steps] == [False, True]
    assert not state.steps[0].done_earlier and not state.steps[0].solved
    anew = Life("Pod", "h", (version(NOW - 50, 1),), gone_at=NOW + 3)
    after = Record("learner", NOW - 100, NOW + 4, {"Pod": (gone, anew)})
    state, memory = evaluate(lab, after, memory, NOW + 4, find_check=find)
    assert state.done
    assert memory.evidence["gone"].at == NOW + 4


def test_what_only_looks_at_how_things_are_cannot_be_done_once_more():
    assert not may_again(step("read"))
    assert not may_again(step("one", spec("a", uses="pod-ready")))
    assert may_again(step("one", spec("a", uses="pod-replaced", mode=Mode.EDGE)))
    assert not may_again(step("one", spec("a", uses="answer-pod-ip", mode=Mode.EDGE)))
    assert may_again(step("one", spec("a", uses="answer-pod-ip"), questions=(Question("a", "Which?"),)))
    again = (Action("kubectl", {"args": ["delete", "pod", "a b"]}), Action("remove", {"file": "x.yaml"}))
    one = step("one", spec("a", uses="pod-ready"), again=again)
    assert may_again(one)
    assert again_in_words(one) == ("kubectl delete pod 'a b'", "put aside x.yaml")


def test_evidence_that_stands_is_not_touched_by_another_steps_beginning():
    lab = lab_of(step("one", spec("a", mode=Mode.EDGE)), step("two", spec("b", mode=Mode.EDGE)))
    memory = Memory(evidence={"a": Evidence("a", NOW - 5), "b": Evidence("b", NOW - 4)}, hints={"one": 2})
    memory = begun_again(memory, lab.steps[0], NOW)
    assert set(memory.evidence) == {"b"} and memory.hints == {"one": 2}
    state, _ = evaluate(lab, record(), memory, NOW, find_check=checker({"a": failed("x", finding()), "b": passed("")}))
    assert [one.done for one in state.steps] == [False, True]
