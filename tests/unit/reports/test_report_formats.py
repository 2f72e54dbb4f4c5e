"""Every format gives a whole, valid document for every report, also where everything broke."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status, failed, passed, skipped, unobserved, waiting
from k8s_tutor.errors import UsageError
from k8s_tutor.reports.json import document, schema
from k8s_tutor.reports.junit import JUnitReporter
from k8s_tutor.reports.report import FORMATS, Report, Row, reporter
from k8s_tutor.reports.text import WIDTH, TextReporter

FINDING = Finding(
    "Every ready pod answers through nginx-service.",
    "10 pods answer on 10.79.164.141:80",
    "0 of 10; every connection was refused",
    "kubectl get endpointslices -l kubernetes.io/service-name=nginx-service -o yaml",
    (Seen("Service/nginx-service", "spec.ports[0].targetPort", "8080", 9),),
    Cause(
        "wrong-target-port",
        'the Service sends to port 8080, the pods listen on 80 ("web")',
        "line 9 of nginx-service.yaml",
    ),
)
ROWS = (
    Row(
        "apply",
        "Apply it",
        "lab2-exists",
        "the Deployment exists",
        passed("it is there", "made by kubectl apply"),
        1,
        0.01,
    ),
    Row(
        "apply",
        "Apply it",
        "lab2-ready",
        "three pods are ready",
        failed("2 of 3 pods ready", FINDING),
        2,
        0.02,
        file="labs/lab2/lab.yaml",
        line=41,
    ),
    Row("expose", "Expose it", "lab2-service", "the Service answers", unobserved("not asked", FINDING), 4),
    Row("expose", "Expose it", "lab2-all", "every pod answers", skipped("skipped", "needs lab2-service"), 8),
    Row("expose", "Expose it", "lab2-slow", "it converges", waiting("1 of 3", FINDING), 16),
    Row("outside", "Outside", "lab2-lb", "an address outside", failed("none", FINDING), 32, optional=True),
)
REPORT = Report("lab2", "A Deployment", "sha256:ab", "native", "learner", 1_795_480_000.5, 4.21, ROWS, "0.1.0")
EMPTY = replace(REPORT, rows=(), trouble="the cluster cannot be reached")


def only(*rows: Row) -> Report:
    return replace(REPORT, rows=rows)


def test_points_and_exit_codes() -> None:
    good, bad, broken, late, _, extra = ROWS
    assert (REPORT.score, REPORT.max_score) == (1, 27), "an error costs nobody a point, an optional check counts apart"
    assert only(good).exit_code == 0
    assert only(good, extra).exit_code == 0
    assert only(good, bad, broken).exit_code == 1
    assert only(good, broken).exit_code == 3
    assert only(bad, late).exit_code == 1
    assert EMPTY.exit_code == 3
    assert only(good, ROWS[4]).exit_code == 1


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders_every_report(name: str) -> None:
    for report in (REPORT, EMPTY, replace(EMPTY, trouble="")):
        text = reporter(name).render(report)
        assert text.endswith("\n") and report.lab in text


def test_an_unknown_format_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        reporter("yaml")
    assert "junit" in caught.value.remedy


def test_text_tells_sign_word_and_finding_within_80_columns() -> None:
    text = TextReporter().render(REPORT)
    for sign, word in (("✓", "pass"), ("✗", "fail"), ("!", "error"), ("–", "skipped"), ("◐", "waiting")):
        assert f"  {sign} {word}" in text
    for word in ("expected", "found", "see", "because", "look at"):
        assert f"      {word:<10}" in text
    assert "line 9 of nginx-service.yaml" in text and "made by kubectl apply" in text and "needs lab2-service" in text
    assert "1 of 27 points" in text and "(optional)" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text


def test_colour_is_only_there_when_asked_for() -> None:
    text = TextReporter(colour=True).render(REPORT)
    assert "\x1b[31m✗ fail\x1b[0m" in text
    assert text.replace("\x1b[31m", "").count("\x1b[0m") == len(ROWS)


def test_json_is_valid_against_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    for report in (REPORT, EMPTY):
        jsonschema.validate(json.loads(reporter("json").render(report)), schema())
    found = document(REPORT)
    assert (found["result"], found["exit_code"], found["counts"]["fail"]) == ("fail", 1, 2)
    assert found["checks"][1]["finding"]["cause"]["id"] == "wrong-target-port"
    assert found["started"] == "2026-11-24T00:26:40Z"


def test_the_schema_refuses_a_fail_without_a_finding() -> None:
    found = document(REPORT)
    found["checks"][1]["finding"] = None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema())


def test_evidence_of_any_kind_becomes_json() -> None:
    data = {"a": {1, 2}, "b": float("nan"), "c": float("inf"), "d": object(), "e": [[[[[[[[1]]]]]]]], 5: "x" * 9999}
    outcome = replace(ROWS[0].outcome, data=data)
    text = reporter("json").render(only(replace(ROWS[0], outcome=outcome)))
    jsonschema.validate(json.loads(text), schema())


def test_junit_totals_agree_and_names_are_unique() -> None:
    report = only(*ROWS, *ROWS)
    root = ET.fromstring(JUnitReporter().render(report))
    (suite,) = root.findall("testsuite")
    cases = suite.findall("testcase")
    for element in (root, suite):
        assert int(element.attrib["tests"]) == len(cases) == 12
        assert int(element.attrib["failures"]) == len(suite.findall("testcase/failure")) == 6
        assert int(element.attrib["errors"]) == len(suite.findall("testcase/error")) == 2
        assert int(element.attrib["skipped"]) == len(suite.findall("testcase/skipped")) == 2
    assert len({(case.attrib["classname"], case.attrib["name"]) for case in cases}) == 12
    failure = suite.find("testcase/failure")
    assert failure is not None and failure.text is not None
    assert "[wrong-target-port]" in failure.text
    assert cases[1].attrib["file"] == "labs/lab2/lab.yaml" and cases[1].attrib["line"] == "41"


def test_junit_of_a_broken_run_has_an_error() -> None:
    root = ET.fromstring(JUnitReporter().render(EMPTY))
    assert (root.attrib["tests"], root.attrib["errors"]) == ("1", "1")
    assert root.find("testsuite/testcase/error") is not None


ANY = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\x1b[31m", "]]>", "<&\"'", "\ufffe\uffff\x0b", "\ud800", "名前" * 60, "a" * 300]
)


@settings(max_examples=40, deadline=None)
@given(words=st.lists(ANY, min_size=12, max_size=12), status=st.sampled_from(Status))
def test_no_text_breaks_a_format(words: list[str], status: Status) -> None:
    finding = Finding(
        "a rule", *words[1:4], (Seen(words[4], words[5], words[6], 1),), Cause("not-applied", words[7], words[8])
    )
    outcome = Outcome(
        status,
        words[9],
        None if status in (Status.PASS, Status.SKIPPED) else finding,
        (words[10],),
        {words[11]: words[0]},
    )
    row = Row("step", words[1], "check", words[2], outcome)
    report = replace(REPORT, title=words[3], cluster=words[4], namespace=words[5], trouble=words[6], rows=(row, row))
    ET.fromstring(reporter("junit").render(report).encode())
    reported = reporter("json").render(report)
    reported.encode("ascii")
    jsonschema.validate(json.loads(reported), schema())
    for line in reporter("text").render(report).splitlines():
        assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= WIDTH
        assert "\x1b" not in line
