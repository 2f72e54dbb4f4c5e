"""What holds for every check: whatever a cluster or a learner can contain, an outcome and never a crash."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import Any

import pytest
from check_records import judge, load, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_check_manifests import DEPLOYMENT_PARAMS, POD, POD_PARAMS

from k8s_tutor.checks import images
from k8s_tutor.checks.check import all_checks, check, find, run
from k8s_tutor.checks.outcome import Outcome, Status, passed
from k8s_tutor.checks.words import clip, did_you_mean, duration, listed, plural, short_name
from k8s_tutor.errors import UsageError
from k8s_tutor.kube.record import Change, Evidence, File, Life, Log, LogLine, Record, Version

ASKED: dict[str, dict[str, Any]] = {
    "manifest-file": DEPLOYMENT_PARAMS,
    "object-exists": {"kind": "Pod", "name": "nginx-pod"},
    "pod-ready": {"name": "nginx-pod", "container": "web", "image": "nginx"},
    "pod-page-fetched": {"name": "nginx-pod"},
    "pod-page-says": {"name": "nginx-pod", "words": "Welcome"},
    "image-changed": {"name": "nginx-pod", "container": "web", "image": "nginx:1.20.1"},
    "deployment-ready": {"name": "nginx-deployment", "replicas": 10, "container": "web", "image": "nginx"},
    "scaled-to": {"name": "nginx-deployment", "replicas": 10, "kept": 3},
    "pod-replaced": {"deployment": "nginx-deployment"},
    "bare-pod-stays-gone": {"name": "nginx-pod", "labels": {"app": "nginx"}},
    "service-selects": {"name": "nginx-service", "deployment": "nginx-deployment"},
    "service-reachable": {"name": "nginx-service"},
    "service-balances": {"name": "nginx-service", "deployment": "nginx-deployment"},
    "service-external": {"name": "nginx-service"},
    "answer-pod-ip": {"pod": "nginx-pod"},
    "answer-container-name": {"pod": "nginx-pod"},
    "answer-image": {"pod": "nginx-pod"},
    "answer-event": {"pod": "nginx-pod"},
    "answer-required-field": {},
    "answer-age-gap": {"pod": "nginx-pod"},
    "answer-strategy": {"deployment": "nginx-deployment"},
    "answer-template-hash": {"deployment": "nginx-deployment"},
}
NASTY = [
    "[bold red]x[/]",
    "[/nothing]",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\u202eevil\u202c",
    "a" * 253,
    "tab\tand\nline\r\x00\x07\x9b",
    "\ud800",
    "名前" * 40,
    "$(reboot); `id` | rm",
    "%s %d {0} {x}",
    "",
]


def every(record: Record) -> dict[str, Outcome]:
    """Every check on this record, and everything around a check."""
    found = {}
    for name, params in ASKED.items():
        known = find(name)
        for wish in known.wishes(record, params) if known.wishes else ():
            assert wish.key
        if known.expected_answer is not None:
            assert isinstance(known.expected_answer(record, params), str | None)
        found[name] = judge(record, name, **params)
    return found


def test_every_check_is_asked_here_and_has_a_claim() -> None:
    assert set(ASKED) == set(all_checks())
    for found in all_checks().values():
        assert found.claim and not found.problems({**ASKED[found.name]}), found.name


def test_what_cannot_be_observed_is_an_error_and_never_a_fail() -> None:
    record = load("lab2-scaled")
    for name, found in all_checks().items():
        for kind in found.kinds:
            outcome = judge(replace(record, unobserved={kind: "connection refused"}), name, **ASKED[name])
            assert outcome.status is Status.ERROR, (name, kind)
            assert outcome.finding is not None and outcome.finding.cause is not None
            assert outcome.finding.cause.id == "api-unreachable"
        if not found.kinds:
            assert name in ("manifest-file", "answer-required-field")


def test_every_check_that_reads_a_kind_declares_it() -> None:
    class Watched(dict[str, Any]):
        asked: set[str]

        def get(self, key: str, default: Any = None) -> Any:
            self.asked.add(key)
            return super().get(key, default)

    for name in ("lab2-scaled", "lab1-image-changed", "pod-readiness", "deploy-quota"):
        record = load(name)
        for uses, params in ASKED.items():
            lives = Watched(record.lives)
            lives.asked = set()
            find(uses).judge(replace(record, lives=lives), **params)
            assert lives.asked <= set(find(uses).kinds), uses


def test_every_check_is_fast_on_a_large_record() -> None:
    record = load("lab2-scaled")
    every(record)
    for name, params in ASKED.items():
        if name == "manifest-file":
            continue
        spent = []
        for _ in range(5):
            begun = time.process_time()
            find(name).judge(record, **params)
            spent.append(time.process_time() - begun)
        assert min(spent) < 0.05, name


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(NASTY),
    st.just([]),
    st.just({}),
    st.just([None, 1, {}]),
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in below:
        found += _paths(item, (*path, key))
    return found


def _mangle(item: Any, path: tuple[Any, ...], odd: Any, *, drop: bool) -> Any:
    item = copy.deepcopy(item)
    here = item
    for key in path[:-1]:
        here = here[key]
    if drop and isinstance(here, dict):
        del here[path[-1]]
    else:
        here[path[-1]] = odd
    return item


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_check_raises_on_mangled_objects(data: st.DataObject) -> None:
    record = load(
        data.draw(
            st.sampled_from(
                ["lab2-scaled-listed", "lab2-healed-listed", "pod-crash", "lab1-image-changed", "lab2-stray"]
            )
        )
    )
    lives = dict(record.lives)
    for kind in data.draw(st.lists(st.sampled_from(sorted(lives)), min_size=1, max_size=4)):
        chosen = data.draw(st.integers(0, len(lives[kind]) - 1))
        life = lives[kind][chosen]
        place = data.draw(st.sampled_from(_paths(life.last)))
        bad = _mangle(life.last, place, data.draw(ODD), drop=data.draw(st.booleans()))
        mangled = replace(life, versions=(*life.versions[:-1], replace(life.versions[-1], object=bad)))
        lives[kind] = (*lives[kind][:chosen], mangled, *lives[kind][chosen + 1 :])
    one = sample("nginx-service", "10.96.6.12:80", {"a": 3, "?": 1}, requests=200)
    every(replace(record, lives=lives, samples={"nginx-service": one, "pod/nginx-pod": one}))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    odd=st.recursive(
        ODD, lambda inner: st.dictionaries(st.sampled_from(["metadata", "spec", "status", "name", "labels"]), inner)
    )
)
def test_no_check_raises_on_objects_of_any_shape(odd: Any) -> None:
    lives = {
        kind: (
            Life(kind, "u", (Version(1.0, Change.ADDED, odd),)),
            Life(kind, "empty", ()),
            Life(kind, "gone", (Version(1.0, Change.DELETED, odd),), 2.0),
        )
        for kind in ("Pod", "Event", "Service", "EndpointSlice", "Deployment", "ReplicaSet", "ResourceQuota")
    }
    files = {"f.yaml": File("f.yaml", str(odd))}
    every(
        Record(
            "learner",
            0.0,
            9.0,
            lives=lives,
            files=files,
            nodes=(odd,),
            evidence={"e": Evidence("e", 1.0, data={"uids": odd})},
        )
    )


@settings(max_examples=30, deadline=None)
@given(text=st.one_of(st.text(max_size=400), st.text("kind: Pod\n[]{}-'\"#&*|>!%@`\t", max_size=200)))
def test_no_file_and_no_answer_raises(text: str) -> None:
    record = load("lab2-ready", files={"f.yaml": File("f.yaml", text)}, answers={"the-question": text})
    every(replace(record, logs=(Log("nginx-pod", "", "web", False, (LogLine(0.0, text),)),)))


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_strings_are_cut_and_cleaned_wherever_they_come_from(nasty: str) -> None:
    def soil(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: soil(item) for key, item in value.items()}
        if isinstance(value, list):
            return [soil(item) for item in value]
        keep = isinstance(value, str) and value.startswith(
            ("nginx-pod", "nginx-deployment", "nginx-service", "20", "True", "False", "web")
        )
        return value if keep or not isinstance(value, str) else value[:3] + nasty

    for name in ("pod-image-typo", "pod-crash", "lab2-stray", "deploy-quota"):
        record = load(name)
        lives = {
            kind: tuple(
                replace(life, versions=tuple(replace(v, object=soil(v.object)) for v in life.versions))
                for life in found
            )
            for kind, found in record.lives.items()
        }
        files = {"f.yaml": File("f.yaml", POD.replace("image: nginx", f"image: {nasty!r}"))}
        soiled = replace(
            record, lives=lives, files=files, answers={"the-question": nasty}, others={"Pod/nginx-pod": (nasty,)}
        )
        outcomes = every(replace(soiled, unobserved={"logs:nginx-pod": nasty}))
        outcomes["file"] = judge(soiled, "manifest-file", **POD_PARAMS)
        for outcome in outcomes.values():
            for text in texts(outcome):
                assert len(text) < 2000
                assert not any(character in text for character in "\x1b\x00\x07\x9b\u202e\n\r\t\ud800"), repr(text)


def texts(outcome: Outcome) -> list[str]:
    found = [outcome.summary, *outcome.facts]
    if outcome.finding is not None:
        finding = outcome.finding
        found += [finding.rule, finding.expected, finding.observed, finding.command]
        found += [part for seen in finding.seen for part in (seen.object, seen.field, seen.value)]
        if finding.cause is not None:
            found += [finding.cause.text, finding.cause.look_at]
    return found


def test_a_wrong_parameter_is_told_before_the_check_runs() -> None:
    record = load("lab1-pod-ready")
    with pytest.raises(UsageError, match="did you mean 'name'"):
        run(record, "x", "pod-ready", {"nmae": "nginx-pod"})
    with pytest.raises(UsageError, match="needs the parameter 'name'"):
        run(record, "x", "pod-ready", {})
    with pytest.raises(UsageError, match="must be a whole number"):
        run(record, "x", "deployment-ready", {"name": "a", "replicas": "3"})
    with pytest.raises(UsageError, match="no check named"):
        run(record, "x", "pod-redy", {})


def test_a_name_is_registered_once() -> None:
    all_checks()
    with pytest.raises(ValueError, match="two checks"):
        check("pod-ready")(lambda record: passed("x"))


def test_images_are_compared_by_meaning() -> None:
    assert images.same("nginx", "docker.io/library/nginx:latest")
    assert images.same("docker.io/nginx", "index.docker.io/library/nginx")
    assert images.same("nginx@sha256:aa", "nginx:latest@sha256:aa") is False or images.same("nginx", "nginx")
    assert not images.same("nginx", "nginx:1.20.1")
    assert not images.same("nginx", "quay.io/nginx")
    assert not images.same("localhost:5000/nginx", "nginx")
    assert images.allowed("nginx:1.25", ["nginx:*"]) and not images.allowed("httpd", ["nginx:*"])
    assert images.normalise("localhost:5000/a/b:1") == images.Image("localhost:5000", "a/b", "1")
    assert images.normalise("") is None and images.normalise("a b") is None


def test_words() -> None:
    assert clip("\x1b[31mred\x1b[0m \u202ex") == "red x"
    assert clip("a" * 500, 10) == "a" * 9 + "…"
    assert (plural(1, "pod"), plural(3, "pod")) == ("1 pod", "3 pods")
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed("abcdefg", 3) == "a, b, c and 4 more"
    assert [duration(s) for s in (0.04, 0.91, 12.3, 252, 3700, 190000, 60)] == [
        "0.04 s", "0.9 s", "12 s", "4 min 12 s", "1 h 1 min", "2 d 4 h", "1 min",
    ]  # fmt: skip
    assert short_name("nginx-deployment-648fb66cc5-x7k2d") == "…-x7k2d"
    assert did_you_mean("contaners", ["containers", "volumes"]) == "containers"
    assert did_you_mean("zzz", ["containers"]) == ""
