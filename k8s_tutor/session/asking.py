"""Who answers behind a Service, told apart: the tutor's requests and the learner's, counted from the pods' own logs.

``tally`` is pure. ``Asking`` follows the logs of the ready pods, so counts come as requests do, whoever sends them,
and sends some itself: through the cluster IP from the node's network, one connection each.
"""

from __future__ import annotations

import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from k8s_tutor.checks.reading import alive, condition, dig, find, items, name_of, number, text, uid_of, when
from k8s_tutor.checks.words import clip
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.logs import follow_log, parse_lines
from k8s_tutor.kube.prober import NONCE, Target
from k8s_tutor.kube.record import LogLine, Record
from k8s_tutor.kube.stream import Stream
from k8s_tutor.labs.model import Lab, Step
from k8s_tutor.session.connection import Connection
from k8s_tutor.session.probed import sample_command

CHECK = "service-balances"
MOST_PODS = 30
"""Pods whose logs are followed."""
TAIL = 2000
"""Newest lines of each log that are counted."""
SECONDS = 20.0
"""Longest time that a round of requests may take."""
_REQUEST = re.compile(
    r'^\S{1,64} \S{1,64} \S{1,64} \[[^\]]{1,40}\] "GET (?P<path>\S{1,2000})[^"]{0,20}" (?P<status>\d{3}) \S{1,20}'
    r'(?: "[^"]{0,2000}" "(?P<agent>[^"]{0,1000})")?'
)


@dataclass(frozen=True)
class Hit:
    """One GET in a pod's log: ``at`` by the node's clock, ``own`` when the tutor sent it."""

    at: float
    pod: str
    own: bool


@dataclass(frozen=True)
class PodCount:
    """What one ready pod answered: requests of the tutor, and all others that are no probe's."""

    name: str
    own: int = 0
    yours: int = 0
    trouble: str = ""

    @property
    def total(self) -> int:
        """Both."""
        return self.own + self.yours


@dataclass(frozen=True)
class Behind:
    """What the record says of a Service: ``trouble`` is why it cannot be asked. ``since``: all pods ready since."""

    service: str
    target: str = ""
    pods: tuple[tuple[str, str, str], ...] = ()
    since: float = 0.0
    sticky: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Answers:
    """Counts at one moment. ``met_after``: how many requests it took until each ready pod had answered (None: not
    yet). ``sent`` and ``failed`` are of the requests sent from this screen; ``trouble`` is why they ended early.
    ``earlier``: requests in the logs from before all of these pods were ready; they are not counted.
    """

    behind: Behind
    pods: tuple[PodCount, ...] = ()
    met_after: int | None = None
    earlier: int = 0
    sent: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    trouble: str = ""
    cut: bool = False

    @property
    def total(self) -> int:
        """All requests that are counted."""
        return sum(pod.total for pod in self.pods)

    @property
    def heard(self) -> int:
        """How many pods answered at least once."""
        return sum(pod.total > 0 for pod in self.pods)


def service_of(step: Step) -> str:
    """The Service that a step is about, by its load-balancing check; empty if it is about none."""
    for spec in step.checks:
        if spec.uses == CHECK:
            return str(spec.params.get("name") or "")
    return ""


def service_for(lab: Lab, step: Step, record: Record) -> str:
    """The Service to ask: this step's, else the lab's, else the first one that is there."""
    for each in (step, *lab.steps):
        if name := service_of(each):
            return name
    return next((name_of(item) for item in alive(record, "Service")), "")


def behind(record: Record, service: str) -> Behind:
    """The Service's address and its ready pods: name, UID, container whose log is read."""
    found = find(record, "Service", service) if service else None
    if found is None:
        named = f"there is no Service {clip(service, 80)} yet" if service else "there is no Service yet"
        return Behind(service, trouble=f"{named}: kubectl expose makes one")
    address, port = text(found, "spec", "clusterIP"), next(iter(items(found, "spec", "ports")), {})
    if not address or address == "None":
        why = "is headless: it has no address to ask, DNS gives out the pods' own"
        return Behind(service, trouble=f"Service {clip(service, 80)} {why}")
    host = f"[{address}]" if ":" in address else address
    target = f"{host}:{number(port, 'port') or 80}"
    ready: dict[str, str] = {}
    for item in alive(record, "EndpointSlice"):
        if dig(item, "metadata", "labels", "kubernetes.io/service-name") != service:
            continue
        for end in items(item, "endpoints"):
            serves = dig(end, "conditions", "ready") is not False and not dig(end, "conditions", "terminating")
            if serves and text(end, "targetRef", "name"):
                ready[text(end, "targetRef", "name")] = text(end, "targetRef", "uid")
    pods, since = [], 0.0
    for name in sorted(ready):
        pod = find(record, "Pod", name)
        if pod is None:
            continue
        since = max(since, when(condition(pod, "Ready"), "lastTransitionTime") or 0.0)
        names = [text(item, "name") for item in items(pod, "spec", "containers")]
        pods.append((name, uid_of(pod), "web" if "web" in names else next(iter(names), "")))
    sticky = text(found, "spec", "sessionAffinity") == "ClientIP"
    trouble = "" if pods else f"no ready pod stands behind {clip(service, 80)}: nobody can answer"
    return Behind(service, target, tuple(pods), since, sticky, trouble)


def hit(pod: str, line: LogLine) -> Hit | None:
    """The GET that a line of a web server's access log tells of; None for probes and all other lines."""
    found = _REQUEST.match(line.text)
    if found is None:
        return None
    agent = found["agent"] or ""
    if agent.startswith("kube-probe/"):
        return None
    own = NONCE.search(found["path"]) is not None or agent.startswith("k8s-tutor")
    return Hit(line.at, pod, own)


def tally(place: Behind, hits: Iterable[Hit], troubles: Mapping[str, str] | None = None) -> Answers:
    """Count the hits since all pods of the Service have been ready, in the order of the pods' logs' own times."""
    names = [name for name, _, _ in place.pods]
    mine = [item for item in hits if item.pod in set(names)]
    counted = sorted((item for item in mine if item.at >= place.since), key=lambda item: item.at)
    own, yours = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    met: set[str] = set()
    met_after = None
    for index, item in enumerate(counted, 1):
        (own if item.own else yours)[item.pod] += 1
        met.add(item.pod)
        if met_after is None and len(met) == len(names):
            met_after = index
    pods = tuple(PodCount(name, own[name], yours[name], (troubles or {}).get(name, "")) for name in names)
    return Answers(place, pods, met_after, len(mine) - len(counted))


def expected_draws(pods: int) -> float:
    """How many random draws it takes on average to meet each of ``pods`` (coupon collector): 29.3 for ten."""
    return pods * math.fsum(1 / k for k in range(1, pods + 1))


def chance_of_all(pods: int, requests: int) -> float:
    """The chance that so many random draws meet every pod; exact, by inclusion and exclusion."""
    if pods <= 0 or requests < pods:
        return 0.0
    total = sum(
        (Fraction((-1) ** k * math.comb(pods, k)) * Fraction(pods - k, pods) ** requests for k in range(pods)),
        Fraction(0),
    )
    return float(min(max(total, Fraction(0)), Fraction(1)))


class Asking:
    """One Service asked and listened to, until ``close``. ``tell`` is called with new counts, from any thread."""

    def __init__(self, connection: Connection, record: Callable[[], Record], tell: Callable[[Answers], object]) -> None:
        self.connection, self._record, self._tell = connection, record, tell
        self._lock = threading.Lock()
        self._place = Behind("")
        self._hits: dict[tuple[str, str], dict[tuple[float, str], Hit]] = {}
        self._streams: dict[tuple[str, str, str], _Listener] = {}
        self._sent = 0
        self._failed: dict[str, int] = {}
        self._trouble = ""
        self._id = uuid.uuid4()
        self._closed = False

    def look(self, service: str) -> Answers:
        """Listen to the pods that are ready behind the Service now; returns what is known at once."""
        place = behind(self._record(), service)
        wanted = set(place.pods[:MOST_PODS])
        with self._lock:
            self._place = replace(place, pods=place.pods[:MOST_PODS])
            ended = [self._streams.pop(key) for key in set(self._streams) - wanted]
            if not self._closed:
                for key in wanted - set(self._streams):
                    self._streams[key] = _Listener(self, key)
                    self._streams[key].start()
        for listener in ended:
            listener.end()
        return self.answers()

    def answers(self) -> Answers:
        """The counts now."""
        with self._lock:
            alive_keys = {(name, uid) for name, uid, _ in self._place.pods}
            hits = [item for key, found in self._hits.items() if key in alive_keys for item in found.values()]
            troubles = {key[0]: listener.trouble for key, listener in self._streams.items() if listener.trouble}
            found = tally(self._place, hits, troubles)
            cut = any(len(item) >= TAIL for item in self._hits.values())
            return replace(found, sent=self._sent, failed=dict(self._failed), trouble=self._trouble, cut=cut)

    def ask(self, count: int = 10) -> Answers:
        """Send ``count`` requests through the Service, one connection each; the counts come by ``tell``. Blocks.

        Raises TutorError when none can be sent.
        """
        with self._lock:
            place, self._trouble = self._place, ""
        if place.trouble or not place.target:
            return self.answers()
        with self.connection.journal.deed(
            sample_command(place.service, from_pod=self.connection.cluster.netns is None),
            "you asked who answers",
            again=True,
        ) as deed:
            deed.result = f"{self._send(place, count)} of {count} requests sent"
        self._news()
        return self.answers()

    def _send(self, place: Behind, count: int) -> int:
        """Send so many, as the time allows; how many were."""
        prober = self.connection.prober()
        deadline = time.monotonic() + SECONDS
        batch = 1 if prober.batch else count
        done = 0
        while done < count and not self._closed:
            size = min(batch, count - done)
            with self._lock:
                numbers = range(self._sent, self._sent + size)
            targets: list[Target] = [(place.target, f"/?k8s-tutor={self._id}-{number}") for number in numbers]
            got = prober.requests(targets, deadline=deadline)
            with self._lock:
                self._sent += len(got)
                for request in got:
                    if request.status is None:
                        why = clip(request.error, 80) or "no answer"
                        self._failed[why] = self._failed.get(why, 0) + 1
            self._news()
            done += len(got)
            if len(got) < size:
                with self._lock:
                    self._trouble = f"{done} of {count} were sent: the time was over"
                break
        return done

    def close(self) -> None:
        """Stop listening; nothing more is told. May be called twice."""
        with self._lock:
            self._closed = True
            ended, self._streams = list(self._streams.values()), {}
        for listener in ended:
            listener.end()

    def heard(self, pod: str, uid: str, lines: Iterable[LogLine]) -> None:
        """Lines of a pod's log, some of them perhaps known."""
        fresh = {(line.at, line.text): found for line in lines if (found := hit(pod, line)) is not None}
        if fresh:
            with self._lock:
                kept = self._hits.setdefault((pod, uid), {})
                kept.update(fresh)
                while len(kept) > TAIL:
                    del kept[next(iter(kept))]
        self._news()

    def _news(self) -> None:
        if not self._closed:
            self._tell(self.answers())


class _Listener(threading.Thread):
    """Follows one container's log; again after a second when it breaks off."""

    def __init__(self, asking: Asking, source: tuple[str, str, str]) -> None:
        super().__init__(name=f"asking-{source[0]}", daemon=True)
        self._asking, self._source = asking, source
        self._ended = threading.Event()
        self._stream = self._open()
        self.trouble = ""

    def _open(self) -> Stream:
        connection, (pod, _, container) = self._asking.connection, self._source
        return follow_log(connection.api, connection.namespace.name, pod, container, tail=TAIL)

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self._stream.close()

    def run(self) -> None:
        pod, uid, _ = self._source
        while not self._ended.is_set():
            try:
                for piece in self._stream.pieces():
                    self.trouble = ""
                    self._asking.heard(pod, uid, parse_lines(piece.decode("utf-8", "replace")))
                    if self._ended.wait(0.02):
                        return
            except TutorError as error:
                self.trouble = clip(error.message, 120)
                self._asking.heard(pod, uid, ())
            if self._ended.wait(1.0):
                return
            self._stream = self._open()
