"""What home says: labs, clusters, and in plain words what Enter would do."""

from __future__ import annotations

import time

from textual.content import Content

from k8s_tutor.clusters.doctor.finding import Finding, State
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.ui.choices import Choice, Ground
from k8s_tutor.ui.ports import LabCard
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, line, plain, span
from k8s_tutor.ui.widgets.rows import Row

SECONDS_UP = 12
"""What a start takes on two cores once its parts are made (bench/RESULTS.md)."""
MINUTES_BUILD = 15


def card_text(card: LabCard, number: int, width: int) -> Content:
    """``2  A Deployment   ◐ 4 of 10   continue at: delete one pod``."""
    if card.trouble:
        mark, colour, far = "✗", BAD, "cannot be opened"
    elif card.total and card.done >= card.total:
        mark, colour, far = "✓", GOOD, f"{card.done} of {card.total}"
    elif card.done or card.touched:
        mark, colour, far = "◐", WAIT, f"{card.done} of {card.total}"
    else:
        mark, colour, far = "○", DIM, f"{card.total} steps"
    notes = []
    if card.done and card.done < card.total and card.next_step:
        notes.append(f"continue at: {plain(card.next_step, 60)}")
    elif not card.done and card.minutes:
        notes.append(f"about {card.minutes} min")
    if card.done and card.done >= card.total and card.touched:
        notes.append(f"{span(time.time() - card.touched)} ago")
    if card.hints:
        notes.append(f"{card.hints} hint{'s' if card.hints != 1 else ''}")
    wide = width >= 60
    column = 34 if width >= 94 else 20
    title = plain(card.title, column - 2 if wide else 60)
    row = line(
        (f"{number}  ", DIM),
        (f"{title:<{column}}" if wide else f"{title}  ", STRONG),
        (f"{mark} {far:<10}", colour),
        ("  " + ", ".join(notes) if notes and wide else "", DIM),
    )
    return row.truncate(max(10, width), ellipsis=True)


def cluster_sign(cluster: Cluster | None, starting: bool) -> Content:
    """Short, for the line on top."""
    if starting:
        return line(("◐ starting", WAIT))
    if cluster is None or not cluster.running:
        return line(("○ no cluster runs", DIM))
    text = f"{plain(cluster.provider, 20)} · {plain(cluster.version, 20)} · {nodes_word(cluster)}  "
    return line((text, DIM), ("● ready", GOOD) if cluster.ready else ("◐ not ready", WAIT))


def nodes_word(cluster: Cluster) -> str:
    """``1 node``, ``3 nodes``."""
    number = len(cluster.nodes) or 1
    return f"{number} node{'s' if number != 1 else ''}"


def enter_row(card: LabCard, choice: Choice | None, ground: Ground | None, *, starting: bool) -> Row:
    """What Enter does with this lab on this cluster, and how long that takes."""
    key = line(("enter     ", f"bold {ACCENT}"))
    if card.trouble:
        return key, line(("says why this lab cannot be opened", DIM))
    verb = "goes on with" if card.done or card.touched else "begins"
    at = f" at “{plain(card.next_step, 60)}”" if card.done and card.next_step else ""
    then = f"{verb} “{plain(card.title, 60)}”{at}"
    if starting:
        return key, line(f"shows how the start goes on, then {then}")
    if choice is None:
        return key, line(then)
    cluster = choice.cluster
    if not choice.own:
        if cluster is not None and cluster.tenant:
            return key, line(then, (f", in your namespace {plain(cluster.namespace, 60)}", DIM))
        where = f", in namespace {plain(cluster.namespace if cluster else '', 40)} of {plain(choice.name, 60)}. "
        return key, line(then, where, ("Your kubeconfig is only read.", DIM))
    if cluster is not None and cluster.running and cluster.ready:
        return key, line(then, (" at once: the cluster runs", DIM))
    if ground is not None and ground.obstacle:
        return key, line((f"cannot start a cluster here: {plain(ground.obstacle, 200)}", WAIT))
    if ground is not None and not ground.made:
        first = (
            f"makes Kubernetes itself first (downloads it; where that is not possible builds it, about {MINUTES_BUILD} "
            "minutes, once), then a cluster"
        )
    elif cluster is not None and cluster.running:
        first = "waits until the cluster is ready"
    elif cluster is not None:
        first = f"starts cluster {plain(choice.name, 40)} again (about {SECONDS_UP} s)"
    else:
        first = f"makes a Kubernetes cluster on this machine (about {SECONDS_UP} s)"
    return key, line(f"{first}, then {then}. ", ("Nothing else on this machine is touched.", DIM))


def choice_text(choice: Choice, *, chosen: bool, starting: bool, width: int) -> Content:
    """``▸ ● tutor   native, running for 3h``: sign, name, what it is, why it may not be used."""
    cluster = choice.cluster
    if choice.why_not:
        mark, colour, told = "✗", BAD, f"not used: {plain(choice.why_not, 300)}"
    elif cluster is not None and cluster.tenant:
        mark, colour, told = "●", GOOD, f"given to you by this server: namespace {plain(cluster.namespace, 60)}"
    elif not choice.own:
        mark, colour, told = "○", DIM, f"of your kubeconfig, {plain(cluster.server if cluster else '', 80)}"
    elif chosen and starting:
        mark, colour, told = "◐", WAIT, "is being started"
    elif cluster is None:
        mark, colour, told = "○", DIM, "the tutor's own, not there yet: it is made when a lab is opened"
    else:
        mark, colour, told = _own_state(cluster)
    name = plain(choice.name, 60)
    head = line(("▸ " if chosen else "  ", ACCENT), (f"{mark} ", colour), (f"{name:<18}", STRONG if chosen else ""))
    return line(head, ("  " + told, DIM)).truncate(max(10, width), ellipsis=True)


def _own_state(cluster: Cluster) -> tuple[str, str, str]:
    what = f"the tutor's own, {nodes_word(cluster)}"
    if not cluster.running:
        return "○", DIM, f"{what}, stopped" + (f": {plain(cluster.trouble, 160)}" if cluster.trouble else "")
    since = f", runs for {span(time.time() - cluster.started_at)}" if cluster.started_at else ", runs"
    if not cluster.ready:
        return "◐", WAIT, f"{what}{since}, not ready: {plain(cluster.trouble or 'still on its way', 160)}"
    version = f", {plain(cluster.version, 20)}" if cluster.version else ""
    return "●", GOOD, f"{what}{version}{since}"


_SIGHTS = {
    State.OK: ("✓ ok", GOOD),
    State.NOTE: ("! note", WAIT),
    State.FAIL: ("✗ lacks", BAD),
    State.UNSEEN: ("? unseen", DIM),
}


def finding_rows(found: list[Finding]) -> list[Row]:
    """What the doctor saw: sign, id, evidence; below it the remedy of what is not well."""
    rows: list[Row] = []
    for item in found:
        mark, colour = _SIGHTS[item.state]
        rows.append(
            (line((f"{mark:<9}", colour), (f"{plain(item.id, 20):<19}", STRONG)), line(plain(item.evidence, 400)))
        )
        if not item.ok and item.remedy:
            rows.append((line(f"{'':<28}", ("→ ", ACCENT)), line((plain(item.remedy, 400), ACCENT))))
    return rows
