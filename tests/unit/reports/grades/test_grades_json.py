from __future__ import annotations

import json

import jsonschema
import pytest
from grades_sample import CLASS, CUT, EMPTY, LATER, REPORTS, SECRET, big

from k8s_tutor.reports.grades.json import JsonReporter, document, schema


def test_every_report_is_valid_against_the_schema():
    jsonschema.Draft202012Validator.check_schema(schema())
    for report in (*REPORTS, big(3)):
        text = JsonReporter().render(report)
        text.encode("ascii")
        jsonschema.validate(json.loads(text), schema())


def objects(node, path="#"):
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            yield path, node
        for key, value in node.items():
            yield from objects(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from objects(value, f"{path}/{number}")


def test_the_schema_takes_nothing_that_it_does_not_name():
    found = dict(objects(schema()))
    assert len(found) > 10
    for path, node in found.items():
        if "/then" in path or "/if" in path:
            continue
        assert node.get("additionalProperties") is False, path
        assert set(node["required"]) == set(node["properties"]), path


def test_it_says_all_that_a_grade_rests_on():
    found = document(CLASS)
    assert found["lab"]["hash"] == "sha256:ab" and found["tool"]["version"] == "0.1.0"
    assert found["cluster"]["uid"].startswith("6f1c") and found["cluster"]["kubernetes"] == "v1.36.1"
    ada, bob = found["students"][:2]
    assert (ada["result"], ada["score"], ada["max_score"], ada["seed"]) == ("pass", 15, 15, "7f3a")
    assert ada["submission"] == "a" * 64 and ada["roster"]["group"] == "A"
    assert ada["deeds"][0]["command"] == "apply -f nginx.yaml"
    assert bob["checks"][2]["finding"]["rule"] == SECRET and bob["checks"][3]["finding"]["rule"] == LATER
    assert bob["checks"][2]["visibility"] == "hidden"
    assert found["counts"] == {"students": 10, "pass": 1, "fail": 3, "error": 4, "unfinished": 2}
    assert found["alike"][0] == {"students": ["ada", "bob"], "share": 0.97}


def test_what_could_not_be_observed_is_no_fault():
    found = document(CLASS)
    ready = found["checks"][0]
    assert ready["id"] == "lab2-ready"
    assert ready["counts"] == {"pass": 4, "fail": 2, "skipped": 0, "error": 1}
    dan = found["students"][3]
    assert dan["result"] == "error" and dan["trouble"]


@pytest.mark.parametrize("report", [EMPTY, CUT])
def test_an_empty_class_has_no_mean(report):
    found = document(report)
    assert found["mean_score"] is None and found["checks"] == [] and found["exit_code"] == 3
