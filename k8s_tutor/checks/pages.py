"""Claims about the page that a pod serves: the learner fetched it, it says what was asked for."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from k8s_tutor.checks.causes.absent import absent_trouble
from k8s_tutor.checks.causes.pods import pod_trouble
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.outcome import Outcome, Seen, passed
from k8s_tutor.checks.pods import pod_wishes
from k8s_tutor.checks.reading import find, items, pod_ready, sent_to, text, when
from k8s_tutor.checks.words import clip, clock
from k8s_tutor.kube.record import Object, Record, Request, Sample

_COMBINED = re.compile(
    r'^(?P<peer>\S{1,64}) \S{1,64} \S{1,64} \[[^\]]{1,40}\] "(?P<method>[A-Z]{1,10}) (?P<path>\S{1,2000})[^"]{0,20}"'
    r' (?P<status>\d{3}) \S{1,20}(?: "[^"]{0,2000}" "(?P<agent>[^"]{0,1000})")?'
)
"""A line of nginx's access log in the combined format."""


def _page_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    yield from pod_wishes(record, params)
    name = str(params.get("name") or "")
    pod = find(record, "Pod", name)
    if pod is not None and pod_ready(pod):
        yield Wish("logs", name, {}, needed=True)
        yield Wish("reach", name)


@check("pod-page-fetched", kinds=("Pod", "Event"), wishes=_page_wishes)
def pod_page_fetched(record: Record, /, *, name: str) -> Outcome:
    """The learner fetched a page from the pod: a GET with status 200 in its own log, not the tutor's, not a probe's."""
    rule = f"The web server in pod {name} answered a request of yours."
    expected = f"a GET with status 200 in the log of pod {name}, sent by you"
    seen_other = ""
    for log in record.logs:
        if log.pod != name:
            continue
        for line in reversed(log.lines):
            match = _COMBINED.match(line.text)
            if match is None or _not_the_learner(match):
                continue
            if match["method"] == "GET" and match["status"] in ("200", "304"):
                agent = clip(match["agent"] or "", 60)
                who = f" from {clip(match['peer'], 40)}" + (f" ({agent})" if agent and agent != "-" else "")
                path = clip(match["path"], 60)
                at = f"{clock(line.at)} " if line.at else ""
                return passed(f"pod {name} served a page to you", f"{at}GET {path} answered {match['status']}{who}")
            seen_other = seen_other or clip(f"{match['method']} {match['path']} answered {match['status']}", 100)
    pod = find(record, "Pod", name)
    if pod is None:
        return absent_trouble(record, "Pod", name).outcome(rule, expected)
    trouble = pod_trouble(record, pod) or _unreachable(record.samples.get(f"pod/{name}"), pod, name)
    if trouble is not None:
        return trouble.outcome(rule, expected)
    address = clip(text(pod, "status", "podIP"), 60)
    url = f"http://[{address}]/" if ":" in address else f"http://{address}/"
    look = f"curl {url} from where pod IPs are reachable, on a node or in a pod; the step's text says how"
    told = f"only {seen_other} so far" if seen_other else "no request of yours in the pod's log yet"
    return Trouble(
        "no-request-seen", Weight.WRONG, told, "you have not asked the pod for its page, or asked elsewhere",
        look, f"kubectl logs {name}", (Seen(f"log of {name}", value=seen_other or "no request but probes"),),
    ).outcome(rule, expected)  # fmt: skip


def _not_the_learner(match: re.Match[str]) -> bool:
    agent, path = match["agent"] or "", match["path"]
    return agent.startswith("kube-probe/") or "k8s-tutor" in agent or "k8s-tutor=" in path


def _unreachable(sample: Sample | None, pod: Object, name: str) -> Trouble | None:
    """What our own probe of the pod says: then the learner's request cannot succeed either."""
    if sample is None or not sample.requests or any(request.status is not None for request in sample.requests):
        return None
    error = clip(sample.requests[-1].error, 120) or "no answer"
    address = clip(sample.target or text(pod, "status", "podIP"), 80)
    seen = (Seen(f"Pod/{name}", "status.podIP", clip(text(pod, "status", "podIP"), 60)), Seen(address, value=error))
    if "refused" in error.lower():
        return Trouble(
            "wrong-port", Weight.WRONG, f"the tutor's own request to {address} was refused too",
            "nothing listens on that port in the pod", f"kubectl logs {name} shows what the container serves",
            f"kubectl describe pod {name}", seen,
        )  # fmt: skip
    return Trouble(
        "api-unreachable", Weight.BROKEN, f"the tutor's own request to {address} failed too: {error}",
        "the pod cannot be reached from the node's network: not your mistake", "k8s-tutor doctor",
        f"kubectl get pod {name} -o wide", seen,
    )  # fmt: skip


def _says_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    yield from pod_wishes(record, params)
    name = str(params.get("name") or "")
    pod = find(record, "Pod", name)
    if pod is not None and pod_ready(pod):
        yield Wish("reach", name, needed=True)


@check("pod-page-says", kinds=("Pod", "Event"), wishes=_says_wishes)
def pod_page_says(record: Record, /, *, name: str, words: str) -> Outcome:
    """The page of the pod says these words: the tutor fetches it and looks at its first 4,096 bytes.

    Line breaks and blanks in a row count as one blank, HTML's entities as what they stand for.
    """
    wanted = _plain(str(words))
    rule = f"The page that pod {name} serves says “{clip(wanted, 200)}”."
    expected = f"“{clip(wanted, 200)}” in the answer of pod {name}"
    pod = find(record, "Pod", name)
    if pod is None:
        return absent_trouble(record, "Pod", name).outcome(rule, expected)
    sample = _fresh(record.samples.get(f"pod/{name}"), pod)
    request = sample.requests[-1] if sample is not None else None
    if request is not None and request.status == 200 and wanted and wanted in _plain(request.body):
        asked = f"asked at {clock(request.at)}" if request.at else "asked"
        return passed(f"pod {name} serves the page", f"it says “{clip(wanted, 200)}”, {asked}")
    trouble = pod_trouble(record, pod) or _unreachable(sample, pod, name)
    return (trouble or _other_page(request, pod, name)).outcome(rule, expected)


def _fresh(sample: Sample | None, pod: Object) -> Sample | None:
    """The sample, if the pod as it is now was asked: at its address, after its containers began."""
    if sample is None or not sample.requests or not sent_to(sample, text(pod, "status", "podIP")):
        return None
    statuses = items(pod, "status", "containerStatuses")
    began = max((when(status, "state", "running", "startedAt") or 0.0 for status in statuses), default=0.0)
    return sample if sample.requests[-1].at >= began else None


def _plain(page: str) -> str:
    return " ".join(html.unescape(page).split())


def _other_page(request: Request | None, pod: Object, name: str) -> Trouble:
    command = f"kubectl describe pod {clip(name, 80)}"
    if request is None:
        return Trouble(
            "converging", Weight.BUSY, f"pod {name} was not asked for its page yet",
            "the tutor's own request is still to come", "", command,
        )  # fmt: skip
    page = clip(_plain(request.body), 120) or "nothing"
    told = f"it begins “{page}”" if request.status == 200 else f"the pod answered {request.status}: “{page}”"
    return Trouble(
        "other-page", Weight.WRONG, told, "the pod serves another page than the one that was asked for",
        "look where the page comes from: the image, the command, or a ConfigMap in the place of the image's own page",
        command, (Seen(f"Pod/{clip(name, 80)}", "status.podIP", clip(text(pod, "status", "podIP"), 60)),),
    )  # fmt: skip
