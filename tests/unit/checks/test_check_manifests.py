"""manifest-file: every way to write the same thing passes, every mistake is named with its line."""

from __future__ import annotations

import json

import pytest
import yaml
from check_records import cause, judge

from k8s_tutor.checks.fields import misfits
from k8s_tutor.kube.record import File, Record

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
      ports:
        - name: web
          containerPort: 80
          protocol: TCP
"""
DEPLOYMENT = """\
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
POD_PARAMS = {
    "file": "f.yaml",
    "kind": "Pod",
    "name": "nginx-pod",
    "container": "web",
    "image": ["nginx", "nginx:1.20.1"],
    "port": 80,
    "labels": {"app": "nginx"},
    "require": {"spec.containers[web].ports[containerPort=80].protocol": "TCP"},
}
DEPLOYMENT_PARAMS = {
    "file": "f.yaml",
    "kind": "Deployment",
    "name": "nginx-deployment",
    "container": "web",
    "image": "nginx",
    "port": 80,
    "require": {"spec.replicas": [3]},
}


def record(text: str | None, name: str = "f.yaml", **more: object) -> Record:
    return Record("learner", 0.0, 1.0, files={name: File(name, text)}, **more)  # type: ignore[arg-type]


def pod(text: str | None, **changes: object) -> str:
    return cause(judge(record(text), "manifest-file", **{**POD_PARAMS, **changes}))


def deployment(text: str) -> str:
    return cause(judge(record(text), "manifest-file", **DEPLOYMENT_PARAMS))


@pytest.mark.parametrize(
    "text",
    [
        POD,
        json.dumps(yaml.safe_load(POD)),
        yaml.safe_dump(yaml.safe_load(POD), sort_keys=True),
        yaml.safe_dump(yaml.safe_load(POD), default_flow_style=True),
        POD.replace("nginx-pod", '"nginx-pod"').replace("image: nginx", "image: 'docker.io/library/nginx:latest'"),
        POD.replace("image: nginx", "image: nginx:1.20.1"),
        POD.replace("          protocol: TCP\n", ""),
        POD.replace("    app: nginx\n", "    app: nginx\n    team: blue\n"),
        POD.replace("  containers:\n", "  containers:\n    - {name: side, image: busybox}\n"),
        POD.replace("  name: nginx-pod\n", "  name: nginx-pod\n  namespace: learner\n"),
        "# my first\n---\n" + DEPLOYMENT + "---\n" + POD,
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(POD)]}),
        POD.replace("\n", "\r\n"),
    ],
    ids=[
        "as-is",
        "json",
        "sorted",
        "flow",
        "quotes",
        "1.20.1",
        "default",
        "label",
        "sidecar",
        "namespace",
        "two",
        "list",
        "crlf",
    ],
)
def test_every_valid_way_to_write_the_pod_passes(text: str) -> None:
    assert pod(text) == "pass"


@pytest.mark.parametrize(
    ("old", "new", "expected", "line"),
    [
        ("image: nginx", "imag: nginx", "unknown-field", 10),
        ("containers", "contaners", "unknown-field", 8),
        ("kind: Pod", "Kind: Pod", "unknown-field", 2),
        ("kind: Pod\n", "", "field-missing", 1),
        ("kind: Pod", "kind: pod", "wrong-kind", 2),
        ("apiVersion: v1", "apiVersion: apps/v1", "wrong-api-version", 1),
        ("name: nginx-pod", "name: ngnix-pod", "wrong-name", 4),
        ("  name: nginx-pod\n", "", "field-missing", 3),
        ("  name: nginx-pod", "  name: nginx-pod\n  namespace: default", "wrong-namespace", 5),
        ("- name: web\n      image", "- name: nginx\n      image", "wrong-container-name", 9),
        ("image: nginx", "image: ngnix", "wrong-image", 10),
        ("      image: nginx\n", "", "field-missing", 9),
        ("containerPort: 80", "containerPort: 8080", "wrong-port", 11),
        ("containerPort: 80", 'containerPort: "80"', "field-value", 13),
        ("app: nginx", "app: web", "field-value", 6),
        ("    app: nginx\n", "    apps: nginx\n", "field-missing", 5),
        ("protocol: TCP", "protocol: UDP", "field-value", 14),
        ("  containers:\n    - name: web", "  containers:\n      name: web", "field-value", 8),
        ("image: nginx", "image nginx", "yaml-syntax", 0),
        ("    app: nginx", "\tapp: nginx", "yaml-syntax", 6),
    ],
)
def test_each_mistake_in_the_pod_is_named_with_its_line(old: str, new: str, expected: str, line: int) -> None:
    assert old in POD
    outcome = judge(record(POD.replace(old, new, 1)), "manifest-file", **POD_PARAMS)
    assert cause(outcome) == f"fail:{expected}"
    assert outcome.finding is not None
    seen = outcome.finding.seen[0]
    assert seen.object == "f.yaml"
    assert seen.line == line or (line == 0 and seen.line > 0)


def test_a_syntax_error_tells_line_and_column() -> None:
    outcome = judge(record("apiVersion: v1\nkind: [Pod\nmetadata:\n"), "manifest-file", **POD_PARAMS)
    assert outcome.finding is not None and outcome.finding.cause is not None
    assert cause(outcome) == "fail:yaml-syntax"
    assert "line 3, column" in outcome.finding.cause.look_at


@pytest.mark.parametrize("text", [None, "", "# only a comment\n", "---\n"])
def test_a_file_that_is_not_there_or_empty(text: str | None) -> None:
    assert pod(text) == "fail:file-missing"


def test_a_file_under_another_name_is_pointed_at() -> None:
    outcome = judge(record(POD, "f.yml"), "manifest-file", **POD_PARAMS)
    assert outcome.finding is not None and outcome.finding.cause is not None
    assert cause(outcome) == "fail:file-missing"
    assert outcome.finding.cause.look_at == "rename f.yml to f.yaml"


@pytest.mark.parametrize("text", ["just words", "- a\n- list", "3", "null", "kind: Pod", "{}", "[[[]]]", "a: &x [*x]"])
def test_what_is_no_manifest_is_a_finding_not_a_crash(text: str) -> None:
    assert pod(text).startswith("fail:")


def test_the_deployment_of_the_lesson_passes() -> None:
    assert deployment(DEPLOYMENT) == "pass"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("      app: nginx\n  template", "      app: ngnix\n  template", "selector-mismatch"),
        ("    matchLabels:\n      app: nginx\n", "    matchLabels: {}\n", "selector-mismatch"),
        ("  selector:\n    matchLabels:\n      app: nginx\n", "", "field-missing"),
        ("replicas: 3", "replicas: 2", "field-value"),
        ("replicas: 3", "replicas: three", "field-value"),
        ("replicas: 3", "replicaz: 3", "unknown-field"),
        ("  replicas: 3\n", "", "field-missing"),
        ("apiVersion: apps/v1", "apiVersion: v1", "wrong-api-version"),
        ("kind: Deployment", "kind: Deploymnet", "wrong-kind"),
    ],
)
def test_each_mistake_in_the_deployment_is_named(old: str, new: str, expected: str) -> None:
    assert old in DEPLOYMENT
    assert deployment(DEPLOYMENT.replace(old, new, 1)) == f"fail:{expected}"


def test_a_misspelt_field_gets_the_right_one_named() -> None:
    outcome = judge(record(POD.replace("image:", "imgae:")), "manifest-file", **POD_PARAMS)
    assert "did you mean image?" in outcome.summary


def test_the_clusters_own_schema_knows_fields_that_are_not_built_in() -> None:
    schema = {"properties": {"kind": {"type": "string"}, "spec": {"properties": {"shiny": {"type": "string"}}}}}
    text = "apiVersion: v1\nkind: Thing\nmetadata: {name: a}\nspec: {shine: x}\n"
    params = {"file": "f.yaml", "kind": "Thing", "name": "a"}
    schema["properties"] |= {"apiVersion": {"type": "string"}, "metadata": {"type": "object"}}  # type: ignore[dict-item]
    found = judge(record(text, schema={"Thing": schema}), "manifest-file", **params)
    assert cause(found) == "fail:unknown-field"
    assert "did you mean shiny?" in found.summary
    good = record(text.replace("shine", "shiny"), schema={"Thing": schema})
    assert cause(judge(good, "manifest-file", **params)) == "pass"


def test_service_paths_have_causes_of_their_own() -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
    service += "spec: {selector: {app: nginx}, ports: [{port: 80, targetPort: 8080}]}\n"
    base = {"file": "f.yaml", "kind": "Service", "name": "s"}
    wants = {"spec.ports[port=80].targetPort": [80, "web"], "spec.type": "ClusterIP", "spec.selector": "*"}
    assert cause(judge(record(service), "manifest-file", **base, require=wants)) == "fail:wrong-target-port"
    assert cause(judge(record(service.replace("8080", "web")), "manifest-file", **base, require=wants)) == "pass"
    other = service.replace("8080", "80").replace("spec: {", "spec: {type: NodePort, ")
    assert cause(judge(record(other), "manifest-file", **base, require=wants)) == "fail:wrong-service-type"


def test_it_needs_no_cluster() -> None:
    gone = dict.fromkeys(("Pod", "Event", "Deployment", "schema:Pod"), "connection refused")
    assert cause(judge(record(POD, unobserved=gone), "manifest-file", **POD_PARAMS)) == "pass"


def test_a_kinds_shape_is_that_of_the_schema_at_hand() -> None:
    """It is kept: another cluster's schema of the same kind must not be judged by it, however many there were."""
    value = {"apiVersion": "example.com/v1", "kind": "Widget", "size": 1}
    schemas = [
        {"properties": {name: {} for name in ("apiVersion", "kind", f"size{number or ''}")}} for number in range(99)
    ]
    for schema in (*schemas, *schemas):
        known = "size" in schema["properties"]
        assert [misfit.id for misfit in misfits("Widget", value, schema)] == ([] if known else ["unknown-field"])
