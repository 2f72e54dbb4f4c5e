"""The formats for one student, against their published shapes."""

from __future__ import annotations

import base64
import json

import jsonschema
import pytest
from grades_sample import ALONE, BAD, BROKEN, CLASS, GOOD, NOTHING, PARTLY, REFUSED, REPORTS, TWINS, WICKED

from k8s_tutor.reports.grades.check50 import Check50Reporter
from k8s_tutor.reports.grades.classroom50 import Classroom50Reporter
from k8s_tutor.reports.grades.formats import nobody
from k8s_tutor.reports.grades.github_autograding import AutogradingReporter
from k8s_tutor.reports.grades.gradescope import GradescopeReporter

TIME = r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"
TEXT = {"type": "string", "minLength": 1}
WHOLE = {"type": "integer", "minimum": 0}


def record(required: dict, optional: dict | None = None, *, closed: bool = True) -> dict:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": not closed,
    }


# schemas/result-v1.schema.json of foundation50/classroom50; the rules on scores are in its validate_result.
CLASSROOM50 = record(
    {
        "schema": {"const": "classroom50/result/v1"},
        "classroom": TEXT,
        "assignment": TEXT,
        "assignment_type": {"enum": ["individual", "group"]},
        "owner": TEXT,
        "submission": {"type": "string", "pattern": "^submit/"},
        "commit": TEXT,
        "release": TEXT,
        "review": TEXT,
        "datetime": {"type": "string", "pattern": TIME},
        "score": WHOLE,
        "max-score": WHOLE,
        "tests": {
            "type": "array",
            "items": record(
                {"test-name": TEXT, "passed": {"type": "boolean"}, "score": WHOLE, "max-score": WHOLE}, closed=False
            ),
        },
    },
    {
        "graded_at": {"type": "string", "pattern": TIME},
        "submitted_by": record({"username": TEXT}, {"id": {"type": ["integer", "null"]}}),
    },
)
# The runners of GitHub Classroom (classroom-resources/autograding-*-grader), result object of version 1.
AUTOGRADING = record(
    {
        "version": {"const": 1},
        "status": {"enum": ["pass", "fail", "error"]},
        "max_score": WHOLE,
        "tests": {
            "type": "array",
            "items": record(
                {
                    "name": TEXT,
                    "status": {"enum": ["pass", "fail", "error"]},
                    "score": WHOLE,
                    "message": {"type": "string"},
                    "test_code": {"type": "string"},
                    "filename": {"const": ""},
                    "line_no": WHOLE,
                    "duration": WHOLE,
                }
            ),
        },
    }
)
# Gradescope's autograder specifications, "Output Format".
SHOWN = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORM = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
GRADESCOPE = record(
    {"tests": {
        "type": "array",
        "items": record(
            {},
            {
                "score": {"type": "number"}, "max_score": {"type": "number"},
                "status": {"enum": ["passed", "failed"]}, "name": TEXT, "name_format": FORM,
                "number": {"type": "string", "pattern": r"^\d+(\.\d+)*$"}, "output": {"type": "string"},
                "output_format": FORM, "tags": {"type": "array", "items": {"type": "string"}}, "visibility": SHOWN,
                "extra_data": {"type": "object"},
            },
        ),
    }},
    {
        "score": {"type": "number"}, "execution_time": {"type": "number"}, "output": {"type": "string"},
        "output_format": FORM, "test_output_format": FORM, "test_name_format": FORM, "visibility": SHOWN,
        "stdout_visibility": SHOWN, "extra_data": {"type": "object"}, "leaderboard": {"type": "array"},
    },
)  # fmt: skip
# check50 3.5: CheckResult in runner.py, "error" in __main__.py, what its renderers read of a cause.
ERROR = record({"type": TEXT, "value": {"type": "string"}, "traceback": {"type": "array"}, "data": {"type": "object"}})
CHECK50 = {
    "oneOf": [
        record(
            {
                "slug": TEXT,
                "version": TEXT,
                "results": {
                    "type": "array",
                    "items": record(
                        {
                            "name": TEXT,
                            "description": {"type": "string"},
                            "passed": {"type": ["boolean", "null"]},
                            "log": {"type": "array", "items": {"type": "string"}},
                            "cause": {
                                "anyOf": [
                                    {"type": "null"},
                                    record(
                                        {"rationale": TEXT, "help": {"type": ["string", "null"]}},
                                        {"expected": {"type": "string"}, "actual": {"type": "string"}, "error": ERROR},
                                    ),
                                ]
                            },
                            "data": {"type": "object"},
                            "dependency": {"type": ["string", "null"]},
                        }
                    ),
                },
            }
        ),
        record({"slug": TEXT, "version": TEXT, "error": ERROR}),
    ]
}
MADE = {
    "classroom50": (Classroom50Reporter, CLASSROOM50),
    "github-autograding": (AutogradingReporter, AUTOGRADING),
    "gradescope": (GradescopeReporter, GRADESCOPE),
    "check50": (Check50Reporter, CHECK50),
}


@pytest.mark.parametrize("kind", MADE)
def test_every_student_gives_a_valid_document(kind):
    reporter, schema = MADE[kind]
    for report in REPORTS:
        for graded in (*report.students, nobody(report)):
            for settings in ({}, {"after_due": False}):
                text = reporter(**settings).render_one(graded, report)
                text.encode("ascii")
                jsonschema.validate(json.loads(text), schema)


def classroom50(graded, **environment):
    return Classroom50Reporter(environment=environment).document(graded, CLASS)


def test_classroom50_points_are_whole_and_add_up():
    for graded in (*CLASS.students, *TWINS.students):
        found = classroom50(graded)
        assert found["score"] <= found["max-score"]
        assert all(test["score"] <= test["max-score"] for test in found["tests"])
        assert found["score"] == graded.score and found["max-score"] == graded.report.max_score
    assert (classroom50(GOOD)["score"], classroom50(GOOD)["max-score"]) == (15, 15)
    partly = classroom50(PARTLY)["tests"][1]
    assert partly["status"] == "error" and partly["max-score"] == 0, "what was not observed costs nothing"


def test_classroom50_takes_the_runners_names_and_falls_back():
    found = classroom50(
        GOOD, CLASSROOM="cs", ASSIGNMENT="hw1", ASSIGNMENT_TYPE="group", OWNER="o", USERNAME="u", GITHUB_ACTOR="act",
        GITHUB_ACTOR_ID="42", SUBMISSION_TAG="submit/2026-1", COMMIT_URL="https://g/c", RELEASE_URL="https://g/r",
        REVIEW_URL="https://g/d",
    )  # fmt: skip
    assert (found["classroom"], found["assignment"], found["assignment_type"], found["owner"]) == (
        "cs", "hw1", "group", "o"
    )  # fmt: skip
    assert found["submission"] == "submit/2026-1" and found["review"] == "https://g/d"
    assert found["submitted_by"] == {"username": "act", "id": 42}
    bare = classroom50(GOOD)
    assert (bare["assignment"], bare["owner"], bare["submission"]) == ("lab2", "ada", "submit/" + "a" * 12)
    assert "submitted_by" not in bare
    odd = classroom50(
        NOTHING, ASSIGNMENT_TYPE="odd", SUBMITTED_AT="yesterday", SUBMISSION_TAG="v1", GITHUB_ACTOR_ID="x"
    )
    assert odd["assignment_type"] == "individual" and odd["submission"] == "submit/v1"
    assert odd["datetime"] == "2026-11-24T00:26:40Z"


def test_autograding_counts_what_was_observed():
    found = AutogradingReporter().document(PARTLY, CLASS)
    assert found["status"] == "error" and found["max_score"] == 13
    assert sum(test["score"] for test in found["tests"]) == 13
    assert [test["status"] for test in found["tests"]] == ["pass", "error", "pass", "pass"]
    assert AutogradingReporter().document(BAD, CLASS)["status"] == "fail"
    nothing = AutogradingReporter().document(nobody(CLASS), CLASS)
    assert nothing["tests"][0]["status"] == "error" and nothing["max_score"] == 0


def test_autograding_as_a_step_output_is_one_line():
    line = AutogradingReporter().output(WICKED, CLASS)
    name, _, value = line.partition("=")
    assert name == "result" and line.count("\n") == 1
    found = json.loads(base64.b64decode(value.strip(), validate=True))
    assert found == AutogradingReporter().document(WICKED, CLASS)


def test_gradescope_has_who_may_see_what_and_what_it_rests_on():
    found = GradescopeReporter().document(BAD, ALONE)
    assert [test["visibility"] for test in found["tests"]][1:4] == ["visible", "hidden", "after_due_date"]
    assert [test["number"] for test in found["tests"]] == ["1.1", "2.1", "2.2", "2.3", "3.1"]
    assert found["test_output_format"] == "text" and found["score"] == 0
    assert found["extra_data"]["lab_hash"] == "sha256:ab" and found["extra_data"]["cluster_uid"].startswith("6f1c")
    assert "because: the Service sends" in found["tests"][0]["output"]


def test_gradescope_an_error_costs_nothing_and_is_told():
    for graded in (BROKEN, PARTLY):
        found = GradescopeReporter().document(graded, CLASS)
        assert found["extra_data"]["final"] is False
        test = found["tests"][1]
        assert test["max_score"] == 0 and "not observed" in test["name"] and "costs no points" in test["output"]
    assert GradescopeReporter().document(BROKEN, CLASS)["output"].startswith("not graded: the cluster")
    assert "pod.yaml:12: hostPath" in GradescopeReporter().document(REFUSED, CLASS)["output"]


def test_check50_passed_is_true_false_or_null_with_a_cause():
    reporter = Check50Reporter(needs={"lab2-service": "lab2-ready"})
    found = reporter.document(BAD, CLASS)["results"]
    assert [result["passed"] for result in found] == [False, None, False, False, False]
    assert found[0]["cause"]["expected"] == "10 pods answer on 10.79.164.141:80"
    assert found[0]["cause"]["actual"].startswith("0 of 10") and "wrong-target-port" in found[0]["cause"]["help"]
    assert found[1]["dependency"] == "lab2-ready" and found[1]["cause"]["rationale"] == "needs lab2-ready"
    assert found[2]["cause"] == {"rationale": "the lab does not show what this check finds", "help": None}
    assert reporter.document(GOOD, CLASS)["results"][0] == {
        "name": "lab2-ready", "description": "three pods are ready", "passed": True, "log": ["made by kubectl apply"],
        "cause": None, "data": {"points": 1, "optional": False, "step": "apply"}, "dependency": None,
    }  # fmt: skip
    unseen = reporter.document(PARTLY, CLASS)["results"][1]
    assert unseen["passed"] is None and unseen["cause"]["error"]["type"] == "ClusterError"


def test_check50_a_crash_has_an_error_in_place_of_results():
    found = Check50Reporter().document(BROKEN, CLASS)
    assert "results" not in found and found["error"]["value"] == "the cluster cannot be reached"
