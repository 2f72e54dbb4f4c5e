"""The tutor as a class's server starts it: one cluster that was given, perhaps no shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import CLUSTER, FakeSession
from helpers import in_lab, make, shown, until

from k8s_tutor.clusters import assigned
from k8s_tutor.errors import TutorError
from k8s_tutor.phases import silent
from k8s_tutor.ui.desk import AssignedDesk
from k8s_tutor.ui.terminal.launcher import Kind, choose


def notices(app: Any) -> str:
    return " ".join(note.message for note in app._notifications)


@pytest.fixture
def desk(tmp_path: Path) -> AssignedDesk:
    kubeconfig, file = tmp_path / "kubeconfig", tmp_path / "assigned.json"
    name = "k8s-tutor-class"
    document = {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": "https://10.200.0.1:6443"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "anna"}}],
        "users": [{"name": "anna", "user": {"token": "x"}}],
    }
    kubeconfig.write_text(json.dumps(document))
    file.write_text(assigned.write_text(CLUSTER, "learner-anna", kubeconfig))
    return AssignedDesk(assigned.AssignedProvider(file))


async def test_home_shows_the_one_cluster_and_stops_none(desk: AssignedDesk) -> None:
    app = make(desk)  # type: ignore[arg-type]
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await until(pilot, lambda: "given to you by this server: namespace learner-anna" in shown(app))
        await until(pilot, lambda: "in your namespace learner-anna" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: "whoever runs the server stops it" in notices(app))
        await pilot.press("c")
        await until(pilot, lambda: "only this cluster to choose" in notices(app))
    with pytest.raises(TutorError, match="shared"):
        desk.stop(CLUSTER.name, silent)
    assert desk.start(silent).namespace == "learner-anna"


async def test_a_file_that_is_gone_is_told_and_nothing_is_started(desk: AssignedDesk, tmp_path: Path) -> None:
    (tmp_path / "assigned.json").unlink()
    app = make(desk)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 30)) as pilot:
        # Where a line ends depends on how long the name of the folder is.
        await until(pilot, lambda: "was given: No such file or directory" in " ".join(shown(app).split()))


async def test_where_no_shell_is_offered_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_TUTOR_TERMINAL", "none")
    mode = choose()
    assert mode.kind is Kind.NONE and "switched it off" in mode.why
    app = make(lab="lab1", kind=Kind.NONE)
    async with app.run_test(notifications=True, size=(160, 40)) as pilot:
        await in_lab(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: "no shell is offered here" in notices(app))
        assert isinstance(app.session, FakeSession)
