"""Which explanation belongs to the line under the cursor: by its number, by its words, by its key."""

from __future__ import annotations

import re

from k8s_tutor.labs.model import Manifest

_MARK = re.compile(r"#\s*\[(\d{1,3})\]")
_KEY = re.compile(r"^[\s-]*([A-Za-z0-9_./-]+)\s*:")


def explain(manifest: Manifest | None, text: str, row: int) -> tuple[int, str] | None:
    """Number and text of the callout for line ``row`` (from 0) of the learner's ``text``; None if there is none.

    A learner may leave the marks out, reorder lines and indent differently: then the same words count, and where a key
    occurs several times, how often it occurred so far.
    """
    if manifest is None:
        return None
    texts = {callout.number: callout.text for callout in manifest.callouts}
    rows = text.split("\n")
    if not 0 <= row < len(rows):
        return None
    here = rows[row]
    marked = _MARK.search(here)
    if marked:
        number = int(marked.group(1))
        return (number, texts[number]) if number in texts else None
    if not _bare(here):
        return None
    theirs = manifest.text.split("\n")
    same = [index for index, line in enumerate(theirs) if _bare(line) == _bare(here)]
    if not same:
        key = _key(here)
        same = [index for index, line in enumerate(theirs) if key and _key(line) == key]
        earlier = sum(_key(line) == key for line in rows[:row])
    else:
        earlier = sum(_bare(line) == _bare(here) for line in rows[:row])
    if not same:
        return None
    marked = _MARK.search(theirs[same[min(earlier, len(same) - 1)]])
    number = int(marked.group(1)) if marked else 0
    return (number, texts[number]) if number in texts else None


def _bare(line: str) -> str:
    return "".join(line.split("#", 1)[0].split()).lstrip("-")


def _key(line: str) -> str:
    found = _KEY.match(line)
    return found.group(1) if found else ""
