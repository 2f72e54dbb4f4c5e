"""Home: the clusters that were found, what Enter would do, and the pages behind its keys."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from fakes import CLUSTER, KIND, FakeDesk
from helpers import in_lab, make, shown, told, until

from k8s_tutor.ui.choices import Choice, Ground, contexts
from k8s_tutor.ui.ports import LabCard
from k8s_tutor.ui.screens.bringup import BringUpScreen
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.screens.home_pages import folder_rows
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.screens.page import PageScreen


async def test_home_lists_our_clusters_and_contexts_and_why_one_is_not_used() -> None:
    app = make()
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        text = shown(app)
        assert "▸ ● learner" in text and "○ kind-kind" in text and "https://127.0.0.1:6443" in text
        assert "✗ prod-eu" in text and "not used: its name (prod-eu) looks like a production" in text
        assert "goes on with “A Pod” at “delete one pod” at once: the cluster runs" in text


async def test_enter_on_a_running_cluster_shows_no_bring_up() -> None:
    app = make()
    seen: list[str] = []

    def note(_message: object) -> None:
        seen.extend(type(screen).__name__ for screen in app.screen_stack[-1:])

    async with app.run_test(size=(120, 30), message_hook=note) as pilot:
        await until(pilot, lambda: "at once" in shown(app))
        await pilot.press("enter")
        await in_lab(pilot)
        assert "BringUpScreen" not in seen and app.desk.starts == 0
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and "A Deployment" in shown(app))
        assert len(app.screen_stack) == 2  # Textual's own, and home: none is left behind


async def test_a_cluster_that_went_away_is_brought_up_in_place_of_an_error() -> None:
    desk = FakeDesk()
    app = make(desk)
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "at once" in shown(app))
        desk.there = None
        desk.go.clear()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BringUpScreen))
        desk.go.set()
        await in_lab(pilot)


@pytest.mark.parametrize(
    ("ground", "said"),
    [
        (Ground(), "makes a Kubernetes cluster on this machine (about 12 s)"),
        (Ground(made=False), "makes Kubernetes itself first"),
        (Ground(obstacle="only root can make a cluster's nodes"), "cannot start a cluster here: only root"),
    ],
)
async def test_home_says_what_a_start_would_take(ground: Ground, said: str) -> None:
    desk = FakeDesk(cluster=None)
    desk.soil = ground
    app = make(desk)
    async with app.run_test(size=(200, 30)) as pilot:
        await until(pilot, lambda: said in shown(app))


async def test_another_cluster_is_chosen_by_key_and_by_click() -> None:
    app = make()
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        await pilot.press("c", "down", "down", "enter")
        await until(pilot, lambda: "prod-eu is not used" in shown(app))
        assert app.desk.cluster_name == "native learner"
        await pilot.press("up", "enter")
        await until(pilot, lambda: "▸ ○ kind-kind" in shown(app))
        assert app.desk.cluster_name == "context kind-kind" and app.desk.there is KIND
        assert "namespace learner of kind-kind. Your kubeconfig is only read" in shown(app)
        rows = shown(app).split("\n")
        await pilot.click(offset=(8, next(index for index, row in enumerate(rows) if "● learner" in row)))
        await until(pilot, lambda: "▸ ● learner" in shown(app))
        assert app.desk.cluster_name == "native learner"


async def test_stopping_names_the_cluster_asks_and_is_only_for_our_own() -> None:
    app = make()
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "cluster learner" in told(app) and "Your files" in told(app)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        assert app.desk.stopped == []
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: app.desk.stopped == ["learner"] and "no cluster runs" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: "There is no cluster of the tutor's own to stop" in shown(app))
        app.desk.choose(Choice("kind-kind", context="kind-kind", cluster=KIND))
        await pilot.press("f5")
        await until(pilot, lambda: "▸ ○ kind-kind" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: "not the tutor's" in shown(app))


async def test_doctor_lesson_and_folder_are_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nginx-pod.yaml").write_text("kind: Pod # [red]\n")
    monkeypatch.setattr(FakeDesk, "workspace", lambda _self, _lab: tmp_path)
    app = make()
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        for key, pieces in (
            ("d", ("✓ ok", "✗ lacks", "you are [not] root", "→ sudo k8s-tutor", "! note", "needed is missing")),
            ("l", ("Step 1 of 4: Write the manifest  [lab1]", "k8s-tutor lesson lab1")),
            ("f", ("nginx-pod.yaml", "18 bytes", "kind: Pod # [red]", "1 file")),
        ):
            await pilot.press(key)
            await until(pilot, lambda pieces=pieces: all(piece in shown(app) for piece in pieces))
            assert isinstance(app.screen, PageScreen)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, HomeScreen))


def test_a_folder_shows_no_links_and_nothing_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    (tmp_path / "link.yaml").symlink_to("/etc/passwd")
    rows, note = folder_rows(tmp_path, time.time())
    text = "\n".join(head.plain + body.plain for head, body in rows)
    assert "link.yaml" not in text and "root:" not in text and "not shown" in text and "1 file" in note
    assert "not there yet" in folder_rows(tmp_path / "none", 0.0)[0][0][1].plain


def begun(**more: int) -> list[LabCard]:
    return [
        LabCard("lab1", "A Pod", "", 25, 1, 10, "delete one pod", touched=time.time()),
        LabCard("lab2", "A Deployment", "", 35, more.get("second", 0), 9, touched=1.0 if more.get("second") else None),
    ]


async def test_the_one_lab_under_way_is_gone_on_with_at_once() -> None:
    desk = FakeDesk()
    desk.shown = begun()
    app = make(desk, resume=True)
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await in_lab(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and "prod-eu" in shown(app))
        await pilot.press("f5")
        await pilot.pause(0.2)
        assert isinstance(app.screen, HomeScreen)  # only once


@pytest.mark.parametrize("why", ["two labs", "no cluster", "setting"])
async def test_otherwise_home_waits(why: str, tmp_path: Path) -> None:
    desk = FakeDesk(cluster=None if why == "no cluster" else CLUSTER)
    desk.shown = begun(second=2 if why == "two labs" else 0)
    if why == "setting":
        config = Path(os.environ["XDG_CONFIG_HOME"]) / "k8s-tutor"
        config.mkdir(parents=True)
        (config / "config.toml").write_text('start = "home"\n')
    app = make(desk, resume=True)
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        await pilot.pause(0.2)
        assert not any(isinstance(screen, LabScreen | BringUpScreen) for screen in app.screen_stack)


def test_contexts_of_a_kubeconfig_are_judged_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        """
clusters:
- {name: kind-a, cluster: {server: 'https://127.0.0.1:6443'}}
- {name: far, cluster: {server: 'https://203.0.113.9:443'}}
contexts:
- {name: prod-eu, context: {cluster: far, user: u}}
- {name: kind-a, context: {cluster: kind-a, user: u}}
users: [{name: u, user: {token: t}}]
"""
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    found = contexts()
    assert [(each.name, bool(each.why_not)) for each in found] == [("kind-a", False), ("prod-eu", True)]
    assert "production" in found[1].why_not and found[1].why_not.endswith("k8s-tutor cluster consent prod-eu")
    assert not (Path(os.environ["XDG_STATE_HOME"]) / "k8s-tutor" / "contexts").exists()
    config.write_text("a: [")
    assert "not YAML" in contexts()[0].why_not
