"""Schemas cut out of a real v1.37.2 cluster's OpenAPI, one of them of a custom resource."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from k8s_tutor.kube.openapi import Schemas

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "openapi"
VERSIONS = {"v1": "v1", "apps/v1": "apps_v1", "learn.example.com/v1": "school_v1"}

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
      image: nginx
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
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
            - containerPort: 80
              protocol: TCP
"""
SCHOOL = """\
apiVersion: learn.example.com/v1
kind: SchoolOfSre
metadata:
  name: a
spec:
  course: linux
  seats: 3
  online: true
  port: web
  teachers:
    - name: ann
  notes:
    any: thing
"""


@cache
def document(version: str) -> dict[str, Any]:
    """The answer of ``/openapi/v3/…`` for this apiVersion, cut."""
    found: dict[str, Any] = json.loads((FOLDER / f"{VERSIONS[version]}.json").read_text("utf-8"))
    return found


@cache
def schemas() -> Schemas:
    """All samples, as the store would hold them."""
    documents = {version: document(version)["components"]["schemas"] for version in VERSIONS}
    return Schemas(documents, frozenset({*VERSIONS, "batch/v1"}))
