"""What containers wrote, bounded."""

from __future__ import annotations

import calendar
import re
import time

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.record import Log, LogLine
from k8s_tutor.kube.resources import BY_KIND
from k8s_tutor.kube.stream import Stream

LINE_LIMIT = 4096
BYTE_LIMIT = 1 << 20
SILENCE = 3600.0
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d) ?(.*)", re.S)


def pod_log(
    api: Api,
    namespace: str,
    pod: str,
    container: str = "",
    *,
    uid: str = "",
    previous: bool = False,
    tail: int = 200,
    since_seconds: int | None = None,
) -> Log:
    """The newest ``tail`` lines of a container (the only one if none is named); ``previous``: of the one before it.

    Raises ApiRefused (400 while the container has not started, or there is no previous one), ApiUnreachable.
    """
    text = raw_log(
        api, namespace, pod, container, previous=previous, tail=tail, since_seconds=since_seconds, timestamps=True
    )
    return Log(pod, uid, container, previous, parse_lines(text))


def raw_log(
    api: Api,
    namespace: str,
    pod: str,
    container: str = "",
    *,
    previous: bool = False,
    tail: int | None = None,
    since_seconds: int | None = None,
    timestamps: bool = False,
    timeout: float = 10.0,
) -> str:
    """A container's log as text, at most 1 MiB. ``since_seconds`` counts on the node's clock, so ours may differ."""
    query: dict[str, str | int | bool] = {"limitBytes": BYTE_LIMIT}
    if container:
        query["container"] = container
    if previous:
        query["previous"] = True
    if tail is not None:
        query["tailLines"] = tail
    if since_seconds is not None:
        query["sinceSeconds"] = max(1, since_seconds)
    if timestamps:
        query["timestamps"] = True
    path = BY_KIND["Pod"].item(pod, namespace) + "/log"
    return api.text(path, query, limit=BYTE_LIMIT, timeout=timeout)


def follow_log(api: Api, namespace: str, pod: str, container: str, *, tail: int = 200) -> Stream:
    """The newest ``tail`` lines of a container and each one after them, until it ends: read its ``pieces``.

    Lines are stamped, for ``parse_lines``. A container may be silent for an hour; ``close`` ends it at once.
    """
    query: dict[str, str | int | bool] = {"follow": True, "timestamps": True, "tailLines": tail}
    if container:
        query["container"] = container
    return api.stream(BY_KIND["Pod"].item(pod, namespace) + "/log", query, read_timeout=SILENCE)


def parse_lines(text: str) -> tuple[LogLine, ...]:
    """Lines as the API server sends them with ``timestamps=true``; a line without a stamp keeps the one before it."""
    lines: list[LogLine] = []
    at = 0.0
    for line in text.split("\n"):
        if not line:
            continue
        stamped = _STAMP.fullmatch(line)
        if stamped:
            at = _seconds(stamped[1], stamped[2] or "", stamped[3])
            line = stamped[4]
        lines.append(LogLine(at, line[:LINE_LIMIT]))
    return tuple(lines)


def _seconds(whole: str, fraction: str, zone: str) -> float:
    offset = 0
    if zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * (60 if zone[0] == "+" else -60)
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - offset + float(f"0{fraction or '.0'}")
