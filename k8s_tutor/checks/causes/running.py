"""Why a container that has its image does not run, or runs and is not ready."""

from __future__ import annotations

from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import (
    Mapped,
    event_text,
    events_of,
    mapping,
    name_of,
    newest_event,
    number,
    text,
    uid_of,
    when,
)
from k8s_tutor.checks.reading import container as spec_of
from k8s_tutor.checks.words import clip, clock, plural
from k8s_tutor.kube.record import Object, Record

CONFIG_REASONS = frozenset({"CreateContainerConfigError"})
START_REASONS = frozenset({"CreateContainerError", "RunContainerError", "StartError", "PostStartHookError"})

READY_PATIENCE = 10.0
"""Seconds (beyond initialDelaySeconds) that a running container may take to pass its readiness probe."""


def config_trouble(pod: Object, container: str, waiting: Mapped) -> Trouble:
    """A container that cannot be made because its configuration is not there (CreateContainerConfigError)."""
    name, message = clip(name_of(pod), 80), clip(text(waiting, "message"), 240)
    seen = (Seen(f"Pod/{name}", f"status.containerStatuses[{clip(container, 63)}].state.waiting", message),)
    if "runasnonroot" in message.lower() or "run as root" in message.lower():
        return Trouble(
            "pod-security",
            Weight.WRONG,
            message,
            "the pod says runAsNonRoot, and its image runs as root",
            "take runAsNonRoot out, or set runAsUser",
            f"kubectl describe pod {name}",
            seen,
        )
    return Trouble(
        "config-missing",
        Weight.WRONG,
        message or "CreateContainerConfigError",
        "the container takes a value from a ConfigMap or Secret (or a key of it) that does not exist",
        "kubectl get configmaps,secrets; create it, or correct the name in the manifest",
        f"kubectl describe pod {name}",
        seen,
    )


def mount_trouble(record: Record, pod: Object) -> Trouble | None:
    """A pod that waits for a volume or for its network, by the newest event about it."""
    newest = newest_event(record, "Pod", pod, "FailedMount", "FailedCreatePodSandBox", "Pulling", "Pulled", "Created")
    if newest is None:
        return None
    name, message = clip(name_of(pod), 80), clip(event_text(newest), 240)
    seen = (Seen(f"Event about Pod/{name}", "message", message),)
    command = f"kubectl describe pod {name}"
    if newest.get("reason") == "FailedMount" and "kube-api-access" not in message:
        return Trouble(
            "config-missing",
            Weight.WRONG,
            message,
            "a volume of the pod cannot be mounted: the ConfigMap, Secret or claim behind it is not there",
            "kubectl get configmaps,secrets,pvc; compare with spec.volumes",
            command,
            seen,
        )
    if newest.get("reason") == "FailedCreatePodSandBox":
        return Trouble(
            "converging",
            Weight.BUSY,
            message,
            "the node could not make the pod's network; the kubelet tries again",
            "k8s-tutor doctor",
            command,
            seen,
        )
    return None


def crash_trouble(record: Record, pod: Object, container: str, status: Mapped) -> Trouble | None:
    """A container that ended: crashing again and again, or once and for all; None while it has not ended."""
    waiting = mapping(status, "state", "waiting")
    reason = text(waiting, "reason")
    ended = mapping(status, "state", "terminated") or mapping(status, "lastState", "terminated")
    restarts = number(status, "restartCount") or 0
    name, who = clip(name_of(pod), 80), clip(container, 63)
    if reason in START_REASONS:
        told = clip(text(waiting, "message"), 240)
        return Trouble(
            "crash-loop",
            Weight.WRONG,
            f"{reason}: {told}",
            f"container {who} cannot be started: the runtime refuses its command or settings",
            "correct command, args or what the message names",
            f"kubectl describe pod {name}",
            (Seen(f"Pod/{name}", f"status.containerStatuses[{who}].state.waiting.message", told),),
        )
    if not ended or (reason != "CrashLoopBackOff" and not mapping(status, "state", "terminated")):
        return None
    code = number(ended, "exitCode")
    why = text(ended, "reason")
    lines = last_lines(record, pod, container)
    told = "; its last lines: " + " | ".join(lines[-3:]) if lines else ""
    killed = _killed_by_probe(record, pod)
    if why == "OOMKilled":
        text_ = f"container {who} used more memory than resources.limits.memory allows and was killed"
        look = "raise the limit, or take it out"
    elif killed:
        text_ = f"its liveness probe fails, so the kubelet kills it again and again: {killed}"
        look = "compare livenessProbe with what the container really serves"
    elif code == 0:
        text_ = f"container {who} ends by itself at once (exit code 0), and a pod's container must go on running"
        look = "look at command and args in the manifest: they replace what the image would run"
    else:
        text_ = f"container {who} starts and ends with exit code {code}{told}"
        look = f"kubectl logs {name} -c {who} --previous"
    seen = [
        Seen(f"Pod/{name}", f"status.containerStatuses[{who}].lastState.terminated", f"{clip(why, 60)} exit {code}")
    ]
    seen += [Seen(f"log of {name}/{who}", value=line) for line in lines[-5:]]
    once = reason != "CrashLoopBackOff" and restarts == 0 and text(pod, "spec", "restartPolicy") in ("", "Always")
    return Trouble(
        "crash-loop",
        Weight.PENDING if once else Weight.WRONG,
        f"container {who} ended {plural(max(restarts, 1), 'time')} ({clip(why, 60)}, exit code {code})",
        text_,
        look,
        f"kubectl logs {name} -c {who} --previous" if restarts else f"kubectl logs {name} -c {who}",
        tuple(seen),
    )


def readiness_trouble(record: Record, pod: Object, container: str, status: Mapped) -> Trouble:
    """A container that runs and is not ready: its readiness (or startup) probe, or it has only just begun."""
    name, who = clip(name_of(pod), 80), clip(container, 63)
    spec = spec_of(pod, container)
    probe = mapping(spec, "readinessProbe") or mapping(spec, "startupProbe")
    began = when(status, "state", "running", "startedAt")
    # The time of day, not an age: this is judged when something changes, and read for longer.
    since = clock(began) if began is not None else "a moment"
    failing = newest_event(record, "Pod", pod, "Unhealthy")
    told = clip(event_text(failing), 200) if failing else ""
    # Without a start that is told, it has only just begun.
    late_at = (record.now if began is None else began) + READY_PATIENCE + (number(probe, "initialDelaySeconds") or 0)
    seen = (Seen(f"Pod/{name}", f"status.containerStatuses[{who}].ready", "false"),)
    if told and probe:
        late = record.now >= late_at
        return Trouble(
            "readiness-failing",
            Weight.WRONG if late else Weight.PENDING,
            f"container {who} runs since {since} and is not ready: {told}",
            f"the readiness probe asks {_asked(probe)}, and does not get what it wants",
            "compare readinessProbe (path, port) with what the container really serves",
            f"kubectl describe pod {name}",
            (*seen, Seen(f"Event about Pod/{name}", "Unhealthy", told)),
            None if late or began is None else late_at,
        )
    return Trouble(
        "converging",
        Weight.PENDING,
        f"container {who} runs since {since} and is not ready yet",
        "the kubelet has not found it ready yet",
        "",
        f"kubectl get pod {name}",
        seen,
    )


def last_lines(record: Record, pod: Object, container: str) -> list[str]:
    """The last lines that the container wrote before it ended, clipped; of the instance before where it is known."""
    found = [log for log in record.logs if log.pod == name_of(pod) and log.container in ("", container)]
    found = [log for log in found if not log.uid or not uid_of(pod) or log.uid == uid_of(pod)]
    found.sort(key=lambda log: not log.previous)
    for log in found:
        # The kubelet's own excuse for a log that is gone comes without a time.
        lines = [clip(line.text, 160) for line in log.lines[-12:] if line.at or "unable to retrieve" not in line.text]
        lines = [line for line in lines if line]
        if lines:
            return lines[-5:]
    return []


def _killed_by_probe(record: Record, pod: Object) -> str:
    for event in reversed(events_of(record, "Pod", name_of(pod), uid_of(pod))):
        told = event_text(event)
        if event.get("reason") == "Unhealthy" and told.startswith("Liveness probe failed"):
            return clip(told, 160)
    return ""


def _asked(probe: Mapped) -> str:
    """What a probe asks: ``GET /health on port 8080``."""
    web = mapping(probe, "httpGet")
    if web:
        return f"GET {clip(web.get('path') or '/', 80)} on port {clip(web.get('port'), 20)}"
    if mapping(probe, "tcpSocket"):
        return f"for a connection to port {clip(mapping(probe, 'tcpSocket').get('port'), 20)}"
    return "by a command of its own" if probe.get("exec") else "for something"
