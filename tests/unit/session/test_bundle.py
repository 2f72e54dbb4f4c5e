"""The bundle for a bug report: nothing planted is in it, it is bounded, and it is written without a cluster too."""

from __future__ import annotations

import base64
import json
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.clusters.doctor import engine
from k8s_tutor.clusters.doctor.asking import Answer
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError, UsageError
from k8s_tutor.session.bundle import archive, dumps, pack
from k8s_tutor.session.bundle.redact import Redactor

PEM_BODY = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "dGhpc2lzc2VjcmV0bWF0dGVy",
    "shortEnd42==",
]
PEM = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(PEM_BODY) + "\n-----END PRIVATE KEY-----"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl-planted_0"
KNOWN = "hunter2-known-credential"
TEXTS: dict[str, tuple[str, list[str]]] = {
    "a key": (PEM, PEM_BODY),
    "a key in JSON": (json.dumps({"x": PEM}), PEM_BODY),
    "a key in log lines": ("\n".join(f"node1 kubelet | {line}" for line in PEM.split("\n")), PEM_BODY),
    "a key without its beginning": ("\n".join(PEM.split("\n")[1:]), PEM_BODY),
    "a key without its end": ("\n".join(PEM.split("\n")[:-1]), PEM_BODY),
    "a key in base64": (base64.b64encode(PEM.encode()).decode(), [base64.b64encode(PEM.encode()).decode()[30:]]),
    "a bearer header": ("GET / Authorization: Bearer abc.def-123456", ["abc.def-123456"]),
    "a basic header in JSON": ('{"Authorization": ["Basic dXNlcjpwYXNz"]}', ["dXNlcjpwYXNz"]),
    "a bearer in words": ("sent with bearer s3cr3t-bearer-1", ["s3cr3t-bearer-1"]),
    "a JWT": (f"token is {JWT}", [JWT, "c2lnbmF0dXJl-planted_0"]),
    "a URL": ("pulling https://anna:pa55word@registry.local/x", ["pa55word", "anna:"]),
    "a URL with an @ in its password": ("postgres://anna:p@55w0rd@db/x", ["55w0rd"]),
    "a URL with a token alone": ("https://ghs4711planted@git.local/x.git", ["ghs4711planted"]),
    "a flag": ("mysqld --password Fl4gValue --x", ["Fl4gValue"]),
    "a flag with =": ("mysqld --db-password=Fl4gValue2 --x", ["Fl4gValue2"]),
    "a flag in a JSON list": ('["--password", "Fl4gValue3"]', ["Fl4gValue3"]),
    "a flag in a YAML list": ("args:\n- --password\n- Fl4gValue4\n", ["Fl4gValue4"]),
    "a YAML password": ("password: y4mlValue\n", ["y4mlValue"]),
    "a quoted password": ('db_password = "tw0 words \\"quoted\\" h3re"', ["tw0 words", "h3re"]),
    "a number": ('{"password": 12345678}', ["12345678"]),
    "an escaped one": ('{"msg": "{\\"apiKey\\":\\"k3yValue\\"}"}', ["k3yValue"]),
    "a kubeconfig": ("client-key-data: S0VZREFUQQ==\ntoken: pl4ntedToken\n", ["S0VZREFUQQ==", "pl4ntedToken"]),
    "a bootstrap token": ("join with abcdef.0123456789abcdef now", ["0123456789abcdef"]),
    "AWS": ("AKIAIOSFODNN7EXAMPLE", ["AKIAIOSFODNN7EXAMPLE"]),
    "GitHub": ("ghp_0123456789abcdefghijABCDEFGHIJ012345", ["ghp_0123456789abcdefghij"]),
    "long base64": ("blob aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQK", ["aGVsbG8gd29y"]),
    "a known value": (f"x {KNOWN} y", [KNOWN]),
    "a known value in base64": (base64.b64encode(KNOWN.encode()).decode(), [base64.b64encode(KNOWN.encode()).decode()]),
    "another's home": ("/home/berta/k8s and /Users/carl/x", ["berta", "carl"]),
}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "see", lambda _names: [])
    monkeypatch.setattr("k8s_tutor.clusters.choose.clusters", lambda _wanted="auto": [])
    for name in ("state", "cache", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "zacharias"))
    monkeypatch.setenv("USER", "zacharias")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def members(path: Path) -> dict[str, str]:
    with tarfile.open(path) as tar:
        return {
            info.name.removeprefix(f"{archive.TOP}/"): tar.extractfile(info).read().decode()  # type: ignore[union-attr]
            for info in tar.getmembers()
        }


@pytest.mark.parametrize("what", list(TEXTS))
def test_a_planted_secret_of_each_kind_is_taken_out_and_counted(what: str):
    text, planted = TEXTS[what]
    redactor = Redactor()
    redactor.know("known", [KNOWN])
    found = redactor.text(f"before\n{text}\nafter")
    assert not [secret for secret in planted if secret in found], found
    assert (found.startswith("before\n") and found.endswith("after")) or "key" in what
    assert sum(redactor.counts.values()) > 0


@pytest.mark.parametrize(
    "text",
    [
        "sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
        "/var/lib/kubelet/pods/3f1c/volumes/kubernetes.io~projected/kube-api-access-x/ca.crt",
        "I1126 10:50:42.321752 42 tokencleaner.go:126] Starting token cleaner",
        '{"automountServiceAccountToken": true}',
        "https://172.29.1.2:6443/api/v1/namespaces/default",
    ],
)
def test_what_helps_to_understand_stays(text: str):
    assert Redactor().text(text) == text


def test_json_stays_json():
    text = json.dumps({"password": 1234, "token": "abc def", "env": [{"name": "x"}], "msg": 'say "token: x1y2z3"'})
    assert json.loads(Redactor().text(text))["env"] == [{"name": "x"}]


def test_who_you_are_is_taken_out(tmp_path: Path):
    found = Redactor().text(f"{tmp_path}/home/zacharias/k8s-tutor of zacharias, ZACHARIAS, zachariasson")
    assert found.startswith("~/k8s-tutor") and "zacharias," not in found.lower() and "zachariasson" in found


def test_objects_lose_their_values_and_what_kubectl_keeps():
    taken: list[str] = []
    pod = {
        "metadata": {"managedFields": [1], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "pw"}},
        "spec": {"containers": [{"env": [{"name": "PW", "value": "planted-env"}, {"name": "N", "valueFrom": {}}]}]},
    }
    found = dumps.clean(pod, taken)
    assert "planted-env" not in json.dumps(found) and "managedFields" not in found["metadata"]
    assert taken == ["planted-env"]
    found = dumps.clean({"kind": "ConfigMap", "metadata": {}, "data": {"a": "planted-map"}}, taken)
    assert "planted-map" not in json.dumps(found) and "planted-map" in taken
    assert not [path for path in dumps.sources("x").values() if "secrets" in path]


def test_none_of_what_is_planted_is_in_any_member(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    kubeconfig = tmp_path / "lab" / "kubeconfig"
    kubeconfig.parent.mkdir()
    kubeconfig.write_text("users:\n- {name: u, user: {token: planted-kube-token, password: planted-pw}}\n")
    (kubeconfig.parent / "state.json").write_text('{"token": "plantd.clustertokenabcd"}')
    cluster = Cluster("lab", "native", kubeconfig, "learner", True, running=True, ready=True)
    monkeypatch.setenv("MY_API_TOKEN", "planted-environment")
    monkeypatch.setattr("k8s_tutor.clusters.choose.clusters", lambda _wanted="auto": [cluster])
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"env": [{"name": "A", "value": "planted-env-value"}]}]}}

    class Server:
        def __init__(self, *_args: Any) -> None: ...

        def ask(self, _method: str, path: str, body: Any = None, *, timeout: float = 3.0) -> Answer:
            if path.startswith("readyz"):
                return Answer(200, "[+]ping ok\n")
            return Answer(200, {"kind": "List", "items": [pod] if "learner/pods" in path else []})

        def resolve(self, *_args: Any, **_more: Any) -> None:
            return None

    every = "\n".join(text for text, _ in TEXTS.values()) + "\nplanted-env-value planted-kube-token planted-pw\n"
    every += "plantd.clustertokenabcd planted-environment\n"
    provider = type("P", (), {"logs": lambda *_a: (f"node1 kubelet | {line}" for line in every.split("\n"))})
    monkeypatch.setattr("k8s_tutor.clusters.choose.make", lambda _name: provider())
    monkeypatch.setattr("k8s_tutor.session.doctor.Server", Server)
    monkeypatch.setattr(pack, "Server", Server)
    progress = tmp_path / "state" / "k8s-tutor" / "progress"
    progress.mkdir(parents=True)
    (progress / "lab1.json").write_text(json.dumps({"note": every}))
    packed = pack.pack(None, None, None, file=tmp_path / "b.tar.gz")
    inside = members(packed.path)
    assert {"logs/node1-kubelet.log", "dumps/namespace/pods.json", "progress/lab1.json"} <= set(inside)
    planted = [secret for text, secrets in TEXTS.values() for secret in secrets if KNOWN not in text]
    planted = [secret for secret in planted if base64.b64encode(KNOWN.encode()).decode() != secret]
    planted += ["planted-env-value", "planted-kube-token", "planted-pw", "clustertokenabcd", "planted-environment"]
    planted += ["zacharias"]
    for name, text in inside.items():
        assert not [secret for secret in planted if secret in text], name
    assert "cluster token" in inside[archive.MANIFEST] and "kubeconfig credential" in inside[archive.MANIFEST]


def test_without_a_cluster_it_says_what_is_missing(tmp_path: Path):
    packed = pack.pack(None, None, None, file=tmp_path / "b.tar.gz")
    assert stat.S_IMODE(packed.path.stat().st_mode) == 0o600
    inside = members(packed.path)
    assert next(iter(inside)) == archive.MANIFEST and list(inside)[1:] == sorted(list(inside)[1:])
    assert json.loads(inside["doctor.json"])["cluster"] is None
    assert "there is no cluster to look at" in inside[archive.MANIFEST]
    assert "no lab was opened yet" in inside[archive.MANIFEST] and str(packed.path) in packed.told()
    with pytest.raises(UsageError):
        pack.pack(None, None, None, file=packed.path)


def test_the_same_members_make_the_same_archive_and_each_is_bounded(tmp_path: Path):
    text = "".join(f"line {number}\n" for number in range(60_000))
    kept, cut = archive.bounded({f"logs/{number:02}.log": text for number in range(30)})
    assert (
        max(map(len, kept.values())) <= archive.LARGEST_MEMBER and sum(map(len, kept.values())) <= archive.LARGEST_ALL
    )
    assert kept["logs/00.log"].endswith(b"line 59999\n") and kept["logs/00.log"].startswith(b"line ")
    assert cut["logs/00.log"] > 0 and kept["logs/29.log"] == b""
    archive.write(tmp_path / "a", kept)
    archive.write(tmp_path / "b", dict(reversed(kept.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_a_part_that_breaks_or_hangs_is_missing_and_told():
    import time

    collected = pack.Collected()

    def broken(_into: pack.Collected) -> None:
        raise TutorError("no engine")

    def slow(into: pack.Collected) -> None:
        into.members["half"] = "x"
        time.sleep(5)

    pack._aside(collected, "logs", broken, 1.0)
    pack._aside(collected, "dumps", slow, 0.2)
    assert collected.missing == ["logs: no engine", "dumps: not ended within 0.2 s"]
    assert collected.members == {"half": "x"}
