"""A served class on a real cluster: rights, users, files, and what is left of a learner who goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from native_helpers import Kubectl, tell, until

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.kube.client import connect
from k8s_tutor.labs.loader import load
from k8s_tutor.serving import grant, rights, roster, sandbox, serve
from k8s_tutor.serving.roster import Learner

NAMES = ("Anna", "Béla Ö.")
SEED = "7f3a"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: PODNAME}
spec:
  SPEC
  containers:
  - {name: c, image: busybox, command: [sleep, "1000"], CONTAINER}
"""


@pytest.fixture(scope="module")
def learners(cluster: Cluster) -> Iterator[list[Learner]]:
    assert not roster.load(cluster.name), "somebody is served there, and would be removed: name another cluster"
    plan = serve.Plan(cluster.name, NAMES, hours=1, seeds={NAMES[0]: SEED})
    _, made = serve.make_ready(plan, tell)
    yield made
    assert serve.take_down(cluster.name, tell) == len(NAMES)


class As:
    """A learner at work: kubectl with the learner's credentials, a command in the learner's sandbox."""

    def __init__(self, cluster: Cluster, learner: Learner) -> None:
        self.cluster, self.learner = cluster, learner
        self.folder = roster.learner_dir(cluster.name, learner)

    def kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        assert self.cluster.bin_dir is not None
        argv = [str(self.cluster.bin_dir / "kubectl"), f"--kubeconfig={self.folder / grant.KUBECONFIG}", *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def may(self, *what: str) -> bool:
        return self.kubectl("auth", "can-i", *what).stdout.strip() == "yes"

    def launch(self, *argv: str) -> sandbox.Launch:
        launch = sandbox.command(self.cluster, self.learner, terminal=True, size=(80, 24))
        plan = json.loads(launch.env["K8S_TUTOR_PLAN"])
        plan["argv"] = list(argv)
        return sandbox.Launch(launch.argv, {**launch.env, "K8S_TUTOR_PLAN": json.dumps(plan)})

    def inside(self, script: str) -> str:
        launch = self.launch("/bin/bash", "-c", script)
        done = subprocess.run(
            launch.argv,
            env=launch.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def anna(cluster: Cluster, learners: list[Learner]) -> As:
    return As(cluster, learners[0])


@pytest.fixture(scope="module")
def bela(cluster: Cluster, learners: list[Learner]) -> As:
    return As(cluster, learners[1])


def test_each_works_in_a_namespace_of_their_own(anna: As, bela: As) -> None:
    assert (anna.learner.namespace, bela.learner.namespace) == ("learner-anna", "learner-bela-o")
    for one in (anna, bela):
        assert one.kubectl("run", "mine", "--image=nginx", "--restart=Never").returncode == 0
        assert one.kubectl("get", "pod", "mine", "-o", "jsonpath={.metadata.namespace}").stdout == one.learner.namespace
        who = one.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}").stdout
        assert who == f"system:serviceaccount:{rights.SERVER_NAMESPACE}:{one.learner.id}"
        assert one.kubectl("explain", "pod.spec.containers").returncode == 0
        assert one.kubectl("get", "nodes").returncode == one.kubectl("get", "pods", "-n", "kube-system").returncode == 0
        assert one.kubectl("get", "all").stderr == ""


def test_one_cannot_see_or_touch_the_other(anna: As, bela: As) -> None:
    other = ("-n", bela.learner.namespace)
    for arguments in (
        ("get", "pods", *other), ("get", "pod", "mine", *other), ("get", "pods", "-A"), ("get", "events", *other),
        ("delete", "pod", "mine", *other), ("get", "secrets", "-n", "kube-system"),
        ("get", "namespace", bela.learner.namespace), ("get", "namespaces"), ("get", "configmaps", "-n", "kube-system"),
        ("exec", "mine", *other, "--", "true"), ("logs", "mine", *other), ("run", "x", "--image=nginx", *other),
        ("run", "x", "--image=nginx", "-n", "default"),
    ):  # fmt: skip
        done = anna.kubectl(*arguments)
        assert done.returncode != 0 and "orbidden" in done.stderr, (arguments, done)
    assert bela.kubectl("get", "pod", "mine").returncode == 0


def test_no_way_to_more_rights(anna: As) -> None:
    for what in (
        ("create", "namespaces"), ("create", "serviceaccounts"), ("get", "nodes", "--subresource=proxy"),
        ("create", "serviceaccounts", "--subresource=token"), ("create", "pods", "--subresource=eviction"),
        ("get", "secrets"), ("create", "secrets"), ("create", "rolebindings"), ("create", "roles"),
        ("create", "endpointslices"), ("create", "endpoints"), ("update", "nodes"),
        ("create", "pods", "-n", "kube-system"),
        ("update", "resourcequotas"), ("delete", "resourcequotas"), ("impersonate", "users"), ("patch", "namespaces"),
        ("create", "daemonsets"), ("create", "persistentvolumes"), ("create", "validatingadmissionpolicies"),
    ):  # fmt: skip
        assert not anna.may(*what), what
    assert anna.may("create", "pods") and anna.may("get", "pods", "--subresource=log"), "the question itself works"
    label = anna.kubectl("label", "namespace", anna.learner.namespace, "pod-security.kubernetes.io/enforce-")
    assert "orbidden" in label.stderr


@pytest.mark.parametrize(
    ("spec", "container", "why"),
    [
        ("", "securityContext: {privileged: true}", "privileged"),
        ("hostNetwork: true", "", "host"),
        ("hostPID: true", "", "host"),
        ("volumes: [{name: v, hostPath: {path: /}}]", "", "hostPath"),
        ("", "ports: [{containerPort: 80, hostPort: 8080}]", "hostPort"),
        ("priorityClassName: system-node-critical", "", "shared"),
    ],
)
def test_no_pod_reaches_the_node(anna: As, spec: str, container: str, why: str) -> None:
    """A privileged pod, or one with a hostPath, would be root on this machine."""
    pod = POD.replace("PODNAME", "wicked").replace("SPEC", spec).replace("CONTAINER", container)
    done = anna.kubectl("apply", "-f", "-", stdin=pod)
    assert done.returncode != 0 and why in done.stderr, done
    good = POD.replace("PODNAME", "good").replace("SPEC", "").replace("CONTAINER", "")
    assert anna.kubectl("apply", "--dry-run=server", "-f", "-", stdin=good).returncode == 0


def test_no_service_takes_the_traffic_of_others(anna: As) -> None:
    service = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 443}], MORE}}"
    done = anna.kubectl("apply", "-f", "-", stdin=service.replace("MORE", "externalIPs: [10.0.0.1]"))
    assert done.returncode != 0 and "shared" in done.stderr
    assert anna.kubectl("apply", "--dry-run=server", "-f", "-", stdin=service.replace(", MORE", "")).returncode == 0


def test_a_quota_keeps_one_from_filling_the_node(anna: As) -> None:
    assert anna.kubectl("create", "deployment", "many", "--image=busybox", "--replicas=60").returncode == 0
    try:
        until(lambda: "exceeded quota" in anna.kubectl("get", "events").stdout, within=30, what="the quota says no")
    finally:
        anna.kubectl("delete", "deployment", "many", "--now")
        anna.kubectl("delete", "pods", "-l", "app=many", "--now", "--wait=false")


def test_processes_are_the_learners_own_user_and_nobody_else(anna: As) -> None:
    out = anna.inside("id -u; id -G; grep -E 'Cap|NoNewPrivs' /proc/self/status; echo $$; ls /proc | grep -c '^[0-9]'")
    uid, groups, *status = out.splitlines()
    assert (uid, groups) == (str(anna.learner.uid), str(anna.learner.uid))
    assert [line.split()[1] for line in status[:6]] == ["0" * 16] * 5 + ["1"]
    assert int(status[6]) == 2, "the second process of its own process namespace"
    assert int(status[7]) <= 5
    assert "Operation not permitted" in anna.inside("chown 0 ~ ") + anna.inside("kill -9 1")


def test_files_of_others_are_not_there(anna: As, bela: As) -> None:
    secret = bela.folder / grant.HOME / "secret"
    secret.write_text("bela's")
    secret.chmod(0o666)
    out = anna.inside(
        f"cat {secret}; ls /home /home/*; cat /run/k8s-tutor/kubeconfig | grep -c token; ls -A /tmp /root; id"
    )
    assert "bela" not in out.replace(str(secret), "") and out.count("No such file or directory") == 1
    assert "/home/anna" in out and "uid=" in out
    state = anna.folder.parents[4]
    assert "No such file or directory" in anna.inside(f"ls {state}/serve") or "Permission" in anna.inside(f"ls {state}")
    admin = anna.inside(f"cat {anna.cluster.kubeconfig}; cat /etc/shadow")
    assert "client-key-data" not in admin and "root:" not in admin
    (folder,) = {anna.folder.stat().st_mode & 0o777}
    assert folder == 0o700 and (anna.folder / grant.KUBECONFIG).stat().st_mode & 0o777 == 0o600


def test_the_environment_is_what_the_tutor_needs(anna: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTRUCTORS_SECRET", "s3cret")
    out = anna.inside("env; tr '\\0' '\\n' </proc/1/environ")
    assert "s3cret" not in out and "HOME=/home/anna" in out and "SUDO" not in out


def test_in_the_nodes_network_and_nowhere_else(anna: As, cluster: Cluster) -> None:
    address = until(
        lambda: anna.kubectl("get", "pod", "mine", "-o", "jsonpath={.status.podIP}").stdout,
        within=60,
        what="an address",
    )
    until(lambda: "nginx" in anna.inside(f"curl -sm 3 http://{address}"), within=60, what="the pod's page")
    assert "learner-anna" in anna.inside("kubectl get pod mine -o wide; kubectl config view --minify | grep namespace")
    out = anna.inside("ip route 2>/dev/null | grep -c default; curl -sm 2 http://192.0.2.1; echo $?")
    assert out.splitlines()[0] == "0" and out.splitlines()[-1] in ("7", "28")


def test_who_has_a_seed_has_the_lab_in_that_variant(anna: As, bela: As) -> None:
    own = load("lab1", seed=SEED).variant["pod"]
    assert own != load("lab1").variant["pod"]
    lesson = f"{sys.executable} -m k8s_tutor lesson lab1 --step apply"
    assert own in anna.inside(lesson) and own not in bela.inside(lesson)


def test_the_plain_commands_work_there_too(anna: As) -> None:
    assert "A Pod" in anna.inside("k8s-tutor labs") + anna.inside(f"{sys.executable} -m k8s_tutor labs")
    out = anna.inside(f"{sys.executable} -m k8s_tutor check lab1 --step 5 --output json --timeout 1")
    assert json.loads(out[out.index("{") : out.rindex("}") + 1])["lab"]
    refused = anna.inside(f"{sys.executable} -m k8s_tutor --cluster other check lab1")
    assert "uses no other" in refused or "no other" in refused


WHOLE_LAB = """
import sys
from k8s_tutor.labs.loader import load
from k8s_tutor.session.places import find_cluster
from k8s_tutor.session.session import Session

with Session(load(sys.argv[1]), find_cluster()) as session:
    for step in session.lab.steps:
        session.solve(step.id)
        if all(check.optional for check in step.checks):
            session.mark_read(step.id)
        state = session.wait_step(step.id, 90)
        print(step.id, "done" if state.done else [check.outcome for check in state.checks], flush=True)
    print("whole lab", session.state().done)
"""


@pytest.mark.parametrize("lab", ["lab1", "lab2"])
def test_a_whole_lab_can_be_done_with_a_learners_rights(bela: As, lab: str) -> None:
    launch = bela.launch(sys.executable, "-c", WHOLE_LAB, lab)
    nothing = subprocess.DEVNULL
    done = subprocess.run(launch.argv, env=launch.env, stdin=nothing, capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1:] == ["whole lab True"], done.stdout + done.stderr


def test_starting_over_empties_the_namespace_and_keeps_it(anna: As, cluster: Cluster) -> None:
    admin = Kubectl(cluster, anna.learner.namespace)
    before = admin.get("namespace", anna.learner.namespace)["metadata"]["uid"]
    anna.kubectl("create", "deployment", "old", "--image=nginx")
    out = anna.inside(f"{sys.executable} -m k8s_tutor reset lab1 --yes")
    assert "was emptied" in out, out
    left = admin.get("pods,deployments,replicasets,services")["items"]
    assert left == []
    after = admin.get("namespace", anna.learner.namespace)["metadata"]
    assert after["uid"] == before and after["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert admin.get("resourcequota", "k8s-tutor-learner")


def test_limits(anna: As) -> None:
    out = anna.inside("ulimit -u; ulimit -n; ulimit -c; (for i in $(seq 400); do sleep 5 & done) 2>&1 | tail -1")
    processes, files, core, *bomb = out.splitlines()
    assert (processes, files, core) == ("200", "1024", "0")
    assert any("fork" in line for line in bomb), out


def processes_of(learner: Learner) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == learner.uid:
                command = (entry / "cmdline").read_text().replace("\0", " ")
                found += [command] if command else []  # one that is dead and not yet buried has none
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", ["the outer process is killed", "whoever started it is killed"])
def test_nothing_of_a_learner_stays(anna: As, how: str) -> None:
    """Not even what let go of terminal, session and parent."""
    launch = anna.launch("/bin/bash", "-c", "setsid nohup sleep 7777 & (sleep 7778 & disown); exec sleep 7779")
    code = (
        "import subprocess, sys, json\n"
        "launch = json.load(sys.stdin)\n"
        "process = subprocess.Popen(launch[0], env=launch[1], stdin=subprocess.DEVNULL)\n"
        "print(process.pid, flush=True)\n"
        "process.wait()\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert starter.stdin is not None and starter.stdout is not None
    starter.stdin.write(json.dumps([launch.argv, launch.env]))
    starter.stdin.close()
    outer = int(starter.stdout.readline())
    try:
        until(
            lambda: sum("sleep 777" in line for line in processes_of(anna.learner)) == 3, within=20, what="three sleeps"
        )
        os.kill(starter.pid if how.startswith("whoever") else outer, 9)
        until(lambda: not processes_of(anna.learner), within=10, what="nothing of the learner's runs")
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


def test_twice_is_once(cluster: Cluster, learners: list[Learner], anna: As) -> None:
    admin = Kubectl(cluster, anna.learner.namespace)
    uid = admin.get("namespace", anna.learner.namespace)["metadata"]["uid"]
    (anna.folder / grant.HOME / "kept").write_text("mine")
    began = time.monotonic()
    _, again = serve.make_ready(serve.Plan(cluster.name), tell)
    assert time.monotonic() - began < 60
    assert again == learners, "those of the last time"
    assert admin.get("namespace", anna.learner.namespace)["metadata"]["uid"] == uid
    assert (anna.folder / grant.HOME / "kept").read_text() == "mine"
    assert anna.kubectl("get", "pods").returncode == 0


def test_a_namespace_that_is_not_ours_is_refused(cluster: Cluster) -> None:
    admin = Kubectl(cluster, "default")
    admin("create", "namespace", "learner-carla")
    api = connect(cluster.kubeconfig)
    try:
        with pytest.raises(Exception, match="not of this learner"):
            grant.admit(api, cluster, Learner("Carla", "carla", 2_147_000_000), 1)
        grant.dismiss(api, Learner("Carla", "carla", 2_147_000_000))
        assert admin.run("get", "namespace", "learner-carla", check=False).returncode == 0, "not ours, so it stays"
    finally:
        api.close()
        admin("delete", "namespace", "learner-carla")


def test_afterwards_nothing_is_left(cluster: Cluster) -> None:
    """The last test here: what was made for learners goes by UID, and what others made stays."""
    serve.make_ready(serve.Plan(cluster.name, [*NAMES, "Dora"], hours=1), tell)
    assert serve.take_down(cluster.name, tell) == 3
    admin = Kubectl(cluster, "default")
    kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,namespaces"
    assert admin("get", kinds, "-l", rights.LEARNER, "-o", "name") == ""
    assert admin("get", "roles,rolebindings", "-n", "kube-system", "-l", rights.LEARNER, "-o", "name") == ""
    assert re.search(rights.SERVER_NAMESPACE, admin("get", "namespaces")) is None
    assert not roster.base_dir(cluster.name).exists()
    serve.make_ready(serve.Plan(cluster.name, NAMES, hours=1), tell)  # for the fixture to take down
