from __future__ import annotations

import json
from typing import Any

import pytest
from loopback_api import Handler, LoopbackApi, page

from k8s_tutor.kube.apply import LAST_APPLIED, apply_text
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.kube.manifest import ManifestError

PATH = "/api/v1/namespaces/learner/pods/nginx-pod"
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: nginx-pod
spec:
  containers:
    - name: web
      image: nginx
"""


def sent(server: LoopbackApi, kind: str) -> list[Any]:
    return [json.loads(body) for _, _, _, headers, body in server.seen if headers.get("Content-Type", "") == kind]


def serve(server: LoopbackApi, before: dict[str, Any] | None, status: int, after: dict[str, Any]) -> None:
    def get(handler: Handler) -> None:
        if before is None:
            handler.status(404, "NotFound", "not found")
        else:
            handler.json(200, before)

    server.routes["GET", PATH] = get
    server.routes["PATCH", PATH] = lambda handler: handler.json(status, after)


def test_created_configured_unchanged(api: Api, server: LoopbackApi) -> None:
    one: dict[str, Any] = {"metadata": {"name": "nginx-pod", "resourceVersion": "1"}, "spec": {"image": "a"}}
    two = {"metadata": {"name": "nginx-pod", "resourceVersion": "2"}, "spec": {"image": "b"}}
    for before, status, after, verb in [
        (None, 201, one, "created"),
        (one, 200, two, "configured"),
        (one, 200, {**one, "metadata": {**one["metadata"], "resourceVersion": "5"}}, "unchanged"),
    ]:
        serve(server, before, status, after)
        (applied,) = apply_text(api, POD, "learner")
        assert (applied.verb, applied.kind, applied.name, applied.namespace) == (verb, "Pod", "nginx-pod", "learner")
        assert applied.sentence == f"pod/nginx-pod {verb}" and applied.line == 1


def test_kubectl_finds_what_it_would_have_left(api: Api, server: LoopbackApi) -> None:
    serve(server, None, 201, {})
    apply_text(api, POD, "learner")
    (body,) = sent(server, "application/apply-patch+yaml")
    remembered = json.loads(body["metadata"]["annotations"][LAST_APPLIED])
    assert remembered["metadata"] == {"name": "nginx-pod", "namespace": "learner", "annotations": {}}
    assert remembered["spec"] == body["spec"]


def test_fields_of_kubectl_apply_become_ours(api: Api, server: LoopbackApi) -> None:
    managed = [
        {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {}}}},
        {"manager": "k8s-tutor", "operation": "Apply", "fieldsV1": {"f:spec": {"f:c": {}}}},
        {"manager": "kubelet", "operation": "Update", "subresource": "status", "fieldsV1": {}},
    ]
    before = {"metadata": {"name": "nginx-pod", "resourceVersion": "7", "managedFields": managed}}
    serve(server, before, 200, before)
    apply_text(api, POD, "learner")
    ((first, second),) = sent(server, "application/json-patch+json")
    assert [entry["manager"] for entry in first["value"]] == ["k8s-tutor", "kubelet"]
    assert first["value"][0]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}, "f:c": {}}}
    assert second == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    server.seen.clear()
    apply_text(api, POD, "learner", dry_run=True)
    assert not sent(server, "application/json-patch+json"), "a dry run changes nothing"


def test_mistakes_have_their_line(api: Api, server: LoopbackApi) -> None:
    serve(server, None, 200, {})
    server.routes["PATCH", PATH] = lambda handler: handler.status(
        500,
        "",
        "failed to create typed patch object (learner/nginx-pod; /v1, Kind=Pod): "
        '.spec.containers[name="web"].image: field not declared in schema',
    )
    (applied,) = apply_text(api, "# first\n" + POD, "learner")
    (problem,) = applied.problems
    assert applied.verb == "failed" and (problem.line, problem.column) == (9, 7)


def test_one_refusal_does_not_keep_the_rest(api: Api, server: LoopbackApi) -> None:
    serve(server, None, 201, {})
    text = "just words\n---\napiVersion: v1\nkind: Pod\nmetadata: {}\n---\n" + POD
    first, second, third = apply_text(api, text, "learner")
    assert (first.verb, second.verb, third.verb) == ("failed", "failed", "created")
    assert "no Kubernetes object" in first.message
    assert (second.problems[0].path, second.problems[0].line) == ("metadata.name", 5)


def test_a_list_is_its_items(api: Api, server: LoopbackApi) -> None:
    serve(server, None, 201, {})
    indented = POD.replace("\n", "\n    ").rstrip()
    text = f"apiVersion: v1\nkind: List\nitems:\n  - {indented}\n  - {{apiVersion: v1, kind: Pod, metadata: {{}}}}\n"
    one, two = apply_text(api, text, "learner")
    assert (one.verb, one.line) == ("created", 4)
    assert two.verb == "failed" and (two.problems[0].line, two.problems[0].column) == (12, 33)


def test_an_own_namespace_is_kept(api: Api, server: LoopbackApi) -> None:
    server.routes["PATCH", PATH.replace("learner", "other")] = lambda handler: handler.json(201, {})
    server.routes["GET", PATH.replace("learner", "other")] = lambda handler: handler.status(404, "NotFound", "")
    (applied,) = apply_text(api, POD.replace("  name:", "  namespace: other\n  name:"), "learner")
    assert (applied.verb, applied.namespace) == ("created", "other")


def test_nonsense_is_not_a_mistake(api: Api, server: LoopbackApi) -> None:
    server.routes["GET", PATH] = page
    with pytest.raises(ApiUnreachable):
        apply_text(api, POD, "learner")
    with pytest.raises(ManifestError):
        apply_text(api, "a: [", "learner")
