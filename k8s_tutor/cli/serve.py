"""``k8s-tutor serve``: the tutor in a browser, for a classroom machine."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from k8s_tutor.errors import EXIT_PASS, UsageError


def run(options: argparse.Namespace) -> int:
    """Make all ready, print one link a learner, serve until interrupted."""
    from k8s_tutor.cli.cluster import Narrator
    from k8s_tutor.serving import serve
    from k8s_tutor.session.places import chosen

    serve.require()
    from k8s_tutor.serving.web import Address, checked_url

    address = Address(options.host, options.port, checked_url(options.url) if options.url else "")
    if address.host in ("0.0.0.0", "::") and not address.url:  # noqa: S104 - refused
        raise UsageError(
            "with --host for every address of this machine, links need one to begin with",
            remedy=f"--host ADDRESS, or --url http://ADDRESS:{options.port}",
            code="host",
        )
    if not address.loopback and not address.secure:
        print(
            f"warning: {address.host} can be reached by others, and there is no TLS: whoever listens on the way gets "
            "links, cookies and every key.\n"
            f"remedy: stay at 127.0.0.1, and let learners come by `ssh -L {options.port}:127.0.0.1:{options.port} "
            "THIS-MACHINE`; or put a proxy with TLS before it and name it: --url https://…",
            file=sys.stderr,
        )
    names, seeds = _class(options)
    plan = serve.Plan(chosen(options.name, "native").name, names, options.hours, not options.no_terminal, seeds)
    cluster, learners = serve.make_ready(plan, Narrator())
    name = "" if options.name is None else f" --name {shlex.quote(cluster.name)}"
    print(
        f"each link works once, in one browser; a new one, also while this runs: k8s-tutor serve link NAME{name}\n"
        f"ctrl+c ends the server; all that learners made is kept until: k8s-tutor serve down{name}",
        file=sys.stderr,
    )
    serve.run(cluster, learners, plan, address, _tell, _say)
    return EXIT_PASS


def link(options: argparse.Namespace) -> int:
    """Print a new link for one learner; the server may be running."""
    from k8s_tutor.serving import serve
    from k8s_tutor.session.places import chosen

    _tell(*serve.new_link(chosen(options.name, "native").name, options.learner, options.hours))
    return EXIT_PASS


def list_all(options: argparse.Namespace) -> int:
    """Print who has a place: name, namespace, user id."""
    from k8s_tutor.serving import roster
    from k8s_tutor.session.places import chosen

    for learner in roster.load(chosen(options.name, "native").name):
        print(f"{learner.name}\t{learner.namespace}\t{learner.uid}")
    return EXIT_PASS


def down(options: argparse.Namespace) -> int:
    """Remove all learners' places and files; the cluster stays."""
    from k8s_tutor.cli.cluster import Narrator
    from k8s_tutor.serving import serve
    from k8s_tutor.session.places import chosen

    name = chosen(options.name, "native").name
    count = serve.take_down(name, Narrator())
    print(f"{count} learner{'s' if count != 1 else ''} removed from cluster {name}; the cluster itself stays")
    return EXIT_PASS


def _class(options: argparse.Namespace) -> tuple[list[str], Mapping[str, str]]:
    """The learners' names, and the seeds of who has one: a roster is one name a line, or CSV as for ``grade``."""
    from k8s_tutor.serving import roster

    if options.roster is None:
        return (roster.numbered(options.learners) if options.learners else []), {}
    path = Path(options.roster)
    if path.suffix.lower() == ".csv":
        from k8s_tutor.grading import roster as graded
        from k8s_tutor.grading.variants import seeds_in

        table = graded.load(path)
        return roster.names_from("\n".join(table.rows)), seeds_in(table)
    try:
        return roster.names_from(path.read_text(encoding="utf-8")), {}
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", code="roster") from error


def _tell(name: str, link: str) -> None:
    print(f"{name}\t{link}", flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
