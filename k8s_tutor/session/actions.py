"""Do what solutions, mistakes and experiments say, as a learner would do it: files, kubectl, apply, a request.

Everything is an argument list, a field of a request or a file of the workspace; nothing passes through a shell.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Protocol

from k8s_tutor.checks.check import bound, find
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.record import Object
from k8s_tutor.labs.model import Action, Lab
from k8s_tutor.session.journal import Journal, curl, kubectl
from k8s_tutor.session.kubectl import KUBECTL_SECONDS, run_kubectl
from k8s_tutor.session.state import LabState, check_state
from k8s_tutor.session.workspace import Workspace

WAIT_SECONDS = 60.0
POD_SECONDS = 30.0
LONGEST_PAUSE = 15.0
ASKED_AGAIN = 3
"""A request without an answer is sent again, as somebody at a prompt would: a busy node can refuse an exec."""
_POD = re.compile(r"\{pod:([A-Za-z0-9./_-]+)=([A-Za-z0-9._-]+)\}")

Tell = Callable[[Action, str], None]


class ActionError(TutorError):
    """An action did not do what it says; ``action`` is that action, ``output`` what kubectl or the server said."""

    def __init__(self, action: Action, message: str, *, output: str = "") -> None:
        super().__init__(f"{action.do}: {message}", code="action")
        self.action = action
        self.output = output


class Place(Protocol):
    """What actions need of a session."""

    lab: Lab
    cluster: Cluster
    namespace: str
    workspace: Workspace

    def state(self) -> LabState:
        """The newest state."""
        ...

    def wait_for(self, wanted: Callable[[LabState], bool], seconds: float) -> bool:
        """Wait until a state is as wanted; false at the deadline."""
        ...

    def apply_text(self, text: str, name: str = "", why: str = "") -> list[str]:
        """Apply a manifest's text server-side; lines about what happened. Raises TutorError when refused."""
        ...

    @property
    def journal(self) -> Journal:
        """Where what is done on the cluster is written down."""
        ...

    def visit(self, ip: str, port: int) -> int | None:
        """One GET as the learner's own curl; the HTTP status, None without an answer."""
        ...

    def changed(self) -> None:
        """Files of the workspace have changed."""
        ...


class Runner:
    """Runs actions in one session. ``cancelled`` (an event) ends waits early with ActionError.

    ``patience`` multiplies every deadline: proofs run several clusters' worth of pods side by side. ``why``: what the
    journal says it was for.
    """

    def __init__(
        self,
        place: Place,
        cancelled: threading.Event | None = None,
        tell: Tell | None = None,
        *,
        patience: float = 1.0,
        why: str = "",
    ) -> None:
        self.place = place
        self.why = why
        self.patience = patience
        self.cancelled = cancelled or threading.Event()
        self.tell = tell or (lambda _action, _text: None)

    def run(self, actions: tuple[Action, ...], *, tolerant: bool = False) -> None:
        """Run all, in order. ``tolerant``: what kubectl or the server refuses is not an error (a mistake's purpose)."""
        for action in actions:
            self._check_cancelled(action)
            try:
                self.one(action)
            except ActionError as error:
                if not (tolerant and action.do in ("apply", "kubectl")):
                    raise
                self.tell(action, f"refused, as a mistake may be: {error.message[:200]}")

    def one(self, action: Action) -> None:
        """Run one action. Raises ActionError when it cannot be done."""
        method: Callable[[Action], str] | None = getattr(self, f"_do_{action.do}", None)
        if method is None:
            raise ActionError(action, "there is no such action")
        self.tell(action, method(action))

    def _do_write(self, action: Action) -> str:
        name, source = str(action.args["file"]), str(action.args["from"])
        text = self.place.workspace.manifest(source)
        if self.place.workspace.hand_out(source, name):
            self.place.changed()
            return f"{name} from {source}"
        if self.place.workspace.read(name).text == text:
            return f"{name} is there already"
        # A solution brings the file to the lesson's form; what the learner wrote is kept beside it.
        old = self.place.workspace.read(name).text
        if old is not None:
            self.place.workspace.write(f"{name}.mine", old)
        self.place.workspace.write(name, text)
        self.place.changed()
        return f"{name} from {source}; yours is kept as {name}.mine"

    def _do_edit(self, action: Action) -> str:
        name, old, new = str(action.args["file"]), str(action.args["replace"]), str(action.args["with"])
        text = self.place.workspace.read(name).text
        if text is None:
            raise ActionError(action, f"{name} is not in the workspace")
        # "nginx" is a part of "nginx:1.20.1": an edit made twice must not become nginx:1.20.1:1.20.1.
        if new and new in text and old not in text.replace(new, ""):
            return f"{name} has it already"
        if text.count(old) != 1:
            raise ActionError(action, f"{name} holds {old[:80]!r} {text.count(old)} times, not once")
        self.place.workspace.write(name, text.replace(old, new))
        self.place.changed()
        return f"{name}: {' '.join(old.split())[:60]} → {' '.join(new.split())[:60]}"

    def _do_content(self, action: Action) -> str:
        self.place.workspace.write(str(action.args["file"]), str(action.args["text"]))
        self.place.changed()
        return str(action.args["file"])

    def _do_apply(self, action: Action) -> str:
        name = str(action.args["file"])
        text = self.place.workspace.read(name).text
        if text is None:
            raise ActionError(action, f"{name} is not in the workspace")
        try:
            return "; ".join(self.place.apply_text(text, name, self.why))
        except TutorError as error:
            raise ActionError(action, f"{name}: {error.message}") from error

    def _do_kubectl(self, action: Action) -> str:
        args = [self._with_pods(action, str(arg)) for arg in action.args["args"]]
        self.place.workspace.make()
        folder, seconds = self.place.workspace.folder, KUBECTL_SECONDS * self.patience
        with self.place.journal.deed(kubectl(*args), self.why) as deed:
            ran = run_kubectl(self.place.cluster, self.place.namespace, args, folder=folder, seconds=seconds)
            said = " ".join((ran.err or ran.out).split())[:600]
            deed.result = said
            if ran.code != 0:
                raise ActionError(action, f"kubectl {' '.join(args)}: {said}", output=ran.err)
        return f"kubectl {' '.join(args)}"

    def _do_remove(self, action: Action) -> str:
        name = str(action.args["file"])
        aside = self.place.workspace.put_aside(name)
        self.place.changed()
        return f"{name} is kept as {aside}" if aside else f"{name} is not there"

    def _do_wait(self, action: Action) -> str:
        wanted = str(action.args["check"])

        def passes(state: LabState) -> bool:
            check = check_state(state, wanted)
            return check is not None and check.passed

        started = time.monotonic()
        if not self._wait(action, passes, WAIT_SECONDS):
            check = check_state(self.place.state(), wanted)
            said = f"{check.outcome.status}: {check.outcome.summary}" if check else "there is no such check"
            raise ActionError(action, f"{wanted} did not pass within {WAIT_SECONDS * self.patience:g} s ({said})")
        return f"{wanted} passes after {time.monotonic() - started:.1f} s"

    def _do_answer(self, action: Action) -> str:
        wanted = str(action.args["check"])
        text = action.args.get("text")
        if text is None:
            text = self._right_answer(action, wanted)
        self.place.workspace.answer(wanted, str(text))
        self.place.changed()
        return f"{wanted}: {str(text)[:80]}"

    def _right_answer(self, action: Action, wanted: str) -> str:
        spec = next((spec for spec in self.place.lab.checks if spec.id == wanted), None)
        if spec is None:
            raise ActionError(action, f"there is no check {wanted}")
        found = find(spec.uses)
        if found.expected_answer is None:
            raise ActionError(action, f"{spec.uses} asks nothing")
        ask = found.expected_answer
        params = bound(found, spec.id, spec.params)
        right: list[str] = []

        def known(state: LabState) -> bool:
            answer = ask(state.record, params)
            if answer is not None:
                right.append(answer)
            return answer is not None

        if not self._wait(action, known, POD_SECONDS):
            raise ActionError(action, f"the right answer of {wanted} cannot be told from the cluster")
        return right[-1]

    def _do_request(self, action: Action) -> str:
        name = self._with_pods(action, str(action.args["pod"]))

        def addressed(state: LabState) -> bool:
            return bool(_pod_ip(state.record.get("Pod", name)))

        if not self._wait(action, addressed, POD_SECONDS):
            raise ActionError(action, f"pod {name} has no address")
        pod = self.place.state().record.get("Pod", name)
        ip, port = _pod_ip(pod), _pod_port(pod)
        inside = name if self.place.cluster.netns is None else ""
        with self.place.journal.deed(curl(ip, port, inside=inside), self.why) as deed:
            status = self.place.visit(ip, port)
            for _ in range(ASKED_AGAIN):
                if status is not None or self.cancelled.wait(1.0):
                    break
                status = self.place.visit(ip, port)
            self._check_cancelled(action)
            if status is None:
                raise ActionError(action, f"{ip}:{port} did not answer")
            deed.result = f"answered {status}"
        return f"GET http://{ip}:{port}/ answered {status}"

    def _do_pause(self, action: Action) -> str:
        seconds = min(float(action.args["seconds"]), LONGEST_PAUSE)
        if self.cancelled.wait(seconds):
            self._check_cancelled(action)
        return f"{seconds:g} s"

    def _with_pods(self, action: Action, text: str) -> str:
        def newest(match: re.Match[str]) -> str:
            label, value = match.groups()
            found: list[str] = []

            def there(state: LabState) -> bool:
                ready = [pod for pod in state.record.alive("Pod") if _is_ready(pod) and _label(pod, label) == value]
                ready.sort(key=lambda pod: str(pod.get("metadata", {}).get("creationTimestamp", "")))
                if ready:
                    found.append(str(ready[-1]["metadata"]["name"]))
                return bool(ready)

            if not self._wait(action, there, POD_SECONDS):
                raise ActionError(action, f"no ready pod has the label {label}={value}")
            return found[-1]

        return _POD.sub(newest, text.replace("{namespace}", self.place.namespace))

    def _wait(self, action: Action, wanted: Callable[[LabState], bool], seconds: float) -> bool:
        reached = self.place.wait_for(lambda state: self.cancelled.is_set() or wanted(state), seconds * self.patience)
        self._check_cancelled(action)
        return reached

    def _check_cancelled(self, action: Action) -> None:
        if self.cancelled.is_set():
            raise ActionError(action, "cut short")


def _pod_ip(pod: Object | None) -> str:
    return str(((pod or {}).get("status") or {}).get("podIP") or "")


def _pod_port(pod: Object | None) -> int:
    for container in ((pod or {}).get("spec") or {}).get("containers") or ():
        for port in container.get("ports") or ():
            number = port.get("containerPort")
            if isinstance(number, int):
                return number
    return 80


def _is_ready(pod: Object) -> bool:
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def _label(pod: Object, name: str) -> str:
    return str((pod.get("metadata", {}).get("labels") or {}).get(name, ""))
