from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from grades_sample import ALONE, BAD, CLASS, CUT, EMPTY, REPORTS, TWINS

from k8s_tutor.reports.grades.junit import GRANULARITIES, JUnitReporter


def parsed(report, **settings) -> ET.Element:
    text = JUnitReporter(**settings).render(report)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    return ET.fromstring(text.encode())


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("report", REPORTS)
def test_totals_agree_and_no_two_cases_have_one_name(report, granularity):
    root = parsed(report, granularity=granularity)
    for element in (root, *root.findall("testsuite")):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[total]) == sum(case.find(tag) is not None for case in cases), (total, tag)
    names = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    suites = [suite.attrib["name"] for suite in root.findall("testsuite")]
    assert len(set(suites)) == len(suites)
    assert not root.findall("testsuite/testsuite"), "flat"


def test_a_suite_a_student_and_a_case_a_check():
    root = parsed(CLASS)
    suites = root.findall("testsuite")
    assert len(suites) == len(CLASS.students) + 1, "and one for what was not graded"
    ada, bob = suites[:2]
    assert ada.attrib["name"] == "lab2: ada" and (ada.attrib["tests"], ada.attrib["failures"]) == ("5", "1")
    first = bob.findall("testcase")[0]
    assert first.attrib["classname"] == "k8s-tutor.lab2.bob.apply"
    assert (first.attrib["file"], first.attrib["line"]) == ("labs/lab2/lab.yaml", "41")
    failure = first.find("failure")
    assert failure is not None and failure.text is not None
    assert failure.attrib["message"] == "2 of 3 pods ready" and "[wrong-target-port]" in failure.text
    properties = {each.attrib["name"]: each.attrib["value"] for each in bob.iter("property")}
    assert properties["points"] == "0/15" and properties["result"] == "fail"
    assert "seed" not in properties
    assert ("seed", "7f3a") in [(each.attrib["name"], each.attrib["value"]) for each in ada.iter("property")]
    said = suites[5].find("system-out")
    assert said is not None and "pod.yaml:12: hostPath" in str(said.text)


def test_a_hidden_check_counts_but_tells_nothing():
    case = parsed(ALONE).findall("testsuite/testcase")[2]
    failure = case.find("failure")
    assert failure is not None and not failure.text
    assert "not show" in failure.attrib["message"]


def test_a_broken_student_is_an_error():
    for granularity in GRANULARITIES:
        dan = parsed(CLASS, granularity=granularity).findall("testsuite")[3]
        required = [case for case in dan.findall("testcase") if "lab2-lb" not in case.attrib["name"]]
        assert required and dan.find("testcase/error") is not None
        assert all(case.find("failure") is None for case in required)


def test_coarser_cases_fail_with_their_checks():
    lab = parsed(ALONE, granularity="lab").findall("testsuite/testcase")
    assert len(lab) == 1 and lab[0].find("failure") is not None
    steps = parsed(ALONE, granularity="step").findall("testsuite/testcase")
    assert [case.attrib["name"] for case in steps] == ["Apply it", "Expose it", "Outside"]
    assert [case.find("failure") is not None for case in steps] == [True, True, False], "an optional check is no fault"


def test_whoever_was_not_graded_is_an_error_and_an_empty_class_is_a_document():
    assert parsed(EMPTY).attrib["tests"] == "0"
    root = parsed(CUT)
    assert (root.attrib["tests"], root.attrib["errors"]) == ("2", "2")
    assert BAD.student in {case.attrib["classname"].split(".")[2] for case in parsed(TWINS).iter("testcase")}
