from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_api import Handler, LoopbackApi, reset

from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.kube.manifest import ManifestError
from k8s_tutor.session.editing import Change, Difference, Editing
from k8s_tutor.session.journal import How, Journal

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: nginx-pod
spec:
  hostname: new
"""
PODS = "/api/v1/namespaces/learner/pods"
SCHEMAS = {
    "io.k8s.api.core.v1.Pod": {
        "type": "object",
        "description": "A Pod is a group of containers.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "properties": {"hostname": {"type": "string", "description": "What it calls itself."}},
            },
        },
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Pod"}],
    }
}


@pytest.fixture
def server() -> Iterator[LoopbackApi]:
    made = LoopbackApi()
    path = "/openapi/v3/api/v1"
    made.routes["GET", "/openapi/v3"] = lambda handler: handler.json(
        200, {"paths": {"api/v1": {"serverRelativeURL": f"{path}?hash=A"}}}
    )
    made.routes["GET", path] = lambda handler: handler.json(200, {"components": {"schemas": SCHEMAS}})
    yield made
    made.close()


@pytest.fixture
def api(server: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = connect(server.kubeconfig(tmp_path))
    yield made
    made.close()


def pod(hostname: str, name: str = "nginx-pod") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "resourceVersion": "5"},
        "spec": {"hostname": hostname},
    }


def serve(server: LoopbackApi, name: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    path = f"{PODS}/{name}"
    if before is not None:
        server.routes["GET", path] = lambda handler: handler.json(200, before)
    else:
        server.routes["GET", path] = lambda handler: handler.status(404, "NotFound", "not found")
    server.routes["PATCH", path] = lambda handler: handler.json(201 if before is None else 200, after)


def refuse(server: LoopbackApi, name: str, message: str, field: str) -> None:
    def answer(handler: Handler) -> None:
        causes = [{"reason": "FieldValueInvalid", "message": message, "field": field}]
        handler.status(422, "Invalid", message, details={"causes": causes})

    serve(server, name, None, {})
    server.routes["PATCH", f"{PODS}/{name}"] = answer


def writes(server: LoopbackApi) -> list[dict[str, str]]:
    return [query for method, _, query, _, _ in server.seen if method != "GET"]


def test_problems_ask_nobody_and_know_more_once_schemas_are_read(api: Api, server: LoopbackApi) -> None:
    editing = Editing(api, "learner")
    text = POD.replace("hostname", "hostnam")
    assert editing.problems(text) == () and server.seen == []
    assert editing.learn(text), "the schema of v1 is news"
    assert not editing.learn(text), "and then is not"
    number = len(server.seen)
    (problem,) = editing.problems(text)
    assert problem.line == 6 and "hostname" in problem.fix
    assert len(server.seen) == number


def test_what_is_learnt_again_only_when_the_document_is_another(api: Api, server: LoopbackApi) -> None:
    editing = Editing(api, "learner")
    assert editing.learn("apiVersion: my/v1"), "which versions there are is news too"
    assert not editing.learn("apiVersion: my/v1")
    assert editing.learn(POD)


def test_the_schemas_that_are_read_stand_in_the_journal_and_those_from_disk_do_not(
    api: Api, server: LoopbackApi
) -> None:
    journal = Journal()
    Editing(api, "learner", journal).learn(POD)
    told = [(entry.command, entry.how) for entry in journal.entries()]
    index, document = "kubectl get --raw /openapi/v3", "kubectl get --raw /openapi/v3/api/v1"
    assert told == [(index, How.DONE), (document, How.DONE)]
    again = Journal()
    Editing(api, "learner", again).learn(POD)
    assert [entry.command for entry in again.entries()] == [index], "what lies on disk is asked of nobody"
    server.faults.extend([reset] * 8)
    silent = Journal()
    assert not Editing(api, "learner", silent).learn(POD)
    assert [entry.how for entry in silent.entries()] == [How.FAILED]


def test_a_field_is_explained_and_completed_by_the_clusters_schema(api: Api) -> None:
    editing = Editing(api, "learner")
    told = editing.explain(POD, 5, 4)
    assert told is not None and (told.path, told.text) == ("pod.spec.hostname", "What it calls itself.")
    text = POD.replace("hostname: new", "host")
    assert [choice.label for choice in editing.complete(text, 5, 6).choices] == ["hostname"]


def test_a_dry_run_changes_nothing_and_is_noted(api: Api, server: LoopbackApi) -> None:
    journal = Journal()
    editing = Editing(api, "learner", journal)
    serve(server, "nginx-pod", None, pod("new"))
    assert editing.dry_run(POD) == ()
    (query,) = writes(server)
    assert query["dryRun"] == "All"
    (entry,) = journal.entries()
    assert "--dry-run=server" in entry.command and entry.how is How.DONE


def test_what_a_dry_run_is_refused_for_stands_at_its_line(api: Api, server: LoopbackApi) -> None:
    refuse(server, "nginx-pod", "must be lower case", "spec.hostname")
    found = Editing(api, "learner").dry_run(POD)
    assert found is not None
    (problem,) = found
    assert (problem.line, problem.source) == (6, "server") and "must be lower case" in problem.message


def test_a_dry_run_of_no_yaml_is_a_problem_of_syntax_and_silence_is_none(api: Api, server: LoopbackApi) -> None:
    editing = Editing(api, "learner")
    found = editing.dry_run("a: [\n")
    assert found is not None and found[0].source == "syntax" and found[0].line >= 1
    assert server.seen == []
    server.faults.extend([reset] * 8)
    assert editing.dry_run(POD) is None


def test_a_difference_names_what_is_new_changed_and_refused(api: Api, server: LoopbackApi) -> None:
    journal = Journal()
    names = {"changed": pod("old", "changed"), "same": pod("new", "same"), "fresh": None}
    for name, before in names.items():
        serve(server, name, before, pod("new", name))
    refuse(server, "bad", "must be lower case", "spec.hostname")
    text = "---\n".join(POD.replace("nginx-pod", name) for name in (*names, "bad"))
    found = Editing(api, "learner", journal).difference(text)
    (change,) = found.changes
    assert change.subject == "pod/changed"
    assert [row for row in change.rows if row[0] in "+-"] == ["-  hostname: old", "+  hostname: new"]
    assert found.fresh == ("pod/fresh",)
    assert len(found.refused) == 1 and found.refused[0].startswith("pod/bad failed: ")
    assert not found.unchanged
    assert all(query["dryRun"] == "All" for query in writes(server))
    (entry,) = journal.entries()
    assert entry.command.startswith("kubectl diff")


def test_a_difference_of_what_is_there_already_is_none(api: Api, server: LoopbackApi) -> None:
    serve(server, "nginx-pod", pod("new"), pod("new"))
    assert Editing(api, "learner").difference(POD).unchanged
    assert Difference((), (), ()).unchanged
    for some in (Difference((Change("pod/a", ()),)), Difference(fresh=("pod/a",)), Difference(refused=("x",))):
        assert not some.unchanged


def test_a_difference_that_cannot_be_made_raises(api: Api, server: LoopbackApi) -> None:
    editing = Editing(api, "learner")
    with pytest.raises(ManifestError):
        editing.difference("a: [\n")
    server.faults.extend([reset] * 8)
    with pytest.raises(ApiUnreachable):
        editing.difference(POD)
