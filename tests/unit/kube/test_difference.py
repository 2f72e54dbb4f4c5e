from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.kube import difference
from k8s_tutor.kube.apply import LAST_APPLIED
from k8s_tutor.kube.difference import unified


def deployment(replicas: int = 3, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", **metadata},
        "spec": {"replicas": replicas},
    }


def signed(rows: tuple[str, ...], sign: str) -> list[str]:
    return [row[1:].strip() for row in rows if row.startswith(sign)]


def test_a_changed_field_is_one_row_out_and_one_in() -> None:
    rows = unified(deployment(3), deployment(5))
    assert rows[0].startswith("@@ ")
    assert signed(rows, "-") == ["replicas: 3"] and signed(rows, "+") == ["replicas: 5"]
    assert "   name: web" in rows, "what is around is shown, and indented as it is written"


def test_the_servers_own_bookkeeping_is_no_difference() -> None:
    before = deployment(resourceVersion="1", generation=1, uid="a", managedFields=[1], creationTimestamp="x")
    after = deployment(resourceVersion="2", generation=2, uid="b", managedFields=[2], annotations={LAST_APPLIED: "{}"})
    assert unified({**before, "status": {"replicas": 1}}, {**after, "status": {}}) == ()


def test_an_annotation_of_the_learner_is_one() -> None:
    rows = unified(deployment(), deployment(annotations={LAST_APPLIED: "{}", "why": "test"}))
    assert signed(rows, "+") == ["annotations:", "why: test"]


def test_a_secret_shows_that_it_differs_and_not_how() -> None:
    def secret(**data: str) -> dict[str, Any]:
        return {"kind": "Secret", "metadata": {"name": "s"}, "data": data, "stringData": data}

    rows = unified(secret(a="b2xk", same="eA==", gone="Z29uZQ=="), secret(a="bmV3", same="eA==", more="bW9yZQ=="))
    text = "\n".join(rows)
    assert not any(value in text for value in ("b2xk", "bmV3", "eA==", "Z29uZQ==", "bW9yZQ=="))
    assert "a: '*** (before)'" in signed(rows, "-") and "gone: '***'" in signed(rows, "-")
    assert "a: '*** (after)'" in signed(rows, "+") and "more: '***'" in signed(rows, "+")
    assert "same: '***'" not in signed(rows, "+") + signed(rows, "-")
    assert unified(secret(a="eA=="), secret(a="eA==")) == ()


def test_text_of_several_lines_differs_by_line() -> None:
    before = {"kind": "ConfigMap", "data": {"page": "one\ntwo\nthree\n"}}
    after = {"kind": "ConfigMap", "data": {"page": "one\n2\nthree\n"}}
    rows = unified(before, after)
    assert signed(rows, "-") == ["two"] and signed(rows, "+") == ["2"]


def test_equal_parts_are_written_out_twice() -> None:
    labels = {"app": "web"}
    rows = unified({"kind": "Pod"}, {"kind": "Pod", "a": labels, "b": labels})
    assert not any("&" in row or "*" in row for row in rows)


def test_what_is_very_long_is_cut_and_says_so() -> None:
    before = {"kind": "ConfigMap", "data": {f"k{number:05}": "a" for number in range(1_500)}}
    after = {"kind": "ConfigMap", "data": {f"k{number:05}": "b" for number in range(1_500)}}
    rows = unified(before, after)
    assert len(rows) == difference.ROWS + 1
    assert rows[-1] == "… and 1003 more rows"  # 3,000, their head, and the two rows around


@pytest.mark.parametrize("where", [0, 2_500, 4_999])
def test_what_is_too_long_to_align_shows_what_is_between_equal_ends(where: int) -> None:
    before = {f"k{number:05}": "a" for number in range(5_000)}
    after = {**before, f"k{where:05}": "b"}
    rows = unified({"kind": "ConfigMap", "data": before}, {"kind": "ConfigMap", "data": after})
    assert signed(rows, "-") == [f"k{where:05}: a"] and signed(rows, "+") == [f"k{where:05}: b"]
    assert rows[0] == f"@@ -{where + 3},1 +{where + 3},1 @@"


def test_rows_that_were_only_added_are_not_taken_out_too() -> None:
    before = {f"k{number:05}": "a" for number in range(5_000)}
    rows = unified({"kind": "ConfigMap", "data": before}, {"kind": "ConfigMap", "data": {**before, "z": "a"}})
    assert signed(rows, "-") == [] and signed(rows, "+") == ["z: a"]


def test_one_more_of_many_equal_rows_is_one_row() -> None:
    rows = unified({"kind": "Many", "items": ["a"] * 5_000}, {"kind": "Many", "items": ["a"] * 5_001})
    assert signed(rows, "-") == [] and signed(rows, "+") == ["- a"]
