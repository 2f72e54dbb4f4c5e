"""A learner's evening with both labs in the real program: real keys, a real cluster, real kubectl commands.

The tests of this file are one story in its order: what one of them did on the cluster, the next ones find there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from learner import BIN, Learner, last_line

Open = Callable[..., Learner]

# A quit that waited for a request to end would take 12 s and more; a busy machine gets some of that.
QUICK = 5.0


def test_lab_1_from_an_empty_home_to_a_running_pod(tutor: Open, learner: dict[str, str]) -> None:
    """No cluster, no files: the tutor brings a cluster up, shows how, and the first six steps are done in it."""
    one = tutor()
    one.terminal.wait("no cluster runs")
    seen = one.open_lab("A Pod")
    assert {"etcd", "apiserver", "kubelet", "DNS", "ready"} <= set(seen), seen
    assert one.progress(one.terminal.screen()) == "0 of 12"

    one.at(1, "Why an orchestrator")
    one.onward(2, "How a cluster is built")
    one.enter_shell("lab1")
    # A kubelet tells the API server of its static pods some seconds after it has started them.
    one.run_until("lab1", "kubectl get pods -n kube-system -o name", "kube-apiserver", "etcd")
    one.leave_shell()

    one.onward(3, "Write it down")
    one.typed_for_me("protocol: TCP")
    one.done()
    assert (Path(learner["K8S_TUTOR_HOME"]) / "lab1" / "nginx-pod.yaml").exists()

    one.onward(4, "Which keys are required?")
    one.enter_shell("lab1")
    required = one.run("lab1", "kubectl explain pod.spec.containers | grep -e -required-")
    one.leave_shell()
    one.answer("Which field of a container is required?", required.split()[0])
    one.done()

    one.onward(5, "Hand it over")
    one.enter_shell("lab1")
    assert "pod/nginx-pod created" in one.run("lab1", "kubectl apply -f nginx-pod.yaml")
    one.done()
    one.leave_shell()

    one.onward(6, "Is it running?")
    one.done()
    one.enter_shell("lab1")
    assert "1/1" in one.run("lab1", "kubectl get pod nginx-pod --no-headers")
    one.leave_shell()
    one.terminal.wait(lambda s: one.progress(s) == "6 of 12", why="6 of 12")
    assert one.quit() < QUICK


def test_a_killed_tutor_keeps_evidence_and_place(tutor: Open) -> None:
    """SIGKILL between two answers: no shell is left, and the next start goes on where it was."""
    one = tutor(height=70)  # three questions and their results side by side with the text
    one.terminal.wait("continue at: Look closer")
    one.open_lab("A Pod")
    one.at(7, "Look closer")
    one.enter_shell("lab1")
    shell = int(one.run("lab1", "echo $$").strip())
    name = one.run("lab1", "kubectl describe pod/nginx-pod | grep -A1 ^Containers:").split()[-1].rstrip(":")
    image = one.run("lab1", "kubectl describe pod/nginx-pod | grep Image:").split()[-1]
    one.leave_shell()
    one.answer("What is the name of the container", "nginx-pod")
    one.terminal.wait("✗ You know the container")
    one.clear_field()
    one.give(name)
    one.proven("You know the container by its name")
    one.answer("Which image does it run?", image, nth=1)
    one.proven("You know its image")

    program = one.terminal.pid
    os.kill(program, signal.SIGKILL)
    assert one.terminal.wait_ended() == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while Path(f"/proc/{shell}").exists():
        assert time.monotonic() < deadline, f"the learner's shell {shell} outlived the tutor"
        time.sleep(0.05)  # a process that is no child of ours tells nobody of its end

    two = tutor(height=70)
    two.open_lab("A Pod")
    two.at(7, "Look closer")
    two.proven("You know the container by its name")
    two.proven("You know its image")
    two.enter_shell("lab1")
    events = two.run("lab1", "kubectl events --for pod/nginx-pod | awk '{print $3}' | sort -u").split()
    assert "Scheduled" in events, events
    two.leave_shell()
    two.answer("Give the reason (one word)", "Scheduled", nth=2)
    two.done()
    assert two.quit() < QUICK


def test_lab_1_to_its_end(tutor: Open) -> None:
    """Its address, its page, a new version, the same pod; then home knows that the lab is done."""
    one = tutor()
    one.open_lab("A Pod")
    one.at(8, "Its own address")
    one.enter_shell("lab1")
    address = one.run("lab1", "kubectl get pod nginx-pod -o jsonpath='{.status.podIP}{\"\\n\"}'").strip()
    one.leave_shell()
    one.answer("What is the IP address", address)
    one.done()

    one.onward(9, "Ask it for its page")
    one.enter_shell("lab1")
    assert "Welcome to nginx!" in one.run("lab1", f"curl -s http://{address} | grep title")
    one.done()
    one.leave_shell()

    before = one.objects("pod", "nginx-pod")[0]
    one.onward(10, "A new version")
    one.enter_shell("lab1")
    line = one.run("lab1", "sed -i 's/image: nginx /image: nginx:1.20.1 /' nginx-pod.yaml; grep image: nginx-pod.yaml")
    assert "nginx:1.20.1" in line
    assert "configured" in one.run("lab1", "kubectl apply -f nginx-pod.yaml")
    one.done(120)
    one.leave_shell()

    one.onward(11, "Still the same pod?")
    one.enter_shell("lab1")
    times = '{.status.startTime}{"\\n"}{.status.containerStatuses[0].state.running.startedAt}{"\\n"}'
    pod, container = one.run("lab1", f"kubectl get pod nginx-pod -o jsonpath='{times}'").split()
    one.leave_shell()
    gap = datetime.fromisoformat(container) - datetime.fromisoformat(pod)
    one.answer("By how much is the start", f"{gap.total_seconds():.0f}s")
    one.done()
    assert one.objects("pod", "nginx-pod")[0]["metadata"]["uid"] == before["metadata"]["uid"]

    one.onward(12, "And with 1,000 pods?")
    one.terminal.keys("n")
    one.terminal.wait(lambda s: one.progress(s) == "12 of 12", why="12 of 12")
    assert one.quit() < QUICK

    again = tutor()
    again.terminal.wait(lambda s: any("A Pod" in row and "✓ 12 of 12" in row for row in s.splitlines()), why="done")
    assert again.quit() < QUICK


def test_a_small_terminal_shows_one_pane_at_a_time(tutor: Open) -> None:
    """80 x 24: every pane comes by its key, and the program ends at once when told to."""
    one = tutor("--lab", "lab1", width=80, height=24)
    small = one.terminal
    small.wait(lambda s: "And with 1,000 pods?" in s and "● live" in s, 120, why="the lab in 80 columns")
    panes = ("Lesson", "Manifest", "Terminal", "Cluster", "Results")
    small.wait(lambda s: all(name in s for name in panes) and "h hint" in last_line(s), why="the names of all panes")
    small.keys("2")
    small.wait("containerPort: 80")
    small.wait(lambda s: "esc leave" in last_line(s), why="the editor with the keys")
    small.keys("Escape")
    one.letters()
    small.keys("4")
    small.wait(lambda s: "● nginx-pod" in s, why="the pod in the cluster's pane")
    small.keys("5")
    small.wait(lambda s: "● nginx-pod" not in s, why="the results")
    small.keys("3")
    small.wait("~/lab1 $")
    small.wait(lambda s: "h hint" not in last_line(s), why="the shell with the keys")
    small.type("kubectl get pod -o name")
    small.wait("$ kubectl get pod -o name")
    small.keys("Enter")
    small.wait("pod/nginx-pod")
    small.keys("F6")
    small.wait("And with 1,000 pods?")
    assert one.quit() < QUICK


def test_lab_2(tutor: Open) -> None:
    """Three from one file, one replaced, a bare one not, ten, one address for all; then both labs are done."""
    one = tutor()
    one.open_lab("A Deployment")  # home stands on the first lab that is not done
    one.at(1, "Write it down, once more")
    one.typed_for_me("protocol: TCP")
    one.done()

    one.onward(2, "Three from one")
    one.enter_shell("lab2")
    assert "created" in one.run("lab2", "kubectl apply -f nginx-deploy.yaml")
    one.done()
    assert "nginx-deployment-" in one.run("lab2", "kubectl get pods")
    one.leave_shell()

    one.onward(3, "What does it say of itself?")
    one.enter_shell("lab2")
    strategy = one.run("lab2", "kubectl describe deploy nginx-deployment | grep ^StrategyType").split()[-1]
    one.leave_shell()
    one.answer("Which update strategy", strategy)
    one.done()

    one.onward(4, "Delete one pod")
    one.enter_shell("lab2")
    listed = one.run("lab2", "kubectl get pods --no-headers").split()
    victim = next(word for word in listed if word.startswith("nginx-deployment-"))
    assert "deleted" in one.run("lab2", f"kubectl delete pod {victim}")
    one.done()
    one.leave_shell()

    one.onward(5, "A pod that nobody misses")
    one.enter_shell("lab2")
    assert "deleted" in one.run("lab2", "kubectl delete pod nginx-pod")  # the one of Lab 1
    one.done()
    one.leave_shell()

    one.onward(6, "Ten of them")
    kept = {pod["metadata"]["uid"] for pod in one.objects("pods", "-l", "app=nginx")}
    one.enter_shell("lab2")
    assert "scaled" in one.run("lab2", "kubectl scale deployment nginx-deployment --replicas=10")
    one.done(120)
    one.leave_shell()
    now = {pod["metadata"]["uid"] for pod in one.objects("pods", "-l", "app=nginx")}
    assert len(kept) == 3 and kept < now and len(now) == 10

    one.onward(7, "One address that stays")
    one.enter_shell("lab2")
    assert "exposed" in one.run("lab2", "kubectl expose deployment nginx-deployment --name=nginx-service")
    one.done()
    one.leave_shell()

    one.onward(8, "Who answers?")
    one.enter_shell("lab2")
    one.run("lab2", "IP=$(kubectl get service nginx-service -o jsonpath='{.spec.clusterIP}')")
    one.run("lab2", "for i in $(seq 60); do curl -s -o /dev/null http://$IP; done")
    one.done(120)
    one.leave_shell()

    one.onward(9, "An address for the world")
    one.onward(10, "The same for 1,000")  # this step is a learner's to leave out
    one.terminal.keys("n")
    one.terminal.wait(lambda s: one.progress(s) == "10 of 10", why="10 of 10")
    one.terminal.keys("b")
    home = one.terminal.wait(lambda s: "✓ 12 of 12" in s and "✓ 10 of 10" in s, why="home with both labs done")
    assert "A Pod" in home and "A Deployment" in home
    assert one.quit() < QUICK


def test_the_command_line_sees_what_was_done(learner: dict[str, str]) -> None:
    """Lab 2 stands as it was left; of Lab 1 the pod was deleted on the way, and the reason is said."""

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "k8s-tutor", "check", *arguments], env={**os.environ, **learner}, capture_output=True, text=True,
            timeout=180,
        )  # fmt: skip

    second = check("lab2", "--no-disrupt")
    assert second.returncode == 0, second.stdout + second.stderr
    first = check("lab1")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "nginx-pod" in first.stdout and "✗" in first.stdout, first.stdout
