"""The pods' network in a kind node of our own making, in one file that needs nothing but Python.

Stands in for kindnet: a link for each of this node's pods, routes to the other nodes' pods, and a way out behind the
node's address. Runs as a unit of the node: ``python3 -I podnet.py``. It enforces no NetworkPolicy.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

KUBEADM = Path("/kind/kubeadm.conf")
ADMIN = Path("/etc/kubernetes/admin.conf")
KUBELET = Path("/etc/kubernetes/kubelet.conf")
IDENTITY = Path("/var/lib/kubelet/pki/kubelet-client-current.pem")
CONFLIST = Path("/etc/cni/net.d/10-podnet.conflist")
SCRATCH = Path("/run/podnet.pem")
SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # The kernel says "unreachable" once a second to each host by default; the others would wait in vain.
    "net/ipv4/icmp_ratelimit": "0",
}
_FAST, _SLOW = 0.1, 3.0
_FIELD = re.compile(
    r"^\s*(certificate-authority-data|client-certificate-data|client-key-data|server):\s*(\S+)\s*$", re.M
)


def subnets(kubeadm: str) -> tuple[str, str]:
    """The pods' and the Services' range in kind's kubeadm configuration. Raises ValueError when they are not there."""
    found = {}
    for key in ("podSubnet", "serviceSubnet"):
        match = re.search(rf"^\s*{key}:\s*\"?([0-9./]+)\"?\s*$", kubeadm, re.M)
        if match is None:
            raise ValueError(f"no {key} (of IPv4)")
        found[key] = str(ipaddress.IPv4Network(match[1]))
    return found["podSubnet"], found["serviceSubnet"]


def first_part(pods: str) -> str:
    """What the controller manager gives to the first node: it is known before the node is."""
    network = ipaddress.IPv4Network(pods)
    return str(next(network.subnets(new_prefix=24))) if network.prefixlen < 24 else pods


def conflist(part: str) -> str:
    """The CNI configuration for this node's part of the pods' range."""
    link = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": part}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": "/run/cni",
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "1.0.0", "name": "podnet", "plugins": [link, portmap]}, indent=1)


def rules(pods: str, services: str) -> str:
    """nftables: what still bears a Service's address after kube-proxy is refused at once, pods go out as the node."""
    return f"""table inet podnet
delete table inet podnet
table inet podnet {{
 chain stray {{ meta l4proto tcp reject with tcp reset
  reject
 }}
 chain forward {{ type filter hook forward priority 10; ip daddr {services} jump stray; }}
 chain output {{ type filter hook output priority 10; ip daddr {services} jump stray; }}
 chain out {{ type nat hook postrouting priority 110; oifname "eth0" ip saddr {pods} ip daddr != {pods} masquerade; }}
}}
"""


def routes(nodes: list[dict[str, Any]], own: str) -> list[str]:
    """``ip -batch`` lines to the pods of all nodes but ``own``; a node without part or address has none."""
    lines = []
    for node in nodes:
        addresses = node.get("status", {}).get("addresses", [])
        address = next((item["address"] for item in addresses if item["type"] == "InternalIP"), "")
        part = node.get("spec", {}).get("podCIDR", "")
        if node["metadata"]["name"] == own or not part or not address:
            continue
        # From the API server into a command: only what is an address gets there.
        lines.append(f"route replace {ipaddress.IPv4Network(part)} via {ipaddress.IPv4Address(address)}")
    return lines


def own_part(nodes: list[dict[str, Any]], own: str) -> str:
    """This node's part of the pods' range; empty until it has one."""
    return next((str(n.get("spec", {}).get("podCIDR", "")) for n in nodes if n["metadata"]["name"] == own), "")


def read_nodes() -> list[dict[str, Any]]:
    """All Node objects. Raises OSError, ValueError, KeyError while the API server or our credentials are not there."""
    found = {m[1]: m[2] for m in _FIELD.finditer((ADMIN if ADMIN.exists() else KUBELET).read_text(encoding="utf-8"))}
    context = ssl.create_default_context(cadata=base64.b64decode(found["certificate-authority-data"]).decode("ascii"))
    if "client-key-data" in found:
        pair = base64.b64decode(found["client-certificate-data"]) + base64.b64decode(found["client-key-data"])
        SCRATCH.touch(mode=0o600)
        SCRATCH.write_bytes(pair)
        context.load_cert_chain(SCRATCH)
        SCRATCH.unlink()
    else:
        context.load_cert_chain(IDENTITY)
    server = urllib.parse.urlsplit(found["server"])
    connection = http.client.HTTPSConnection(server.hostname or "", server.port or 443, timeout=5, context=context)
    try:
        connection.request("GET", "/api/v1/nodes", headers={"User-Agent": "podnet"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise OSError(f"the API server says {answer.status}")
    items: list[dict[str, Any]] = json.loads(body)["items"]
    return items


def feed(argv: list[str], text: str) -> None:
    """Run a program on ``text``. Raises OSError with its words when it fails."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{argv[0]}: {done.stderr.strip()[:300]}")


def main() -> None:
    """Set the node up, then keep the routes as the nodes are; never returns."""
    own, pause = socket.gethostname(), _FAST
    pods, services = wait_subnets()
    for name, value in SYSCTLS.items():
        place = Path("/proc/sys") / name
        if place.exists():
            place.write_text(value, encoding="ascii")
    feed(["nft", "-f", "-"], rules(pods, services))
    if own.endswith("-control-plane"):
        write(first_part(pods))
    told = ""
    while True:
        try:
            nodes = read_nodes()
            part = own_part(nodes, own)
            if part:
                write(part)
            wanted = routes(nodes, own)
            if wanted:
                feed(["ip", "-batch", "-"], "\n".join(wanted) + "\n")
            pause = _SLOW if part else _FAST
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            if str(error) != told:
                told = str(error)
                print(f"podnet: {told}"[:300], file=sys.stderr, flush=True)
            pause = min(_SLOW, pause * 1.5)
        time.sleep(pause)


def wait_subnets() -> tuple[str, str]:
    """The ranges, as soon as kind has written them: its file is there before it is whole."""
    while True:
        try:
            return subnets(KUBEADM.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            time.sleep(0.05)


def write(part: str) -> None:
    """Have the CNI configuration name this part; whole or not there."""
    text = conflist(str(ipaddress.IPv4Network(part)))
    if CONFLIST.exists() and CONFLIST.read_text(encoding="utf-8") == text:
        return
    CONFLIST.parent.mkdir(parents=True, exist_ok=True)
    temporary = CONFLIST.with_name(".podnet")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, CONFLIST)


if __name__ == "__main__":
    main()
