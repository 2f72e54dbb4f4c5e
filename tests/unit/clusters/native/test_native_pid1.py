"""PID 1's parts that need no namespaces: children, credentials, what a Node object says; and that it stands alone."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_tutor.clusters import ready
from k8s_tutor.clusters.native import launch
from k8s_tutor.clusters.native.pid1 import api, settings

NATIVE = Path(launch.__file__).parent

CHILDREN = """
import sys, threading, time, pathlib
sys.path.insert(0, {root!r})
from k8s_tutor.clusters.native.pid1.children import Children
log = pathlib.Path({log!r})
children = Children({{"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}})
{body}
"""


def in_a_process(body: str, log: Path) -> str:
    # It reaps every child of its process: not to be done to pytest's own.
    code = CHILDREN.format(root=str(NATIVE.parents[2]), log=str(log), body=body)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_exit_codes_signals_and_logs(tmp_path: Path) -> None:
    body = """
for argv in (["true"], ["false"], ["sh", "-c", "kill -9 $$"]):
    print(children.run(argv, log, 10))
children.run(["sh", "-c", "echo out; echo err >&2"], log, 10)
"""
    assert in_a_process(body, tmp_path / "log").split() == ["0", "1", "-9"]
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_a_hundred_that_end_at_once_are_all_noticed(tmp_path: Path) -> None:
    body = """
codes = [children.wait(children.start(["sh", "-c", f"exit {n}"], log), 10) for n in range(100)]
print(codes == list(range(100)))
"""
    assert in_a_process(body, tmp_path / "log").strip() == "True"


def test_what_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    body = """
try:
    children.run(["sleep", "60"], log, 0.2)
except TimeoutError as error:
    print(error)
"""
    assert "sleep did not end" in in_a_process(body, tmp_path / "log")


def test_a_kept_program_is_started_again(tmp_path: Path) -> None:
    body = """
children.keep(["sh", "-c", "echo again"], log)
deadline = time.monotonic() + 20
while not log.exists() or log.read_text().count("again") < 3:
    assert time.monotonic() < deadline
    time.sleep(0.05)
children.stop()
print("three times")
"""
    assert in_a_process(body, tmp_path / "log").strip() == "three times"


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    body = """
try:
    children.start(["no-such-program"], log)
except FileNotFoundError as error:
    print(error)
"""
    assert "no-such-program" in in_a_process(body, tmp_path / "log")


@pytest.mark.parametrize("script", ["launch.py", "pid1/main.py"])
def test_it_runs_isolated_on_the_standard_library_alone(script: str) -> None:
    # -I -S: no site-packages, so that an import of anything else fails here.
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(NATIVE / script)], capture_output=True, text=True, timeout=30, cwd="/"
    )
    assert "IndexError" in done.stderr, done.stderr
    assert "ModuleNotFoundError" not in done.stderr


def test_settings_survive_the_way_to_the_node(tmp_path: Path) -> None:
    text = {name: f"text of {name}" for name in settings.Settings.__dataclass_fields__}
    numbers = dict.fromkeys(("index", "prefix", "api_port", "registry_port"), 2)
    flags = {"egress": False, "reboot": True}
    peers = [settings.Peer("node1", "a", "b"), settings.Peer("node2", "c", "d")]
    before = settings.Settings(**{**text, **numbers, **flags, "peers": peers})  # type: ignore[arg-type]
    (tmp_path / "file").write_text(before.text())
    assert settings.read(tmp_path / "file") == before
    assert before.first.name == "node1"
    assert not before.control_plane


def test_credentials_are_read_from_kubeadms_file() -> None:
    encoded = base64.b64encode(b"secret").decode()
    text = f"""
clusters:
- cluster:
    certificate-authority-data: {encoded}
    server: https://1.2.3.4:6443
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {encoded}x
    client-key-data: {encoded}y
"""
    assert api.credentials(text) == {
        "certificate-authority-data": encoded,
        "client-certificate-data": f"{encoded}x",
        "client-key-data": f"{encoded}y",
    }


def test_a_half_written_kubeconfig_is_a_key_error(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("clusters:\n- cluster:\n    certificate-authority-data: QUJD\n")
    with pytest.raises(KeyError):
        api.context_of(tmp_path / "k", tmp_path / "scratch")
    assert not list(tmp_path.glob("scratch*"))


def test_nobody_listening_is_not_ok() -> None:
    client = api.Api("127.0.0.1", 1, api.unchecked_context(), 0.5)
    assert not client.ok("/readyz")
    with pytest.raises(OSError):
        client.call("GET", "/readyz")


def node(status: str, heartbeat: str = "2026-01-01T00:00:00Z", message: str = "") -> dict[str, object]:
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat, "message": message}
    return {"status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, ready]}}


def test_a_node_is_ready_only_when_it_says_true() -> None:
    assert ready.not_ready(node("True")) == ""
    assert "no CNI" in ready.not_ready(node("False", message="no CNI"))
    assert ready.not_ready(node("Unknown", message="stopped posting"))
    assert ready.not_ready({"status": {}})


def test_the_last_heartbeat_tells_yesterdays_truth_from_todays() -> None:
    assert ready.heartbeat(node("True", "1970-01-01T00:01:40Z")) == 100.0
    assert ready.heartbeat({}) == 0.0
    assert ready.moment("1970-01-01T00:00:01.500000Z") == 1.5


def test_threads_may_ask_for_children_at_once(tmp_path: Path) -> None:
    body = """
codes = []
def work(n):
    codes.append(children.run(["sh", "-c", f"exit {n}"], log, 20) == n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(codes), all(codes))
"""
    assert in_a_process(body, tmp_path / "log").split() == ["20", "True"]
