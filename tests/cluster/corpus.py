"""What students hand in: the lab's own files, and variants of them. One case: its files, and what a grader must say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: nginx-pod
  labels:
    app: nginx
spec:
  containers:
    - name: web
      image: nginx:1.20.1
      ports:
        - name: web
          containerPort: 80
          protocol: TCP
"""
DEPLOY = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  labels:
    app: nginx
spec:
  replicas: 3
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
        - name: web
          image: nginx
          ports:
            - name: web
              containerPort: 80
              protocol: TCP
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: nginx-service
spec:
  selector:
    app: nginx
  ports:
    - port: 80
      targetPort: 80
      protocol: TCP
"""
ANSWERS = {
    "lab1": {
        "required-field": "name",
        "container-name": "web",
        "container-image": "nginx",
        "pod-event": "Pulled",
        "pod-ip": "10.244.0.7",
        "age-gap": "1m15s",
    },
    "lab2": {"strategy": "RollingUpdate"},
}
HEAL = "kubectl delete pod nginx-deployment-648fb66cc5-zppz4"
BARE = "kubectl run nginx-pod --image=nginx --labels=app=nginx\nkubectl delete pod nginx-pod"
SCALE = "kubectl scale deployment nginx-deployment --replicas=10"
EXPOSE = "kubectl expose deployment nginx-deployment --name=nginx-service"
COMMANDS = "\n".join([HEAL, BARE, SCALE, EXPOSE])


@dataclass(frozen=True)
class Case:
    """One submission. ``lost``: the checks that do not pass (``because``: the likely cause that is told for each).

    ``unsure``: checks that may be lost as well, by a matter of milliseconds (a container that crashes at once).
    ``refused``: words of findings (``file:line: message``) that must be there, one each.
    """

    name: str
    lab: str
    files: Mapping[str, str | bytes]
    lost: Mapping[str, str] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def write(self, base: Path) -> None:
        """Hand it in: ``base``/<name>/<lab>/…"""
        folder = base / self.name / self.lab
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
            (folder / name).write_bytes(data)


def edited(text: str, *edits: tuple[str, str]) -> str:
    """The text with each ``old`` replaced by ``new``; each occurs."""
    for old, new in edits:
        assert old in text, f"{old!r} is not in the text"
        text = text.replace(old, new)
    return text


def as_json(text: str) -> str:
    """The same objects as JSON."""
    (document,) = yaml.safe_load_all(text)
    return json.dumps(document, indent=2)


def as_list(*texts: str) -> str:
    """The same objects as a List."""
    items = [yaml.safe_load(text) for text in texts]
    return yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})


def answers(lab: str, **other: Any) -> str:
    """``answers.yaml``; None leaves an answer out. ``_`` in a name stands for ``-``."""
    told = {**ANSWERS[lab], **{name.replace("_", "-"): value for name, value in other.items()}}
    return yaml.safe_dump({name: value for name, value in told.items() if value is not None})


def lab1(name: str, pod: str | None = POD, *, lost: Mapping[str, str] | None = None, **more: Any) -> Case:
    """A submission of Lab 1; ``commands``, ``answers`` (text), ``files`` and ``refused`` in ``more``."""
    return _case(name, "lab1", {"nginx-pod.yaml": pod}, lost, more)


def lab2(
    name: str, deploy: str | None = DEPLOY, commands: str | None = COMMANDS, *, lost: Mapping[str, str] | None = None,
    **more: Any,
) -> Case:  # fmt: skip
    """A submission of Lab 2, as ``lab1``."""
    return _case(name, "lab2", {"nginx-deploy.yaml": deploy}, lost, {"commands": commands, **more})


def _case(
    name: str, lab: str, files: dict[str, str | None], lost: Mapping[str, str] | None, more: dict[str, Any]
) -> Case:
    files = {**files, "answers.yaml": more.get("answers", answers(lab)), "commands.txt": more.get("commands")}
    kept = {file: text for file, text in {**files, **more.get("files", {})}.items() if text is not None}
    return Case(name, lab, kept, lost or {}, more.get("unsure", ()), more.get("refused", ()))
