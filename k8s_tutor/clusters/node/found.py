"""Programs that are on this machine already and are exactly the locked version."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from k8s_tutor.clusters.node.lock import Component, Program
from k8s_tutor.clusters.node.work import output

_PT_INTERP = 3


def find(component: Component) -> dict[str, Path] | None:
    """Where each file of a component is, None unless all are there, of the locked version and usable.

    Looked for in ``$K8S_TUTOR_BIN_DIR``, then on PATH (CNI plugins: also where distributions put them).
    """
    found: dict[str, Path] = {}
    for program in component.files:
        place = _look(component, program)
        if place is None:
            return None
        found[program.name] = place
    return found


def reports(path: Path, program: Program) -> bool:
    """Whether the file, when run, tells the locked version."""
    # A CNI plugin that is asked nothing prints its version; CNI_COMMAND in our own environment would ask.
    env = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
    text = output([str(path), *program.probe], env=env, timeout=10)
    rest = text.partition(program.says)[2]
    # 1.5.2 must not be found in 1.5.20.
    return program.says in text and not rest[:1].isdigit()


def is_static(path: Path) -> bool:
    """Whether an ELF file (64 bit, little endian) runs without a dynamic loader."""
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return False
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(table)
        headers = file.read(size * count)
    return all(struct.unpack_from("<I", headers, at)[0] != _PT_INTERP for at in range(0, len(headers) - 3, size))


def _look(component: Component, program: Program) -> Path | None:
    places = [os.environ.get("K8S_TUTOR_BIN_DIR", ""), os.environ.get("PATH", os.defpath)]
    if component.role == "cni":
        places += ["/opt/cni/bin", "/usr/lib/cni"]
    for place in os.pathsep.join(filter(None, places)).split(os.pathsep):
        path = shutil.which(program.name, path=place)
        if not path:
            continue
        candidate = Path(path).resolve()
        if component.static and not is_static(candidate):
            continue
        if reports(candidate, program):
            return candidate
    return None
