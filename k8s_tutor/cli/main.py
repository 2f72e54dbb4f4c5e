"""The command ``k8s-tutor``: one parser, one module a group of commands, one place for errors and exit codes.

Nothing heavy is imported here: ``--version`` and ``--help`` must answer at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from k8s_tutor import __version__
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_USAGE, TutorError

EPILOG = """\
exit codes: 0 all required checks pass, 1 a check failed, 2 usage or lab definition, 3 environment, 130 interrupted
Without a command the tutor opens, on a cluster that it starts when there is none.
"""


PROVIDER = "what makes the cluster: auto, native, kind or minikube (default: $K8S_TUTOR_PROVIDER, else auto)"


SEED = "your own variant of the lab, as you were given it; remembered for this lab"
VARY = "a file with your secret: each student has a variant of the lab"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"error: {message}", file=sys.stderr)
        print(f"remedy: {self.prog} --help", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


def parser() -> argparse.ArgumentParser:
    """The whole command line. Each command's ``run`` is ``module:function``, imported when it is called."""
    top = _Parser(
        prog="k8s-tutor",
        description="Learn Kubernetes in a terminal on a real cluster, and check it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"k8s-tutor {__version__}")
    place = _Parser(add_help=False)
    which = place.add_mutually_exclusive_group()
    which.add_argument("--cluster", metavar="NAME", default=argparse.SUPPRESS, help="a cluster of `k8s-tutor cluster`")
    which.add_argument(
        "--context", metavar="NAME", default=argparse.SUPPRESS, help="a local cluster, by context in your kubeconfig"
    )
    place.add_argument("--provider", metavar="PROVIDER", default=argparse.SUPPRESS, help=PROVIDER)
    top.add_argument("--lab", metavar="LAB", help="open the tutor in this lab")
    top.add_argument("--seed", metavar="SEED", help=SEED)
    for option, text in (("--cluster", "work on this cluster"), ("--context", "work on this local context")):
        top.add_argument(option, metavar="NAME", default=None, help=text)
    top.add_argument("--provider", metavar="PROVIDER", default=None, help=PROVIDER)
    top.set_defaults(run="tutor:run")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    tutor = _command(commands, "tutor", "tutor:run", "open the tutor (what no command does)", place)
    tutor.add_argument("--lab", metavar="LAB", help="open this lab")
    tutor.add_argument("--seed", metavar="SEED", default=argparse.SUPPRESS, help=SEED)

    labs = _command(commands, "labs", "labs:labs", "list the labs")
    _output(labs, "text", "json")

    lesson = _command(commands, "lesson", "labs:lesson", "print a whole lab as plain text", place)
    lesson.add_argument("lab", metavar="LAB")
    lesson.add_argument("--step", metavar="STEP", help="one step, by its id or number")
    lesson.add_argument("--seed", metavar="SEED", default=argparse.SUPPRESS, help=SEED)

    hint = _command(commands, "hint", "labs:hint", "show the next hint of a step", place)
    hint.add_argument("lab", metavar="LAB")
    hint.add_argument("--step", metavar="STEP", help="by id or number (default: the first that is not done)")

    summary = _command(commands, "summary", "labs:summary", "what came of a lab: steps, times, hints, mistakes met")
    summary.add_argument("lab", metavar="LAB")
    _output(summary, "text", "markdown", "html")

    check = _command(commands, "check", "check:run", "check a lab on the cluster, once", place)
    check.add_argument("lab", metavar="LAB")
    check.add_argument("--step", metavar="STEP", help="one step, by its id or number")
    check.add_argument("--seed", metavar="SEED", default=argparse.SUPPRESS, help=SEED)
    _output(check, "text", "json", "junit")
    check.add_argument("--report-file", metavar="FILE", help="write the document there in place of stdout")
    check.add_argument("--no-disrupt", action="store_true", help="run no experiment (nothing is deleted)")
    check.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=30.0, help="longest wait for a converging cluster (30)"
    )

    solve = _command(commands, "solve", "learn:solve", "do a step's solution for you", place)
    solve.add_argument("lab", metavar="LAB")
    solve.add_argument("--step", metavar="STEP", help="one step, by its id or number (default: all, in order)")
    solve.add_argument("--seed", metavar="SEED", default=argparse.SUPPRESS, help=SEED)

    reset = _command(commands, "reset", "learn:reset", "begin a lab anew: empty namespace, files moved aside", place)
    reset.add_argument("lab", metavar="LAB")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.add_argument("--dry-run", action="store_true", help="say what would be deleted, and change nothing")

    submit = _command(commands, "submit", "submit:run", "make the folder of a lab that is handed in, and check it")
    submit.add_argument("lab", metavar="LAB")
    submit.add_argument("--to", metavar="FOLDER", help="where it goes (default: submission, beside your labs)")
    submit.add_argument("--seed", metavar="SEED", default=argparse.SUPPRESS, help=SEED)
    _output(submit, "text", "json")

    grade = _command(commands, "grade", "grade:run", "grade a class: replay each submission on a cluster", place)
    grade.add_argument("path", metavar="PATH", nargs="+", help="a student's folder, or a folder of such")
    grade.add_argument("--lab", metavar="LAB", help="id or folder (default: the one lab that was handed in)")
    grade.add_argument("--roster", metavar="FILE", help="CSV with a header; one column names the folders")
    grade.add_argument("--vary", metavar="FILE", help=VARY)
    grade.add_argument("--report", metavar="KIND=FILE", action="append", default=[], help="may be given several times")
    grade.add_argument("--jobs", metavar="N", type=_jobs, help="side by side (default: as many as the nodes take)")
    grade.add_argument(
        "--runner", choices=("local", "kubernetes"), default="local", help="who grades: this machine (local), or pods"
    )
    grade.add_argument(
        "--image", metavar="IMAGE", help="of the grader, for its pods (default: k8s-tutor-grader:VERSION)"
    )
    grade.add_argument(
        "--junit-granularity", choices=("check", "step", "lab"), default="check", help="a case each (check)"
    )
    grade.add_argument("--before-due", action="store_true", help="students' reports leave out what after_due hides")
    grade.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    grade.add_argument("--exit-zero", action="store_true", help="exit 0 whenever there is a grade, whatever it is")
    for option, default, text in (
        ("--check-timeout", 60.0, "longest wait for a step that converges (60)"),
        ("--timeout", 600.0, "longest time for one submission (600)"),
        ("--run-timeout", None, "longest time for the whole run (none)"),
    ):
        grade.add_argument(option, metavar="SECONDS", type=_seconds, default=default, help=text)

    seeds = _command(commands, "seeds", "grade:seeds", "print each student's seed, and what it chooses, as CSV")
    seeds.add_argument("lab", metavar="LAB")
    seeds.add_argument("--vary", metavar="FILE", required=True, help=VARY)
    seeds.add_argument(
        "--roster", metavar="FILE", required=True, help="CSV with a header; one column names the folders"
    )

    answer = _command(commands, "answer", "learn:answer", "answer a question of a lab")
    answer.add_argument("lab", metavar="LAB")
    answer.add_argument("check", metavar="QUESTION", help="the id of its check")
    answer.add_argument("text", metavar="TEXT", nargs="+")

    lab = commands.add_parser("lab", help="for authors of labs: test, lint")
    authors = lab.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser, required=True)
    test = _command(authors, "test", "labs:test", "prove a lab: fails before, passes after, mistakes fail", place)
    test.add_argument("lab", metavar="LAB", help="id of a lab, or the folder of one")
    test.add_argument("--mistake", metavar="ID", action="append", default=[], help="only these mistakes")
    test.add_argument("--jobs", metavar="N", type=_count, default=3, help="mistakes tried side by side (3)")
    test.add_argument("--seed", metavar="SEED", help="prove the variant of this seed")
    _output(test, "text", "json")
    lint = _command(authors, "lint", "labs:lint", "check a lab's files against schema and checks")
    lint.add_argument("path", metavar="PATH", help="a lab's folder or its lab.yaml")

    _cluster(commands)
    _images(commands)
    _serve(commands)

    doctor = _command(commands, "doctor", "doctor:run", "say what machine and cluster lack, and the remedy", place)
    _output(doctor, "text", "json")
    doctor.add_argument("--all", action="store_true", help="also what is well: evidence, source and link of each")
    doctor.add_argument("--list", action="store_true", help="list the ids of all that is looked at; look at nothing")
    verbs = doctor.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    pack = _command(verbs, "bundle", "doctor:bundle", "write one archive for a bug report, secrets redacted", place)
    pack.add_argument("--file", metavar="FILE", help="where to (default: k8s-tutor-bundle-TIME.tar.gz here)")

    _command(commands, "config", "config:run", "print the tutor's settings (keys, colours, layout) and their file")

    env = _command(commands, "env", "env:run", 'print what a shell needs: eval "$(k8s-tutor env)"', place)
    env.add_argument("--lab", metavar="LAB", help="the lab whose folder to work in")
    env.add_argument("--shell", action="store_true", help="open that shell")
    return top


def _cluster(commands: argparse._SubParsersAction[_Parser]) -> None:
    group = commands.add_parser("cluster", help="up, down, status, list, logs, shell, load-images, kubeconfig")
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser, required=True)
    name = _Parser(add_help=False)
    name.add_argument("--name", metavar="NAME", default=None, help="which cluster (default: the only one, or tutor)")
    name.add_argument("--provider", metavar="PROVIDER", default=None, help=PROVIDER)
    up = _command(verbs, "up", "cluster:up", "make a cluster, or resume it", name)
    up.add_argument("--nodes", metavar="K", type=_count, default=1, help="how many nodes (1)")
    up.add_argument("--egress", action="store_true", help="let the cluster reach the network outside")
    up.add_argument("--image", metavar="IMAGE", default=None, help="kind: what its nodes are made of")
    up.add_argument(
        "--kubernetes", metavar="VERSION", default=None, help="the version (kind: by kind's own node image; minikube)"
    )
    down = _command(verbs, "down", "cluster:down", "remove every trace of a cluster", name)
    down.add_argument("--dry-run", action="store_true", help="say what would be removed, and change nothing")
    _output(_command(verbs, "status", "cluster:status", "what is there now", name), "text", "json")
    _output(_command(verbs, "list", "cluster:list_all", "all clusters"), "text", "json")
    consent = _command(
        verbs, "consent", "consent:run", "let the tutor work on a cluster that is not local; list, withdraw"
    )
    consent.add_argument("context_name", metavar="CONTEXT", nargs="?", help="of your kubeconfig (default: list)")
    consent.add_argument("--typed", metavar="NAME", help="the context's name once more, where nobody can type it")
    consent.add_argument("--withdraw", action="store_true", help="forget the consent")
    rbac = _command(verbs, "rbac", "rbac:run", "print the manifest that lets one learner work on a cluster of yours")
    rbac.add_argument("--namespace", metavar="NAME", default="learner", help="the learner's (learner)")
    whom = rbac.add_mutually_exclusive_group(required=True)
    whom.add_argument("--user", metavar="NAME", help="as the API server knows the learner")
    whom.add_argument("--group", metavar="NAME", help="a group of users")
    whom.add_argument("--serviceaccount", metavar="NAMESPACE:NAME", help="a ServiceAccount")
    logs = _command(verbs, "logs", "cluster:logs", "what the cluster's parts logged", name)
    logs.add_argument("component", metavar="COMPONENT", nargs="?", default="")
    shell = _command(verbs, "shell", "cluster:shell", "a shell on the first node", name)
    shell.add_argument("argv", metavar="ARG", nargs="*", help="a command in place of the shell")
    load = _command(verbs, "load-images", "cluster:load_images", "put images onto every node, without a registry", name)
    load.add_argument("archive", metavar="ARCHIVE", help="of docker save or an OCI layout as tar, one platform")
    _command(verbs, "kubeconfig", "cluster:kubeconfig", "print the path of the cluster's own kubeconfig", name)


def _images(commands: argparse._SubParsersAction[_Parser]) -> None:
    name = _Parser(add_help=False)
    name.add_argument("--name", metavar="NAME", help="which cluster (default: the only one, or tutor)")
    name.add_argument("--provider", metavar="PROVIDER", default=None, help=PROVIDER)
    platform = _Parser(add_help=False)
    platform.add_argument(
        "--platform", choices=("linux/amd64", "linux/arm64"), help="of the machines that will run them (this one's)"
    )
    labs = _Parser(add_help=False)
    labs.add_argument("labs", metavar="LAB", nargs="*", help="of these labs only (default: of all)")
    file = _Parser(add_help=False)
    file.add_argument("file", metavar="FILE")
    group = commands.add_parser(
        "images", help="list, pull, save, load: the labs' images, for a class behind one slow line"
    )
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser, required=True)
    listed = _command(verbs, "list", "images:listed", "which there are, what of them is here", labs, platform)
    _output(listed, "text", "json")
    _command(verbs, "pull", "images:pull", "load them from their registries, by digest", labs, platform)
    _command(verbs, "save", "images:save", "write them into one archive, an OCI layout as tar", file, labs, platform)
    _command(verbs, "load", "images:load", "put an archive's images onto every node, without a registry", file, name)


def _serve(commands: argparse._SubParsersAction[_Parser]) -> None:
    def common(*, again: bool) -> tuple[_Parser, _Parser]:
        # Said before the verb, it holds there too: a default of the verb's own would take its place.
        name, hours = _Parser(add_help=False), _Parser(add_help=False)
        default: object = argparse.SUPPRESS if again else None
        text = "which cluster (default: the only one, or tutor)"
        name.add_argument("--name", metavar="NAME", default=default, help=text)
        default = argparse.SUPPRESS if again else 8.0
        text = "how long links and tokens hold (8)"
        hours.add_argument("--hours", metavar="N", type=_hours, default=default, help=text)
        return name, hours

    text = "the tutor in a browser, for a class; link, list, down"
    group = _command(commands, "serve", "serve:run", text, *common(again=False))
    who = group.add_mutually_exclusive_group()
    who.add_argument("--learners", metavar="N", type=_learners, help="learners named 1 to N")
    who.add_argument(
        "--roster", metavar="FILE", help="one name a line, or CSV with seeds, FILE.csv (default: as last time)"
    )
    group.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="where to listen (127.0.0.1)")
    group.add_argument("--port", metavar="PORT", type=_port, default=8765, help="and at which port (8765)")
    group.add_argument("--url", metavar="URL", default="", help="what browsers call it, where a proxy is before it")
    group.add_argument("--no-terminal", action="store_true", help="offer no shell")
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    name, hours = common(again=True)
    link = _command(verbs, "link", "serve:link", "print a new link for a learner, also while it serves", name, hours)
    link.add_argument("learner", metavar="LEARNER", help="by name, as in the roster")
    _command(verbs, "list", "serve:list_all", "who has a place", name)
    _command(verbs, "down", "serve:down", "remove all learners' places and files; the cluster stays", name)


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    run: str,
    text: str,
    *parents: _Parser,
) -> _Parser:
    made = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=list(parents))
    made.set_defaults(run=run)
    return made


def _output(command: argparse.ArgumentParser, *choices: str) -> None:
    command.add_argument("--output", "-o", choices=choices, default=choices[0], help="form of the document on stdout")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("between 0 and 86400 seconds")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 16:
        raise argparse.ArgumentTypeError("between 1 and 16")
    return value


def _jobs(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError("between 1 and 1000")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError("between 1 and 65535")
    return value


def _hours(text: str) -> float:
    value = float(text)
    if not 0.2 <= value <= 48:
        raise argparse.ArgumentTypeError("between 0.2 and 48 hours")
    return value


def _learners(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 60:
        raise argparse.ArgumentTypeError("between 1 and 60")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        options = parser().parse_args(argv)
        module, _, function = str(options.run).partition(":")
        run: Callable[[argparse.Namespace], int] = getattr(import_module(f"k8s_tutor.cli.{module}"), function)
        code = run(options)
        sys.stdout.flush()
        return code
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else EXIT_USAGE
    except TutorError as error:
        _say(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (``| head``): nobody to tell, and Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _say(TutorError(f"{error.filename or 'this machine'}: {error.strerror or error}"))
        return EXIT_ENVIRONMENT


def _say(error: TutorError) -> None:
    print(f"error: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"remedy: {error.remedy}", file=sys.stderr)
