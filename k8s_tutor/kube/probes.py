"""HTTP requests to pods and Services from where these can be reached, each over a new connection with a nonce.

Not by port-forward nor by the API server's service proxy: both bypass kube-proxy and prove nothing.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from k8s_tutor.kube.podprober import PodProber
from k8s_tutor.kube.prober import BODY_LIMIT, NONCE, USER_AGENT, ProbeError, Prober, Target, nonce_of
from k8s_tutor.kube.record import Request

__all__ = ["NONCE", "NetnsProber", "PodProber", "ProbeError", "Prober", "Target", "enter_netns", "nonce_of"]

_CLONE_NEWNET = 0x40000000


def get(target: Target, timeout: float) -> Request:
    """One GET from this thread's network."""
    address, path = target
    host, _, port = address.rpartition(":")
    at = time.time()
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=timeout)
    try:
        connection.request("GET", path, headers={"User-Agent": USER_AGENT, "Connection": "close"})
        response = connection.getresponse()
        body = response.read(BODY_LIMIT).decode("utf-8", "replace")
        return Request(nonce_of(path), at, response.status, "", (response.getheader("Server") or "")[:200], body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Request(nonce_of(path), at, None, _why(error))
    finally:
        connection.close()


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (str(error) or type(error).__name__)[:300]


class NetnsProber:
    """Requests from inside a network namespace, entered by one thread of its own; no other thread is moved."""

    batch = 15

    def __init__(self, netns: Path) -> None:
        self._netns = netns
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def requests(self, targets: Sequence[Target], *, timeout: float = 2.0, deadline: float) -> list[Request]:
        """See Prober. Raises ProbeError when the namespace is gone or may not be entered."""
        self._enter()
        done: list[Request] = []
        finished = threading.Event()

        def work() -> None:
            try:
                for target in targets:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    done.append(get(target, min(timeout, left)))
            finally:
                finished.set()

        self._work.put(work)
        # Each request is bounded, so the thread comes back; the spare second is for its last one.
        finished.wait(max(0.0, deadline - time.monotonic()) + timeout + 1.0)
        return list(done)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            thread.join(5.0)

    def _enter(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            entered: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
            thread = threading.Thread(target=self._run, args=(entered,), name="probe", daemon=True)
            thread.start()
            failure = entered.get()
            if failure is not None:
                thread.join()
                why = failure.strerror or str(failure)
                raise ProbeError(
                    f"cannot enter the cluster's network ({self._netns}): {why}",
                    remedy="see whether the cluster runs: k8s-tutor cluster status; entering needs root",
                )
            self._thread = thread

    def _run(self, entered: queue.SimpleQueue[OSError | None]) -> None:
        try:
            enter_netns(self._netns)
        except OSError as error:
            entered.put(error)
            return
        entered.put(None)
        while (work := self._work.get()) is not None:
            work()


def enter_netns(netns: Path) -> None:
    """Move the calling thread (alone) into a network namespace, unless it is there; Python 3.11 has no ``os.setns``.

    Raises OSError when the namespace is gone or may not be entered.
    """
    if _same(netns, Path("/proc/thread-self/ns/net")):
        return  # entering it again would need rights that nobody here has
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)


def _same(one: Path, other: Path) -> bool:
    first, second = os.stat(one), os.stat(other)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
