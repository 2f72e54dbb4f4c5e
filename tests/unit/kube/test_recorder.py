from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import Any

from k8s_tutor.kube.history import VERSION_LIMIT
from k8s_tutor.kube.record import Change, Evidence, File, Log, Sample
from k8s_tutor.kube.recorder import GONE_LIMIT, Recorder


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pod(name: str, version: int, uid: str = "", **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"kind": "Pod", "metadata": metadata, "status": status}


def changes(recorder: Recorder, uid: str) -> list[tuple[str, bool]]:
    life = recorder.snapshot().life("Pod", uid)
    assert life is not None
    return [(item.change.value, item.relisted) for item in life.versions]


def test_nothing_is_known_before_the_first_list() -> None:
    recorder = Recorder("learner", ["Pod", "Service"], clock=Clock())
    assert set(recorder.snapshot().unobserved) == {"Pod", "Service"}
    recorder.found("Pod")
    assert "Pod" in recorder.snapshot().unobserved, "found without a list says nothing"
    recorder.sync("Pod", [])
    assert set(recorder.snapshot().unobserved) == {"Service"}
    recorder.lost("Pod", "gone away")
    assert recorder.snapshot().unobserved["Pod"] == "gone away"
    recorder.found("Pod")
    assert "Pod" not in recorder.snapshot().unobserved


def test_seen_added_modified_deleted() -> None:
    clock = Clock()
    recorder = Recorder("learner", ["Pod"], clock=clock)
    recorder.sync("Pod", [pod("old", 1)])
    recorder.feed("Pod", Change.ADDED, pod("new", 2), 1001.0)
    recorder.feed("Pod", Change.MODIFIED, pod("new", 3, phase="Running"), 1002.0)
    recorder.feed("Pod", Change.MODIFIED, pod("new", 3, phase="Running"), 1002.5)
    recorder.feed("Pod", Change.DELETED, pod("new", 4, phase="Succeeded"), 1003.0)
    assert changes(recorder, "uid-old") == [("seen", False)]
    assert changes(recorder, "uid-new") == [("added", False), ("modified", False), ("deleted", False)]
    record = recorder.snapshot()
    (gone,) = record.gone("Pod")
    assert (gone.name, gone.gone_at, gone.last["status"]["phase"]) == ("new", 1003.0, "Succeeded")
    assert [item["metadata"]["name"] for item in record.alive("Pod")] == ["old"]
    assert record.get("Pod", "new") is None and record.get("Pod", "old") is not None
    recorder.feed("Pod", Change.MODIFIED, pod("new", 5), 1004.0)
    assert len(list(recorder.snapshot().gone("Pod"))) == 1, "a late word does not raise the dead"


def test_what_was_missed_is_found_at_the_next_list() -> None:
    clock = Clock()
    recorder = Recorder("learner", ["Pod"], clock=clock)
    recorder.sync("Pod", [pod("stays", 1), pod("changes", 1), pod("goes", 1), pod("same-name", 1, "one")])
    clock.now = 1050.0
    recorder.sync("Pod", [pod("stays", 1), pod("changes", 9), pod("comes", 8), pod("same-name", 7, "two")])
    assert changes(recorder, "uid-stays") == [("seen", False)]
    assert changes(recorder, "uid-changes") == [("seen", False), ("modified", True)]
    assert changes(recorder, "uid-comes") == [("added", True)]
    assert changes(recorder, "uid-goes") == [("seen", False), ("deleted", True)]
    assert changes(recorder, "one") == [("seen", False), ("deleted", True)]
    assert changes(recorder, "two") == [("added", True)]
    assert {life.gone_at for life in recorder.snapshot().gone("Pod")} == {1050.0}


def test_a_new_uid_under_an_old_name_ends_the_old_one() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.sync("Pod", [pod("nginx-pod", 1, "one")])
    recorder.feed("Pod", Change.ADDED, pod("nginx-pod", 5, "two"), 1001.0)
    assert [life.uid for life in recorder.snapshot().gone("Pod")] == ["one"]
    recorder.feed("Pod", Change.DELETED, pod("nginx-pod", 6, "one"), 1002.0)
    found = recorder.snapshot().get("Pod", "nginx-pod")
    assert found is not None and found["metadata"]["uid"] == "two"


def test_the_end_of_something_never_seen_is_not_invented() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.sync("Pod", [])
    recorder.feed("Pod", Change.DELETED, pod("stranger", 1), 1001.0)
    assert recorder.snapshot().lives["Pod"] == ()


def test_history_keeps_first_turning_points_and_last() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.sync("Pod", [pod("p", 0)])
    ready = [{"type": "Ready", "status": "True"}]
    for version in range(1, 500):
        status: dict[str, Any] = {"podIP": str(version)}
        if version in (100, 101):
            status["containerStatuses"] = [{"name": "web", "containerID": "c1", "ready": True}]
        if 300 <= version < 400:
            status["conditions"] = ready
        recorder.feed("Pod", Change.MODIFIED, pod("p", version, **status), 1000.0 + version)
    life = recorder.snapshot().life("Pod", "uid-p")
    assert life is not None
    kept = [item.object["metadata"]["resourceVersion"] for item in life.versions]
    assert len(kept) == VERSION_LIMIT and kept[0] == "0" and kept[-1] == "499"
    assert {"100", "102", "300", "400"} <= set(kept), "each change of readiness or container is there"
    assert [int(item) for item in kept] == sorted(int(item) for item in kept)


def test_history_of_an_endless_crash_loop_is_bounded() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.sync("Pod", [pod("p", 0)])
    for version in range(1, 300):
        statuses = [{"name": "web", "containerID": f"c{version}", "ready": False, "restartCount": version}]
        recorder.feed("Pod", Change.MODIFIED, pod("p", version, containerStatuses=statuses), 1000.0)
    life = recorder.snapshot().life("Pod", "uid-p")
    assert life is not None and len(life.versions) == VERSION_LIMIT
    assert life.versions[0].change is Change.SEEN and life.last["metadata"]["resourceVersion"] == "299"


def test_gone_lives_are_bounded() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.sync("Pod", [])
    for number in range(GONE_LIMIT + 50):
        recorder.feed("Pod", Change.ADDED, pod(f"p{number}", number * 2 + 1), 1000.0 + number)
        recorder.feed("Pod", Change.DELETED, pod(f"p{number}", number * 2 + 2), 1000.0 + number)
    gone = list(recorder.snapshot().gone("Pod"))
    assert len(gone) == GONE_LIMIT and gone[0].name == "p50" and gone[-1].name == f"p{GONE_LIMIT + 49}"


def test_managed_fields_become_managers() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    obj = pod("p", 1)
    obj["metadata"]["managedFields"] = [
        {"manager": "kubectl", "operation": "Update", "time": "t", "subresource": "status", "fieldsV1": {"f:x": {}}}
    ]
    recorder.sync("Pod", [obj])
    metadata = recorder.snapshot().lives["Pod"][0].last["metadata"]
    assert "managedFields" not in metadata
    assert metadata["managers"] == [{"manager": "kubectl", "operation": "Update", "time": "t", "subresource": "status"}]
    assert "managedFields" in obj["metadata"], "what was handed in is left as it was"


def test_our_own_probes_are_no_part_of_it() -> None:
    recorder = Recorder("learner", ["Pod", "Event"], clock=Clock())
    probe = pod("k8s-tutor-probe-1", 1)
    probe["metadata"]["labels"] = {"k8s-tutor/role": "probe"}
    recorder.sync("Pod", [probe])
    event = {"metadata": {"name": "e", "uid": "e"}, "involvedObject": {"kind": "Pod", "name": "k8s-tutor-probe-1"}}
    recorder.sync("Event", [event])
    assert not any(recorder.snapshot().lives.values())


def test_a_namespace_made_again_begins_anew() -> None:
    clock = Clock()
    recorder = Recorder("learner", ["Pod"], clock=clock)
    recorder.namespace_is("one")
    recorder.sync("Pod", [pod("old", 1)])
    recorder.feed("Pod", Change.DELETED, pod("old", 2), 1001.0)
    recorder.feed("Pod", Change.ADDED, pod("new", 3), 1002.0)
    sample = Sample("s", "t", 1.0, (), {}, frozenset(), frozenset(), True)
    recorder.observe(sample=sample, files={"a": File("a", "x")}, answers={"q": "a"})
    recorder.namespace_is(None)
    recorder.namespace_is("one")
    assert recorder.snapshot().samples, "the same namespace goes on"
    clock.now = 1100.0
    recorder.namespace_is("two")
    record = recorder.snapshot()
    assert [life.name for life in record.lives["Pod"]] == ["new"] and not record.samples
    assert record.began == 1100.0 and record.files and record.answers, "the learner's own files and answers stay"


def test_snapshots_share_what_did_not_change() -> None:
    recorder = Recorder("learner", ["Pod", "Service"], clock=Clock())
    recorder.sync("Pod", [pod("a", 1), pod("b", 1)])
    recorder.sync("Service", [])
    one = recorder.snapshot()
    recorder.feed("Pod", Change.MODIFIED, pod("a", 2), 1001.0)
    two = recorder.snapshot()
    assert two.lives["Service"] is one.lives["Service"] and two.lives["Pod"] is not one.lives["Pod"]
    assert two.lives["Pod"][1] is one.lives["Pod"][1]
    assert len(one.lives["Pod"][0].versions) == 1, "a snapshot does not change any more"
    assert recorder.snapshot().lives is two.lives


def test_other_observations() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.observe(unobserved={"sample:s": "no probe"})
    assert recorder.snapshot().unobserved["sample:s"] == "no probe"
    recorder.observe(sample=Sample("s", "t", 1.0, (), {}, frozenset(), frozenset(), True))
    recorder.observe(
        log=Log("p", "u", "web", False, ()),
        evidence={"c": Evidence("c", 1.0)},
        others={"Pod/x": ("default",)},
        schema={"Pod": {}},
    )
    recorder.observe(log=Log("p", "u", "web", False, ()))
    record = recorder.snapshot()
    assert "sample:s" not in record.unobserved and set(record.samples) == {"s"}
    assert len(record.logs) == 1 and record.others == {"Pod/x": ("default",)} and "c" in record.evidence
    recorder.sync("Node", [{"metadata": {"name": "n1", "uid": "n"}}])
    recorder.feed("Node", Change.ADDED, {"metadata": {"name": "n2", "uid": "m"}})
    recorder.feed("Node", Change.DELETED, {"metadata": {"name": "n1", "uid": "n"}})
    assert [node["metadata"]["name"] for node in recorder.snapshot().nodes] == ["n2"]


def test_callbacks_are_told_once_for_what_comes_while_they_run() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    calls: list[int] = []

    def callback() -> None:
        calls.append(len(recorder.snapshot().lives["Pod"]))
        if len(calls) == 1:
            done = threading.Event()

            def others() -> None:
                for number in range(20):
                    recorder.feed("Pod", Change.ADDED, pod(f"p{number}", number + 1), 1000.0)
                done.set()

            threading.Thread(target=others).start()
            assert done.wait(10), "feeding must not wait for a callback"

    unsubscribe = recorder.subscribe(callback)
    recorder.sync("Pod", [])
    assert calls == [0, 20]
    unsubscribe()
    recorder.sync("Pod", [])
    assert len(calls) == 2


def test_feeding_from_many_threads() -> None:
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.sync("Pod", [])

    def feed(group: int) -> None:
        for number in range(50):
            recorder.feed("Pod", Change.ADDED, pod(f"p{group}-{number}", 1), 1000.0)
            recorder.snapshot()
            recorder.feed("Pod", Change.DELETED, pod(f"p{group}-{number}", 2), 1000.0)

    threads = [threading.Thread(target=feed, args=(group,)) for group in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(recorder.snapshot().gone("Pod"))) == 200 and not list(recorder.snapshot().alive("Pod"))


def test_who_bears_a_name_is_known_as_if_all_were_looked_through() -> None:
    chance = random.Random(7)
    recorder = Recorder("learner", ["Pod"], clock=Clock())
    recorder.namespace_is("first")
    recorder.sync("Pod", [])
    version, alive = 0, {}
    for turn in range(600):
        version += 1
        name = f"pod-{chance.randrange(8)}"
        deed = chance.randrange(6)
        if deed == 0 and name in alive:
            recorder.feed("Pod", Change.DELETED, pod(name, version, alive.pop(name)))
        elif deed == 1:  # made again, and nobody told that the first one went
            alive[name] = f"uid-{version}"
            recorder.feed("Pod", Change.ADDED, pod(name, version, alive[name]))
        elif deed == 2:
            alive = {each: uid for each, uid in alive.items() if chance.random() < 0.7}
            recorder.sync("Pod", [pod(each, version, uid) for each, uid in alive.items()])
        elif deed == 3 and turn % 50 == 0:
            recorder.namespace_is(f"namespace-{turn}")
        elif name in alive:
            recorder.feed("Pod", Change.MODIFIED, pod(name, version, alive[name], phase=str(version)))
        record = recorder.snapshot()
        looked = replace(record, lives=dict(record.lives))
        assert dict(record.named("Pod")) == dict(looked.named("Pod"))
        assert {each: found["metadata"]["uid"] for each, found in record.named("Pod").items()} == alive
    assert version == 600 and alive
