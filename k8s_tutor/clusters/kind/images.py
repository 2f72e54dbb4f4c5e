"""Images of an archive into the registry that our own node image has inside; kind's own image has none."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

from k8s_tutor.clusters.images.archive import index_of, layout_in, stand_ins_after
from k8s_tutor.clusters.kind import names
from k8s_tutor.clusters.kind import state as states
from k8s_tutor.clusters.kind.engine import Engine, exec_argv
from k8s_tutor.clusters.kind.state import KindState
from k8s_tutor.clusters.node.kind_files import HOME
from k8s_tutor.clusters.node.oci import REF_NAME
from k8s_tutor.errors import ClusterError

_LAYOUT = f"/{HOME}/registry"
_INDEX = f"{_LAYOUT}/index.json"
_SECONDS = 600.0


def serve(state: KindState, engine: Engine, archive: Path) -> None:
    """Have each node's registry serve them, too: for the tag latest it is asked anew each time a container starts.

    Does nothing for an archive that is no OCI layout. Raises ClusterError when a node does not take it.
    """
    images = layout_in(archive)
    served = False
    for node in engine.nodes(names.kind_name(state.name)) if images else ():
        if engine.run(*exec_argv(engine, node.name, ["test", "-f", _INDEX])[1:]).returncode == 0:
            _unpack(engine, node.name, archive)
            _name(engine, node.name, archive)
            served = True
    if served:
        states.save(replace(state, stand_ins=stand_ins_after(state.stand_ins, images)))


def _unpack(engine: Engine, node: str, archive: Path) -> None:
    """The parts only; the index, which names them, comes last."""
    unpack = ["tar", "--extract", "--directory", _LAYOUT, "--no-same-owner", "--wildcards", "*blobs/sha256/*"]
    argv = exec_argv(engine, node, unpack, options=["-i"])
    with archive.open("rb") as stream:
        try:
            done = subprocess.run(argv, stdin=stream, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _refused(node, archive, str(error)) from error
    if done.returncode != 0:
        raise _refused(node, archive, done.stderr.decode("utf-8", "replace"))


def _name(engine: Engine, node: str, archive: Path) -> None:
    entries = index_of(archive)
    new = {entry["annotations"][REF_NAME] for entry in entries}
    index = json.loads(engine.ask("exec", node, "cat", _INDEX))
    kept = [entry for entry in index["manifests"] if entry.get("annotations", {}).get(REF_NAME) not in new]
    body = json.dumps({**index, "manifests": [*kept, *entries]}, indent=1).encode()
    write = ["sh", "-c", f"cat > {_INDEX}.new && chmod 644 {_INDEX}.new && mv {_INDEX}.new {_INDEX}"]
    done = engine.run("exec", "-i", node, *write, feed=body)
    if done.returncode != 0:
        raise _refused(node, archive, done.stderr.decode("utf-8", "replace"))


def _refused(node: str, archive: Path, why: str) -> ClusterError:
    return ClusterError(
        f"{node}'s registry does not take {archive.name}: {why.strip()[-200:]}",
        remedy="k8s-tutor cluster down, then up, then images load again",
        code="load-images",
    )
