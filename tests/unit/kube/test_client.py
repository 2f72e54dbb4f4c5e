from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loopback_api import LoopbackApi, broken_json, error_page, half_closed, page, reset, sockets, truncated

from k8s_tutor.errors import ClusterError
from k8s_tutor.kube import transport
from k8s_tutor.kube.access import is_local, read_access
from k8s_tutor.kube.client import Api, connect, identity
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, Conflict, FieldProblem, Forbidden, NotFound

PODS = "api/v1/namespaces/learner/pods"


def test_get_and_list(api: Api, server: LoopbackApi) -> None:
    server.put("one")
    assert api.namespace == "learner" and api.context == "test"
    listed = api.list(PODS, {"labelSelector": "app=nginx", "limit": 5, "pretty": False})
    assert [item["metadata"]["name"] for item in listed["items"]] == ["one"]
    method, path, query, headers, _ = server.seen[-1]
    assert (method, path) == ("GET", f"/{PODS}")
    assert query == {"labelSelector": "app=nginx", "limit": "5", "pretty": "false"}
    assert headers["User-Agent"] == "k8s-tutor" and "Authorization" not in headers


@pytest.mark.parametrize("fault", [reset, half_closed, truncated, page, broken_json, error_page])
def test_nonsense_is_never_data(api: Api, server: LoopbackApi, fault) -> None:  # type: ignore[no-untyped-def]
    server.faults.append(fault)
    with pytest.raises(ApiUnreachable) as caught:
        api.list(PODS)
    assert caught.value.exit_code == 3 and caught.value.remedy
    assert api.list(PODS)["items"] == [], "the next request is served"
    assert len(server.seen) == 2, "nothing is tried twice by itself"


def test_nobody_there(tmp_path: Path, server: LoopbackApi) -> None:
    api = connect(server.kubeconfig(tmp_path))
    server.close()
    with pytest.raises(ApiUnreachable, match="connection refused"):
        api.get("version")


def test_silence_is_bounded(api: Api, server: LoopbackApi) -> None:
    import threading

    release = threading.Event()
    server.faults.append(lambda _handler: release.wait(20))
    began = time.monotonic()
    with pytest.raises(ApiUnreachable, match="in time"):
        api.get("version", timeout=0.2)
    assert time.monotonic() - began < 2
    release.set()


def test_dripping_answer_is_bounded(api: Api, server: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TOTAL_TIMEOUT", 0.3)

    def drip(handler) -> None:  # type: ignore[no-untyped-def]
        handler.open_stream()
        while True:
            handler.chunk(" ")

    server.faults.append(drip)
    with pytest.raises(ApiUnreachable):
        api.get("version", timeout=5)


def test_size_is_bounded(api: Api, server: LoopbackApi) -> None:
    server.faults.append(lambda handler: handler.answer(200, b"x" * 5000, "text/plain"))
    assert api.text(f"{PODS}/a/log", limit=100) == "x" * 100


def test_connections_are_kept_and_closed(api: Api, server: LoopbackApi) -> None:
    for _ in range(5):
        api.list(PODS)
    assert sockets(server) == 1
    api.close()
    assert sockets(server) == 0


def test_refusals_have_their_kind(api: Api, server: LoopbackApi) -> None:
    for status, kind in [(403, Forbidden), (404, NotFound), (409, Conflict), (500, ApiRefused)]:
        server.faults.append(lambda handler, status=status: handler.status(status, "Why", "because"))
        with pytest.raises(kind) as caught:
            api.get("version")
        assert (caught.value.status, caught.value.reason, caught.value.message) == (status, "Why", "because")
        assert not caught.value.problems and not caught.value.is_mistake


def test_retry_after(api: Api, server: LoopbackApi) -> None:
    server.faults.append(lambda handler: handler.status(429, "TooManyRequests", "later", Retry_After="7"))
    with pytest.raises(ApiRefused) as caught:
        api.get("version")
    assert caught.value.retry_after == 7


# The messages are those of a v1.37.2 server.
@pytest.mark.parametrize(
    ("status", "message", "problem"),
    [
        (
            500,
            "failed to create typed patch object (/nginx-deployment; apps/v1, Kind=Deployment): "
            ".spec.replicaz: field not declared in schema",
            FieldProblem("spec.replicaz", "this field does not exist"),
        ),
        (
            500,
            "failed to create typed patch object (learner/x; /v1, Kind=Pod): "
            '.spec.containers[name="web"].imagee: field not declared in schema',
            FieldProblem('spec.containers[name="web"].imagee', "this field does not exist"),
        ),
        (
            500,
            "failed to create typed patch object (learner/x; apps/v1, Kind=Deployment): "
            ".spec.replicas: expected numeric (int or float), got string",
            FieldProblem("spec.replicas", "expected numeric (int or float), got string"),
        ),
        (
            400,
            'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
            'unknown field "spec.replicaz"',
            FieldProblem("spec.replicaz", "this field does not exist"),
        ),
        (
            400,
            'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go '
            "struct field DeploymentSpec.spec.replicas of type int32",
            FieldProblem("spec.replicas", "must be a whole number, not a string"),
        ),
    ],
)
def test_the_learners_mistake_is_told_with_its_field(
    api: Api, server: LoopbackApi, status: int, message: str, problem: FieldProblem
) -> None:
    server.faults.append(lambda handler: handler.status(status, "", message))
    with pytest.raises(ApiRefused) as caught:
        api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}, namespace="learner")
    assert caught.value.problems == (problem,)
    assert caught.value.is_mistake


def test_several_mistakes_at_once(api: Api, server: LoopbackApi) -> None:
    message = (
        "failed to create typed patch object (/x; apps/v1, Kind=Deployment): errors:\n"
        "  .spec.replicaz: field not declared in schema\n  .spec.template.spek: field not declared in schema"
    )
    server.faults.append(lambda handler: handler.status(500, "", message))
    with pytest.raises(ApiRefused) as caught:
        api.get("version")
    assert [item.path for item in caught.value.problems] == ["spec.replicaz", "spec.template.spek"]


def test_invalid_values_come_from_the_causes(api: Api, server: LoopbackApi) -> None:
    details = {"causes": [{"reason": "FieldValueInvalid", "message": "Invalid value: -1", "field": "spec.replicas"}]}
    server.faults.append(lambda handler: handler.status(422, "Invalid", "is invalid", details))
    with pytest.raises(ApiRefused) as caught:
        api.get("version")
    assert caught.value.problems == (FieldProblem("spec.replicas", "Invalid value: -1"),)


def test_apply_is_strict_and_names_its_manager(api: Api, server: LoopbackApi) -> None:
    server.routes["PATCH", f"/{PODS}/x"] = lambda handler: handler.json(201, {"kind": "Pod"})
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
    assert api.apply_status(obj, namespace="learner", dry_run=True) == (201, {"kind": "Pod"})
    _, _, query, headers, body = server.seen[-1]
    assert query == {"fieldManager": "k8s-tutor", "fieldValidation": "Strict", "force": "true", "dryRun": "All"}
    assert headers["Content-Type"] == "application/apply-patch+yaml" and json.loads(body) == obj


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        ({"kind": "Pod", "metadata": {"name": "x"}}, "apiVersion"),
        ({"apiVersion": "v1", "metadata": {"name": "x"}}, "kind"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "Deployment", "metadata": {"name": "x"}}, "kind"),
        ({"apiVersion": "apps/v2", "kind": "Deployment", "metadata": {"name": "x"}}, "apiVersion"),
    ],
)
def test_what_is_no_object_is_a_mistake(api: Api, server: LoopbackApi, obj: dict[str, object], path: str) -> None:
    server.routes["GET", "/api/v1"] = lambda handler: handler.json(
        200, {"resources": [{"name": "pods", "kind": "Pod"}]}
    )
    server.routes["GET", "/apis/apps/v2"] = lambda handler: handler.status(404, "NotFound", "not found")
    with pytest.raises(ApiRefused) as caught:
        api.apply(obj, namespace="learner")
    assert [item.path for item in caught.value.problems] == [path]


def test_other_kinds_are_discovered_once(api: Api, server: LoopbackApi) -> None:
    jobs = [{"name": "jobs/status", "kind": "Job"}, {"name": "jobs", "kind": "Job", "namespaced": True}]
    server.routes["GET", "/apis/batch/v1"] = lambda handler: handler.json(200, {"resources": jobs})
    for _ in range(2):
        assert api.resource("batch/v1", "Job").item("a b", "n") == "apis/batch/v1/namespaces/n/jobs/a%20b"
    assert len(server.seen) == 1


def test_delete_holds_to_the_uid(api: Api, server: LoopbackApi) -> None:
    server.routes["DELETE", f"/{PODS}/x"] = lambda handler: handler.json(200, {})
    api.delete(f"{PODS}/x", uid="u1", grace=0)
    body = json.loads(server.seen[-1][4])
    assert body["preconditions"] == {"uid": "u1"} and body["gracePeriodSeconds"] == 0


def test_identity(api: Api, server: LoopbackApi) -> None:
    server.routes["GET", "/version"] = lambda handler: handler.json(200, {"gitVersion": "v1.37.2"})
    server.routes["GET", "/api/v1/namespaces/kube-system"] = lambda handler: handler.json(
        200, {"metadata": {"uid": "abc"}}
    )
    told = identity(api)
    assert (told.uid, told.version, told.ca_fingerprint) == ("abc", "v1.37.2", "")


def test_token_and_proxy(server: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    api = connect(server.kubeconfig(tmp_path, {"token": "secret"}))
    assert api.list(PODS)["items"] == [], "this machine is never reached through a proxy"
    assert server.seen[-1][3]["Authorization"] == "Bearer secret"
    api.close()


def test_remote_servers_go_through_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    path = tmp_path / "config"
    text = """
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://SERVER"}}]
users: [{name: u, user: {token: t}}]
"""
    path.write_text(text.replace("SERVER", "k8s.example:6443"))
    assert read_access(path).proxy == "http://proxy.example:3128"
    path.write_text(text.replace("SERVER", "10.0.0.1:6443"))
    assert read_access(path).proxy == ""


def test_what_is_local() -> None:
    assert all(map(is_local, ["localhost", "127.0.0.1", "::1", "10.1.2.3", "192.168.5.1", "172.16.0.9"]))
    assert not any(map(is_local, ["8.8.8.8", "example.com", "localhost.example.com"]))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "a: [", "current-context: x\ncontexts: []", "current-context: x\ncontexts: [{name: x, context: {}}]"],
)
def test_broken_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ClusterError, match="kubeconfig"):
        connect(path)
    with pytest.raises(ClusterError, match="cannot read"):
        connect(tmp_path / "none")


def test_exec_plugin_goes_through_the_official_client(server: LoopbackApi, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    counter = tmp_path / "count"
    script = tmp_path / "plugin"
    script.write_text(
        f"#!/bin/sh\necho x >> {counter}\n"
        'printf \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
        f'"status":{{"token":"from-plugin-%s"}}}}\' "$(wc -l < {counter} | tr -d " ")"\n'
    )
    script.chmod(0o755)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}
    }
    api = connect(server.kubeconfig(tmp_path, user))
    server.faults.append(lambda handler: handler.status(401, "Unauthorized", "expired"))
    assert api.list(PODS)["items"] == [], "expired credentials are asked for again, once"
    assert [item[3]["Authorization"] for item in server.seen] == ["Bearer from-plugin-1", "Bearer from-plugin-2"]
    api.close()


def test_failing_exec_plugin_is_an_error(server: LoopbackApi, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}}
    with pytest.raises(ClusterError, match="credential"):
        connect(server.kubeconfig(tmp_path, user))


def test_stream_ends_from_another_thread(api: Api, server: LoopbackApi) -> None:
    import threading

    server.put("one")
    stream = api.stream(PODS, {"watch": True, "sendInitialEvents": True})
    items: list[str] = []
    first = threading.Event()

    def read() -> None:
        for item in stream:
            items.append(item["type"])
            if item["type"] == "BOOKMARK":
                first.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first.wait(10)
    stream.close()
    thread.join(1)
    assert not thread.is_alive() and items == ["ADDED", "BOOKMARK"]
    assert sockets(server) == 0


def test_connecting_costs_little() -> None:
    """The official client takes longer to import than a whole check may take; plain access must not import it."""
    code = (
        "import sys, k8s_tutor.kube.client, k8s_tutor.kube.watcher, k8s_tutor.kube.sample\n"
        "print([m for m in ('kubernetes', 'urllib3', 'yaml', 'pydantic', 'urllib.request') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
