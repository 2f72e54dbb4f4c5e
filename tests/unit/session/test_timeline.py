"""Timelines of recorded clusters: what was seen is told, in the order that was seen, and no more."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

from k8s_tutor.kube.record import Change, Life, Record, Version
from k8s_tutor.session.timeline import offset, span, timeline, touches

FOLDER = Path(__file__).parents[2] / "fixtures" / "records"


def load(name: str) -> Record:
    raw = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    lives = {
        kind: tuple(
            Life(
                kind,
                life["uid"],
                tuple(Version(v["at"], Change(v["change"]), v["object"]) for v in life["versions"]),
                life["gone_at"],
            )
            for life in found
        )
        for kind, found in raw["lives"].items()
    }
    return Record(raw["namespace"], raw["began"], raw["now"], lives=lives, nodes=tuple(raw["nodes"]))


def said(record: Record, index: int = 0) -> list[str]:
    known = touches(record)
    return [f"{row.who}: {row.what}" for row in timeline(record, known[index], known).rows]


def test_touches_are_the_learners_deeds_newest_first_and_no_controllers():
    found = [(touch.subject, touch.verb, touch.by, touch.change) for touch in touches(load("lab2-scaled"))]
    assert found == [
        ("deployment/nginx-deployment", "changed", "you (kubectl)", "replicas 3 → 10"),
        ("pod/nginx-pod", "deleted", "", ""),
        ("service/nginx-service", "made", "you (kubectl expose)", ""),
        ("pod/nginx-deployment-648fb66cc5-fxnmz", "deleted", "", ""),
        ("deployment/nginx-deployment", "applied", "you (kubectl apply)", ""),
        ("pod/nginx-pod", "applied anew", "you (kubectl apply)", "image nginx → nginx:1.20.1"),
        ("pod/nginx-pod", "applied", "you (kubectl apply)", ""),
    ]


def test_pods_that_a_controller_dismissed_are_nobodys_deed():
    assert [touch.verb for touch in touches(load("deploy-scaled-down"))] == ["applied anew", "applied"]
    assert [touch.verb for touch in touches(load("deploy-rollout"))] == ["applied anew", "applied"]


def test_an_apply_is_followed_down_to_ready_by_owner():
    record = load("lab2-ready")
    rows = said(record)
    assert rows[0] == "apiserver: accepted, stored as generation 1"
    assert rows[1] == "deployment ctrl: made ReplicaSet 648fb66cc5, which is to hold 3"
    assert rows[2] == "replicaset ctrl: made 3 pods: fxnmz, tz4nf and tslvr"
    assert rows[3].startswith("scheduler: fxnmz, tz4nf and tslvr to node1")
    assert rows[-1] == "deployment ctrl: counts 3 of 3 pods ready: what you asked for"
    assert any("pulled nginx 3 times (897 ms to 2.15 s each, 51 MB)" in row for row in rows)
    assert not any("nginx-pod" in row for row in rows), "the bare pod belongs to nobody here"


def test_ownership_is_by_uid_and_not_by_name():
    record = load("lab2-ready")
    sets = []
    for life in record.lives["ReplicaSet"]:
        versions = []
        for version in life.versions:
            item = copy.deepcopy(dict(version.object))
            item["metadata"]["ownerReferences"][0]["uid"] = "another"
            versions.append(replace(version, object=item))
        sets.append(replace(life, versions=tuple(versions)))
    record = replace(record, lives={**record.lives, "ReplicaSet": tuple(sets)})
    rows = said(record)
    assert [row.split(":")[0] for row in rows] == ["apiserver", "deployment ctrl"] and "counts 3 of 3" in rows[1]


def test_times_grow_and_bars_lie_within():
    for path in sorted(FOLDER.glob("*.json")):
        record = load(path.stem)
        known = touches(record)
        assert known, path.stem
        for touch in known:
            found = timeline(record, touch, known)
            starts = [row.at for row in found.rows]
            assert starts == sorted(starts), path.stem
            for row in found.rows:
                assert 0 <= row.began <= row.at <= row.ended <= found.length


def test_the_store_decides_the_order_where_news_overtook_each_other():
    # The ReplicaSet's news came 15 ms before the Deployment's that it followed from (resourceVersion 970 and 969).
    record = load("lab2-scaling")
    touch = touches(record)[0]
    deployment = next(v for v in record.lives["Deployment"][0].versions if v.object["metadata"]["generation"] == 2)
    replica_set = record.lives["ReplicaSet"][0].versions[-1]
    assert replica_set.at < deployment.at
    assert touch.at == replica_set.at
    assert timeline(record, touch).rows[0].who == "apiserver"


def test_a_deletion_is_answered_by_the_owner():
    rows = said(load("lab2-healed"))
    assert rows[:2] == ["apiserver: deletion accepted: it is to go", "replicaset ctrl: made pod 6fsv4"]
    assert "kubelet: stopped fxnmz: gone" in rows
    assert rows[-1] == "deployment ctrl: counts 3 of 3 pods ready: what you asked for"


def test_what_was_there_before_is_told_from_stamps_and_says_so():
    record = load("lab2-healed-listed")
    known = touches(record)
    found = timeline(record, known[0], known)
    assert known[0].rough and known[0].verb == "applied"
    assert all(row.rough for row in found.rows)
    assert offset(found.rows[1]).startswith("~+")
    assert "generation" not in found.rows[0].what
    ready = next(row for row in found.rows if row.what.startswith("ready"))
    started = next(row for row in found.rows if row.what.startswith("started"))
    assert started.at <= ready.at, "a pod is not ready before its container started"


def test_who_made_it_is_not_named_where_several_have_written_since():
    assert [touch.by for touch in touches(load("lab2-scaled-listed"))] == ["you (kubectl expose)", ""]


def test_a_service_tells_who_stands_behind_it():
    record = load("lab2-stray")
    rows = said(record)
    assert rows[0].startswith("apiserver: accepted, stored, with the address 10.")
    assert rows[1] == "endpoints ctrl: listed 4 ready pods behind it"


def test_refusals_are_told_once_with_their_number():
    record = load("deploy-quota")
    found = timeline(record, touches(record)[0])
    bad = [row for row in found.rows if row.bad]
    assert len(bad) == 1 and "FailedCreate" in bad[0].what and "times by now" in bad[0].what


def test_an_events_name_is_no_time_where_it_disagrees_with_its_stamp():
    record = load("lab2-ready")
    events = []
    for life in record.lives["Event"]:
        item = copy.deepcopy(dict(life.versions[0].object))
        if item["reason"] == "Started":
            item["metadata"]["name"] = "x.1234567890abcdef"
        events.append(replace(life, versions=(replace(life.versions[0], object=item),)))
    record = replace(record, lives={**record.lives, "Event": tuple(events)})
    found = timeline(record, touches(record)[0])
    assert next(row for row in found.rows if row.what.startswith("started")).rough


def test_words_of_strangers_are_bounded_and_no_templates():
    record = load("deploy-quota")
    events = []
    for life in record.lives["Event"]:
        item = copy.deepcopy(dict(life.versions[0].object))
        item["message"] = "{names} {pods} \x1b[31m" + "x" * 5000
        events.append(replace(life, versions=(replace(life.versions[0], object=item),)))
    record = replace(record, lives={**record.lives, "Event": tuple(events)})
    rows = said(record)
    assert all("\x1b" not in row and len(row) < 400 for row in rows)
    assert any("{names} {pods}" in row for row in rows)


def test_spans_are_read_as_people_read_them():
    assert [span(at) for at in (0.0, 0.0214, 0.9999, 1.214, 12.34, 125.0, 7500.0)] == [
        "0 ms", "21 ms", "1.00 s", "1.21 s", "12.3 s", "2 min 5 s", "2 h 5 min",
    ]  # fmt: skip
