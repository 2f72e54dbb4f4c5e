"""Root file systems of Debian packages, unpacked by mmdebstrap: no daemon, no container, no script is run."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from pathlib import Path

from k8s_tutor.clusters.node.lock import Image, architecture
from k8s_tutor.clusters.node.oci import LayerWriter
from k8s_tutor.clusters.node.work import Telling, Work, output

_MERGED = ("bin", "sbin", "lib", "lib64")

# Nothing of it is read in a container; copyright files stay, for the licences want them.
_DROPPED = re.compile(
    r"""(
      dev | boot | usr/include | var/(cache|log|lib/(apt|dpkg))
    | etc/(apt|dpkg|fstab|hostname|init\.d|resolv\.conf)
    | usr/lib/(systemd|udev|locale)
    | usr/lib/[^/]+/(gconv|perl|libperl)[^/]*
    | usr/s?bin/perl[^/]*
    | usr/share/(bash-completion|bug|info|initramfs-tools|lintian|locale|man|menu|perl|perl5|vim|zsh)
    )(/.*)?""",
    re.VERBOSE,
)


def root_file_system(image: Image, root: Path, work: Work, telling: Telling) -> Path:
    """A tar archive of the image's packages and all that they depend on, from the cache or made now.

    Raises EnvironmentFault when mmdebstrap fails.
    """
    arch = architecture()
    key = hashlib.sha256(" ".join(sorted(image.packages)).encode()).hexdigest()[:8]
    target = root / "rootfs" / f"{image.suite}-{arch}-{image.role}-{key}.tar"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}")
    telling.say(f"Debian {image.suite}: {' '.join(image.packages)}")
    argv = ["mmdebstrap", "--variant=extract", "--format=tar", f"--architectures={arch}"]
    argv += [f"--include={','.join(image.packages)}", image.suite, str(temporary), *mirror()]
    try:
        work.run(
            argv,
            log=f"rootfs-{image.suite}-{image.role}",
            line=lambda text: telling.say(f"Debian {image.suite}: {text}"),
            what=f"Unpacking Debian {image.suite}'s {image.packages[0]}",
        )
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def mirror() -> list[str]:
    """The Debian mirror that this machine's own apt uses, nothing where it uses none (then mmdebstrap's default)."""
    form = "$(REPO_URI) $(ORIGIN) $(LABEL)"
    for line in output(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]).splitlines():
        uri, _, rest = line.partition(" ")
        # LABEL keeps the security archive out: it has no packages of its own to start from.
        if rest == "Debian Debian" and uri.startswith(("http://", "https://")):
            return [uri.rstrip("/")]
    return []


def unpack_into(layer: LayerWriter, archive: Path) -> None:
    """Copy a root file system into a layer: /usr merged, only what a container needs, owned by root."""
    with tarfile.open(archive) as tar:
        for entry in tar:
            name = merged(entry.name.removeprefix("./").rstrip("/"))
            if not name or dropped(name):
                continue
            if entry.isdir():
                layer.directory(name, entry.mode & 0o7777)
            elif entry.issym():
                layer.link(name, entry.linkname)
            elif entry.islnk():
                # Packages link a second name to the same program: a relative symbolic link does as well.
                there = merged(entry.linkname.removeprefix("./"))
                layer.link(name, os.path.relpath(there, os.path.dirname(name)))
            elif entry.isreg() and (stream := tar.extractfile(entry)):
                layer.stream(name, stream, entry.size, entry.mode & 0o7777)
    for top in _MERGED:
        layer.directory(f"usr/{top}")
        layer.link(top, f"usr/{top}")


def merged(name: str) -> str:
    """The name under merged /usr (bookworm's packages still have /bin); empty for the four links themselves."""
    top, _, rest = name.partition("/")
    if top not in _MERGED:
        return name
    return f"usr/{name}" if rest else ""


def dropped(name: str) -> bool:
    """Whether a file is left out of images."""
    if name.startswith("usr/share/doc/"):
        return not name.endswith("/copyright")
    return _DROPPED.fullmatch(name) is not None
