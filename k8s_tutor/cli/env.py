"""``env``: what a shell of the learner's own needs, as lines to ``eval``; or that shell itself."""

from __future__ import annotations

import argparse
import shlex
import subprocess

from k8s_tutor.errors import EXIT_PASS


def run(options: argparse.Namespace) -> int:
    """Print the lines, or with ``--shell`` open the shell and hand on its exit code."""
    from k8s_tutor.cli.where import cluster_of

    cluster = cluster_of(options)
    if options.shell:
        from k8s_tutor import paths
        from k8s_tutor.labs.loader import load
        from k8s_tutor.session.shell import cluster_shell
        from k8s_tutor.session.workspace import Workspace

        folder = Workspace(load(options.lab)).folder if options.lab else paths.workspace_dir()
        folder.mkdir(parents=True, exist_ok=True)
        shell = cluster_shell(cluster, folder)
        return subprocess.run(list(shell.argv), env=dict(shell.env), cwd=shell.cwd, check=False).returncode
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    if cluster.bin_dir is not None:
        print(f'export PATH={shlex.quote(str(cluster.bin_dir))}:"$PATH"')
    print(f"# cluster {cluster.name}, namespace {cluster.namespace}; pod addresses answer in `k8s-tutor env --shell`")
    for image, truth in cluster.stand_ins.items():
        print("# " + " ".join(f"image {image}: {truth}".split()))
    return EXIT_PASS
