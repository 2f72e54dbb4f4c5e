"""Records for tests: real ones, taken from a v1.37 cluster (tests/fixtures/records), and ways to change them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from k8s_tutor.checks.check import run
from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.kube.record import Change, Life, Log, LogLine, Record, Request, Sample, Version

FOLDER = Path(__file__).parents[2] / "fixtures" / "records"


@lru_cache(maxsize=64)
def _raw(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str, **changes: Any) -> Record:
    """The recorded record of this name, with some of its fields changed."""
    raw = json.loads(_raw(name))
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
    logs = tuple(
        Log(
            log["pod"],
            log["uid"],
            log["container"],
            log["previous"],
            tuple(LogLine(at, text) for at, text in log["lines"]),
        )
        for log in raw["logs"]
    )
    record = Record(raw["namespace"], raw["began"], raw["now"], lives=lives, logs=logs, nodes=tuple(raw["nodes"]))
    return replace(record, **changes)


def edited(record: Record, kind: str, name: str, change: Callable[[dict[str, Any]], object]) -> Record:
    """The record with every version of one object changed in place by ``change`` (on a copy)."""

    def version(old: Version) -> Version:
        item = copy.deepcopy(dict(old.object))
        change(item)
        return replace(old, object=item)

    lives = dict(record.lives)
    lives[kind] = tuple(
        replace(life, versions=tuple(version(v) for v in life.versions)) if not name or life.name == name else life
        for life in record.lives.get(kind, ())
    )
    return replace(record, lives=lives)


def without(record: Record, kind: str, name: str = "") -> Record:
    """The record in which objects of this kind (and name) never were."""
    lives = dict(record.lives)
    lives[kind] = tuple(life for life in record.lives.get(kind, ()) if name and life.name != name)
    return replace(record, lives=lives)


def added(record: Record, kind: str, item: dict[str, Any], *, at: float | None = None) -> Record:
    """The record with one more object, seen from the start unless ``at`` says when it came."""
    change = Change.SEEN if at is None else Change.ADDED
    uid = item["metadata"].setdefault("uid", f"uid-{kind}-{item['metadata'].get('name')}")
    life = Life(kind, uid, (Version(record.began if at is None else at, change, item),))
    return replace(record, lives={**record.lives, kind: (*record.lives.get(kind, ()), life)})


def sample(
    service: str,
    target: str,
    answered: dict[str, int],
    *,
    expected: Iterable[str] | None = None,
    after: Iterable[str] | None = None,
    status: int | None = 200,
    error: str = "",
    requests: int = 0,
    complete: bool = True,
    at: float = 0.0,
) -> Sample:
    """A sample as the prober makes it."""
    total = requests or sum(answered.values())
    names = frozenset(answered if expected is None else expected) - ({"?"} if expected is None else frozenset())
    sent = tuple(Request(f"nonce-{index}", at, status, error, "nginx/1.26.3") for index in range(total))
    later = names if after is None else frozenset(after)
    return Sample(service, target, at, sent, answered, names, later, complete, "" if complete else "deadline reached")


def judge(record: Record, uses: str, /, **params: Any) -> Outcome:
    """The verdict of a check, as a lab would ask for it; its finding must be whole where it is not a pass."""
    outcome = run(record, "the-question", uses, params)
    if outcome.status in (Status.FAIL, Status.ERROR, Status.WAITING):
        finding = outcome.finding
        assert finding is not None and finding.cause is not None
        for part in (finding.rule, finding.expected, finding.observed, finding.command, finding.cause.text):
            assert part, f"{uses}: the finding has an empty part: {finding}"
        assert finding.command.startswith("kubectl ")
        assert finding.command.split()[1] in ("get", "describe", "logs", "explain", "rollout", "apply")
        assert " --dry-run=server " in finding.command or not finding.command.startswith("kubectl apply")
    return outcome


def cause(outcome: Outcome) -> str:
    """``fail:selector-mismatch``, ``pass``: the status and the likely cause in one word."""
    if outcome.finding is None or outcome.finding.cause is None:
        return outcome.status.value
    return f"{outcome.status.value}:{outcome.finding.cause.id}"
