"""``k8s-tutor doctor`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from k8s_tutor.cli.main import main
from k8s_tutor.clusters.doctor import engine
from k8s_tutor.clusters.doctor.report import schema
from k8s_tutor.clusters.doctor.topics import BY_ID
from k8s_tutor.clusters.native import preflight


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "see", lambda _names: [])
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", False, "user 5", "use sudo")])
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("K8S_TUTOR_PROVIDER", raising=False)


def test_json_is_valid_and_the_exit_code_says_the_same(capsys: pytest.CaptureFixture[str]):
    code = main(["doctor", "--output", "json"])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema())
    assert code == document["exit_code"] == 3 and not document["ok"]
    assert document["findings"][0]["state"] == "fail"
    assert document["counts"]["fail"] == sum(each["state"] == "fail" for each in document["findings"])


def test_text_begins_with_what_fails_and_ends_with_the_verdict(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("FAIL ") and "→ use sudo" in out and "Something needed is missing" in out


def test_list_names_every_id_and_looks_at_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preflight, "findings", lambda: 1 / 0)
    assert main(["doctor", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(BY_ID)


def test_a_cluster_that_there_is_not_is_told_with_the_command_that_makes_it(capsys: pytest.CaptureFixture[str]):
    main(["doctor", "--cluster", "nowhere"])
    assert "k8s-tutor cluster up --name nowhere" in capsys.readouterr().out
    assert main(["doctor", "--provider", "nonsense"]) == 2


def test_bundle_prints_its_path_and_takes_the_options_before_and_after(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    file = tmp_path / "b.tar.gz"
    assert main(["doctor", "--cluster", "nowhere", "bundle", "--file", str(file)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == str(file) and "doctor.json" in out and file.is_file()
    assert main(["doctor", "bundle", "--file", str(file)]) == 2
