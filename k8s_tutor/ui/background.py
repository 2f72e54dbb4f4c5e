"""Blocking calls beside the screen.

Textual's own thread workers are joined at exit: a request that hangs for 12 s kept the program from ending
for 12 s (Textual #3966). These threads are daemons, so quitting never waits for them; everything they
do (requests with deadlines, atomic writes, a cluster's start that resumes) may be cut off at any moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from k8s_tutor.ui.messages import JobDone

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

T = TypeVar("T")


class Jobs:
    """At most one job a group at a time; what comes of it is handed back on the screen's own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[tuple[int, str]] = set()

    def busy(self, owner: MessagePump, group: str) -> bool:
        """Whether a job of this group still runs for ``owner``."""
        with self._lock:
            return (id(owner), group) in self._busy

    def start(
        self,
        owner: MessagePump,
        group: str,
        work: Callable[[], T],
        *,
        then: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
    ) -> bool:
        """Run ``work`` in a thread; false (and nothing done) if the group is busy.

        ``then`` or ``failed`` is called later by ``owner``, which must handle ``JobDone``.
        """
        key = (id(owner), group)
        with self._lock:
            if key in self._busy:
                return False
            self._busy.add(key)

        def settle(call: Callable[[], object]) -> None:
            with self._lock:
                self._busy.discard(key)
            owner.post_message(JobDone(call))

        def run() -> None:
            try:
                result = work()
            except Exception as error:  # whatever it is, the learner gets to see it and the screen lives on
                problem = error
                settle(lambda: failed(problem) if failed else None)
            else:
                settle(lambda: then(result) if then else None)

        threading.Thread(target=run, name=f"tutor-{group}", daemon=True).start()
        return True
