from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.serving.links import Links, Verdict


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(tmp_path: Path, clock: Clock) -> Links:
    return Links(tmp_path / "serve" / "links.json", clock)


def test_a_link_is_exchanged_once(links: Links) -> None:
    secret = links.new("anna", 60)
    first = links.exchange(secret)
    assert (first.verdict, first.learner) == (Verdict.GOOD, "anna")
    assert links.who(first.cookie) == "anna"
    again = links.exchange(secret)
    assert (again.verdict, again.learner, again.cookie) == (Verdict.USED, "", "")
    assert links.who(first.cookie) == "anna"


def test_secrets_are_long_differ_and_are_kept_as_hashes_in_a_private_file(links: Links, tmp_path: Path) -> None:
    secret = links.new("anna", 60)
    other = links.new("bela", 60)
    cookie = links.exchange(secret).cookie
    assert len({secret, other, cookie}) == 3
    assert min(map(len, (secret, other, cookie))) == 43
    file = tmp_path / "serve" / "links.json"
    text = file.read_text()
    assert secret not in text and other not in text and cookie not in text
    assert hashlib.sha256(secret.encode()).hexdigest() in text
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_hash_out_of_the_file_opens_nothing(links: Links) -> None:
    secret = links.new("anna", 60)
    assert links.exchange(hashlib.sha256(secret.encode()).hexdigest()).verdict is Verdict.UNKNOWN
    cookie = links.exchange(secret).cookie
    assert links.who(hashlib.sha256(cookie.encode()).hexdigest()) == ""


@pytest.mark.parametrize("secret", ["", "x", "é" * 50, "a" * 5000, "../../etc/passwd", "\0", "\ud800"])
def test_anything_else_is_unknown(links: Links, secret: str) -> None:
    links.new("anna", 60)
    assert links.exchange(secret).verdict is Verdict.UNKNOWN
    assert links.who(secret) == ""


def test_a_new_link_replaces_the_unused_one_and_shuts_the_old_browser_out_when_used(links: Links) -> None:
    lost, found = links.new("anna", 60), links.new("anna", 60)
    assert links.exchange(lost).verdict is Verdict.UNKNOWN
    old = links.exchange(found).cookie
    newer = links.new("anna", 60)
    assert links.who(old) == "anna"
    new = links.exchange(newer).cookie
    assert (links.who(old), links.who(new)) == ("", "anna")


def test_links_and_cookies_end(links: Links, clock: Clock) -> None:
    cookie = links.exchange(links.new("anna", 60)).cookie
    late = links.new("bela", 60)
    clock.now += 61
    assert links.exchange(late).verdict is Verdict.EXPIRED
    assert links.who(cookie) == ""
    links.prolong(60)
    assert links.who(cookie) == "", "what has ended stays ended"


def test_cookies_that_hold_are_prolonged(links: Links, clock: Clock) -> None:
    cookie = links.exchange(links.new("anna", 60)).cookie
    clock.now += 30
    links.prolong(60)
    clock.now += 50
    assert links.who(cookie) == "anna"


def test_another_process_sees_the_same(links: Links, tmp_path: Path, clock: Clock) -> None:
    """``serve link`` makes a link while the server runs."""
    secret = Links(tmp_path / "serve" / "links.json", clock).new("anna", 60)
    assert links.exchange(secret).verdict is Verdict.GOOD
    links.forget("anna")
    assert links.exchange(secret).verdict is Verdict.UNKNOWN


def test_old_ones_are_not_kept_for_ever(links: Links, tmp_path: Path, clock: Clock) -> None:
    used = links.new("anna", 60)
    links.exchange(used)
    clock.now += 86400 + 61
    links.new("bela", 60)
    assert "anna" not in (tmp_path / "serve" / "links.json").read_text()


def test_a_broken_file_says_so(links: Links, tmp_path: Path) -> None:
    links.new("anna", 60)
    (tmp_path / "serve" / "links.json").write_text('{"links": []}')
    with pytest.raises(EnvironmentFault, match=r"links\.json"):
        links.who("x")
