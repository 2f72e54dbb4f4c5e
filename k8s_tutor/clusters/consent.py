"""What the user consented to: clusters that the guard would refuse, each by its identity, once.

A cluster is the same one while its certificate authority and the UID of its namespace ``kube-system`` are: a name or an
address can come to mean another. Kept in one file of the state folder (0600), with what was on the screen.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from k8s_tutor import atomic, paths

UNKNOWN = "unknown"
"""In place of the UID where the credentials may not read it: CA and server must be the same then."""
LARGEST = 1 << 20


@dataclass(frozen=True)
class Consent:
    """``ca``: SHA-256 of the CA certificates in hex (empty: the system's); ``at``: seconds since the epoch."""

    context: str
    server: str
    user: str
    ca: str
    uid: str
    at: float = 0.0

    def covers(self, server: str, ca: str) -> bool:
        """Whether it may be about the cluster at this address; which one that is only its UID tells."""
        return self.ca == ca and (bool(ca) or self.server == server)

    def is_for(self, server: str, ca: str, uid: str) -> bool:
        """Whether it was given for this very cluster."""
        same = self.covers(server, ca) and self.uid == (uid or UNKNOWN)
        return same and (bool(uid) or self.server == server)


def path() -> Path:
    """The file."""
    return paths.state_dir() / "consents.json"


def load() -> tuple[Consent, ...]:
    """All that was consented to; nothing where the file is missing or broken: then it is asked again."""
    try:
        if path().stat().st_size > LARGEST:
            return ()
        document = json.loads(path().read_text("utf-8"))
        names = {field.name for field in fields(Consent)}
        found = [Consent(**{key: entry[key] for key in names}) for entry in document["consents"]]
    except (OSError, ValueError, TypeError, KeyError):
        return ()
    texts = ((each.context, each.server, each.user, each.ca, each.uid) for each in found)
    return tuple(found) if all(isinstance(text, str) for row in texts for text in row) else ()


def give(consent: Consent) -> None:
    """Keep a consent, in place of an older one for the same cluster. Raises OSError."""
    others = [each for each in load() if not each.is_for(consent.server, consent.ca, consent.uid.replace(UNKNOWN, ""))]
    _save([*others, Consent(**{**asdict(consent), "at": consent.at or time.time()})])


def withdraw(context: str) -> int:
    """Forget what was consented to under this context's name; how many that were. Raises OSError."""
    all_of_them = load()
    left = [each for each in all_of_them if each.context != context]
    if len(left) < len(all_of_them):
        _save(left)
    return len(all_of_them) - len(left)


def _save(consents: list[Consent]) -> None:
    document = {"schema": 1, "consents": [asdict(each) for each in consents]}
    atomic.write_text(path(), json.dumps(document, indent=1, ensure_ascii=False) + "\n")
