"""A desk, a session and a cluster without a cluster: what the screens are tried with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8s_tutor.checks.completing import Choice, Completion, Explanation
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status
from k8s_tutor.checks.writing import Problem, problems
from k8s_tutor.clusters.doctor.finding import Finding as Sight
from k8s_tutor.clusters.doctor.finding import State
from k8s_tutor.clusters.provider import Cluster, NodeInfo
from k8s_tutor.errors import ClusterError, TutorError
from k8s_tutor.kube.cursor import place
from k8s_tutor.kube.record import Change, File, Life, Object, Record, Version
from k8s_tutor.labs.model import Action, Callout, CheckSpec, Lab, Manifest, Question, Step
from k8s_tutor.phases import Phase, PhaseState, Report
from k8s_tutor.session.asking import Answers, Behind
from k8s_tutor.session.drafts import Draft
from k8s_tutor.session.editing import Difference
from k8s_tutor.session.hints import hints_of, ladder
from k8s_tutor.session.journal import Journal
from k8s_tutor.session.progress import Past
from k8s_tutor.session.state import CheckState, LabState, Link, StepState
from k8s_tutor.session.summary import Saved, summarise
from k8s_tutor.session.system import System
from k8s_tutor.ui.choices import Choice as ClusterChoice
from k8s_tutor.ui.choices import Ground
from k8s_tutor.ui.ports import EditingPort, LabCard, SessionPort, ShellSpec

POD_MANIFEST = """\
apiVersion: v1                  #[1]
kind: Pod                       #[2]
metadata:                       #[3]
  name: nginx-pod               #[4]
  labels:                       #[5]
    app: nginx
spec:                           #[6]
  containers:                   #[7]
    - name: web                 #[8]
      image: nginx              #[9]
"""

CALLOUTS = (
    Callout(1, "The version of the API that this kind belongs to."),
    Callout(2, "What it is: a Pod, the smallest thing Kubernetes runs."),
    Callout(4, "Its name, unique among the Pods of a namespace."),
    Callout(8, "The container's name, unique within its Pod."),
)


def _check(check_id: str, title: str, **more: Any) -> CheckSpec:
    return CheckSpec(id=check_id, title=title, uses="fake", **more)


STEPS = (
    Step(
        id="write",
        title="Write the manifest",
        text="Everything Kubernetes runs begins as a **wish on paper**: a manifest. Write one for a single Pod.",
        task="Write nginx-pod.yaml in the editor and save it.",
        manifest="nginx-pod.yaml",
        checks=(_check("file-pod", "nginx-pod.yaml describes the Pod"),),
        hints=("Start with apiVersion, kind and metadata.", "The container goes under spec.containers.", "m types it."),
        solution=(Action("write", {"file": "nginx-pod.yaml", "from": "nginx-pod.yaml"}),),
        why="The file holds what you want, not what to do.",
    ),
    Step(
        id="fields",
        title="Which fields must be there",
        text="`kubectl explain` reads the cluster's own schema.",
        task="Find out which field of a container is required.",
        commands=("kubectl explain pod.spec.containers",),
        checks=(_check("required", "the required field of a container"),),
        questions=(Question("required", "Which field of a container is required?", "a field's name"),),
    ),
    Step(
        id="apply",
        title="Apply it",
        text="Three pods run, because you asked for three. Take one away and watch who notices.",
        task="Apply the manifest.",
        commands=("kubectl apply -f nginx-pod.yaml", "kubectl get pods"),
        manifest="nginx-pod.yaml",
        checks=(
            _check("pod-there", "the Pod nginx-pod exists"),
            _check("pod-ready", "its container web is ready", needs=("pod-there",)),
            _check("pod-answers", "every ready pod answers", needs=("pod-ready",)),
        ),
        hints=("kubectl apply -f nginx-pod.yaml",),
        why="The API server stored it, the scheduler chose a node, the kubelet started it.",
    ),
    Step(
        id="thousand",
        title="What about 1,000 pods?",
        text="Nobody writes a thousand of these. That is what Lab 2 is for.",
    ),
)

LAB = Lab(
    id="lab1",
    title="Lab 1 · A Pod",
    summary="One container, run by Kubernetes.",
    minutes=25,
    steps=STEPS,
    manifests=(Manifest("nginx-pod.yaml", Path("nginx-pod.yaml"), POD_MANIFEST, CALLOUTS),),
    folder=Path(),
    hash="0",
)

CLUSTER = Cluster(
    name="learner",
    provider="native",
    kubeconfig=Path("kubeconfig"),
    namespace="learner",
    owned=True,
    version="v1.37.2",
    nodes=(NodeInfo("node1"),),
    running=True,
    ready=True,
)

KIND = Cluster(
    name="kind-kind",
    provider="context",
    kubeconfig=Path("kubeconfig"),
    namespace="learner",
    owned=False,
    server="https://127.0.0.1:6443",
    running=True,
    ready=True,
)

TODO = Outcome(
    Status.FAIL,
    "not there yet",
    Finding("r", "a Pod", "nothing", cause=Cause("not-applied", "nothing was applied yet")),
)
PASS = Outcome(Status.PASS, "nginx-pod, by you", facts=("applied at 20:14:03 by kubectl",))
WAITING = Outcome(Status.WAITING, "ContainerCreating for 2 s", Finding("r", "ready", "ContainerCreating"))
WRONG = Outcome(
    Status.FAIL,
    "0 of 10; every connection was refused",
    Finding(
        "every ready pod answers",
        "10 pods answer on 10.79.164.141:80",
        "0 of 10; every connection was refused",
        "kubectl get endpointslices -o yaml",
        (Seen("nginx-service.yaml", "spec.ports[0].targetPort", "8080", 9),),
        Cause(
            "wrong-target-port", "the Service sends to port 8080, the pods listen on 80", "line 9 of nginx-service.yaml"
        ),
    ),
)


def pod(
    name: str, *, uid: str = "", ready: bool = True, owner: str = "", reason: str = "", labels: Any = None
) -> Object:
    """A Pod as the API server sends it, as far as the screens read it."""
    state = {"waiting": {"reason": reason}} if reason else {"running": {"startedAt": "2026-11-23T20:00:05Z"}}
    owners = [{"uid": owner, "controller": True, "kind": "ReplicaSet"}] if owner else []
    return {
        "metadata": {
            "name": name,
            "uid": uid or name,
            "creationTimestamp": "2026-11-23T20:00:00Z",
            "ownerReferences": owners,
            "labels": labels or {"app": "nginx"},
        },
        "spec": {"containers": [{"name": "web"}]},
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": "2026-11-23T20:00:06Z"}
            ],
            "containerStatuses": [{"name": "web", "restartCount": 0, "state": state}],
        },
    }


def life(kind: str, item: Object, *, at: float = 0.0, gone_at: float | None = None, seen: bool = True) -> Life:
    """One object from first to last sight."""
    change = Change.SEEN if seen else Change.ADDED
    return Life(kind, str(item["metadata"]["uid"]), (Version(at, change, item),), gone_at)


def deployment_lives(now: float, *, name: str = "nginx-deployment", replicas: int = 3) -> dict[str, tuple[Life, ...]]:
    """A Deployment with its ReplicaSet, pods, Service, endpoints and events."""
    stamp = "2026-11-23T20:00:00Z"
    pods = [pod(f"{name}-648fb66cc5-{index:05d}", owner="rs1") for index in range(replicas - 1)]
    fresh = pod(f"{name}-648fb66cc5-p9qdx", owner="rs1", ready=False, reason="ContainerCreating")
    lost = pod(f"{name}-648fb66cc5-zvcpz", owner="rs1")
    meta = {"name": name, "uid": "d1", "creationTimestamp": stamp}
    owned = [{"uid": "d1", "controller": True}]
    return {
        "Deployment": (
            life(
                "Deployment",
                {"metadata": meta, "spec": {"replicas": replicas}, "status": {"readyReplicas": replicas - 1}},
            ),
        ),
        "ReplicaSet": (
            life(
                "ReplicaSet",
                {
                    "metadata": {"name": f"{name}-648fb66cc5", "uid": "rs1", "ownerReferences": owned},
                    "spec": {"replicas": replicas},
                },
            ),
        ),
        "Pod": (
            *(life("Pod", item) for item in pods),
            life("Pod", fresh, at=now - 1, seen=False),
            life("Pod", lost, gone_at=now - 2),
            life("Pod", pod("nginx-pod")),
        ),
        "Service": (
            life(
                "Service",
                {
                    "metadata": {"name": "nginx-service", "uid": "s1"},
                    "spec": {"type": "ClusterIP", "clusterIP": "10.79.164.141", "ports": [{"port": 80}]},
                },
            ),
        ),
        "EndpointSlice": (
            life(
                "EndpointSlice",
                {
                    "metadata": {
                        "name": "nginx-service-x",
                        "uid": "e1",
                        "labels": {"kubernetes.io/service-name": "nginx-service"},
                    },
                    "endpoints": [
                        {
                            "addresses": ["10.0.0.1"],
                            "conditions": {"ready": True},
                            "targetRef": {"name": item["metadata"]["name"]},
                        }
                        for item in pods
                    ],
                },
            ),
        ),
        "Event": tuple(
            life("Event", event(index, reason, f"{name}-648fb66cc5-p9qdx"))
            for index, reason in enumerate(("Scheduled", "Pulling", "Pulled", "Created", "Started"))
        ),
    }


def event(index: int, reason: str, name: str, message: str = "") -> Object:
    """An Event about a Pod."""
    return {
        "metadata": {"name": f"ev{index}", "uid": f"ev{index}"},
        "reason": reason,
        "type": "Normal",
        "message": message or f"{reason} it",
        "involvedObject": {"kind": "Pod", "name": name},
        "lastTimestamp": f"2026-11-23T20:14:0{index % 10}Z",
        "source": {"component": "kubelet"},
    }


class FakeEditing(EditingPort):
    """Answers as a test wants; problems are really those of the text's syntax unless a test sets others."""

    def __init__(self) -> None:
        self.wrong: tuple[Problem, ...] | None = None
        self.refused: tuple[Problem, ...] | None = ()
        self.explained: Explanation | None = None
        self.choices: tuple[Choice, ...] = ()
        self.differs = Difference(fresh=("pod/nginx-pod",))
        self.asked: list[str] = []

    def problems(self, text: str, /) -> tuple[Problem, ...]:
        self.asked.append("problems")
        return problems(text) if self.wrong is None else self.wrong

    def learn(self, text: str, /) -> bool:
        return False

    def dry_run(self, text: str, /) -> tuple[Problem, ...] | None:
        self.asked.append("dry_run")
        return self.refused

    def explain(self, text: str, row: int, column: int, /) -> Explanation | None:
        return self.explained

    def complete(self, text: str, row: int, column: int, /) -> Completion:
        start = place(text, row, column).column
        word = text.split("\n")[row][start:column]
        return Completion(row, start, tuple(item for item in self.choices if item.label.startswith(word)))

    def difference(self, text: str, /) -> Difference:
        self.asked.append("difference")
        return self.differs


class FakeAsking:
    """Counts as a test wants; writes down what it was asked."""

    def __init__(self, session: FakeSession, tell: Callable[[Answers], object]) -> None:
        self.session, self.tell = session, tell
        self.closed = False

    def look(self, service: str, /) -> Answers:
        self.session.asked.append(("look", service))
        return self.session.answers

    def ask(self, count: int = 10, /) -> Answers:
        self.session._note("ask", str(count))
        return self.session.answers

    def close(self) -> None:
        self.closed = True


class FakeSession(SessionPort):
    """Keeps a state that a test changes; writes down what it was asked."""

    def __init__(self, lab: Lab = LAB, *, now: float | None = None) -> None:
        self._lab = lab
        self.asked: list[tuple[str, ...]] = []
        self.files: dict[str, str] = {}
        self.refuse: Exception | None = None
        self.read_step = ""
        self.applied: Sequence[str] = ("pod/nginx-pod created",)
        self.kept: Sequence[Draft] = ()
        self.full: Exception | None = None
        self.hang = threading.Event()
        self.hangs = False
        self.closed = threading.Event()
        self._editing = FakeEditing()
        self.answers = Answers(Behind("nginx-service", trouble="there is no Service nginx-service yet"))
        self.saved = Saved(summarise(lab, Past(), time.time()), (Path("/home/learner/k8s-tutor/lab1/summary.md"),))
        self.listening: list[FakeAsking] = []
        self._journal = Journal()
        self.watchers: list[Callable[[System], None]] = []
        self._callbacks: list[Callable[[LabState], None]] = []
        steps = tuple(
            StepState(step, tuple(CheckState(spec, TODO) for spec in step.checks), done=False) for step in lab.steps
        )
        at = now or time.time()
        self._state = LabState(lab, steps, 0, Record("learner", at - 600, at), link=Link.LIVE, heard=at)

    @property
    def lab(self) -> Lab:
        return self._lab

    @property
    def cluster(self) -> Cluster:
        return CLUSTER

    @property
    def editing(self) -> FakeEditing:
        return self._editing

    def subscribe(self, callback: Callable[[LabState], None], /) -> object:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def state(self) -> LabState:
        return self._state

    def push(self, **changes: Any) -> None:
        """Put a new state out, as a watch would."""
        self._state = replace(self._state, **changes)
        for callback in list(self._callbacks):
            callback(self._state)

    def push_record(self, **changes: Any) -> None:
        self.push(record=replace(self._state.record, **changes))

    def push_checks(self, step_id: str, *outcomes: Outcome, **more: Any) -> None:
        """Give the checks of a step these outcomes; done when all pass."""
        steps = []
        for step in self._state.steps:
            if step.step.id == step_id:
                checks = tuple(replace(c, outcome=o) for c, o in zip(step.checks, outcomes, strict=True))
                done = all(check.passed for check in checks) if checks else more.get("read", step.read)
                step = replace(step, checks=checks, done=done, **more)
            steps.append(step)
        current = next((index for index, step in enumerate(steps) if not step.done), len(steps) - 1)
        self.push(steps=tuple(steps), current=current)

    def _note(self, *what: str) -> None:
        self.asked.append(what)
        if self.hangs:
            self.hang.wait(30)
        if self.refuse is not None:
            raise self.refuse

    def looking_at(self, step_id: str, /) -> None:
        self.read_step = step_id

    def hint(self, step_id: str, /) -> str | None:
        self._note("hint", step_id)
        for index, step in enumerate(self._state.steps):
            if step.step.id == step_id and step.hints_shown < hints_of(step.step):
                steps = list(self._state.steps)
                steps[index] = replace(step, hints_shown=step.hints_shown + 1)
                self.push(steps=tuple(steps))
                return ladder(step)[step.hints_shown]
        return None

    def answer(self, check_id: str, text: str, /) -> object:
        self._note("answer", check_id, text)
        self.push_record(answers={**self._state.record.answers, check_id: text})
        return None

    def mark_read(self, step_id: str, /) -> object:
        self._note("read", step_id)
        self.push_checks(step_id, read=True)
        return None

    def read_file(self, name: str, /) -> str | None:
        return self.files.get(name)

    def save_file(self, name: str, text: str, /) -> object:
        self._note("save", name)
        self.edit_outside(name, text)
        return None

    def edit_outside(self, name: str, text: str) -> None:
        """Another program wrote the file."""
        self.files[name] = text
        self.push_record(files={n: File(n, t) for n, t in self.files.items()})

    def drafts(self) -> Sequence[Draft]:
        return self.kept

    def keep_drafts(self, drafts: Sequence[Draft], /) -> object:
        if self.full is not None:
            raise self.full
        self.kept = tuple(drafts)
        return None

    def apply(self, name: str, /) -> Sequence[str]:
        self._note("apply", name)
        return self.applied

    def summary(self) -> Saved:
        self._note("summary")
        return self.saved

    def listen(self, tell: Callable[[Answers], object], /) -> FakeAsking:
        self.listening.append(FakeAsking(self, tell))
        return self.listening[-1]

    def watch_system(self, tell: Callable[[System], None], /) -> Callable[[], None]:
        self.watchers.append(tell)
        return lambda: self.watchers.remove(tell)

    def solve(self, step_id: str, /) -> object:
        self._note("solve", step_id)
        return None

    def redo(self, step_id: str, /) -> bool:
        self._note("redo", step_id)
        return True

    @property
    def journal(self) -> Journal:
        return self._journal

    def reset(self) -> object:
        self._note("reset")
        return None

    def close(self) -> None:
        self.closed.set()


class FakeDesk:
    """Labs and a cluster that comes up as a test wants it to."""

    cluster_name = "native learner"
    cluster_why = ""

    def __init__(self, *, session: FakeSession | None = None, cluster: Cluster | None = CLUSTER) -> None:
        self.session = session or FakeSession()
        self.there = cluster
        self.go = threading.Event()
        self.go.set()
        self.error: TutorError | None = None
        self.starts = 0
        self.stopped: list[str] = []
        self.soil = Ground()
        self.contexts: tuple[ClusterChoice, ...] = (
            ClusterChoice("kind-kind", context="kind-kind", cluster=KIND),
            ClusterChoice(
                "prod-eu", context="prod-eu", why_not="its name (prod-eu) looks like a production or cloud cluster"
            ),
        )
        self.shown = [
            LabCard(
                "lab1", "A Pod", "One container, run by Kubernetes.", 25, 1, 10, "delete one pod", 2, time.time() - 90
            ),
            LabCard("lab2", "A Deployment", "Three pods that come back.", 35, 0, 9),
        ]

    def cards(self) -> tuple[LabCard, ...]:
        return tuple(self.shown)

    def cluster(self) -> Cluster | None:
        return self.there

    def start(self, report: Report, /) -> Cluster:
        self.starts += 1
        names = (
            ("node", "node", "a network, a process tree and a file system of its own"),
            ("etcd", "etcd", "the store: every object of the cluster is a key in it"),
            ("apiserver", "apiserver", "the only door to the store"),
            ("scheduler", "scheduler", "picks a node for each new pod"),
        )
        for part, title, explains in names:
            report(Phase(part, title, explains))
        report(Phase("node", "node", names[0][2], PhaseState.DONE, 0.3))
        report(Phase("etcd", "etcd", names[1][2], PhaseState.RUNNING, 1.0, 5.0, 0.4, "waiting for its first leader"))
        self.go.wait(30)
        if self.error is not None:
            report(Phase("etcd", "etcd", names[1][2], PhaseState.FAILED, 1.9))
            raise self.error
        self.there = CLUSTER
        return CLUSTER

    def choices(self) -> tuple[ClusterChoice, ...]:
        return (ClusterChoice("learner", cluster=self.there), *self.contexts)

    def ground(self) -> Ground:
        return self.soil

    def choose(self, choice: ClusterChoice, /) -> None:
        self.cluster_name = f"{'native' if choice.own else 'context'} {choice.name}"
        self.cluster_why = f"{choice.name} is used: your choice"
        self.there = choice.cluster

    def stop(self, name: str, report: Report, /) -> bool:
        self.stopped.append(name)
        self.there = None
        return True

    def findings(self) -> Sequence[Sight]:
        return (
            Sight("python", State.OK, "Python 3.11.7"),
            Sight("root", State.FAIL, "you are [not] root", "sudo k8s-tutor"),
            Sight("tmux", State.NOTE, "tmux is not on the PATH", "apt install tmux", needed=False),
        )

    def lab_text(self, lab_id: str, /) -> str:
        return f"Lab 1 · A Pod\n\nStep 1 of 4: Write the manifest  [{lab_id}]"

    def open(self, lab_id: str, cluster: Cluster, /) -> FakeSession:
        return self.session

    def shell(self, session: SessionPort, /) -> ShellSpec:
        return ShellSpec(("sh",), {"PATH": "/usr/bin:/bin"}, Path("/"))

    def workspace(self, lab_id: str, /) -> Path:
        return Path("/home/learner/k8s-tutor") / lab_id


BROKEN = ClusterError("etcd did not come up: no space left", remedy="free 2 GB, then press r", code="disk")
