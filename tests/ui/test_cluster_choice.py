"""The cluster that was chosen at home is the one of the next start; one that is gone is told in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import CLUSTER, FakeDesk
from helpers import make, shown, until

from k8s_tutor.clusters import choose
from k8s_tutor.clusters.kind import engine
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.ui import settings
from k8s_tutor.ui.choices import Choice, Pick, pick
from k8s_tutor.ui.desk import Desk

CONFIG = """
apiVersion: v1
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
contexts:
  - {name: kind-a, context: {cluster: c, user: u}}
  - {name: prod-eu, context: {cluster: c, user: u}}
users: [{name: u, user: {token: t}}]
"""


class Natives:
    """The tutor's own clusters of these names."""

    name = "native"

    def __init__(self, *names: str) -> None:
        self.names = names

    def list(self) -> list[Cluster]:
        return [Cluster(name, "native", Path("/nowhere"), "learner", owned=True) for name in self.names]

    def status(self, name: str) -> Cluster | None:
        return next((each for each in self.list() if each.name == name), None)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Natives:
    (tmp_path / "kubeconfig").write_text(CONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    made = Natives("one", "two")
    monkeypatch.setattr(choose, "providers", lambda _wanted="auto": [made])
    monkeypatch.setattr(choose, "make", lambda _name: made)
    monkeypatch.setattr(engine, "find", lambda: None)
    return made


@pytest.mark.parametrize(
    ("names", "remembered", "called", "told"),
    [
        ((), None, "native tutor", ""),
        (("one",), None, "native one", "one is used: the only one of the tutor's own"),
        (("one", "two"), None, "native tutor", ""),
        (("one", "two"), "native two", "native two", "two is used: your choice"),
        (("one",), "native gone", "native one", "gone, your choice, is not there any more; one is used instead"),
        ((), "native tutor", "native tutor", ""),
        (("one",), "context kind-a", "context kind-a", "kind-a is used: your choice"),
        (
            ("one",),
            "context kind-b",
            "native one",
            "kind-b, your choice, is not in your kubeconfig any more; one is used instead",
        ),
        (("one",), 7, "native one", "one is used: the only one of the tutor's own"),
        (("one",), "docker x", "native one", "one is used: the only one of the tutor's own"),
        (("one",), "context ", "native one", "one is used: the only one of the tutor's own"),
    ],
)
def test_the_choice_counts_while_it_can_be_used(
    own: Natives, names: tuple[str, ...], remembered: object, called: str, told: str
) -> None:
    own.names = names
    found = pick(remembered)
    assert (found.called, found.told) == (called, told)


def test_where_an_engine_answers_a_kind_cluster_is_told_before_it_is_made(
    own: Natives, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.names = ()
    kind = Natives()
    kind.name = "kind"
    monkeypatch.setattr(choose, "make", lambda name: kind if name == "kind" else own)
    monkeypatch.setattr(engine, "find", lambda: engine.Engine("docker", "/usr/bin/docker"))
    found = pick(None)
    assert found.called == "kind tutor"
    assert found.told == "a kind cluster is made: a container engine answers (docker)"


def test_a_context_that_the_guard_refuses_now_falls_back_with_the_reason(own: Natives, tmp_path: Path) -> None:
    found = pick("context prod-eu")
    assert found.called == "native tutor" and "production" in found.told and found.told.endswith("is used instead")
    (tmp_path / "kubeconfig").write_text("a: [")
    assert "not YAML" in pick("context kind-a").told


def test_the_next_start_works_on_what_was_chosen_and_the_command_line_comes_first(own: Natives) -> None:
    desk = Desk(None, None)
    assert desk.cluster_name == "native tutor" and desk.cluster_why == ""
    desk.choose(Choice("kind-a", context="kind-a"))
    assert (desk.cluster_name, desk.cluster_why) == ("context kind-a", "kind-a is used: your choice")
    settings.remember("cluster", desk.cluster_name, 1.0)
    assert Desk(None, None).cluster_name == "context kind-a"
    named = Desk("two", None)
    assert (named.cluster_name, named.cluster_why) == ("native two", "two is used: named on the command line")
    assert Desk(None, "kind-x").cluster_name == "context kind-x"
    desk.choose(Choice("two"))
    assert desk.cluster_name == "native two" and desk.cluster() == own.status("two")


def test_what_other_choices_there_are_stays_beside_it(own: Natives) -> None:
    settings.remember("theme", "tutor-light", 1.0)
    settings.remember("cluster", "native two", 2.0)
    assert settings.remembered()["theme"] == "tutor-light" and settings.load().troubles == ()


async def test_choosing_at_home_is_remembered_and_said(tmp_path: Path) -> None:
    app = make()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        await pilot.press("c", "down", "enter")
        await until(pilot, lambda: "Clusters  kind-kind is used: your choice" in shown(app))
        kept = tmp_path / "state" / "k8s-tutor" / "tutor.json"
        await until(pilot, kept.exists)
        assert json.loads(kept.read_text())["cluster"] == "context kind-kind"


async def test_why_a_cluster_is_used_is_text_and_one_line() -> None:
    desk = FakeDesk(cluster=CLUSTER)
    desk.cluster_why = "[red]gone[/red], your choice, is not there any more; " + "x" * 300
    app = make(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Clusters  [red]gone[/red], your choice" in shown(app))
        rows = shown(app).split("\n")
        at = next(index for index, row in enumerate(rows) if "Clusters" in row)
        assert rows[at].endswith("…") and "learner" in rows[at + 1]


def test_a_pick_is_called_what_is_remembered_of_it() -> None:
    assert Pick("a").called == "native a" and Pick("a", "b c").called == "context b c"
