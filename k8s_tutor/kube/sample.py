"""Who answers behind a Service: requests through its cluster IP, found again in the pods' own logs.

kube-proxy chooses a pod at random for each connection, so "every pod answers" is a question of chance: so many
requests are sent that an honest cluster is missed once in a million, and fewer when all were seen before.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, NotFound
from k8s_tutor.kube.logs import raw_log
from k8s_tutor.kube.prober import NONCE, Prober, Target
from k8s_tutor.kube.record import Request, Sample
from k8s_tutor.kube.resources import BY_KIND

STABLE_SECONDS = 2.0  # kube-proxy gathers changes for a second before it writes its rules
LOG_SECONDS = 5.0
LATE_SECONDS = 1.0  # a request so much later stands behind the earlier ones in the same pod's log
STRANGER = "?"
_DEAF_SECONDS = 3.0
_TRIAL = 3
_READERS = 4


@lru_cache(maxsize=256)
def draws(pods: int, miss: float = 1e-6) -> int:
    """How many random requests make it as good as sure that each of ``pods`` pods was chosen at least once.

    Exact (coupon collector, inclusion and exclusion, in whole numbers): the smallest k with P(some pod was not
    chosen) <= ``miss``. 10 pods: 153. One pod needs one request, none needs none.
    """
    if pods <= 1:
        return max(0, pods)
    bound = Fraction(miss).limit_denominator(10**15)
    low, high = pods - 1, pods
    while not _enough(pods, high, bound):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(pods, middle, bound) else (middle, high)
    return high


def _enough(pods: int, requests: int, bound: Fraction) -> bool:
    missed = sum((-1) ** (j + 1) * math.comb(pods, j) * (pods - j) ** requests for j in range(1, pods))
    return bool(missed * bound.denominator <= bound.numerator * pods**requests)


@dataclass(frozen=True)
class Endpoints:
    """The ready endpoints of a Service: pod name -> IP; ``versions`` of its slices; ``changed`` when last (Unix)."""

    ready: Mapping[str, str]
    versions: frozenset[str]
    changed: float

    @property
    def names(self) -> frozenset[str]:
        """The pods' names."""
        return frozenset(self.ready)


def endpoints(api: Api, namespace: str, service: str) -> Endpoints:
    """The ready and not terminating endpoints over all EndpointSlices of a Service. Raises as every request."""
    selector = {"labelSelector": f"kubernetes.io/service-name={service}"}
    items = api.list(BY_KIND["EndpointSlice"].collection(namespace), selector)["items"]
    ready: dict[str, str] = {}
    changed = 0.0
    for item in items:
        metadata = item.get("metadata", {})
        stamps = [metadata.get("creationTimestamp"), *(m.get("time") for m in metadata.get("managedFields") or ())]
        changed = max([changed, *(_unix(stamp) for stamp in stamps)])
        for endpoint in item.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            if conditions.get("ready") is False or conditions.get("terminating"):
                continue
            address = next(iter(endpoint.get("addresses") or ()), "")
            reference = endpoint.get("targetRef") or {}
            ready[str(reference.get("name") or address)] = str(address)
    versions = frozenset(f"{i['metadata'].get('uid')}/{i['metadata'].get('resourceVersion')}" for i in items)
    return Endpoints(ready, versions, changed)


def sample_service(
    api: Api, prober: Prober, namespace: str, service: str, *, cap: int | None = None, deadline: float
) -> Sample:
    """Send requests through a Service's first port until every ready pod was seen, at most ``cap`` (``draws``).

    ``deadline`` is ``time.monotonic()`` time. ``answered`` counts under ``?`` what was answered but stands in no
    expected pod's log, though every pod's shows requests that were sent later. The sample is incomplete, and proves
    nothing, when the endpoints changed meanwhile, the time was over, or the logs do not tell who answered. Raises
    ApiUnreachable and ProbeError.
    """
    at = time.time()
    try:
        spec = api.get(BY_KIND["Service"].item(service, namespace)).get("spec", {})
    except NotFound:
        return _nothing(service, at, "there is no such Service")
    address, ports = spec.get("clusterIP"), spec.get("ports") or []
    if not address or address == "None" or not ports:
        return _nothing(service, at, "the Service has no cluster IP")
    target = _join(str(address), int(ports[0].get("port", 0)))
    before = _settled(api, namespace, service, deadline)
    if spec.get("selector") and not before.versions:
        return _nothing(service, at, "the cluster has not yet looked for the Service's pods: it has no EndpointSlice")
    run = _Run(api, prober, namespace, target, sorted(before.names), deadline)
    most = cap if cap is not None else max(_TRIAL, draws(len(before.names)))
    reason = run.ask(most)
    after = endpoints(api, namespace, service)
    if after.versions != before.versions and after.names != before.names:
        reason = "the ready endpoints changed while we asked"
    return Sample(service, target, at, tuple(run.sent), run.answered, before.names, after.names, not reason, reason)


def reach_pod(
    api: Api, prober: Prober, namespace: str, pod: str, *, port: int | None = None, deadline: float
) -> Sample:
    """One GET to a pod's own IP (its first container port, 80 if it names none); a sample named ``pod/<name>``.

    Incomplete when the pod is not there or has no IP. Raises ApiUnreachable and ProbeError.
    """
    at, key = time.time(), f"pod/{pod}"
    try:
        obj = api.get(BY_KIND["Pod"].item(pod, namespace))
    except NotFound:
        return _nothing(key, at, "there is no such pod")
    address = str(obj.get("status", {}).get("podIP") or "")
    if not address:
        return _nothing(key, at, "the pod has no IP yet")
    target = _join(address, port or _first_port(obj))
    run = _Run(api, prober, namespace, target, [pod], deadline)
    reason = run.ask(1)
    expected = frozenset([pod])
    return Sample(key, target, at, tuple(run.sent), run.answered, expected, expected, not reason, reason)


class _Run:
    """Requests to one target, and the search for them in the logs of the pods that could have answered."""

    def __init__(
        self, api: Api, prober: Prober, namespace: str, target: str, pods: Sequence[str], deadline: float
    ) -> None:
        self._api = api
        self._prober = prober
        self._namespace = namespace
        self._target = target
        self._pods = pods
        self._deadline = deadline
        self._id = uuid.uuid4()
        self._began = time.monotonic()
        self._unreadable: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self.sent: list[Request] = []

    @property
    def answered(self) -> dict[str, int]:
        """Pod name -> number of our requests in its log; ``?``: answered, but in nobody's log."""
        counts = Counter(self._seen.values())
        strangers = len(self._lost)
        return {**counts, **({STRANGER: strangers} if strangers else {})}

    def ask(self, most: int) -> str:
        """Send up to ``most`` requests; returns why the sample is incomplete, empty if it is complete."""
        for size in self._sizes(most):
            if self._send(size) < size:
                return "the time was over before all requests were sent"
            if not self._answers and time.monotonic() - self._began > _DEAF_SECONDS:
                break  # nobody answers, and each request takes its whole time: more of the same says no more
            if len(self._answers) < len(self._pods):
                continue  # too few to have seen all
            self._find()
            if self._pods and self._silent() == []:
                return self._certain()
        if self._answers and len(self._answers) < len(self._pods):
            self._find()
        if not self._answers or not self._pods:
            return ""
        missing = [self._unreadable[pod] for pod in self._pods if pod in self._unreadable]
        if missing:
            return f"a pod's log could not be read: {missing[0]}"
        if not self._seen:
            return "no pod's log shows the requests (does its image log requests to stdout?)"
        if self._lost:
            return f"{len(self._lost)} answers stand in no pod's log, and that of {self._silent()[0]} shows none"
        return ""

    def _certain(self) -> str:
        """Why answers that stand in no log prove nothing; empty if there are none, or if somebody else gave them.

        Such a line may only be late. A log is in order: once every pod's shows a request that was sent a while later,
        what is not there is not to come.
        """
        while lost := self._lost:
            barrier = len(self.sent)
            time.sleep(max(0.0, min(LATE_SECONDS, self._deadline - time.monotonic())))
            until = min(time.monotonic() + 2 * LOG_SECONDS, self._deadline)
            while self._silent(barrier):
                if time.monotonic() >= until:
                    return f"the log of {self._silent(barrier)[0]} is late: it does not show the last requests"
                size = self._mean()
                if self._send(size) < size:
                    return "the time was over before it was sure who had answered"
                self._find(barrier)
            if lost & self._lost:
                return ""
        return ""

    @property
    def _answers(self) -> list[Request]:
        return [item for item in self.sent if item.status is not None]

    @property
    def _lost(self) -> set[str]:
        """The nonces of what was answered and stands in no log."""
        return {item.nonce for item in self._answers if item.nonce not in self._seen}

    def _silent(self, start: int = 0) -> list[str]:
        """The pods whose log shows none of the requests from this one on."""
        late = {self._seen.get(item.nonce) for item in self.sent[start:]}
        return [pod for pod in self._pods if pod not in late]

    def _mean(self) -> int:
        """The mean number of draws until every pod was chosen."""
        count = len(self._pods)
        return math.ceil(count * sum(1 / k for k in range(1, count + 1)))

    def _sizes(self, most: int) -> Iterator[int]:
        """A few, lest nobody answers; up to the mean number of draws until all are seen; then batch by batch."""
        batch = self._prober.batch or most
        plan = [_TRIAL, self._mean() - _TRIAL] if self._prober.batch else []
        left = most
        while left > 0:
            size = max(1, min(plan.pop(0) if plan else batch, left))
            yield size
            left -= size

    def _send(self, count: int) -> int:
        start = len(self.sent)
        targets: list[Target] = [
            (self._target, f"/?k8s-tutor={self._id}-{number}") for number in range(start, start + count)
        ]
        self.sent += self._prober.requests(targets, deadline=self._deadline)
        return len(self.sent) - start

    def _find(self, barrier: int | None = None) -> None:
        """Read the logs until every answered request is found, or a few seconds are over.

        With ``barrier``: or until every pod's shows one of the requests from that one on.
        """
        until = min(time.monotonic() + LOG_SECONDS, self._deadline)
        pause = 0.02
        while self._pods:
            self._read(self._pods)
            if not self._lost or (barrier is not None and not self._silent(barrier)):
                return
            if time.monotonic() + pause > until:
                return
            time.sleep(pause)
            pause = min(pause * 2, 0.5)

    def _read(self, pods: Iterable[str]) -> None:
        work = list(pods)
        lock = threading.Lock()
        # The node counts it from when it comes to read: on a busy one that may be seconds later.
        since = math.ceil(time.monotonic() - self._began) + 10

        def reader() -> None:
            while True:
                with lock:
                    if not work:
                        return
                    pod = work.pop()
                self._read_one(pod, since)

        threads = [threading.Thread(target=reader, daemon=True) for _ in range(min(_READERS, len(work)) - 1)]
        for thread in threads:
            thread.start()
        reader()
        for thread in threads:
            thread.join()

    def _read_one(self, pod: str, since: int) -> None:
        try:
            try:
                text = raw_log(self._api, self._namespace, pod, since_seconds=since, timeout=5.0)
            except ApiRefused as error:
                # Several containers and none named: the lab's is called web.
                if error.status != 400:
                    raise
                text = raw_log(self._api, self._namespace, pod, "web", since_seconds=since, timeout=5.0)
        except (ApiRefused, ApiUnreachable) as error:
            self._unreadable[pod] = error.message  # for now: it is read again
            return
        self._unreadable.pop(pod, None)
        own = str(self._id)
        self._seen.update({nonce: pod for nonce in NONCE.findall(text) if nonce.startswith(own)})


def _settled(api: Api, namespace: str, service: str, deadline: float) -> Endpoints:
    """The endpoints once they have been the same for two seconds, by their own stamps or by our watching."""
    now = endpoints(api, namespace, service)
    watched = time.monotonic()
    while time.monotonic() < deadline:
        age = max(time.time() - now.changed, time.monotonic() - watched)
        # Only our own watching counts where a stamp is from the future (another clock's), and where there is no slice:
        # a Service that was just made gets its first one, empty or not, a moment later.
        if now.changed > time.time() or not now.versions:
            age = time.monotonic() - watched
        if age >= STABLE_SECONDS:
            break
        time.sleep(min(0.5, STABLE_SECONDS - age + 0.01))
        again = endpoints(api, namespace, service)
        if again.versions != now.versions:
            now, watched = again, time.monotonic()
    return now


def _nothing(service: str, at: float, reason: str) -> Sample:
    return Sample(service, "", at, (), {}, frozenset(), frozenset(), complete=False, reason=reason)


def _first_port(pod: Mapping[str, Any]) -> int:
    for container in pod.get("spec", {}).get("containers") or ():
        for port in container.get("ports") or ():
            return int(port.get("containerPort", 80))
    return 80


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _unix(stamp: Any) -> float:
    from datetime import datetime

    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return 0.0
