"""Take out of text what must not leave this machine: secrets by their shape, secrets that are known, who you are.

Too much is taken rather than too little: a word that looks like a secret goes too. What was taken is counted by kind.
"""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from urllib.parse import quote

LEAST_KNOWN = 4
"""A shorter value is not looked for everywhere: it would be found in every word."""

_CALLED = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|credentials?|"
    r"client-key(?:-data)?|client-certificate-data|certificate-authority-data|cookie|signature)"
)
"""How secrets are called."""
_PLACE = "[redacted: {}]"
_PEM = re.compile(r"-----BEGIN [^\n-]{3,40}-----(?:.{0,20000}?-----END [^\n-]{3,40}-----|.{0,4000})", re.DOTALL)
_PEM_END = re.compile(r"-----END [^\n-]{3,40}-----")
_PEM_ESCAPED = re.compile(r"(?:[A-Za-z0-9+/=]{4,76}\\n){1,80}-----END [^\n-]{3,40}-----")
_PEM_LINE = re.compile(r"[A-Za-z0-9+/=]{8,}\s*$")
_KEYED = re.compile(
    rf"""(?P<key>{_CALLED}[\w./-]{{0,60}}(?P<quote>\\?["']?)[ \t]*[:=][ \t]*)"""
    r"""(?P<value>\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'[^'\n]*'|(?:[^\s,;"'{}\[\]&\\]|\\(?!["']))+)""",
    re.IGNORECASE,
)
_FLAG = re.compile(
    rf"""(?P<key>(?<![\w-])--?[\w-]{{0,40}}{_CALLED}[\w-]{{0,40}}["']?"""
    r"""(?:[ \t]+|\s*,\s*|\s*\n\s*-[ ]+)["']?)(?P<value>(?:[^\s"',\]\\]|\\(?!["']))+)""",
    re.IGNORECASE,
)
_PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("certificate or key", _PEM, ""),
    ("certificate or key", _PEM_ESCAPED, ""),
    ("certificate or key", re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]*"), ""),
    (
        "authorization header",
        re.compile(
            r"(?P<key>\b(?:proxy-)?authorization[\"']?[ \t]*[:=][ \t]*[\"'\[]*(?:\w+[ \t]+)?)"
            r"(?:[^\s\"',\]\\]|\\(?![\"']))+",
            re.IGNORECASE,
        ),
        "key",
    ),
    ("bearer token", re.compile(r"(?P<key>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), "key"),
    ("token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"), ""),
    ("password in a URL", re.compile(r"(?P<key>\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/\"'<>]+@"), "at"),
    ("secret by its name", _FLAG, "key"),
    ("bootstrap token", re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"), ""),
    (
        "token",
        re.compile(
            r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|"
            r"xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}|sk-[\w-]{20,}|dckr_pat_[\w-]{16,})"
        ),
        "",
    ),
)
_LONG = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{48,}={0,2}")
_COMMON = frozenset({"root", "user", "users", "admin", "ubuntu", "debian", "nobody", "runner", "default", "learner"})
_WORDS = frozenset({"true", "false", "null", "none"})


class Redactor:
    """Redacts texts, and counts by kind what it took out."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._known: dict[str, str] = {}
        self._people = _people()

    def know(self, kind: str, values: Iterable[str], *, least: int = LEAST_KNOWN) -> None:
        """Take these values out wherever they stand, also as base64, in a URL or in JSON."""
        for value in values:
            for line in {value, value.strip(), *value.strip().splitlines()}:
                if len(line) < least or line.lower() in _WORDS:
                    continue
                raw = line.encode()
                forms = {line, quote(line, safe=""), json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]}
                forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
                for form in forms:
                    if len(form) >= least:
                        self._known.setdefault(form, kind)

    def text(self, text: str) -> str:
        """The text without them."""
        # The longest first: a part of a secret that is known too must not leave the rest.
        for value in sorted(self._known, key=len, reverse=True):
            found = text.count(value)
            if found:
                self.counts[self._known[value]] += found
                text = text.replace(value, _PLACE.format(self._known[value]))
        text = self._torn(text)
        for kind, pattern, keep in _PATTERNS:
            text = pattern.sub(partial(self._taken, kind=kind, keep=keep), text)
        text = _KEYED.sub(self._keyed, text)
        text = _LONG.sub(self._long, text)
        for pattern, place in self._people:
            text, number = pattern.subn(place, text)
            self.counts["name, host or home"] += number
        return text

    def _taken(self, match: re.Match[str], *, kind: str, keep: str = "") -> str:
        if match[0].endswith(_PLACE.format(kind)):
            return match[0]
        self.counts[kind] += 1
        place = _PLACE.format(kind)
        if keep == "at":
            return f"{match['key']}{place}@"
        return f"{match['key']}{place}" if keep else place

    def _keyed(self, match: re.Match[str]) -> str:
        value = match["value"]
        inner = value.strip("\\\"'")
        if not inner or inner.lower() in _WORDS or "[redacted" in value:
            return match[0]
        if ".go:" in match["key"] and inner.rstrip("]").isdigit():
            return match[0]  # where in its source a program logged
        kind = "secret by its name"
        self.counts[kind] += 1
        place = _PLACE.format(kind)
        mark = re.match(r"\\?[\"']", value)
        if mark:
            return f"{match['key']}{mark[0]}{place}{mark[0]}"
        # A bare value after a quoted key is JSON's: it stays JSON.
        return f'{match["key"]}"{place}"' if match["quote"] == '"' else f"{match['key']}{place}"

    def _torn(self, text: str) -> str:
        """Without the rest of a certificate or key whose beginning was cut off."""
        if "-----END " not in text:
            return text
        text = _PEM.sub(partial(self._taken, kind="certificate or key"), text)
        lines = text.split("\n")
        for index, line in enumerate(lines):
            if not _PEM_END.search(line):
                continue
            place = _PLACE.format("certificate or key")
            self.counts["certificate or key"] += 1
            before = index - 1
            while before >= 0 and index - before < 200 and _PEM_LINE.search(lines[before]):
                lines[before] = place
                before -= 1
            if "\\n" not in line:
                lines[index] = place
        return "\n".join(lines)

    def _long(self, match: re.Match[str]) -> str:
        value = match[0]
        mixed = re.search(r"[a-z]", value) and re.search(r"[A-Z]", value)
        if not mixed or re.fullmatch(r"[0-9a-fA-F]+", value) or value.count("/") > len(value) // 8:
            return value  # a digest, or a path
        self.counts["long base64"] += 1
        return _PLACE.format("long base64")


def _people() -> list[tuple[re.Pattern[str], str]]:
    """Patterns of the home folder, of other people's, of the user's names and this machine's; and what stands there."""
    found: list[tuple[re.Pattern[str], str]] = []
    homes = {str(Path.home()), os.path.realpath(Path.home())} - {"/"}
    for home in sorted(homes, key=len, reverse=True):
        found.append((re.compile(re.escape(home) + r"(?![\w.-])"), "~"))
    found.append((re.compile(r"/(home|Users)/(?!<user>)[^/\s:\"',;]+"), r"/\1/<user>"))
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME")}
    try:
        names.add(getpass.getuser())
    except (OSError, KeyError):
        names.add("")
    for name in sorted(names, key=len, reverse=True):
        if len(name) >= 3 and name.lower() not in _COMMON:
            found.append((re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE), "<user>"))
    host = socket.gethostname()
    for name in {host, host.partition(".")[0]}:
        if len(name) >= 4 and name.lower() != "localhost":
            found.append((re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE), "<host>"))
    return found
