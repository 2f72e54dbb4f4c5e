"""The cluster's own parts, watched for as long as somebody looks at them: the pods of kube-system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import Forbidden, Unauthorized
from k8s_tutor.kube.record import Change, Record
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.reflector import Reflector
from k8s_tutor.kube.resources import BY_KIND

NAMESPACE = "kube-system"


@dataclass(frozen=True)
class System:
    """What is known of kube-system. ``missing``: what the credentials do not allow, in words; then nothing more comes.

    ``trouble``: why it is not heard now; it is tried again by itself.
    """

    record: Record
    missing: str = ""
    trouble: str = ""


class SystemWatch:
    """One watch. ``tell`` is called from its thread with each change, never two at once, until ``stop``."""

    def __init__(self, api: Api, tell: Callable[[System], None]) -> None:
        self._tell = tell
        self._missing = ""
        self._trouble = ""
        self._stopped = False
        self._recorder = Recorder(NAMESPACE, ("Pod",))
        self._recorder.subscribe(self._changed)
        self._reflector = Reflector(api, "Pod", BY_KIND["Pod"].collection(NAMESPACE), self)
        self._reflector.start()

    def stop(self) -> None:
        """End it; returns at once, its thread is gone within a second."""
        self._stopped = True
        self._reflector.cut()

    # The reflector's sink.

    def sync(self, kind: str, objects: list[Mapping[str, Any]]) -> None:
        """All pods."""
        self._trouble = ""
        self._recorder.sync(kind, objects)

    def feed(self, kind: str, change: Change, obj: Mapping[str, Any]) -> None:
        """One change."""
        self._recorder.feed(kind, change, obj)

    def heard(self, kind: str) -> None:
        """It is alive."""
        if self._trouble:
            self._trouble = ""
            self._recorder.found(kind)

    def lost(self, kind: str, error: TutorError) -> None:
        """It failed. Where it is forbidden, asking again and again would change nothing."""
        if isinstance(error, Forbidden) and not isinstance(error, Unauthorized):
            self._missing = f"list and watch pods in namespace {NAMESPACE}"
            self._reflector.cut()
        else:
            self._trouble = error.message
        self._recorder.lost(kind, error.message)

    def _changed(self) -> None:
        if not self._stopped:
            self._tell(System(self._recorder.snapshot(), self._missing, self._trouble))
