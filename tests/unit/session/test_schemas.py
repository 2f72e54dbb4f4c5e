from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.session import schemas


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds that the server was asked for."""
    kinds: list[str] = []

    def schema(_api: object, kind: str) -> dict[str, Any]:
        kinds.append(kind)
        return {"kind": kind}

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(schemas, "schema", schema)
    monkeypatch.setattr(schemas, "_known", {})
    return kinds


def test_a_schema_is_asked_for_once_a_version(asked: list[str]):
    for version in ("v1.37.2", "v1.37.2", "v1.36.0"):
        assert schemas.kept_schema(None, "Pod", version) == {"kind": "Pod"}  # type: ignore[arg-type]
    assert asked == ["Pod", "Pod"]


def test_sessions_of_one_process_share_it(asked: list[str], tmp_path: Path):
    first = schemas.kept_schema(None, "Pod", "v1.37.2")  # type: ignore[arg-type]
    next(tmp_path.rglob("Pod.json")).unlink()
    assert schemas.kept_schema(None, "Pod", "v1.37.2") is first  # type: ignore[arg-type]
    assert asked == ["Pod"]


def test_without_a_version_it_is_always_asked_for_and_no_name_leads_out_of_the_cache(asked: list[str], tmp_path: Path):
    for kind, version in (("Pod", ""), ("../../x", "v1.37.2"), ("Pod", "../v1.37.2")):
        schemas.kept_schema(None, kind, version)  # type: ignore[arg-type]
    assert len(asked) == 3
    assert list(tmp_path.rglob("*.json")) == []


def test_a_broken_copy_is_asked_for_again(asked: list[str], tmp_path: Path):
    schemas.kept_schema(None, "Pod", "v1.37.2")  # type: ignore[arg-type]
    next(tmp_path.rglob("Pod.json")).write_text("{")
    schemas._known.clear()  # as in another process
    assert schemas.kept_schema(None, "Pod", "v1.37.2") == {"kind": "Pod"}  # type: ignore[arg-type]
    assert len(asked) == 2
