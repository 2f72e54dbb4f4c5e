"""The nodes with the learner's pods on them, and the cluster's own parts as the pods of kube-system show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from k8s_tutor.kube.record import Object
from k8s_tutor.ui.picture.fields import items, mapping, meta, name_of, pod_ready, word
from k8s_tutor.ui.picture.model import Entry, Model
from k8s_tutor.ui.picture.pods import pod_row, pod_rows
from k8s_tutor.ui.picture.row import BLANK, Row, Rows, Target, heading, said
from k8s_tutor.ui.text import BAD, DIM, GOOD, STRONG, WAIT, line, plain

SYSTEM = "kube-system"
PARTS: dict[str, str] = {
    "etcd": "the store: every object is a key in it",
    "kube-apiserver": "the only door to the store",
    "kube-controller-manager": "loops that make what is become what should be",
    "kube-scheduler": "picks a node for each new pod",
    "kube-proxy": "leads what is sent to a Service to one of its pods",
    "coredns": "names for Services",
}
"""The parts that every cluster has, with what each is for, in the order in which a cluster comes up."""
_CONTROL = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_LABELS = ("component", "k8s-app", "app.kubernetes.io/name", "app")
_ROLE = "node-role.kubernetes.io/"


def nodes(rows: Rows, model: Model, now: float, missing: str = "", trouble: str = "", asked: bool = True) -> list[Row]:
    """All rows of the Nodes view.

    ``missing``: what the credentials do not allow (``list and watch pods in …``); ``trouble``: why the parts are not
    heard now; ``asked`` is false until anything was heard of them.
    """
    found = _nodes(rows, model, now)
    found += [BLANK, heading(f"The cluster's own parts ({SYSTEM})", "parts")]
    if missing:
        return [*found, _note(f"not shown: these credentials may not {plain(missing)}", "missing")]
    if trouble:
        found.append(_note(f"not heard now: {plain(trouble)}", "trouble"))
    elif not asked:
        return [*found, _note("looking …", "looking")]
    return found + _parts(rows, model)


def _note(text: str, key: str) -> Row:
    return said(line(("  ! " if key == "missing" else "  ", WAIT), (text, DIM)), key, text)


def _nodes(rows: Rows, model: Model, now: float) -> list[Row]:
    on: dict[str, list[Entry]] = {}
    for pod in model.shelf("Pod"):
        on.setdefault(pod.node, []).append(pod)
    found: list[Row] = []
    why = model.unobserved.get("Node")
    if why:
        text = "these credentials may not list and watch nodes" if "forbidden" in why.lower() else plain(why)
        found.append(said(line(("! ", WAIT), (f"nodes are not shown: {text}", DIM)), "nodes", text))
    known = {name_of(node): node for node in model.nodes}
    for name in [*sorted(known), *sorted(name for name in on if name and name not in known)]:
        pods = on.get(name, [])
        found.append(_node(rows, known.get(name), name, sum(pod.there for pod in pods)))
        found += pod_rows(rows, pods, f"node {name}", "    ", now)
    if on.get(""):
        found += [
            heading("Not on a node yet: the scheduler has to choose one", "nowhere"),
            *pod_rows(rows, on[""], "node", "    ", now),
        ]
    return found


def _node(rows: Rows, node: Object | None, name: str, pods: int) -> Row:
    facts = (node, name, pods)
    return rows.get(("node", name), lambda: Target("node", name), lambda _now: facts, node_line)


def node_line(node: Object | None, name: str, pods: int) -> Content:
    """Sign, name, whether its kubelet says Ready, roles, version, how many of the learner's pods."""
    yours = f"{pods} pod{'' if pods == 1 else 's'} of yours"
    if node is None:
        return line(("? ", WAIT), (word(name), STRONG), (f"  {yours}", DIM))
    status = mapping(node.get("status"))
    ready = next((c for c in items(status.get("conditions")) if c.get("type") == "Ready"), {})
    if ready.get("status") == "True":
        mark, colour, says = "●", GOOD, "Ready"
    else:
        mark, colour, says = "✗", BAD, f"NotReady {word(ready.get('reason') or '', 60)}".rstrip()
    pressed = [
        word(c.get("type") or "", 40)
        for c in items(status.get("conditions"))
        if c.get("type") != "Ready" and c.get("status") == "True"
    ]
    closed = ["SchedulingDisabled"] if mapping(node.get("spec")).get("unschedulable") else []
    extra = "".join(f",{text}" for text in [*pressed, *closed])
    version = word(mapping(status.get("nodeInfo")).get("kubeletVersion") or "", 40)
    return line(
        (mark, colour),
        " ",
        (word(name), STRONG),
        "  ",
        (says, colour),
        (extra, WAIT),
        (f"  {roles(node)}  kubelet {version}  {yours}", DIM),
    )


def roles(node: Object) -> str:
    """The roles of a node, as kubectl tells them."""
    labels: Mapping[str, Any] = mapping(meta(node).get("labels"))
    found = sorted(str(key).removeprefix(_ROLE) for key in labels if str(key).startswith(_ROLE))
    return word(",".join(found) or "<none>", 60)


def part_of(pod: Object) -> str:
    """The part of the cluster that a pod of kube-system is: ``etcd``, ``coredns``, or what its labels say."""
    labels = mapping(meta(pod).get("labels"))
    for label in _LABELS:
        found = labels.get(label)
        if found:
            return "coredns" if found == "kube-dns" else str(found)
    return name_of(pod)


def _parts(rows: Rows, model: Model) -> list[Row]:
    by_part: dict[str, list[Entry]] = {}
    for entry in model.parts:
        by_part.setdefault(part_of(entry.object), []).append(entry)
    found: list[Row] = []
    for part in [*PARTS, *sorted(set(by_part) - set(PARTS))]:
        pods = by_part.get(part)
        if not pods:
            continue
        found.append(_part(rows, part, pods))
        if len(pods) > 1 or any(not pod.there for pod in pods):
            found += [pod_row(rows, pod, "part", "      ", _stem(part), namespace=SYSTEM) for pod in pods]
    if not any(part in by_part for part in _CONTROL):
        found.append(_note("no control plane among these pods: whoever runs this cluster runs it elsewhere", "control"))
    return found


def _stem(part: str) -> str:
    return part if part in PARTS else ""


def _part(rows: Rows, part: str, pods: list[Entry]) -> Row:
    def target() -> Target | None:
        return Target("pod", pods[0].name, SYSTEM) if len(pods) == 1 else None

    there = [pod for pod in pods if pod.there]
    places = sorted({pod.node for pod in there if pod.node})
    facts = (part, sum(pod_ready(pod.object) for pod in there), len(there), tuple(places))
    # One pod or several: the row then stands for something else.
    key = ("part", part, pods[0].life.uid if len(pods) == 1 else "")
    return rows.get(key, target, lambda _now: facts, part_line)


def part_line(part: str, ready: int, there: int, places: tuple[str, ...]) -> Content:
    """A part of the cluster: its health, where it runs, what it is for."""
    mark, colour = ("●", GOOD) if there and ready == there else ("◐", WAIT) if there else ("✗", BAD)
    where = f"on {word(places[0])}" if len(places) == 1 else f"on {len(places)} nodes" if places else ""
    return line(
        "  ",
        (mark, colour),
        f" {word(part):<24}",
        (f"{ready}/{there} ready", colour),
        (f"  {where:<10}  {PARTS.get(part, '')}".rstrip(), DIM),
    )
