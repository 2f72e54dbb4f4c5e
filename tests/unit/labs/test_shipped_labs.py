"""Labs 1 and 2 as they are shipped: every point of the lesson, every manifest, every text."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from k8s_tutor.checks.check import all_checks, find
from k8s_tutor.checks.outcome import Status
from k8s_tutor.errors import LabError, UsageError
from k8s_tutor.kube.record import File, Record
from k8s_tutor.labs import loader
from k8s_tutor.labs.lint import MOST_CHARACTERS, MOST_COLUMNS, MOST_LINES, lint
from k8s_tutor.labs.model import Action, Lab, Mode, Step

LABS = ("lab1", "lab2")
POINTS = {
    "lab1": {*(f"A{n}" for n in range(1, 7)), *(f"B{n}" for n in range(1, 6)), *(f"1.{n}" for n in range(1, 11))},
    "lab2": {f"2.{n}" for n in range(1, 11)},
}
ALL_CAUSES = """
file-missing yaml-syntax wrong-kind wrong-api-version unknown-field field-missing field-value selector-mismatch
not-applied wrong-namespace wrong-name image-not-found image-credentials image-network crash-loop readiness-failing
unschedulable-resources unschedulable-selector unschedulable-taint config-missing selector-misses-pods
wrong-target-port wrong-port quota pod-security paused-rollout stray-pod too-few-replicas wrong-image
wrong-container-name same-container new-pod not-deleted not-replaced bare-pod-returned all-new-pods session-affinity
headless no-endpoints wrong-service-type wrong-answer no-answer no-request-seen api-unreachable pulling converging
"""
NAMED_AT_LEAST = """
yaml-syntax unknown-field wrong-kind wrong-api-version wrong-container-name selector-mismatch not-applied
wrong-namespace wrong-name image-not-found crash-loop readiness-failing unschedulable-resources
unschedulable-selector config-missing quota pod-security paused-rollout too-few-replicas all-new-pods new-pod
wrong-image not-replaced not-deleted bare-pod-returned selector-misses-pods wrong-target-port headless
wrong-service-type stray-pod session-affinity wrong-answer no-answer no-request-seen file-missing field-value
"""


@pytest.fixture(params=LABS)
def lab(request: pytest.FixtureRequest) -> Lab:
    return loader.load(str(request.param), validate=True)


def everything(lab: Lab) -> list[tuple[str, str]]:
    """Every text that a learner reads, with the name of where it stands."""
    found = [(lab.id, lab.title), (lab.id, lab.summary)]
    for manifest in lab.manifests:
        found += [(f"{manifest.name} #[{each.number}]", each.text) for each in manifest.callouts]
    for step in lab.steps:
        found += [(step.id, text) for text in (step.title, step.text, step.task, step.why, *step.hints)]
        found += [(step.id, check.title) for check in step.checks]
        found += [(step.id, question.ask) for question in step.questions]
    return found


def test_labs_are_listed_in_order_and_without_their_steps() -> None:
    assert [(info.id, info.title) for info in loader.labs()] == [("lab1", "A Pod"), ("lab2", "A Deployment")]
    for info in loader.labs():
        lab = loader.load(info.id)
        assert (info.title, info.summary, info.minutes) == (lab.title, lab.summary, lab.minutes)


def test_a_listing_needs_no_heavy_import() -> None:
    program = (
        "import sys; from k8s_tutor.labs.loader import labs, load; labs(); load('lab1'); load('lab2');"
        "print([name for name in ('jsonschema', 'kubernetes', 'textual', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_an_unknown_lab_names_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        loader.load("lab3")
    assert "lab1, lab2" in caught.value.remedy
    with pytest.raises(LabError, match="no such lab"):
        loader.load(Path("/nowhere/lab"))


def test_lint_is_silent(lab: Lab) -> None:
    signatures = {name: check.signature for name, check in all_checks().items()}
    assert [str(problem) for problem in lint(lab.id, signatures, ALL_CAUSES.split())] == []


def test_a_lab_is_the_same_by_id_and_by_any_path(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lab.folder)
    assert loader.load("./lab.yaml").hash == loader.load(lab.folder).hash == lab.hash
    assert lint(Path("lab.yaml")) == []


def test_every_point_of_the_lesson_has_its_step(lab: Lab) -> None:
    covered = {point for step in lab.steps for point in step.covers}
    assert POINTS[lab.id] - covered == set()
    assert covered - set().union(*POINTS.values()) == set()
    assert [step.id for step in lab.steps if not step.covers] == []


def test_points_come_in_the_order_of_the_lesson(lab: Lab) -> None:
    own = "1." if lab.id == "lab1" else "2."
    numbers = [int(point.partition(".")[2]) for step in lab.steps for point in step.covers if point.startswith(own)]
    assert numbers == sorted(numbers) == list(range(1, 11))


def test_what_comes_next_is_told() -> None:
    last = loader.load("lab2").steps[-1].text
    for word in ("Job", "CronJob", "DaemonSet", "StatefulSet", "limits", "Helm", "custom resource", "operator"):
        assert word in last


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "nginx-pod", "labels": {"app": "nginx"}},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "ports": [{"name": "web", "containerPort": 80, "protocol": "TCP"}],
            }
        ]
    },
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "nginx-deployment", "labels": {"app": "nginx"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "nginx"}},
        "template": {"metadata": {"labels": {"app": "nginx"}}, "spec": POD["spec"]},
    },
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "nginx-service"},
    "spec": {"selector": {"app": "nginx"}, "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]},
}


@pytest.mark.parametrize(
    ("lab_id", "name", "meaning", "callouts"),
    [
        ("lab1", "nginx-pod.yaml", POD, 13),
        ("lab2", "nginx-deploy.yaml", DEPLOYMENT, 5),
        ("lab2", "nginx-service.yaml", SERVICE, 4),
    ],
)
def test_manifests_mean_what_the_lesson_prints(lab_id: str, name: str, meaning: object, callouts: int) -> None:
    manifest = next(each for each in loader.load(lab_id).manifests if each.name == name)
    assert yaml.safe_load(manifest.text) == meaning
    assert [each.number for each in manifest.callouts] == list(range(1, callouts + 1))
    assert all(each.text for each in manifest.callouts)
    assert manifest.path.read_text() == manifest.text


def test_the_numbers_stand_on_the_lines_they_explain() -> None:
    text = loader.load("lab1").manifests[0].text
    marked = dict(re.findall(r"^\s*(?:- )?(\w+):.*#\[(\d+)\]$", text, re.MULTILINE)[:9])
    assert marked["kind"] == "2" and marked["spec"] == "6" and marked["image"] == "9"


def test_texts_fit_a_screen(lab: Lab) -> None:
    for step in lab.steps:
        lines = step.text.rstrip("\n").split("\n")
        assert len(lines) <= MOST_LINES and len(step.text) <= MOST_CHARACTERS, step.id
        assert max(len(line) for line in lines) <= MOST_COLUMNS, step.id


def test_steps_that_check_also_help(lab: Lab) -> None:
    for step in lab.steps:
        if not step.checks:
            continue
        assert step.task and step.solution and step.why, step.id
        assert 2 <= len(step.hints) <= 4, step.id
        assert all(len(hint) <= 300 for hint in step.hints), step.id
        for check in step.checks:
            if check.uses.startswith("answer-"):
                assert [each.check for each in step.questions].count(check.id) == 1
                # The right answer may change with a later step: once right is right.
                assert check.mode is Mode.EDGE


def test_no_claim_that_the_truth_would_contradict(lab: Lab) -> None:
    for where, text in everything(lab):
        low = text.lower()
        for claim in ("round robin", "round-robin", "evenly", "one after the other"):
            assert claim not in low, where
        assert "/root" not in low and "localhost" not in low, where


def test_randomness_and_stand_ins_are_told() -> None:
    everyone = loader.load("lab2").step("everyone")
    assert everyone is not None and "at random" in everyone.text and "connection" in everyone.text
    assert "stand-in" in " ".join(step.text for step in loader.load("lab1").steps)


def test_commands_are_typed_in_the_learners_own_namespace(lab: Lab) -> None:
    for step in lab.steps:
        for command in step.commands:
            assert re.match(r"(kubectl|curl|for|IP=)", command), command
            assert not re.search(r"(^| )(-n|--namespace)[ =](?!kube-system)", command), command


def test_only_the_address_outside_is_optional(lab: Lab) -> None:
    assert [check.id for check in lab.checks if check.optional] == (["outside-address"] if lab.id == "lab2" else [])


def test_experiments_only_delete_pods() -> None:
    found = {check.id: check.experiment for lab in LABS for check in loader.load(lab).checks if check.experiment}
    assert set(found) == {"pod-replaced", "bare-pod-gone"}
    for actions in found.values():
        assert [(action.do, action.args["args"][:2]) for action in actions] == [("kubectl", ["delete", "pod"])]


def test_at_least_25_mistakes_that_differ() -> None:
    mistakes = [each for lab in LABS for step in loader.load(lab).steps for each in step.mistakes]
    assert len(mistakes) >= 25
    assert len({each.id for each in mistakes}) == len(mistakes)
    assert set(NAMED_AT_LEAST.split()) - {each.because for each in mistakes} == set()


def files_after(lab: Lab, until: Step, actions: tuple[Action, ...]) -> dict[str, str]:
    """The workspace after the solutions of the steps before, and then these actions."""
    files: dict[str, str] = {}
    manifests = {manifest.name: manifest.text for manifest in lab.manifests}
    before = [action for step in lab.steps[: lab.steps.index(until)] for action in step.solution]
    for action in (*before, *actions):
        args = action.args
        if action.do == "write":
            files[args["file"]] = manifests[args["from"]]
        elif action.do == "content":
            files[args["file"]] = args["text"]
        elif action.do == "edit":
            # An edit that does not fit exactly once would change something else than is meant.
            assert files[args["file"]].count(args["replace"]) == 1, (lab.id, until.id, args)
            files[args["file"]] = files[args["file"]].replace(args["replace"], args["with"])
        elif action.do == "apply":
            assert args["file"] in files
            assert isinstance(yaml.safe_load(files[args["file"]]), dict)
    return files


def test_every_edit_fits_the_file_as_it_is_then(lab: Lab) -> None:
    for step in lab.steps:
        files_after(lab, step, step.solution)
        for mistake in step.mistakes:
            files_after(lab, step, mistake.actions)


def test_the_solution_gives_the_image_its_version() -> None:
    lab = loader.load("lab1")
    step = lab.step("image")
    assert step is not None
    after = yaml.safe_load(files_after(lab, step, step.solution)["nginx-pod.yaml"])
    assert after["spec"]["containers"][0]["image"] == "nginx:1.20.1"


def test_what_a_mistake_leaves_outside_the_namespace_is_cleaned_up(lab: Lab) -> None:
    for step in lab.steps:
        for mistake in step.mistakes:
            outside = [
                word
                for action in mistake.actions
                if action.do == "kubectl"
                for word in action.args["args"]
                if word.startswith("--namespace") or word in ("namespace", "node", "nodes", "taint")
            ]
            assert bool(outside) == bool(mistake.cleanup), mistake.id


def test_the_hash_covers_texts_and_manifests(tmp_path: Path) -> None:
    lab = loader.load("lab1")
    copy = tmp_path / "lab1"
    for path in lab.folder.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(lab.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (copy / "manifests").mkdir()
    (copy / "manifests" / "nginx-pod.yaml").write_text(lab.manifests[0].text)
    assert loader.load(copy).hash == lab.hash
    (copy / "steps" / "01-why.md").write_text("Other words.\n")
    changed = loader.load(copy).hash
    assert changed != lab.hash
    (copy / "manifests" / "nginx-pod.yaml").write_text(lab.manifests[0].text + "\n")
    assert loader.load(copy).hash not in (changed, lab.hash)


FILE_MISTAKES = [
    (lab_id, step.id, mistake.id)
    for lab_id in LABS
    for step in loader.load(lab_id).steps
    for mistake in step.mistakes
    if next(spec for spec in loader.load(lab_id).checks if spec.id == mistake.fails).uses == "manifest-file"
]


def record_of(files: dict[str, str]) -> Record:
    return Record("learner", 0.0, 1.0, files={name: File(name, text) for name, text in files.items()})


@pytest.mark.parametrize(("lab_id", "step_id", "mistake_id"), FILE_MISTAKES)
def test_mistakes_in_files_fail_for_their_stated_reason(lab_id: str, step_id: str, mistake_id: str) -> None:
    lab = loader.load(lab_id)
    step = lab.step(step_id)
    assert step is not None
    mistake = next(each for each in step.mistakes if each.id == mistake_id)
    spec = next(each for each in lab.checks if each.id == mistake.fails)
    outcome = find(spec.uses).judge(record_of(files_after(lab, step, mistake.actions)), **spec.params)
    assert outcome.status is Status.FAIL
    assert outcome.finding is not None and outcome.finding.cause is not None
    assert outcome.finding.cause.id == mistake.because, outcome.finding


def test_files_pass_at_every_later_step(lab: Lab) -> None:
    spec = next(each for each in lab.checks if each.uses == "manifest-file")
    judge = find(spec.uses).judge
    assert judge(record_of({}), **spec.params).status is Status.FAIL
    first = next(index for index, step in enumerate(lab.steps) if spec in step.checks)
    for step in lab.steps[first:]:
        outcome = judge(record_of(files_after(lab, step, step.solution)), **spec.params)
        assert outcome.status is Status.PASS, (step.id, outcome)


def test_ten_in_the_file_is_as_good_as_three() -> None:
    lab = loader.load("lab2")
    spec = lab.checks[0]
    text = lab.manifests[0].text.replace("replicas: 3", "replicas: 10")
    assert find(spec.uses).judge(record_of({"nginx-deploy.yaml": text}), **spec.params).status is Status.PASS
