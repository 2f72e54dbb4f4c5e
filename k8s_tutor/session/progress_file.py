"""The document of a progress file: its shape, and how one that somebody may have touched is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from k8s_tutor.kube.record import Evidence
from k8s_tutor.session.met import MOST, Met

SCHEMA = 2
READABLE = (1, 2)
"""Schemas that are read; 2 added mistakes met, solutions used, times at work and where."""


def empty(lab: str) -> dict[str, Any]:
    """The document of a lab of which nothing is known."""
    parts: dict[str, Any] = {"read": {}, "hints": {}, "hints_ever": {}, "done": {}, "solved": {}, "places": {}}
    return {"schema": SCHEMA, "lab": lab, "met": [], "visits": [], **parts}


def plain(item: Evidence) -> dict[str, Any]:
    """Evidence as the document holds it."""
    return {"at": item.at, "facts": list(item.facts), "data": dict(item.data)}


def checked(document: Any, lab: str) -> dict[str, Any]:
    """The document with every part of the right shape. Raises ValueError, TypeError or KeyError."""
    if not isinstance(document, dict) or document.get("schema") not in READABLE:
        raise ValueError("it has no known schema number")
    if document.get("lab") != lab:
        raise ValueError("it belongs to another lab")
    result = empty(lab)
    for name in ("read", "done", "hints", "hints_ever", "solved"):
        part = document.get(name, {})
        if not isinstance(part, dict):
            raise ValueError(f"{name} is not a mapping")
        result[name] = {str(key): _number(value) for key, value in part.items()}
    if document.get("clearing") is not None:
        result["clearing"] = _number(document["clearing"])
    result["met"] = [asdict(_met(item)) for item in list(document.get("met", []))[-MOST:]]
    for begin, end in document.get("visits", []):
        result["visits"].append([_number(begin), _number(end)])
    places = document.get("places", {})
    if not isinstance(places, dict):
        raise ValueError("places is not a mapping")
    for uid, place in places.items():
        evidence = place.get("evidence", {}) if isinstance(place, Mapping) else None
        if not isinstance(evidence, dict):
            raise ValueError("evidence is not a mapping")
        result["places"][str(uid)] = {
            "first": _number(place.get("first", 0)),
            "where": {str(key): str(value) for key, value in dict(place.get("where", {})).items()},
            "passed": {str(key): _number(value) for key, value in dict(place.get("passed", {})).items()},
            "redone": {str(key): _number(value) for key, value in dict(place.get("redone", {})).items()},
            "evidence": {
                str(name): {
                    "at": _number(item["at"]),
                    "facts": [str(fact) for fact in item["facts"]],
                    "data": dict(item["data"]),
                }
                for name, item in evidence.items()
            },
        }
    return result


def _met(item: Any) -> Met:
    if not isinstance(item, Mapping):
        raise ValueError("a mistake is not a mapping")
    check, cause, because, found = (str(item[name])[:600] for name in ("check", "cause", "because", "found"))
    until = item.get("until")
    return Met(check, cause, because, found, _number(item["at"]), None if until is None else _number(until))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number is missing")
    return float(value)
