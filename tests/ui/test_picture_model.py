"""The model behind the cluster pane: what it takes over in passing is what it would take over from nothing."""

from __future__ import annotations

import random
from typing import Any

from k8s_tutor.kube.record import Change
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.ui.picture.model import Model, Shelf


def pod(name: str, version: int, uid: str, *, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": name, "uid": uid, "resourceVersion": str(version)}
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Running", "conditions": conditions}}


def told(shelf: Shelf) -> list[tuple[str, str, bool, bool]]:
    return [(entry.life.uid, entry.object["metadata"]["resourceVersion"], entry.there, entry.ready) for entry in shelf]


def test_small_changes_among_many_are_taken_over_as_a_whole_look_would() -> None:
    chance = random.Random(3)
    now = 1000.0
    recorder = Recorder("learner", ["Pod"], clock=lambda: now)
    alive = {f"pod-{number}": f"uid-{number}" for number in range(30)}
    recorder.sync("Pod", [pod(name, 1, uid, ready=True) for name, uid in alive.items()])
    model = Model()
    model.take(recorder.snapshot())
    for turn in range(2, 400):
        now += 0.1
        for _ in range(chance.randrange(4)):
            name = chance.choice(sorted(alive))
            if chance.random() < 0.9:
                recorder.feed("Pod", Change.MODIFIED, pod(name, turn, alive[name], ready=chance.random() < 0.5))
            else:
                recorder.feed("Pod", Change.DELETED, pod(name, turn, alive[name], ready=False))
                alive[name] = f"uid-{name}-{turn}"
                recorder.feed("Pod", Change.ADDED, pod(name, turn, alive[name], ready=False))
        record = recorder.snapshot()
        model.take(record)
        model.expire(now)
        whole = Model()
        whole.take(record)
        shelf = model.shelf("Pod")
        assert sorted(told(shelf)) == sorted(told(whole.shelf("Pod")))
        assert shelf.there == sum(entry.there for entry in shelf) == 30
        assert shelf.ready == sum(entry.ready for entry in shelf)
