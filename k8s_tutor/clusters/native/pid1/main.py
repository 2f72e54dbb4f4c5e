"""PID 1 of a node: lays out its file system and network, starts its programs, brings Kubernetes up, stays.

``python -I -S main.py CONFIG.json``, in new namespaces. What it does stands in the node's ``events.jsonl``.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from k8s_tutor.clusters.native.pid1 import bringup, events, mounts, nodenet, settings
from k8s_tutor.clusters.native.pid1.children import Children
from k8s_tutor.clusters.native.pid1.events import Events


def main(config_path: str) -> None:
    """Run the node until SIGTERM or the end of the world."""
    config = settings.read(Path(config_path))
    said = Events(Path(config.node_dir) / events.FILE)
    said.say(events.BOOT, events.DONE, "reboot" if config.reboot else "first")
    said.say(events.NODE, events.RUNNING)
    try:
        mounts.set_hostname(config.name)
        mounts.prepare(Path(config.node_dir))
        nodenet.prepare(config)
        _limits()
        if not config.egress:
            nodenet.serve_refusals(config.address)
        children = Children(_environment(config))
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        threading.Thread(target=_bring_up, args=(config, said, children), name="bring-up", daemon=True).start()
    except BaseException as error:
        said.say(events.NODE, events.FAILED, str(error))
        raise
    stop.wait()
    children.stop()
    # Everything in this process tree ends with us; give the ones that write a moment.
    time.sleep(1)


def _bring_up(config: settings.Settings, said: Events, children: Children) -> None:
    try:
        bringup.run(config, said, children)
    except Exception as error:
        # PID 1 stays: what runs can be looked at, and what failed can be read.
        print(f"bring-up: {type(error).__name__}: {error}", flush=True)
        said.say(events.READY, events.FAILED, str(error) or type(error).__name__)


def _environment(config: settings.Settings) -> dict[str, str]:
    path = f"{config.bin_dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8"}


def _limits() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.umask(0o022)
    # The end of the launcher's pipe that we hold as long as we live must not live on in a child.
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if int(name) > 2:
                os.set_inheritable(int(name), False)


if __name__ == "__main__":
    main(sys.argv[1])
