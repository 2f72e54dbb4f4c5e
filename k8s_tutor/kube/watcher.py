"""Fills a recorder: by watches for as long as the tutor runs, or by one round of lists for a check."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, NotFound, Unauthorized
from k8s_tutor.kube.record import KINDS, Change
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.reflector import Reflector
from k8s_tutor.kube.resources import BY_KIND

PING_SECONDS = 5.0
PING_TIMEOUT = 3.0
SLEPT_SECONDS = 20.0
"""A look every five seconds that comes so much late: the machine slept (or we were stopped), and sockets with it."""
_LISTERS = 4
Told = Literal["connecting", "live", "lost"]


@dataclass(frozen=True)
class LinkState:
    """The link to the API server. ``heard``: when it last spoke (Unix time, 0.0: never); ``trouble``: why lost.

    ``again``: when it is tried again (Unix time, 0.0 while it is not lost).
    """

    state: Told
    heard: float
    trouble: str = ""
    again: float = 0.0


class Watcher:
    """Watches all kinds of one namespace, its Namespace object and the nodes, and tells how the link stands.

    ``on_link`` is called from the watcher's threads at each change of state, never two at once. Between
    events a small request every five seconds tells a silent server from a quiet namespace.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        recorder: Recorder,
        kinds: Iterable[str] = tuple(KINDS),
        on_link: Callable[[LinkState], None] | None = None,
    ) -> None:
        self._api = api
        self._recorder = recorder
        self._on_link = on_link
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._stopping = threading.Event()
        self._waiting_for: set[str] = set()
        self._down: dict[str, str] = {}
        self._deaf = ""
        self._next_ping = 0.0
        self._heard = 0.0
        self._told = LinkState("connecting", 0.0)
        self._reflectors: list[Reflector] = []
        for kind in kinds:
            self._add(kind, BY_KIND[kind].collection(namespace))
        self._add("Node", BY_KIND["Node"].collection())
        only = {"fieldSelector": f"metadata.name={namespace}"}
        self._add("Namespace", BY_KIND["Namespace"].collection(), only)
        self._pinger = threading.Thread(target=self._ping, name="watch-ping", daemon=True)

    def _add(self, kind: str, path: str, query: Mapping[str, str] | None = None) -> None:
        self._waiting_for.add(kind)
        self._reflectors.append(Reflector(self._api, kind, path, self, query=query))

    def start(self) -> None:
        """Begin to watch; returns at once."""
        for reflector in self._reflectors:
            reflector.start()
        self._pinger.start()

    def wait_synced(self, timeout: float) -> bool:
        """Wait until every kind was listed (or refused for good); false when the time is over first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting_for, timeout)

    def stop(self) -> None:
        """End everything within a second; no thread and no socket stays."""
        self._stopping.set()
        for reflector in self._reflectors:
            reflector.cut()
        for reflector in self._reflectors:
            reflector.stop()
        if self._pinger.is_alive():
            self._pinger.join(1.0)

    @property
    def link(self) -> LinkState:
        """How the link stands now."""
        with self._lock:
            return self._state()

    # The reflectors' sink.

    def sync(self, kind: str, objects: list[Mapping[str, Any]]) -> None:
        """A kind's whole list."""
        if kind == "Namespace":
            uids = [str(item.get("metadata", {}).get("uid", "")) for item in objects]
            self._recorder.namespace_is(uids[0] if uids else None)
        else:
            self._recorder.sync(kind, objects)
        with self._changed:
            self._waiting_for.discard(kind)
            self._changed.notify_all()

    def feed(self, kind: str, change: Change, obj: Mapping[str, Any]) -> None:
        """One change."""
        if kind == "Namespace":
            uid = str(obj.get("metadata", {}).get("uid", ""))
            self._recorder.namespace_is(None if change is Change.DELETED else uid)
        else:
            self._recorder.feed(kind, change, obj)

    def heard(self, kind: str) -> None:
        """A kind's watch is alive."""
        with self._lock:
            self._heard = time.time()
            back = self._down.pop(kind, None) is not None
        if back:
            self._recorder.found(kind)
        self._tell()

    def lost(self, kind: str, error: TutorError) -> None:
        """A kind's watch failed. A refusal is an answer: the link stands, the kind alone is not to be seen."""
        if kind != "Namespace":
            self._recorder.lost(kind, error.message)
        with self._changed:
            if isinstance(error, ApiRefused) and error.status not in (401, 429, 500, 502, 503, 504):
                self._heard = time.time()
                self._waiting_for.discard(kind)
                self._changed.notify_all()
            refused = isinstance(error, ApiRefused) and error.status < 429 and not isinstance(error, Unauthorized)
            self._down[kind] = "" if refused else _why(error)
        self._tell()

    # The link.

    def _state(self) -> LinkState:
        trouble = self._deaf or next((why for why in self._down.values() if why), "")
        if trouble:
            dues = [item.due for item in self._reflectors if self._down.get(item.kind)]
            again = self._next_ping if self._deaf or not dues else min(dues)
            return LinkState("lost", self._heard, trouble, again)
        return LinkState("connecting" if self._waiting_for else "live", self._heard)

    def _tell(self) -> None:
        with self._telling:
            with self._lock:
                now, before = self._state(), self._told
                self._told = now
            # The time of the last word changes all the time; whoever shows it reads ``link``.
            if replace(now, heard=0.0) != replace(before, heard=0.0) and self._on_link is not None:
                self._on_link(now)

    def _ping(self) -> None:
        looked = time.time()
        while not self._stopping.wait(PING_SECONDS):
            # The wall's clock: the one that threads wait by stands still while a machine sleeps.
            slept = time.time() - looked > PING_SECONDS + PING_TIMEOUT + SLEPT_SECONDS
            if slept:
                self._api.drop_idle()
            anew = False
            try:
                self._api.text("livez", timeout=PING_TIMEOUT, total=PING_TIMEOUT, limit=1024)
                deaf = ""
            except Unauthorized as error:
                deaf = _why(error)
            except ApiRefused:
                deaf = ""
            except ApiUnreachable as error:
                deaf = error.message
                # A cluster that was made anew is somewhere else, with other certificates.
                anew = self._api.look_again()
            looked = time.time()
            with self._lock:
                before, self._deaf = self._deaf, deaf
                self._next_ping = looked + PING_SECONDS
                if not deaf:
                    self._heard = looked
                # The Namespace is no kind of the record: its UID alone is told.
                watched = {item.kind for item in self._reflectors} - {"Namespace"}
                fine = sorted(watched - set(self._down))
            if deaf and not before:
                for kind in fine:
                    self._recorder.lost(kind, deaf)
            elif before and not deaf:
                for kind in fine:
                    self._recorder.found(kind)
            if slept or anew or (before and not deaf):
                # Its sockets may be dead without knowing, and who waits need not wait any longer.
                for reflector in self._reflectors:
                    reflector.nudge(anew=anew)
            self._tell()


def _why(error: TutorError) -> str:
    """What is wrong, and for credentials what mends it: nobody else can."""
    return f"{error.message}: {error.remedy}" if isinstance(error, Unauthorized) else error.message


def observe_once(api: Api, namespace: str, recorder: Recorder, kinds: Iterable[str] = tuple(KINDS)) -> None:
    """List every kind once, with the nodes and the namespace's UID, a few at a time; no thread stays.

    What cannot be listed is ``unobserved`` in the record, with the reason. Raises nothing for that.
    """
    work: list[tuple[str, str]] = [(kind, BY_KIND[kind].collection(namespace)) for kind in kinds]
    work.append(("Node", BY_KIND["Node"].collection()))
    work.append(("Namespace", BY_KIND["Namespace"].item(namespace)))
    lock = threading.Lock()

    def lister() -> None:
        while True:
            with lock:
                if not work:
                    return
                kind, path = work.pop(0)
            _list_one(api, recorder, kind, path)

    threads = [threading.Thread(target=lister, name="list", daemon=True) for _ in range(min(_LISTERS, len(work)) - 1)]
    for thread in threads:
        thread.start()
    lister()
    for thread in threads:
        thread.join()


def _list_one(api: Api, recorder: Recorder, kind: str, path: str) -> None:
    try:
        if kind == "Namespace":
            recorder.namespace_is(str(api.get(path).get("metadata", {}).get("uid", "")))
        else:
            items = api.list(path)["items"]
            recorder.sync(kind, [item for item in items if isinstance(item, dict)])
    except (ApiRefused, ApiUnreachable) as error:
        if kind != "Namespace":
            recorder.lost(kind, error.message)
        elif isinstance(error, NotFound):
            recorder.namespace_is(None)
