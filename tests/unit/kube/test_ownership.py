from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from loopback_api import Handler, LoopbackApi

from k8s_tutor.kube.client import FIELD_MANAGER, Api
from k8s_tutor.kube.ownership import as_if_taken_over, take_over, without_theirs

PATH = "api/v1/namespaces/learner/pods/nginx-pod"
KUBECTL = "kubectl-client-side-apply"


def entry(manager: str, fields: Any, operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def pod(*entries: dict[str, Any], labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "nginx-pod", "resourceVersion": "7", "labels": labels or {}, "managedFields": list(entries)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def patched(server: LoopbackApi, answer: dict[str, Any] | None = None) -> None:
    server.routes["PATCH", f"/{PATH}"] = lambda handler: handler.json(200, answer or {})


def patches(server: LoopbackApi) -> list[tuple[dict[str, str], list[dict[str, Any]]]]:
    return [(query, json.loads(body)) for method, _, query, _, body in server.seen if method == "PATCH"]


def test_what_kubectl_set_becomes_ours_beside_what_was_ours(api: Api, server: LoopbackApi) -> None:
    patched(server)
    ours = entry(FIELD_MANAGER, {"f:spec": {"f:a": {}}}, "Apply")
    theirs = entry(KUBECTL, {"f:spec": {"f:b": {}, "f:a": {}}, "f:metadata": {"f:labels": {"f:app": {}}}})
    status = entry("kubelet", {"f:status": {"f:phase": {}}}, subresource="status")
    before = pod(theirs, ours, status)
    kept = copy.deepcopy(before)
    take_over(api, PATH, before)
    assert before == kept, "what is there is only read"
    ((query, patch),) = patches(server)
    assert "dryRun" not in query
    fields, version = patch
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    assert fields["path"] == "/metadata/managedFields"
    merged = {"f:spec": {"f:a": {}, "f:b": {}}, "f:metadata": {"f:labels": {"f:app": {}}}}
    assert fields["value"] == [{**ours, "fieldsV1": merged}, status]


def test_without_an_entry_of_ours_kubectls_becomes_one(api: Api, server: LoopbackApi) -> None:
    patched(server)
    scaled = entry(KUBECTL, {"f:spec": {"f:replicas": {}}}, subresource="scale")
    take_over(api, PATH, pod(entry(KUBECTL, {"f:spec": {"f:b": {}}}), scaled))
    ((_, (fields, _)),) = patches(server)
    left, made = fields["value"]
    assert left == scaled, "a subresource's fields stay whose they are"
    assert (made["manager"], made["operation"]) == (FIELD_MANAGER, "Apply")
    assert made["fieldsV1"] == {"f:spec": {"f:b": {}}}


def test_nothing_of_kubectls_nothing_sent(api: Api, server: LoopbackApi) -> None:
    take_over(api, PATH, pod(entry("kubectl-edit", {"f:spec": {"f:b": {}}})))
    assert server.seen == []


@pytest.mark.parametrize(
    ("value", "theirs", "others", "left"),
    [
        ({"a": 1, "b": 2}, {"f:a": {}}, {}, {"b": 2}),
        ({"a": 1, "b": 2}, {"f:a": {}}, {"f:a": {}}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"f:a": {"f:x": {}}}, {}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"f:a": {".": {}, "f:x": {}}}, {}, {}),
        ({"a": {"x": 1}}, {"f:a": {".": {}, "f:x": {}}}, {"f:a": {"f:y": {}}}, {"a": {}}),
        (
            {"ports": [{"port": 80}, {"port": 443, "name": "tls"}]},
            {"f:ports": {'k:{"port":443}': {".": {}, "f:port": {}, "f:name": {}}}},
            {},
            {"ports": [{"port": 80}]},
        ),
        (
            {"ports": [{"port": 80, "name": "web"}]},
            {"f:ports": {'k:{"port":80}': {"f:name": {}}}},
            {"f:ports": {'k:{"port":80}': {".": {}, "f:port": {}}}},
            {"ports": [{"port": 80}]},
        ),
        ({"finalizers": ["a", "b"]}, {"f:finalizers": {'v:"b"': {}}}, {}, {"finalizers": ["a"]}),
        ({"a": 1}, {"f:gone": {}, "k:{": {}, "f:a": {"k:{no json": {}}, "x": {}}, {}, {"a": 1}),
    ],
)
def test_only_what_kubectl_alone_owns_goes(value: Any, theirs: Any, others: Any, left: Any) -> None:
    obj = pod(entry(KUBECTL, {"f:spec": theirs}), entry("someone", {"f:spec": others}), **value)
    kept = copy.deepcopy(obj)
    assert without_theirs(obj)["spec"] == left
    assert obj == kept


def test_malformed_bookkeeping_takes_nothing_away() -> None:
    for managed in (None, ["text"], [{"manager": KUBECTL, "fieldsV1": "text"}], [{"manager": KUBECTL}]):
        obj = {"metadata": {"managedFields": managed}, "spec": {"a": 1}}
        assert without_theirs(obj) == obj
    assert without_theirs({"metadata": None, "spec": 1}) == {"metadata": None, "spec": 1}


def test_a_dry_run_is_asked_again_without_what_the_file_no_longer_has(api: Api, server: LoopbackApi) -> None:
    answer = {"spec": {"containers": [], "dnsPolicy": "ClusterFirst"}}
    patched(server, answer)
    fields = {"f:spec": {"f:hostname": {}}, "f:metadata": {"f:labels": {"f:a/b~c": {}}}}
    labels = {"a/b~c": "1", "kept": "2"}
    before = pod(entry(KUBECTL, fields), labels=labels, hostname="x", containers=[])
    after = pod(entry(KUBECTL, fields), labels=labels, hostname="x", containers=[])
    after["im/mut~able"] = True
    assert as_if_taken_over(api, PATH, before, after) == answer
    ((query, patch),) = patches(server)
    assert query["dryRun"] == "All"
    told = {item["path"]: (item["op"], item.get("value")) for item in patch}
    assert told == {
        "/im~1mut~0able": ("add", True),
        "/spec": ("add", {"containers": []}),
        "/metadata/labels": ("add", {"kept": "2"}),
    }


def test_a_part_that_only_kubectl_made_is_removed_whole(api: Api, server: LoopbackApi) -> None:
    patched(server)
    fields = {"f:data": {".": {}, "f:a": {}}}
    before = {**pod(entry(KUBECTL, fields)), "data": {"a": "1"}}
    as_if_taken_over(api, PATH, before, before)
    ((_, patch),) = patches(server)
    assert {"op": "remove", "path": "/data"} in patch


def test_a_dry_run_that_takes_nothing_away_is_the_answer_itself(api: Api, server: LoopbackApi) -> None:
    after = pod(entry(FIELD_MANAGER, {"f:spec": {"f:a": {}}}, "Apply"), a=1)
    assert as_if_taken_over(api, PATH, pod(a=2), after) is after
    assert server.seen == []


def test_a_refusal_is_the_callers(api: Api, server: LoopbackApi) -> None:
    from k8s_tutor.kube.errors import Conflict

    def refuse(handler: Handler) -> None:
        handler.status(409, "Conflict", "the object has been modified")

    server.routes["PATCH", f"/{PATH}"] = refuse
    with pytest.raises(Conflict):
        take_over(api, PATH, pod(entry(KUBECTL, {"f:spec": {}})))
