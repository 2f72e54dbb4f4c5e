"""Debian packages that the making of a node needs: what is missing is installed, or named with the exact command."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.clusters.node.work import Telling, Work
from k8s_tutor.errors import EnvironmentFault


@dataclass(frozen=True)
class Need:
    """A program on PATH, or a file (an absolute path, ``*`` allowed), and the Debian package that brings it."""

    what: str
    package: str

    def met(self) -> bool:
        """Whether it is there."""
        if self.what.startswith("/"):
            return any(Path("/").glob(self.what[1:]))
        # Programs of the administrator are often missing from a plain user's PATH.
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        return shutil.which(self.what, path=path) is not None


COMPILER = (Need("gcc", "gcc"), Need("/usr/include/stdio.h", "libc6-dev"), Need("/usr/lib/*/libc.a", "libc6-dev"))
SECCOMP = (
    Need("/usr/include/seccomp.h", "libseccomp-dev"),
    Need("/usr/lib/*/libseccomp.a", "libseccomp-dev"),
    Need("pkg-config", "pkg-config"),
)
ROOT_FILE_SYSTEMS = (
    Need("mmdebstrap", "mmdebstrap"),
    Need("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
)


_one_at_a_time = threading.Lock()


def missing(needs: Iterable[Need]) -> list[str]:
    """Packages, each once and in order, of what is not there."""
    return list(dict.fromkeys(need.package for need in needs if not need.met()))


def ensure_packages(needs: Sequence[Need], work: Work, telling: Telling) -> None:
    """Install what is missing with apt-get.

    Raises EnvironmentFault with the exact command when we are not root, there is no apt-get, or it fails.
    """
    with _one_at_a_time:
        _ensure(missing(needs), needs, work, telling)


def _ensure(packages: list[str], needs: Sequence[Need], work: Work, telling: Telling) -> None:
    if not packages:
        return
    names = " ".join(packages)
    remedy = f"apt-get update && apt-get install -y --no-install-recommends {names}"
    if os.geteuid() != 0:
        raise EnvironmentFault(
            f"These packages are missing and only root can install them: {names}",
            remedy=f"sudo sh -c '{remedy}'",
            code="packages",
        )
    if not shutil.which("apt-get"):
        raise EnvironmentFault(
            f"What these Debian packages bring is missing, and there is no apt-get here: {names}",
            remedy="Install the same with your distribution's package manager.",
            code="packages",
        )
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    # Somebody else's apt (unattended upgrades) may hold the lock for a while.
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    telling.say(f"apt-get install {names}")
    try:
        work.run(install, log="packages", env=env, line=telling.say)
    except EnvironmentFault:
        # Package lists that are old or not there: bring them up to date, once.
        try:
            work.run([*apt, "update"], log="packages", env=env, line=telling.say)
            work.run(install, log="packages", env=env, line=telling.say)
        except EnvironmentFault as error:
            raise EnvironmentFault(error.message, remedy=remedy, code="packages") from error
    still = missing(needs)
    if still:
        raise EnvironmentFault(
            f"Installed, and yet not found: what {' '.join(still)} should bring.", remedy=remedy, code="packages"
        )
