"""The node's network: its address, the ways to the other nodes' pods, and none to anywhere else."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from pathlib import Path

from k8s_tutor.clusters.native.pid1.dns import refusal
from k8s_tutor.clusters.native.pid1.settings import Settings

_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # For clusters that were made when pods of one node talked over a bridge: their way back from a Service.
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/ipv6/conf/eth0/disable_ipv6": "1",
}
_REFUSE = """table inet k8s-tutor {{
 chain stray {{ meta l4proto tcp reject with tcp reset
  reject
 }}
 chain forward {{ type filter hook forward priority 10; ip daddr {services} jump stray; }}
 chain output {{ type filter hook output priority 10; ip daddr {services} jump stray; }}
 {masquerade}
}}
"""
_MASQUERADE = 'chain out { type nat hook postrouting priority 110; oifname "tap0" masquerade; }'


def prepare(settings: Settings, *, patience: float = 10.0) -> None:
    """Set everything up. Raises OSError, TimeoutError when the cable is not plugged, CalledProcessError."""
    deadline = time.monotonic() + patience
    while not Path("/sys/class/net").exists() or "eth0" not in _links():
        if time.monotonic() > deadline:
            raise TimeoutError("the node's cable (eth0) is not plugged")
        time.sleep(0.01)
    for name, value in _SYSCTLS.items():
        with contextlib.suppress(FileNotFoundError):
            (Path("/proc/sys") / name).write_text(value, encoding="ascii")
    commands = [
        "link set lo up",
        f"address add {settings.address}/{settings.prefix} dev eth0",
        "link set eth0 up",
        # connect() needs a route before kube-proxy's rules see a packet; the link type dummy is not in every kernel.
        "link add svc0 type bridge",
        "link set svc0 up",
        f"route add {settings.service_range} dev svc0 src {settings.address}",
    ]
    commands += [f"route add {peer.pods} via {peer.address}" for peer in settings.peers if peer.name != settings.name]
    _feed(["ip", "-batch", "-"], "\n".join(commands) + "\n")
    # What still bears a Service's address after kube-proxy's rules is unknown to them (yet): refuse it at once, or
    # a pod waits half a minute for an answer. These rules are in the node's own network namespace.
    _feed(
        ["nft", "-f", "-"],
        _REFUSE.format(services=settings.service_range, masquerade=_MASQUERADE if settings.egress else ""),
    )


def serve_refusals(address: str) -> None:
    """Answer every DNS question on ``address`` at once: there is no such name. For nodes without a way out."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 53))
    threading.Thread(target=_refuse, args=(sock,), name="dns", daemon=True).start()


def _refuse(sock: socket.socket) -> None:
    while True:
        with contextlib.suppress(OSError):
            question, sender = sock.recvfrom(4096)
            answer = refusal(question)
            if answer:
                sock.sendto(answer, sender)


def _links() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def _feed(argv: list[str], text: str) -> None:
    # Before the reaper runs: PID 1 may still wait for a child of its own here.
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{argv[0]}: {done.stderr.strip()[:300]}")
