"""What minikube prints, as its source and published recordings define it: events, statuses, sections, failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_minikube import RECORDS, record

from k8s_tutor.clusters.minikube import logs, names, program, status
from k8s_tutor.clusters.minikube.events import Kind, parse
from k8s_tutor.clusters.minikube.progress import (
    CNI,
    CONTROL_PLANE,
    FIRST_GUESS,
    IMAGE,
    NODES,
    PHASE_OF,
    SETUP,
    TEXTS,
    VERIFY,
    Teller,
)
from k8s_tutor.clusters.minikube.trouble import failure
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.errors import UsageError
from k8s_tutor.phases import Phase, PhaseState

ORDER = [SETUP, NODES, IMAGE, CONTROL_PLANE, CNI, VERIFY]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def told(name: str) -> tuple[list[Phase], Teller]:
    """All that the phases were told of a record, and who told it."""
    phases: list[Phase] = []
    teller = Teller(phases.append, Guess("make-1", FIRST_GUESS, file="minikube-times.json"))
    for line in record(name).splitlines():
        teller.line(line)
    return phases, teller


def ends(phases: list[Phase]) -> dict[str, PhaseState]:
    return {phase.id: phase.state for phase in phases}


def test_every_record_is_named_with_its_source() -> None:
    readme = (RECORDS / "README.md").read_text(encoding="utf-8")
    for path in sorted(set(RECORDS.iterdir()) - {RECORDS / "README.md"}):
        stem = path.name.split(".")[0]
        known = stem in readme or any(
            stem.startswith(begin) and f"`{begin}" in readme for begin in ("start", "delete", "status-", "image-load")
        )
        assert known, path.name


def test_each_line_of_a_start_is_an_event_with_text_for_data() -> None:
    events = [parse(line) for line in record("start.jsonl").splitlines()]
    assert None not in events
    steps = [event for event in events if event is not None and event.kind is Kind.STEP]
    assert steps[0].step == "Initial Minikube Setup" and "minikube v1.38.1" in steps[0].message
    assert all(event.step in PHASE_OF or event.step == "Done" for event in steps)


def test_the_steps_of_a_start_become_phases_in_order() -> None:
    phases, teller = told("start.jsonl")
    began = list(dict.fromkeys(phase.id for phase in phases))
    assert began == ORDER
    assert ends(phases)[VERIFY] is PhaseState.RUNNING, "Done is said before minikube has ended"
    teller.ended()
    assert set(ends(phases).values()) == {PhaseState.DONE}
    assert all(phase.title == TEXTS[phase.id][0] and phase.explains for phase in phases)
    assert any("Booting up control plane" in phase.detail for phase in phases)
    assert not teller.errors


def test_a_download_tells_its_share() -> None:
    phases, _ = told("start-downloads.jsonl")
    details = [phase.detail for phase in phases if phase.id == IMAGE]
    name = "preloaded-images-k8s-v18-v1.36.2-containerd-overlay2-amd64.tar.lz4"
    assert [f"{name} 37%", f"{name} 78%", f"{name} 100%"] == [each for each in details if each.endswith("%")]


def test_steps_that_come_again_begin_again() -> None:
    phases, teller = told("start-two-nodes.jsonl")
    teller.ended()
    nodes = [phase for phase in phases if phase.id == NODES]
    states = [phase.state for phase in nodes]
    assert states.count(PhaseState.DONE) == 4, "twice for each node, before and after its image"
    assert any("worker node" in phase.detail for phase in nodes)
    assert set(ends(phases).values()) == {PhaseState.DONE}


def test_a_detour_and_an_error_that_is_no_end_are_no_failure() -> None:
    phases, teller = told("start-detour.jsonl")
    assert not teller.errors, "only an error with an exit code ends a start"
    assert any("will try again" in line for line in teller.last)
    assert any(phase.detail.startswith("Deleting") and phase.id == NODES for phase in phases)


def test_what_is_no_event_is_skipped_and_kept_for_the_error() -> None:
    phases, teller = told("start-polluted.jsonl")
    assert list(dict.fromkeys(phase.id for phase in phases)) == ORDER
    assert "* a line that is no JSON" in teller.last


@pytest.mark.parametrize(
    "line",
    [
        "", "null", "{}", '{"type": 7}', '{"type":"io.k8s.sigs.minikube.step","data":[]}', "{" * 100_000,
        '{"type":"io.k8s.sigs.minikube.step","data":' + "[" * 50_000 + "}", '{"type":"io.k8s.sigs.minikube.step"}x',
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_none(line: str) -> None:
    assert parse(line) is None


def test_a_fraction_out_of_range_and_a_number_for_a_text_do_no_harm() -> None:
    for value, expected in (("2", None), ("nan", None), ("-1", None), ("x", None), (0.5, 0.5)):
        line = {"type": "io.k8s.sigs.minikube.download.progress", "data": {"artifact": "a/b?c", "progress": value}}
        event = parse(json.dumps(line))
        assert event is not None and event.fraction == expected and event.artifact == "b"


@pytest.mark.parametrize(
    ("name", "code", "says", "remedy"),
    [
        ("start-as-root.jsonl", 57, "DRV_AS_ROOT", "as a user of the engine's group"),
        ("start-no-driver.jsonl", 55, "No possible driver was detected", "drivers/"),
        ("start-few-cores.jsonl", 29, "less than 2 CPUs", "2 processors"),
        ("start-docker-stopped.jsonl", 69, "Cannot connect to the Docker daemon", "Start the Docker service (https://"),
        ("start-disk-full.jsonl", 26, "out of disk space", "docker system prune"),
        ("start-polluted.jsonl", 42, "exit 42", "proxy"),
        ("delete.jsonl", 7, "without a word", ""),
    ],
)
def test_a_failure_is_told_with_its_remedy(name: str, code: int, says: str, remedy: str) -> None:
    _, teller = told(name)
    error = failure("start", code, teller)
    assert says in error.message and remedy in error.remedy
    assert error.code == "minikube" and error.exit_code == 3
    assert error.message.isprintable() and error.remedy.isprintable()
    for foreign in ("--force", "minikube delete", "minikube start -p"):
        assert foreign not in error.remedy, "no command that would touch the user's own profile, or force anything"


def test_statuses_of_one_node_and_of_several() -> None:
    (one,) = status.nodes(record("status-running.json"))
    assert one.lacks == "" and not one.worker
    first, worker = status.nodes(record("status-two-nodes.json"))
    assert (first.lacks, worker.lacks) == ("", "") and worker.worker and worker.apiserver == "Irrelevant"
    assert status.nodes(record("status-nothing.json")) == [] == status.nodes("")
    (wrong,) = status.nodes(record("status-misconfigured.json"))
    assert wrong.lacks == "", "that entry is not the one that we use"


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("status-stopped.json", "is stopped"),
        ("status-paused.json", "is paused"),
        ("status-disk-full.json", "no disk space left"),
    ],
)
def test_what_a_node_lacks_is_half_a_sentence(name: str, lacks: str) -> None:
    (node,) = status.nodes(record(name))
    assert lacks in node.lacks


def test_what_is_no_status_is_an_error_and_no_crash() -> None:
    for text in (record("status-no-profile.jsonl"), "[1]", '{"a": 1}', "panic: runtime error"):
        with pytest.raises(ValueError):
            status.nodes(text)
        assert status.cluster(text) is None


def test_the_codes_of_the_whole_cluster() -> None:
    def sentence(name: str) -> str:
        found = status.cluster(record(name))
        assert found is not None
        return found.sentence

    assert sentence("status-cluster-paused.json") == "minikube says Paused (418)"
    assert sentence("status-cluster-starting.json") == "minikube says Starting (100), at the step Creating Container"
    assert "InsufficientStorage (507): /var is almost out" in sentence("status-cluster-disk-full.json")
    assert status.ClusterStatus(200, "OK", "", "Done").sentence == ""


def test_the_bits_of_an_exit_code() -> None:
    assert status.bits(1) == "a machine does not run"
    assert status.bits(6) == "Kubernetes does not run, the kubeconfig is not right"
    assert "does not know its profile" in status.bits(85)
    assert "ended with 80" in status.bits(80)


def test_logs_are_taken_apart_without_what_others_did() -> None:
    names.cluster_dir("dev").mkdir(parents=True)
    logs.take_apart("dev", record("logs.txt"))
    assert logs.components("dev") == ["container-status", "coredns", "dmesg", "etcd", "kubelet", "last-start"]
    assert len(list(logs.lines("dev", "kubelet"))) == 2
    assert all(line.startswith("node kubelet | ") for line in logs.lines("dev", "kubelet"))
    everything = "\n".join(logs.lines("dev"))
    assert "secret" not in everything and "\x1b" not in everything
    with pytest.raises(UsageError):
        logs.lines("dev", "../state")


def test_every_call_is_of_our_profile_and_of_our_kubeconfig(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/u/.kube/config")
    monkeypatch.setenv("MINIKUBE_PROFILE", "work")
    monkeypatch.setenv("MINIKUBE_HOME", "/data/now")
    monkeypatch.setenv("MINIKUBE_DRIVER", "podman")
    profile = names.profile("dev")
    assert profile.startswith("k8s-tutor-dev-") and len(names.profile("a" * 22)) <= 39
    archive = Path("a.tar")
    for argv in (
        program.start_argv("minikube", "dev", nodes=2, kubernetes="v1.36.2"), program.delete_argv("minikube", "dev"),
        program.status_argv("minikube", "dev", "nodes"), program.logs_argv("minikube", "dev", Path("/l")),
        program.load_argv("minikube", "dev", archive), program.ssh_argv("minikube", "dev"),
        program.ssh_argv("minikube", "dev", ["ls"]),
    ):  # fmt: skip
        assert argv[argv.index("--profile") + 1] == profile
    start = program.start_argv("minikube", "dev", nodes=2, kubernetes="v1.36.2")
    assert {"--keep-context", "--embed-certs", "--interactive=false"} <= set(start)
    assert start[start.index("--output") + 1] == "json" and start[start.index("--nodes") + 1] == "2"
    assert "--nodes" not in program.start_argv("minikube", "dev", again=True)
    assert Path(program.load_argv("minikube", "dev", archive)[3]).is_absolute()
    assert program.ssh_argv("minikube", "dev", ["echo", "a b", "$HOME; rm"])[-1] == "echo 'a b' '$HOME; rm'"
    env = program.environment("dev", "/data/then")
    assert env["KUBECONFIG"] == str(home / "state/k8s-tutor/minikube/dev/minikube.kubeconfig")
    assert env["MINIKUBE_HOME"] == "/data/then" and "MINIKUBE_PROFILE" not in env
    assert env["MINIKUBE_DRIVER"] == "podman", "the user's own choice of a driver holds"
    assert program.environment()["KUBECONFIG"] == "/dev/null"
    assert program.environment("dev", "").get("MINIKUBE_HOME") is None
    assert names.nodes("dev", 3) == [profile, f"{profile}-m02", f"{profile}-m03"]
