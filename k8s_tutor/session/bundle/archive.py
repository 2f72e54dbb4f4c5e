"""Write the archive: bounded, private, whole or not there, its members in one order with nothing of their making."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

LARGEST_MEMBER = 256 << 10
LARGEST_ALL = 6 << 20
"""Bytes before they are packed; a tracker takes attachments of 10 MB and more."""
TOP = "k8s-tutor-bundle"
MANIFEST = "MANIFEST.txt"


def bounded(members: Mapping[str, str]) -> tuple[dict[str, bytes], dict[str, int]]:
    """The members as bytes, and how many bytes were cut of which: the beginning of each goes, its end is the news."""
    kept: dict[str, bytes] = {}
    cut: dict[str, int] = {}
    left = LARGEST_ALL
    for name, text in sorted(members.items()):
        data = text.encode("utf-8", "replace")
        room = max(0, min(LARGEST_MEMBER, left))
        if len(data) > room:
            cut[name] = len(data) - room
            data = data[len(data) - room :] if room else b""
            data = data[data.find(b"\n") + 1 :] if b"\n" in data[:4096] else data
        left -= len(data)
        kept[name] = data
    return kept, cut


def write(path: Path, members: Mapping[str, bytes]) -> int:
    """Write a ``tar.gz`` (0600) in one step; its size in bytes. The manifest comes first. Raises OSError."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(members, key=lambda each: (each != MANIFEST, each)):
            info = tarfile.TarInfo(f"{TOP}/{name}")
            info.size, info.mode = len(members[name]), 0o600
            tar.addfile(info, io.BytesIO(members[name]))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getvalue())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return len(buffer.getvalue())
