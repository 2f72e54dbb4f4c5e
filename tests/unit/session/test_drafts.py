from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.session.drafts import SLOTS, Draft, Drafts

TYPED = (Draft("a.yaml", "kind: Pod [x]\n", None), Draft("b.yaml", "\u202ekind", "old\n"))


def test_what_was_typed_is_there_after_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from k8s_tutor.session.drafts import Draft, Drafts\n"
        "Drafts('lab9', folder=Path(sys.argv[1])).keep([Draft('a.yaml', 'typed', 'disk')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    drafts = Drafts("lab9", folder=tmp_path)
    assert drafts.load() == (Draft("a.yaml", "typed", "disk"),)
    drafts.keep(())
    assert drafts.load() == ()


def test_two_at_work_keep_their_own_and_the_next_takes_over_what_both_left(tmp_path: Path) -> None:
    first, second = Drafts("lab9", folder=tmp_path), Drafts("lab9", folder=tmp_path)
    first.keep(TYPED[:1])
    second.keep(TYPED[1:])
    assert first.load() == TYPED[:1] and second.load() == TYPED[1:]
    second.keep(())
    assert first.load() == TYPED[:1], "who gives up its own leaves the other's"
    second.keep(TYPED[1:])
    first.close()
    second.close()
    second.close()
    third = Drafts("lab9", folder=tmp_path)
    assert {draft.name for draft in third.load()} == {"a.yaml", "b.yaml"}
    third.keep(third.load())
    assert len(list(tmp_path.glob("*.json"))) == 1
    third.close()
    assert set(Drafts("lab9", folder=tmp_path).load()) == set(TYPED)


def test_another_labs_text_is_its_own(tmp_path: Path) -> None:
    Drafts("lab1", folder=tmp_path).keep(TYPED)
    assert Drafts("lab2", folder=tmp_path).load() == ()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": 1}]', '{"a": 1}', "\x00", "[" * 100_000])
def test_a_broken_file_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab9-1.json").write_text(text)
    assert Drafts("lab9", folder=tmp_path).load() == ()


def test_a_full_disk_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = Drafts("lab9", folder=tmp_path)

    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr("k8s_tutor.atomic.write_text", full)
        with pytest.raises(EnvironmentFault, match="No space left"):
            drafts.keep(TYPED)
    drafts.keep(TYPED)
    assert drafts.load() == TYPED


def test_without_a_folder_or_a_place_nothing_is_kept_and_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for nowhere in (Drafts("lab9", folder=tmp_path / "file"), Drafts("lab9", folder=tmp_path, keep=False)):
        nowhere.keep(TYPED)
        assert nowhere.load() == ()
    held = [Drafts("lab9", folder=tmp_path) for _ in range(SLOTS)]
    beyond = Drafts("lab9", folder=tmp_path)
    beyond.keep(TYPED)
    assert beyond.load() == () and held[0].load() == ()
