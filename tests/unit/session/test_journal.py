from __future__ import annotations

import shlex
import subprocess
import threading

import pytest

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.record import KINDS, Request, Sample
from k8s_tutor.session.journal import How, Journal, apply_command, curl, kubectl
from k8s_tutor.session.probed import log_command, reach_command, sample_command, sample_result, watch_commands


def test_a_deed_has_its_command_result_and_duration():
    journal = Journal()
    with journal.deed("kubectl get pods", "to see") as deed:
        assert journal.entries()[0].how is How.RUNNING
        deed.result = "two  lines\nof text"
    entry = journal.entries()[0]
    assert (entry.command, entry.why, entry.how, entry.result) == (
        "kubectl get pods",
        "to see",
        How.DONE,
        "two lines of text",
    )
    assert entry.seconds >= 0


def test_a_deed_that_fails_says_so_and_the_error_goes_on():
    journal = Journal()
    with pytest.raises(TutorError), journal.deed("kubectl apply", "x"):
        raise TutorError("line 9: no such field")
    assert (journal.entries()[0].how, journal.entries()[0].result) == (How.FAILED, "line 9: no such field")


def test_what_is_done_over_and_over_is_one_entry_that_counts_and_stands_last():
    journal = Journal()
    for _ in range(3):
        with journal.deed("kubectl logs a", "look", again=True):
            pass
        with journal.deed("kubectl delete pod a", "solve"):
            pass
    with journal.deed("kubectl logs a", "look", again=True):
        pass
    entries = journal.entries()
    assert [entry.command for entry in entries] == ["kubectl delete pod a"] * 3 + ["kubectl logs a"]
    assert entries[-1].times == 4


def test_a_watch_is_open_until_it_is_ended():
    journal = Journal()
    number = journal.note("kubectl get pods --watch", "changes", how=How.OPEN)
    assert journal.entries()[0].how is How.OPEN
    journal.ended(number)
    journal.ended(999)
    assert journal.entries()[0].how is How.DONE


def test_it_is_bounded_and_safe_for_many_threads():
    journal = Journal(most=50)
    heard = []
    journal.subscribe(lambda: heard.append(1))

    def work(name: int) -> None:
        for turn in range(40):
            with journal.deed(f"kubectl {name} {turn}", "x" * 10) as deed:
                deed.result = "y" * 100_000

    threads = [threading.Thread(target=work, args=(name,)) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    entries = journal.entries()
    assert len(entries) == 50
    assert len({entry.number for entry in entries}) == 50
    assert max(len(entry.result) for entry in entries) <= 400
    assert len(heard) == 400


def test_a_listener_that_breaks_or_left_disturbs_nobody():
    journal = Journal()
    heard = []
    journal.subscribe(lambda: 1 / 0)
    stop = journal.subscribe(lambda: heard.append(1))
    journal.note("a", "b")
    stop()
    journal.note("a", "b")
    assert len(heard) == 2


def test_commands_are_quoted_for_a_shell():
    nasty = "x; rm -rf ~ 'y' $(id)"
    assert shlex.split(kubectl("delete", "pod", nasty)) == ["kubectl", "delete", "pod", nasty]
    assert shlex.split(log_command(nasty, nasty, follow=True))[2] == nasty
    assert shlex.split(apply_command("my file.yaml"))[-2:] == ["-f", "my file.yaml"]
    assert "--dry-run=server" in apply_command("", dry_run=True)
    assert curl("fd00::1", 80).endswith("'http://[fd00::1]:80/'")
    assert curl("10.0.0.1", 80, inside="a pod").startswith("kubectl exec 'a pod' -- curl -sS")
    for from_pod in (False, True):
        assert "kubectl run asker" not in sample_command("a") or from_pod
        done = subprocess.run(["sh", "-n", "-c", sample_command("a b", from_pod=from_pod)], check=False)
        assert done.returncode == 0, "a shell understands it"
    assert "kubectl run asker" in reach_command("one", from_pod=True) and "run" not in reach_command("one")
    assert "rm -rf ~ 'y'" not in sample_command("a") and "nginx-service" in sample_command("nginx-service")


def test_every_watched_kind_is_listed_as_a_watch():
    commands = [command for command, _ in watch_commands("learner")]
    assert "kubectl get pods --watch" in commands
    assert len(commands) == len(set(commands)) == len(KINDS) + 2


def test_a_sample_is_told_by_who_answered():
    requests = tuple(Request(str(number), 1.0, 200) for number in range(4))
    names = frozenset({"a", "b"})
    sample = Sample("s", "1:80", 1.0, requests, {"a": 3, "b": 1}, names, names, complete=True)
    assert sample_result(sample) == "4 requests, 4 answered by 2 pods: a, b"
