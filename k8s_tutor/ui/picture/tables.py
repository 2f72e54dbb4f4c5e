"""The learner's objects as tables, as ``kubectl get -o wide`` prints them.

Columns grow with what was seen in them and never shrink while the view is open, so that nothing jumps sideways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from k8s_tutor.kube.record import KINDS, Life, Object
from k8s_tutor.ui.picture.fields import count, items, mapping, pod_status, restarts, word
from k8s_tutor.ui.picture.model import Entry, Model
from k8s_tutor.ui.picture.pods import age_of, pod_sign
from k8s_tutor.ui.picture.row import BLANK, Row, Rows, Target, said, title
from k8s_tutor.ui.text import DIM, GOOD, STRONG, WAIT, line, plain

NAME_WIDTH = 63
AGE = "AGE"


@dataclass
class Table:
    """One kind's columns. ``cells`` gives all but NAME and AGE, in the order of ``columns``."""

    kind: str
    columns: tuple[str, ...]
    cells: Callable[[Object], Sequence[str]]
    sign: Callable[[Life], tuple[str, str]] = lambda _life: (" ", "")
    widths: dict[str, int] = field(default_factory=dict)

    def width(self, column: str) -> int:
        """Cells of a column."""
        return self.widths.get(column, max(len(column), 7 if column == AGE else 0))

    def grow(self, column: str, text: str) -> None:
        """Make room for this text."""
        need = cell_len(text)
        if need > self.width(column):
            self.widths[column] = need


def _text(value: object, limit: int = 60) -> str:
    return plain(value, limit) if value not in (None, "") else "<none>"


def _pairs(value: object) -> str:
    return _text(",".join(f"{key}={item}" for key, item in islice(mapping(value).items(), 6)))


def _pod(pod: Object) -> Sequence[str]:
    status, spec = mapping(pod.get("status")), mapping(pod.get("spec"))
    running = items(status.get("containerStatuses"))
    ready = sum(container.get("ready") is True for container in running)
    whole = max(len(items(spec.get("containers"))), len(running))
    return (
        f"{ready}/{whole}",
        pod_status(pod),
        str(restarts(pod)),
        _text(status.get("podIP"), 40),
        _text(spec.get("nodeName"), 63),
    )


def _template(item: Object) -> tuple[str, str, str]:
    spec = mapping(item.get("spec"))
    containers = items(mapping(mapping(spec.get("template")).get("spec")).get("containers"))
    return (
        _text(",".join(str(container.get("name")) for container in containers)),
        _text(",".join(str(container.get("image")) for container in containers)),
        _pairs(mapping(spec.get("selector")).get("matchLabels")),
    )


def _deployment(item: Object) -> Sequence[str]:
    status = mapping(item.get("status"))
    wanted = mapping(item.get("spec")).get("replicas", 1)
    return (
        f"{count(status.get('readyReplicas'))}/{plain(wanted, 9)}",
        str(count(status.get("updatedReplicas"))),
        str(count(status.get("availableReplicas"))),
        *_template(item),
    )


def _replica_set(item: Object) -> Sequence[str]:
    status = mapping(item.get("status"))
    return (
        plain(mapping(item.get("spec")).get("replicas", 0), 9),
        str(count(status.get("replicas"))),
        str(count(status.get("readyReplicas"))),
        *_template(item),
    )


def _port(port: Mapping[str, Any]) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port', '')}{node}/{port.get('protocol') or 'TCP'}"


def _service(item: Object) -> Sequence[str]:
    spec = mapping(item.get("spec"))
    entries = items(mapping(mapping(item.get("status")).get("loadBalancer")).get("ingress"))
    outside = ",".join(str(entry.get("ip") or entry.get("hostname")) for entry in entries)
    return (
        _text(spec.get("type") or "ClusterIP", 20),
        _text(spec.get("clusterIP"), 45),
        _text(outside or ("<pending>" if spec.get("type") == "LoadBalancer" else None)),
        _text(",".join(_port(port) for port in items(spec.get("ports")))),
        _pairs(spec.get("selector")),
    )


def _slice(item: Object) -> Sequence[str]:
    addresses = [
        str(address)
        for endpoint in items(item.get("endpoints"))
        for address in (endpoint.get("addresses") or ())
        if isinstance(address, str)
    ]
    shown = ",".join(addresses[:3]) + (f" + {len(addresses) - 3} more…" if len(addresses) > 3 else "")
    return (
        _text(item.get("addressType"), 10),
        _text(",".join(str(port.get("port")) for port in items(item.get("ports")))),
        _text(shown, 120),
    )


def _quota(item: Object) -> Sequence[str]:
    status = mapping(item.get("status"))
    hard, used = mapping(status.get("hard")), mapping(status.get("used"))
    return (_text(", ".join(f"{key}: {used.get(key, 0)}/{hard[key]}" for key in islice(hard, 12)), 200),)


def _whole(life: Life) -> tuple[str, str]:
    status = mapping(life.last.get("status"))
    wanted = mapping(life.last.get("spec")).get("replicas", 1)
    if life.gone_at is not None:
        return "✗", DIM
    return ("●", GOOD) if count(status.get("readyReplicas")) == wanted else ("◐", WAIT)


def tables() -> dict[str, Table]:
    """Fresh tables, by kind, in the order in which they are shown."""
    made = (
        Table("Pod", ("NAME", "READY", "STATUS", "RESTARTS", AGE, "IP", "NODE"), _pod, pod_sign),
        Table(
            "Deployment",
            ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", AGE, "CONTAINERS", "IMAGES", "SELECTOR"),
            _deployment,
            _whole,
        ),
        Table(
            "ReplicaSet",
            ("NAME", "DESIRED", "CURRENT", "READY", AGE, "CONTAINERS", "IMAGES", "SELECTOR"),
            _replica_set,
            _whole,
        ),
        Table("Service", ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", AGE, "SELECTOR"), _service),
        Table("EndpointSlice", ("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", AGE), _slice),
        Table("ResourceQuota", ("NAME", "USED/HARD", AGE), _quota),
    )
    found = {table.kind: table for table in made}
    for kind in KINDS:
        if kind not in found and kind != "Event":
            found[kind] = Table(kind, ("NAME", AGE), lambda _item: ())
    return found


def _all(table: Table, life: Life, age: str, fresh: bool) -> dict[str, str]:
    cells = iter(table.cells(life.last))
    aged = f"{age} new" if fresh else age
    return {
        column: word(life.name, NAME_WIDTH) if column == "NAME" else aged if column == AGE else next(cells, "")
        for column in table.columns
    }


def table_line(table: Table, widths: tuple[int, ...], life: Life, age: str, fresh: bool) -> Content:
    """One object: its sign, then its columns; one that is gone is struck through."""
    cells = _all(table, life, age, fresh)
    mark, colour = table.sign(life)
    gone = life.gone_at is not None
    parts: list[str | tuple[str, str]] = [(f"{mark} ", colour)]
    for number, column in enumerate(table.columns):
        text = cells[column]
        if gone and column == AGE:
            text = f"gone {age} ago"
        room = max(0, widths[number] - cell_len(text)) + 2
        style = f"{DIM} strike" if gone and column == "NAME" else DIM if gone else ""
        if column == "STATUS" and not gone:
            style = colour
        elif column == AGE and fresh:
            style = STRONG
        parts += [(text, style), " " * room]
    return line(*parts)


def header_line(table: Table, widths: tuple[int, ...]) -> Content:
    """The names of the columns."""
    named = "  ".join(f"{name:<{widths[number]}}" for number, name in enumerate(table.columns))
    return line((f"  {named}", DIM))


def table_rows(rows: Rows, model: Model, found: Mapping[str, Table], now: float) -> list[Row]:
    """All rows of the Tables view; kinds of which there is nothing are left out."""
    listed: list[Row] = []
    for kind, table in found.items():
        entries = list(model.shelf(kind))
        if not entries:
            continue
        table.grow("NAME", word(max((entry.name for entry in entries), key=len), NAME_WIDTH))
        alive = sum(entry.there for entry in entries)
        listed += [BLANK] if listed else []
        listed.append(title(f"{kind}s  {alive}", kind, str(alive)))
        listed.append(rows.get(("columns", kind), lambda: None, _header_facts(table), header_line))
        listed += [_row(rows, table, entry) for entry in entries]
    if listed:
        return listed
    hidden = [f"{kind}s cannot be seen: {plain(why)}" for kind, why in model.unobserved.items() if kind in found]
    return [said(line((text, DIM)), "nothing", text) for text in hidden or ["nothing here yet"]]


def _header_facts(table: Table) -> Callable[[float], tuple[Any, ...]]:
    return lambda _now: (table, tuple(table.width(column) for column in table.columns))


def _row(rows: Rows, table: Table, entry: Entry) -> Row:
    key = ("table", entry.life.uid)
    known = rows.known(key)
    if known is not None:
        return known

    def facts(now: float) -> tuple[Any, ...]:
        age, fresh = age_of(entry, now), entry.fresh(now)
        life = entry.life
        if life is not seen[0]:
            seen[0] = life
            for column, text in _all(table, life, age, fresh).items():
                table.grow(column, text)
        return table, tuple(table.width(column) for column in table.columns), life, age, fresh

    seen: list[Life | None] = [None]
    return rows.get(key, lambda: Target(table.kind.lower(), entry.name), facts, table_line)
