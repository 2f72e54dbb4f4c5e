"""Known ways in which kind fails on a machine, and the command that mends each (kind's own "known issues")."""

from __future__ import annotations

_KNOWN = (
    ("too many open files", "sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288"),
    ("unable to apply caps", "The engine may not give all capabilities here (CAP_SYS_RESOURCE is missing): "
     "k8s-tutor cluster up --provider native"),
    ("port is already allocated", "Another program took the port meanwhile; run the same command again."),
    ("no space left on device", "Free some space where the engine keeps its data: docker system df"),
    ("permission denied while trying to connect", "Join the engine's group: usermod -aG docker $USER, then log in"),
    ("could not find a log line that matches", "The node's systemd did not start: see its log with "
     "k8s-tutor cluster logs; with podman set its log driver to k8s-file"),
    ("requires cgroup v2", "A rootless engine needs cgroup version 2: use a rootful one, or --provider native"),
    ("failed to pull image", "The node image cannot be pulled: name one that the engine has with --image"),
    ("invalid config for network", "Remove kind's network if no other cluster uses it: docker network rm kind"),
    ("all predefined address pools have been fully subnetted", "Remove networks nobody uses: docker network prune"),
    ("docker-init", "Take \"init\": true out of the engine's daemon.json"),
)  # fmt: skip


def remedy_for(said: str) -> str:
    """The remedy for what kind said; empty when it is not a known way to fail."""
    text = said.lower()
    return next((remedy for sign, remedy in _KNOWN if sign in text), "")
