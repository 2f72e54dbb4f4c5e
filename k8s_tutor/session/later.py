"""A record without what happened before a moment: for a step that is done once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from k8s_tutor.checks.reading import event_at
from k8s_tutor.kube.record import Change, Life, Record


def later(record: Record, at: float) -> Record:
    """The record as one would have it who began to look at ``at`` (Unix seconds): what is, and what came since.

    An event, a log line, a sample or a piece of evidence of before is left out; so is what was gone by then.
    """
    lives = {
        kind: tuple(_events(found, at) if kind == "Event" else _lives(found, at))
        for kind, found in record.lives.items()
    }
    logs = tuple(replace(log, lines=tuple(line for line in log.lines if line.at > at)) for log in record.logs)
    return replace(
        record,
        began=max(record.began, at),
        lives=lives,
        logs=logs,
        samples={name: sample for name, sample in record.samples.items() if sample.at > at},
        evidence={name: item for name, item in record.evidence.items() if item.at > at},
    )


def _events(found: Iterable[Life], at: float) -> Iterator[Life]:
    for life in found:
        # By its own date: after a restart of ours all were seen just now. Dates are whole seconds, so that one of
        # this very second may be of before, and does not count.
        if (event_at(life.last) or life.versions[-1].at) > at:
            yield life


def _lives(found: Iterable[Life], at: float) -> Iterator[Life]:
    for life in found:
        if life.gone_at is not None and life.gone_at <= at:
            continue
        before = [version for version in life.versions if version.at <= at]
        if not before:
            yield life
            continue
        first = replace(before[-1], change=Change.SEEN)
        yield replace(life, versions=(first, *life.versions[len(before) :]))
