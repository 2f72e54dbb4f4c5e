"""kwok for the benchmarks: nodes and pods that are objects only, on a real API server.

The program is built once from its Go module (``GOPROXY`` as ``go env`` has it) and kept in the cache. Its stages are
ours: a node and a pod of it become ready at once, and pods with the label ``churn`` turn ready and unready for ever.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from k8s_tutor import paths

VERSION = "v0.8.0"
NODE = "fake-0"
_MARK = "k8s-tutor-bench"
_BUILD_SECONDS = 600

_NODE = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-initialize}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"]}
  next:
    statusTemplate: |
      conditions:
      {{ range NodeConditions }}
      - lastHeartbeatTime: {{ Now | Quote }}
        lastTransitionTime: {{ Now | Quote }}
        message: {{ .message | Quote }}
        reason: {{ .reason | Quote }}
        status: {{ .status | Quote }}
        type: {{ .type  | Quote}}
      {{ end }}
      allocatable: {cpu: 1k, memory: 1Ti, pods: 1M}
      capacity: {cpu: 1k, memory: 1Ti, pods: 1M}
---
"""

_STAGE = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: %(name)s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
%(labels)s    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '%(key)s', operator: %(operator)s, values: ["%(value)s"]}
%(delay)s  next:
    statusTemplate: |
      phase: Running
      conditions:
      - {type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{ Now | Quote }}}
      - {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
      - {type: Ready, status: "%(ready)s", lastTransitionTime: {{ Now | Quote }}}
      - {type: ContainersReady, status: "%(ready)s", lastTransitionTime: {{ Now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - image: {{ .image | Quote }}
        imageID: ""
        name: {{ .name | Quote }}
        containerID: containerd://{{ $.metadata.uid }}
        ready: %(small)s
        started: true
        restartCount: 0
        state: {running: {startedAt: {{ Now | Quote }}}}
      {{ end }}
      {{ if .status.podIP }}
      podIP: {{ .status.podIP | Quote }}
      {{ else }}
      {{ range PodIPsWith .spec.nodeName false ( or .metadata.uid "" ) .metadata.name .metadata.namespace }}
      podIP: {{ . | Quote }}
      {{ end }}
      {{ end }}
---
"""
_DELETE = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-delete}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: Exists}
  next:
    delete: true
---
"""
_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'


def _stage(name: str, key: str, operator: str, value: str, *, ready: bool, every: float = 0.0) -> str:
    """A stage of pods; ``every``: seconds that one waits before it (a quarter more or less), of those with churn."""
    delay = ""
    if every:
        least, most = round(every * 750), round(every * 1250)
        delay = f"  delay: {{durationMilliseconds: {least}, jitterDurationMilliseconds: {most}}}\n"
    return _STAGE % {
        "name": name,
        "labels": '    matchLabels: {churn: "yes"}\n' if every else "",
        "key": key,
        "operator": operator,
        "value": value,
        "delay": delay,
        "ready": ready,
        "small": str(ready).lower(),
    }


def binary() -> Path | None:
    """The program: from PATH, from the cache, or built now (some minutes, once); None where that is not possible."""
    found = shutil.which("kwok")
    if found:
        return Path(found)
    kept = paths.cache_dir() / "bench" / f"kwok-{VERSION}"
    if kept.exists():
        return kept
    go = shutil.which("go")
    if go is None:
        return None
    print(f"bench: building kwok {VERSION} from its Go module …", file=sys.stderr, flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    source = kept.parent / f"kwok-{VERSION}-source"
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    try:
        where = subprocess.run(
            [go, "mod", "download", "-json", f"sigs.k8s.io/kwok@{VERSION}"],
            env=environment, capture_output=True, text=True, check=True, timeout=_BUILD_SECONDS, cwd=kept.parent,
        )  # fmt: skip
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(json.loads(where.stdout)["Dir"], source)
        subprocess.run(["chmod", "-R", "u+w", str(source)], check=True)
        made = kept.with_suffix(".making")
        subprocess.run(
            [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(made), "./cmd/kwok"],
            env=environment, capture_output=True, check=True, timeout=_BUILD_SECONDS, cwd=source,
        )  # fmt: skip
        made.rename(kept)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"bench: kwok could not be built: {error}", file=sys.stderr, flush=True)
        return None
    finally:
        shutil.rmtree(source, ignore_errors=True)
    return kept


def node() -> dict[str, object]:
    """The node that kwok keeps; nothing that does not name it is put there."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "labels": {_MARK: "yes", "kubernetes.io/hostname": NODE, "kubernetes.io/os": "none"},
        },
        "spec": {"taints": [{"key": _MARK, "effect": "NoSchedule"}]},
    }


@contextmanager
def running(program: Path, kubeconfig: Path, folder: Path, every: float = 0.0) -> Iterator[subprocess.Popen[bytes]]:
    """kwok at work; ``every``: pods with the label ``churn: "yes"`` turn once in so many seconds."""
    stages = _NODE + _DELETE + _stage("pod-ready", ".status.phase", "In", "Pending", ready=True)
    if every:
        stages += _stage("pod-unready", _READY, "In", "True", ready=False, every=every)
        stages += _stage("pod-ready-again", _READY, "In", "False", ready=True, every=every)
    config = folder / "kwok.yaml"
    config.write_text(stages.rstrip("-\n") + "\n")
    command = [str(program), "--kubeconfig", str(kubeconfig), "--config", str(config), "--cidr", "10.64.0.0/14"]
    command += [
        "--manage-nodes-with-label-selector",
        f"{_MARK}=yes",
        "--node-lease-duration-seconds",
        "40",
        "-v",
        "ERROR",
    ]
    with (folder / "kwok.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)
