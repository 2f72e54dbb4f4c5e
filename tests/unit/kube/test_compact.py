from __future__ import annotations

import copy
import json
from typing import Any

from k8s_tutor.kube import compact
from k8s_tutor.kube.compact import Compactor
from k8s_tutor.kube.history import slim


def pod(name: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}, "managedFields": [{"time": "2027-01-15T08:00:00Z"}]},
        "spec": {"tolerations": [{"key": "a", "tolerationSeconds": 300}, {"key": "b"}], "nodeName": "node-1"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def fresh(text: str) -> str:
    """Another object of the same text, as every answer of a server brings."""
    return "".join(list(text))


def test_a_copy_tells_the_same_and_leaves_the_original() -> None:
    given = pod("a")
    kept = copy.deepcopy(given)
    assert Compactor().compact(given) == slim(given)
    assert given == kept


def test_equal_parts_of_two_objects_are_one() -> None:
    compactor = Compactor()
    one, two = (compactor.compact(json.loads(json.dumps(pod(name)))) for name in ("a", "b"))
    assert one["spec"] is two["spec"]
    assert one["metadata"] is not two["metadata"] and one["metadata"]["labels"] is two["metadata"]["labels"]
    assert (one["metadata"]["name"], two["metadata"]["name"]) == ("a", "b")


def test_what_is_equal_only_in_python_stays_what_it_is() -> None:
    compactor = Compactor()
    for value in (1, 1.0, True, 0, False, None, "1", [], {}):
        for holder in ({"v": value}, {"v": [value]}):
            found = compactor.compact({"spec": holder})["spec"]["v"]
            found = found[0] if isinstance(holder["v"], list) and holder["v"] != value else found
            assert type(found) is type(value) and found == value


def test_order_of_keys_is_kept() -> None:
    compactor = Compactor()
    assert list(compactor.compact({"spec": {"a": 1, "b": 2}})["spec"]) == ["a", "b"]
    assert list(compactor.compact({"spec": {"b": 2, "a": 1}})["spec"]) == ["b", "a"]


def test_long_text_is_not_remembered() -> None:
    compactor = Compactor()
    short, long = "x" * 200, "x" * 201
    one, two = (compactor.compact({"data": {"s": fresh(short), "l": fresh(long), "n": n}}) for n in range(2))
    assert one["data"]["s"] is two["data"]["s"] and one["data"]["l"] == long
    assert one["data"]["l"] is not two["data"]["l"]


def test_what_is_remembered_is_bounded_and_what_is_in_use_stays(monkeypatch: Any) -> None:
    monkeypatch.setattr(compact, "GENERATION", 50)
    compactor = Compactor()
    first = compactor.compact({"spec": {"kept": "yes"}})["spec"]
    for number in range(1_000):
        found = compactor.compact({"spec": {"kept": "yes"}, "metadata": {"name": f"n{number}"}})
        assert found["spec"] is first
    assert len(compactor._young) + len(compactor._old) <= 2 * 51
    old = compactor.compact({"spec": {"once": "yes"}})["spec"]
    for number in range(1_000):
        compactor.compact({"metadata": {"name": f"m{number}"}})
    again = compactor.compact({"spec": {"once": "yes"}})["spec"]
    assert again == old and again is not old
