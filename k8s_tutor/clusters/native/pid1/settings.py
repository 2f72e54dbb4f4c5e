"""What the host tells a node's PID 1, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A node of the cluster: its address and its part of the pod range."""

    name: str
    address: str
    pods: str


@dataclass(frozen=True)
class Settings:
    """All that PID 1 must know. ``slirp_range`` is empty without egress; ``index`` 1 is the control plane."""

    cluster: str
    index: int
    name: str
    address: str
    prefix: int
    peers: list[Peer]
    pod_range: str
    service_range: str
    api_ip: str
    dns_ip: str
    api_port: int
    registry_port: int
    namespace: str
    node_dir: str
    first_node_dir: str
    bin_dir: str
    registry_dir: str
    registry_script: str
    python: str
    cgroup: str
    bridge: str
    veth: str
    egress: bool
    slirp_range: str
    reboot: bool

    @property
    def control_plane(self) -> bool:
        """Whether etcd, the API server and its controllers run here."""
        return self.index == 1

    @property
    def first(self) -> Peer:
        """The control plane's node."""
        return self.peers[0]

    def log(self, name: str) -> Path:
        """Where a part of the node logs."""
        return Path(self.node_dir) / "logs" / f"{name}.log"

    def text(self) -> str:
        """As the file that ``read`` reads."""
        return json.dumps(asdict(self), indent=1)


def read(path: Path) -> Settings:
    """The settings in a file. Raises OSError, ValueError."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["peers"] = [Peer(**peer) for peer in content["peers"]]
    return Settings(**{field.name: content[field.name] for field in fields(Settings)})
