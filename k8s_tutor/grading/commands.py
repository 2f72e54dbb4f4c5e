"""``commands.txt``: plain kubectl lines, taken apart as a shell would, given to none; allow-listed word by word.

https://kubernetes.io/docs/reference/kubectl/ names the flags; what is not in the list here is refused.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from k8s_tutor.checks.images import normalise
from k8s_tutor.grading.manifests import MOST_REPLICAS, OWN_NAMESPACES
from k8s_tutor.grading.problem import Problem, plain

COMMANDS = "commands.txt"
MOST_COMMANDS = 50
LONGEST = 1000
RESOURCES = {
    "pod": "pod", "pods": "pod", "po": "pod",
    "deployment": "deployment", "deployments": "deployment", "deploy": "deployment", "deployments.apps": "deployment",
    "deployment.apps": "deployment",
    "service": "service", "services": "service", "svc": "service",
    "replicaset": "replicaset", "replicasets": "replicaset", "rs": "replicaset",
}  # fmt: skip
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_TEXT = re.compile(r"[\w./:=,!()@ -]*", re.ASCII)
_SHELL = set(";|&<>`")
_EVERYWHERE = {"-n": True, "--namespace": True, "-o": True, "--output": True}


@dataclass(frozen=True)
class Command:
    """One line: what follows ``kubectl``, its line number, and its text as handed in."""

    line: int
    argv: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class _Verb:
    """``flags``: flag -> whether a value follows. ``kinds``: what it may act on (empty: only files)."""

    flags: dict[str, bool]
    kinds: tuple[str, ...] = ()
    files: bool = False


_SELECTOR = {"-l": True, "--selector": True}
_FILES = {"-f": True, "--filename": True}
_WAITS = {"--wait": False, "--timeout": True}
VERBS: dict[str, _Verb] = {
    "apply": _Verb({**_FILES, "--server-side": False, "--force-conflicts": False}, files=True),
    "create": _Verb({**_FILES, "--save-config": False}, files=True),
    "replace": _Verb({**_FILES}, files=True),
    "delete": _Verb(
        {**_FILES, **_SELECTOR, **_WAITS, "--now": False, "--grace-period": True, "--ignore-not-found": False,
         "--cascade": True},
        ("pod", "deployment", "service", "replicaset"), files=True,
    ),
    "scale": _Verb({"--replicas": True, "--current-replicas": True, "--timeout": True}, ("deployment", "replicaset")),
    "expose": _Verb(
        {"--port": True, "--target-port": True, "--name": True, "--type": True, "--protocol": True, "--selector": True,
         "-l": True, "--labels": True, "--session-affinity": True, "--cluster-ip": True},
        ("deployment", "pod", "replicaset"),
    ),
    "set image": _Verb({}, ("deployment", "pod", "replicaset")),
    "rollout status": _Verb({"--timeout": True, "-w": False, "--watch": False}, ("deployment",)),
    "rollout restart": _Verb({}, ("deployment",)),
    "rollout undo": _Verb({"--to-revision": True}, ("deployment",)),
    "label": _Verb({"--overwrite": False, **_SELECTOR}, ("pod", "deployment", "service")),
    "run": _Verb({"--image": True, "--port": True, "--labels": True, "-l": True, "--restart": True}, ("pod",)),
    "wait": _Verb({"--for": True, "--timeout": True, **_SELECTOR}, ("pod", "deployment")),
    "get": _Verb({**_SELECTOR, "--show-labels": False}, ("pod", "deployment", "service", "replicaset")),
    "describe": _Verb({**_SELECTOR}, ("pod", "deployment", "service", "replicaset")),
}  # fmt: skip
"""What a line may do. Not among them: exec, cp, attach, port-forward, proxy, debug, for they reach into containers or
the network; patch and edit, for what they write cannot be seen here; auth, certificate, config, drain, taint."""


class _Refused(Exception):
    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def parse(text: str, manifests: frozenset[str], images: frozenset[str]) -> tuple[tuple[Command, ...], list[Problem]]:
    """The lines of a ``commands.txt``, and what is wrong with those that are left out.

    ``manifests``: files that were handed in and may be applied; ``images``: those of the lab, as it writes them.
    """
    found: list[Command] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(found) >= MOST_COMMANDS:
            problems.append(Problem(COMMANDS, number, f"more than {MOST_COMMANDS} lines", refused=True))
            break
        try:
            argv = _words(line)
            found.append(Command(number, _checked(argv, manifests, images), line.strip()))
        except _Refused as refused:
            problems.append(Problem(COMMANDS, number, str(refused), refused.remedy, refused=True))
    return tuple(found), problems


def _words(line: str) -> list[str]:
    if len(line) > LONGEST:
        raise _Refused(f"the line is longer than {LONGEST} characters")
    if not line.isprintable() and line.strip("\t").replace("\t", " ").isprintable() is False:
        raise _Refused("there are control characters in it")
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = ""
        unquoted = list(lexer)
        words = shlex.split(line)
    except ValueError as error:
        raise _Refused(f"its quotes do not fit: {error}") from error
    if any(word and set(word) <= set("();<>|&") for word in unquoted) or "`" in line or "$" in line or "\\" in line:
        raise _Refused("no shell reads this: no ; | & < > ` $ \\ and no brackets", "one plain kubectl command a line")
    return words


def _checked(words: list[str], manifests: frozenset[str], images: frozenset[str]) -> tuple[str, ...]:
    """The words that are handed to kubectl. Raises _Refused."""
    if not words or words[0] not in ("kubectl", "k"):
        raise _Refused(f"{plain(words[0] if words else '', 60)!r} is not kubectl", "each line begins with kubectl")
    verb, rest = _verb(words[1:])
    rule = VERBS[verb]
    flags, others = _split(rest, {**rule.flags, **_EVERYWHERE})
    kept = _flags(flags, manifests, images)
    named = any(flag in _FILES for flag, _ in flags)
    if rule.files and named:
        if others:
            raise _Refused("a file and names together are not understood")
    elif verb == "run":
        _names(others[:1])
        if len(others) != 1:
            raise _Refused("kubectl run NAME --image=…, and no command after it")
    elif not rule.kinds:
        raise _Refused(f"kubectl {verb} is understood with -f FILE only")
    else:
        _objects(verb, others, rule.kinds, images, selected=any(flag in _SELECTOR for flag, _ in flags))
    return (*verb.split(), *others, *kept)


def _verb(words: list[str]) -> tuple[str, list[str]]:
    for length in (2, 1):
        verb = " ".join(words[:length])
        if verb in VERBS:
            return verb, words[length:]
    shown = plain(" ".join(words[:1]), 40)
    raise _Refused(f"kubectl {shown} may not be handed in", "allowed: " + ", ".join(sorted(VERBS)))


def _split(words: list[str], known: dict[str, bool]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Flags with their values, and the other words."""
    flags: list[tuple[str, str | None]] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            if not _TEXT.fullmatch(word):
                raise _Refused(f"{plain(word, 60)!r} holds letters that no name here has")
            others.append(word)
            continue
        flag, equals, value = word.partition("=")
        if not flag.startswith("--") and len(flag) > 2:
            flag, equals, value = flag[:2], "=", flag[2:] + (f"={value}" if equals else "")
        if flag not in known:
            raise _Refused(f"the flag {plain(flag, 40)} may not be handed in")
        if known[flag] and not equals:
            value = next(rest, "")
            if not value:
                raise _Refused(f"{flag} needs a value")
        if not _TEXT.fullmatch(value):
            raise _Refused(f"the value of {flag} holds letters that no name here has")
        flags.append((flag, value if equals or known[flag] else None))
    return flags, others


def _flags(flags: list[tuple[str, str | None]], manifests: frozenset[str], images: frozenset[str]) -> list[str]:
    """The flags as they are handed on; the namespace's is left out, for there is only the student's own."""
    kept: list[str] = []
    for flag, value in flags:
        if flag in ("-n", "--namespace"):
            if value not in OWN_NAMESPACES:
                raise _Refused(f"it names the namespace {plain(value, 60)}", "leave -n out")
            continue
        if flag in _FILES and value not in manifests:
            raise _Refused(
                f"{plain(value, 60)} is no manifest that was handed in and may be applied",
                "name a file of the folder by its bare name",
            )
        if flag == "--image":
            _image(str(value), images)
        if flag == "--replicas":
            _replicas(str(value))
        if flag == "--type" and value not in ("ClusterIP", "NodePort"):
            raise _Refused(f"a Service of type {plain(value, 40)} may not be made")
        kept.append(flag if value is None else f"{flag}={value}")
    return kept


def _replicas(value: str) -> None:
    if not value.isascii() or not value.isdigit() or int(value[:9]) > MOST_REPLICAS:
        raise _Refused(f"--replicas={plain(value, 20)}: 0 to {MOST_REPLICAS}")


def _image(value: str, images: frozenset[str]) -> None:
    image = normalise(value)
    known = {(each.host, each.repository) for each in map(normalise, images) if each}
    if image is None or (image.host, image.repository) not in known:
        raise _Refused(f"the image {plain(value, 60)} is none of this lab's")


def _objects(verb: str, others: list[str], kinds: tuple[str, ...], images: frozenset[str], *, selected: bool) -> None:
    if not others:
        raise _Refused(f"kubectl {verb} needs to be told what")
    first, slash, name = others[0].partition("/")
    for kind in first.split(","):
        if RESOURCES.get(kind) not in kinds:
            raise _Refused(f"kubectl {verb} {plain(kind, 40)} may not be handed in", "allowed: " + ", ".join(kinds))
    rest = others[1:]
    if slash:
        _names([name])
    elif verb not in ("get", "describe") and not selected:
        if not rest:
            raise _Refused("which one? name it, or select it with -l")
        _names(rest[:1])
        rest = rest[1:]
    if verb in ("set image", "label"):
        if not rest:
            raise _Refused(f"kubectl {verb} needs to be told what to set")
        for word in rest:
            key, equals, value = word.partition("=")
            if verb == "set image" and (not equals or not key):
                raise _Refused(f"{plain(word, 60)}: CONTAINER=IMAGE is needed")
            if verb == "set image":
                _image(value, images)
        return
    for word in rest:
        _names([word.partition("/")[2] or word])


def _names(words: list[str]) -> None:
    for word in words:
        if not _OBJECT_NAME.fullmatch(word):
            raise _Refused(f"{plain(word, 60)!r} is no name of an object")
