"""``cluster consent``: let the tutor work on a cluster that it would not touch by itself, once, by typing its name."""

from __future__ import annotations

import argparse
import sys
import time

from k8s_tutor.errors import EXIT_PASS, EnvironmentFault, UsageError
from k8s_tutor.session.standing import Known

MOST_NAMES = 5


def run(options: argparse.Namespace) -> int:
    """Show the cluster of a context and ask for its name; or list what was consented to, or withdraw it."""
    if options.context_name is None:
        return _list()
    if options.withdraw:
        return _withdraw(options.context_name)
    return _ask(options.context_name, options.typed)


def _list() -> int:
    from k8s_tutor.clusters import consent

    given = consent.load()
    for each in given:
        day = time.strftime("%Y-%m-%d", time.localtime(each.at))
        print(f"{each.context[:40]:40}  {each.server[:60]}  {day}  kube-system {each.uid[:40]}")
    if not given:
        print("no consent was given: only local clusters are used", file=sys.stderr)
    return EXIT_PASS


def _withdraw(context: str) -> int:
    from k8s_tutor.clusters import consent

    number = consent.withdraw(context)
    told = f"consent to {context[:80]!r} is withdrawn" if number else f"there was no consent to {context[:80]!r}"
    print(f"{told}. What the tutor made there is still there.")
    return EXIT_PASS


def _ask(context: str, typed: str | None) -> int:
    from k8s_tutor.clusters import consent
    from k8s_tutor.clusters.context import ContextProvider
    from k8s_tutor.kube.client import connect
    from k8s_tutor.session.standing import look

    api = connect(ContextProvider().unguarded(context).kubeconfig)
    try:
        known = look(api, ContextProvider().unguarded(context).kubeconfig)
    finally:
        api.close()
    verdict = known.verdict()
    print("\n".join(shown(known)), file=sys.stderr)
    if verdict.allowed:
        print(f"\n{context[:80]} is {verdict.reason}: it is used without consent", file=sys.stderr)
        return EXIT_PASS
    print(f"\nThe tutor does not use it by itself: {verdict.reason}.", file=sys.stderr)
    if known.consented:
        print("You have consented to this very cluster already.", file=sys.stderr)
        return EXIT_PASS
    if typed is None:
        if not sys.stdin.isatty():
            raise EnvironmentFault(
                f"nobody is there to type the name of {context[:80]!r}, so there is no consent",
                remedy=f"on a terminal: k8s-tutor cluster consent {context[:80]}; in a script: --typed NAME",
                code="no-consent",
            )
        print("\nTo let the tutor work there, type the context's name: ", end="", file=sys.stderr, flush=True)
        typed = sys.stdin.readline().rstrip("\n")
    if typed != context:
        raise UsageError(
            f"{typed[:80]!r} is not the name of the context, so there is no consent",
            remedy=f"type it in full: {context[:300]!r}",
            code="no-consent",
        )
    consent.give(known.consent)
    print(f"the tutor may work on the cluster of context {context[:80]}, in namespaces of its own")
    return EXIT_PASS


def shown(known: Known) -> list[str]:
    """What the user is shown before the name is typed; each line bounded, nothing in it but printable text."""
    facts = known.facts
    names = [node.name for node in facts.nodes or ()]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    rows = (
        ("context", known.context),
        ("cluster", known.cluster),
        ("server", known.server + (f"  (through {known.proxy})" if known.proxy else "")),
        ("user", known.user),
        ("version", facts.version or "not told"),
        (
            "nodes",
            f"{len(names)}: {', '.join(names[:MOST_NAMES])}{more}" if facts.nodes is not None else "not readable",
        ),
        ("namespaces", str(facts.namespaces) if facts.namespaces is not None else "not readable"),
        ("identity", f"kube-system {known.consent.uid}, CA {known.ca[:16] or 'the system’s'}"),
        ("would make", "namespace learner, and in it what you apply; namespace k8s-tutor-probe, and in it"),
        ("", "one pod that sends requests; all with the label app.kubernetes.io/managed-by=k8s-tutor"),
        ("would delete", "in those two alone, object by object, by UID"),
    )
    return [f"{word:13} {_plain(text)}" for word, text in rows]


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:300]
