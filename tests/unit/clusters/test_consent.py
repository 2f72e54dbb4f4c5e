from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8s_tutor.clusters import consent
from k8s_tutor.clusters.consent import UNKNOWN, Consent

GIVEN = Consent("prod-eu", "https://10.1.1.1", "me", "c0ffee", "uid-1")


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_it_is_kept_for_this_very_cluster_alone() -> None:
    assert consent.load() == ()
    consent.give(GIVEN)
    (kept,) = consent.load()
    assert replace(kept, at=0.0) == GIVEN and kept.at > 0
    assert consent.path().stat().st_mode & 0o777 == 0o600
    assert kept.is_for("https://10.1.1.1", "c0ffee", "uid-1")
    assert kept.is_for("https://another.name", "c0ffee", "uid-1"), "the same cluster at another address"
    assert not kept.is_for("https://10.1.1.1", "c0ffee", "uid-2"), "made anew"
    assert not kept.is_for("https://10.1.1.1", "other", "uid-1"), "another authority"
    assert not kept.is_for("https://10.1.1.1", "c0ffee", ""), "which one it is may not be read any more"


def test_where_no_authority_is_named_the_address_must_be_the_same() -> None:
    kept = replace(GIVEN, ca="")
    assert kept.is_for("https://10.1.1.1", "", "uid-1") and not kept.is_for("https://10.1.1.2", "", "uid-1")
    assert not kept.covers("https://10.1.1.1", "c0ffee")


def test_where_the_uid_may_not_be_read_authority_and_address_must_be_the_same() -> None:
    kept = replace(GIVEN, uid=UNKNOWN)
    assert kept.is_for("https://10.1.1.1", "c0ffee", "")
    assert not kept.is_for("https://10.1.1.2", "c0ffee", "")
    assert not kept.is_for("https://10.1.1.1", "c0ffee", "uid-1"), "what is read now was not what was consented to"


def test_twice_is_once_and_withdrawn_is_gone() -> None:
    consent.give(GIVEN)
    consent.give(replace(GIVEN, user="somebody"))
    consent.give(replace(GIVEN, context="other", uid="uid-9"))
    assert [(each.context, each.user) for each in consent.load()] == [("prod-eu", "somebody"), ("other", "me")]
    assert consent.withdraw("prod-eu") == 1 and consent.withdraw("prod-eu") == 0
    assert [each.context for each in consent.load()] == ["other"]


NUMBERS = '{"consents": [{"context": 1, "server": 2, "user": 3, "ca": 4, "uid": 5, "at": 6}]}'


@pytest.mark.parametrize("text", ["", "{", "[]", '{"consents": 5}', '{"consents": [{"context": 5}]}', "\x00", NUMBERS])
def test_a_broken_file_is_no_consent(text: str) -> None:
    consent.path().parent.mkdir(parents=True)
    consent.path().write_text(text)
    assert consent.load() == ()
    consent.give(GIVEN)
    assert len(consent.load()) == 1
