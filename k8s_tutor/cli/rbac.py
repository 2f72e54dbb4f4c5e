"""``cluster rbac``: the manifest that lets one learner work on somebody else's cluster, for its owner to apply."""

from __future__ import annotations

import argparse

from k8s_tutor.errors import EXIT_PASS, UsageError
from k8s_tutor.session.rights import GROUP, Object


def run(options: argparse.Namespace) -> int:
    """Print it; nothing is asked of any cluster."""
    from k8s_tutor.session.rights import text

    print(text(options.namespace, _subject(options)), end="")
    return EXIT_PASS


def _subject(options: argparse.Namespace) -> Object:
    if options.user:
        return {"kind": "User", "name": options.user, "apiGroup": GROUP}
    if options.group:
        return {"kind": "Group", "name": options.group, "apiGroup": GROUP}
    namespace, colon, name = options.serviceaccount.partition(":")
    if not (namespace and colon and name):
        raise UsageError(
            f"{options.serviceaccount[:80]!r} is no ServiceAccount",
            remedy="--serviceaccount NAMESPACE:NAME",
            code="subject",
        )
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
