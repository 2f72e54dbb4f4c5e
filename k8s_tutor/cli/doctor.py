"""``doctor``: what this machine lacks, and the remedy."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_PASS, TutorError


def run(options: argparse.Namespace) -> int:
    """Print every finding; exit 0 when everything needed is there, else 3."""
    from k8s_tutor.clusters.doctor import findings, well

    cluster, trouble, remedy = _cluster(*(getattr(options, key, None) for key in ("cluster", "context", "provider")))
    found = findings(cluster, trouble, remedy)
    fine = well(found)
    if options.output == "json":
        print(
            json.dumps({"ok": fine, "findings": [asdict(finding) for finding in found]}, indent=1, ensure_ascii=False)
        )
    else:
        for finding in found:
            mark = "ok  " if finding.ok else "FAIL" if finding.needed else "note"
            print(f"{mark} {finding.id:14} {finding.evidence}")
            if not finding.ok and finding.remedy:
                print(f"     {'':14} → {finding.remedy}")
        print("everything needed is there" if fine else "something needed is missing")
    return EXIT_PASS if fine else EXIT_ENVIRONMENT


def _cluster(name: str | None, context: str | None, provider: str | None) -> tuple[Cluster | None, str, str]:
    """The cluster to look at, also a broken one; else None, why there is none, and the remedy."""
    from k8s_tutor.clusters.assigned import assigned
    from k8s_tutor.session.places import chosen, find_cluster

    try:
        if context or assigned() is not None:
            return find_cluster(name, context), "", ""
        return chosen(name, provider).cluster, "", ""
    except TutorError as error:
        return None, error.message, error.remedy
