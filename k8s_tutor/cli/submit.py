"""``k8s-tutor submit``: make what is handed in, and say what a grader would say of it before it looks at a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from k8s_tutor.errors import EXIT_FAIL, EXIT_PASS


def run(options: argparse.Namespace) -> int:
    """Make the folder of one lab; exit 1 when something in it is missing or would be refused."""
    from k8s_tutor import paths
    from k8s_tutor.grading.packing import pack
    from k8s_tutor.session.variant import own
    from k8s_tutor.session.workspace import Workspace

    lab = own(options.lab, options.seed)
    target = Path(options.to) if options.to else paths.workspace_dir() / "submission"
    submission = pack(lab, Workspace(lab), target)
    if options.output == "json":
        problems = [
            {
                "file": each.file,
                "line": each.line,
                "message": each.message,
                "remedy": each.remedy,
                "refused": each.refused,
            }
            for each in submission.problems
        ]
        told = {
            "lab": lab.id,
            "folder": str(submission.folder),
            "digest": submission.digest,
            "seed": lab.seed,
            "manifests": [manifest.name for manifest in submission.manifests],
            "answers": sorted(submission.answers),
            "commands": [command.text for command in submission.commands],
            "problems": problems,
        }
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print(f"{submission.folder}")
        for manifest in submission.manifests:
            print(f"  {manifest.name}")
        print(f"  {len(submission.answers)} answers, {len(submission.commands)} commands")
        print(f"  sha256 {submission.digest}")
        if lab.seed:
            print(f"  made for the variant of seed {lab.seed}")
    for each in submission.problems:
        mark = "refused" if each.refused else "missing or unreadable"
        print(f"{each.where}: {mark}: {each.message}", file=sys.stderr)
        if each.remedy:
            print(f"  remedy: {each.remedy}", file=sys.stderr)
    return EXIT_FAIL if submission.problems else EXIT_PASS
