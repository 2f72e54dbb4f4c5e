"""Submissions with one thing wrong each: exactly which checks are lost, and the cause that is told for each."""

from __future__ import annotations

from corpus import BARE, COMMANDS, DEPLOY, EXPOSE, HEAL, POD, SCALE, SERVICE, Case, answers, edited, lab1, lab2

_WAITS = "skipped"
_NO_POD = {
    "pod-exists": "not-applied",
    "pod-ready": _WAITS,
    "container-name": _WAITS,
    "container-image": _WAITS,
    "pod-event": _WAITS,
    "pod-ip": _WAITS,
    "page-fetched": _WAITS,
    "image-changed": _WAITS,
    "age-gap": _WAITS,
}
_NOT_READY = dict.fromkeys(("container-name", "container-image", "pod-event", "pod-ip", "page-fetched"), _WAITS)
_NO_DEPLOYMENT = {
    "deployment-exists": "not-applied",
    **dict.fromkeys(
        (
            "three-ready",
            "strategy",
            "pod-replaced",
            "bare-pod-gone",
            "scaled",
            "ten-ready",
            "service-selects",
            "service-reachable",
            "everyone-answers",
        ),
        _WAITS,
    ),
}


_SERVICE = ("service-selects", "service-reachable", "everyone-answers")
_NO_PODS = dict.fromkeys(("scaled", "ten-ready", *_SERVICE), "image-not-found")


def _pod(*edits: tuple[str, str]) -> str:
    return edited(POD, *edits)


def _deploy(*edits: tuple[str, str]) -> str:
    return edited(DEPLOY, *edits)


def _commands(*lines: str) -> str:
    return "\n".join(lines)


LAB1: tuple[Case, ...] = (
    lab1("nothing-but-answers", None, lost={"pod-file": "file-missing", **_NO_POD}),
    lab1(
        "tab-for-spaces", _pod(("  name: nginx-pod", "\tname: nginx-pod")), lost={"pod-file": "yaml-syntax", **_NO_POD}
    ),
    lab1(
        "key-given-twice", _pod(("kind: Pod\n", "kind: Pod\nkind: Pod\n")), lost={"pod-file": "yaml-syntax", **_NO_POD}
    ),
    lab1("kind-in-small-letters", _pod(("kind: Pod", "kind: pod")), lost={"pod-file": "wrong-kind", **_NO_POD}),
    lab1(
        "apps-v1-pod",
        _pod(("apiVersion: v1", "apiVersion: apps/v1")),
        lost={"pod-file": "wrong-api-version", **_NO_POD},
    ),
    lab1("misspelt-containers", _pod(("containers:", "contianers:")), lost={"pod-file": "unknown-field", **_NO_POD}),
    lab1(
        "pod-named-otherwise",
        _pod(("name: nginx-pod", "name: nginxpod")),
        lost={"pod-file": "wrong-name", **_NO_POD, "pod-exists": "wrong-name"},
    ),
    lab1(
        "container-named-nginx",
        _pod(("    - name: web\n      image", "    - name: nginx\n      image")),
        lost={
            "pod-file": "wrong-container-name",
            "pod-ready": "wrong-container-name",
            **_NOT_READY,
            "image-changed": "wrong-container-name",
            "age-gap": _WAITS,
        },
    ),
    lab1("label-forgotten", _pod(("  labels:\n    app: nginx\n", "")), lost={"pod-file": "field-missing"}),
    lab1("label-of-another-app", _pod(("    app: nginx", "    app: web")), lost={"pod-file": "field-value"}),
    lab1("port-8080", _pod(("containerPort: 80", "containerPort: 8080")), lost={"pod-file": "wrong-port"}),
    lab1(
        "port-forgotten",
        _pod(("      ports:\n        - name: web\n          containerPort: 80\n          protocol: TCP\n", "")),
        lost={"pod-file": "wrong-port"},
    ),
    lab1(
        "image-never-changed", _pod(("nginx:1.20.1", "nginx")), lost={"image-changed": "wrong-image", "age-gap": _WAITS}
    ),
    lab1(
        "letter-in-the-tag",
        _pod(("nginx:1.20.1", "nginx:1.20.l")),
        lost={"pod-file": "wrong-image", "image-changed": "wrong-image", "age-gap": _WAITS},
    ),
    lab1(
        "another-tag",
        _pod(("nginx:1.20.1", "nginx:1.21")),
        lost={"pod-file": "wrong-image", "image-changed": "wrong-image", "age-gap": _WAITS},
    ),
    lab1(
        "misspelt-image",
        _pod(("nginx:1.20.1", "ngnix:1.20.1")),
        lost={
            "pod-file": "wrong-image",
            "pod-ready": "image-not-found",
            **_NOT_READY,
            "image-changed": "wrong-image",
            "age-gap": _WAITS,
        },
    ),
    lab1(
        "command-that-ends",
        _pod(("      image:", "      command: [nginx, -c, /etc/nginx/ngnix.conf]\n      image:")),
        lost={"pod-ready": "crash-loop", **_NOT_READY},
        unsure=("image-changed", "age-gap"),
    ),
    lab1(
        "probe-of-a-missing-page",
        _pod(
            (
                "      image:",
                "      readinessProbe:\n        periodSeconds: 1\n        httpGet: {path: /healthz, port: 80}\n      image:",
            )
        ),
        lost={"pod-ready": "readiness-failing", **_NOT_READY, "image-changed": "readiness-failing", "age-gap": _WAITS},
    ),
    lab1(
        "config-map-forgotten",
        _pod(("      image:", "      envFrom:\n        - configMapRef: {name: web-settings}\n      image:")),
        lost={"pod-ready": "config-missing", **_NOT_READY, "image-changed": "config-missing", "age-gap": _WAITS},
    ),
    lab1(
        "640-processors",
        _pod(
            (
                "      image:",
                '      resources:\n        requests: {cpu: "640"}\n        limits: {cpu: "640"}\n      image:',
            )
        ),
        lost={**_NO_POD, "pod-exists": "not-applied"},
    ),
    lab1(
        "deleted-and-made-anew",
        POD,
        commands=_commands(
            "kubectl apply -f nginx-pod.yaml", "kubectl delete pod nginx-pod", "kubectl apply -f nginx-pod.yaml"
        ),
        lost={"image-changed": "new-pod", "age-gap": _WAITS},
    ),
    lab1(
        "no-answers",
        answers=None,
        lost=dict.fromkeys(
            ("required-field", "container-name", "container-image", "pod-event", "pod-ip", "age-gap"), "no-answer"
        ),
    ),
    lab1(
        "wrong-required-field", answers=answers("lab1", required_field="image"), lost={"required-field": "wrong-answer"}
    ),
    lab1(
        "pod-name-for-container-name",
        answers=answers("lab1", container_name="nginx-pod"),
        lost={"container-name": "wrong-answer"},
    ),
    lab1("httpd-for-nginx", answers=answers("lab1", container_image="httpd"), lost={"container-image": "wrong-answer"}),
    lab1("event-that-was-none", answers=answers("lab1", pod_event="Evicted"), lost={"pod-event": "wrong-answer"}),
    lab1("event-left-out", answers=answers("lab1", pod_event=None), lost={"pod-event": "no-answer"}),
    lab1("name-for-address", answers=answers("lab1", pod_ip="nginx-pod"), lost={"pod-ip": "wrong-answer"}),
    lab1("loopback-for-address", answers=answers("lab1", pod_ip="127.0.0.1"), lost={"pod-ip": "wrong-answer"}),
    lab1("no-length-of-time", answers=answers("lab1", age_gap="long"), lost={"age-gap": "wrong-answer"}),
    lab1("saved-under-another-name", None, files={"nginx.yaml": POD}, lost={"pod-file": "file-missing", **_NO_POD}),
)

LAB2: tuple[Case, ...] = (
    # It is ready, and is judged so; when it ends, the step is judged again (grading/replay.py, ``_review``).
    lab2(
        "ends-after-six-seconds",
        _deploy(("          image:", "          command: [sh, -c, nginx; sleep 6; exit 1]\n          image:")),
        COMMANDS,
        lost={"three-ready": "crash-loop", "ten-ready": "crash-loop"},
        # Between two ends every pod runs for six seconds.
        unsure=("pod-replaced", "bare-pod-gone", "scaled", *_SERVICE),
    ),
    lab2("nothing-but-an-answer", None, None, lost={"deploy-file": "file-missing", **_NO_DEPLOYMENT}),
    lab2(
        "misspelt-replicas",
        _deploy(("replicas:", "replicaz:")),
        lost={"deploy-file": "unknown-field", **_NO_DEPLOYMENT},
    ),
    lab2(
        "selector-of-another-app",
        _deploy(("    matchLabels:\n      app: nginx", "    matchLabels:\n      app: web")),
        lost={"deploy-file": "selector-mismatch", **_NO_DEPLOYMENT},
    ),
    lab2(
        "deployment-in-core",
        _deploy(("apiVersion: apps/v1", "apiVersion: v1")),
        lost={"deploy-file": "wrong-api-version", **_NO_DEPLOYMENT},
    ),
    lab2(
        "one-replica",
        _deploy(("replicas: 3", "replicas: 1")),
        lost={"deploy-file": "field-value", "three-ready": "too-few-replicas", "scaled": "all-new-pods"},
    ),
    lab2(
        "container-named-nginx",
        _deploy(("- name: web\n          image", "- name: nginx\n          image")),
        lost={"deploy-file": "wrong-container-name", "three-ready": "wrong-container-name"},
    ),
    lab2(
        "misspelt-tag",
        _deploy(("image: nginx", "image: nginx:lates")),
        lost={
            "deploy-file": "wrong-image",
            "three-ready": "wrong-image|image-not-found",
            "pod-replaced": "not-deleted",
            **_NO_PODS,
        },
    ),
    lab2(
        "misspelt-image",
        _deploy(("image: nginx", "image: ngnix")),
        lost={
            "deploy-file": "wrong-image",
            "three-ready": "wrong-image|image-not-found",
            "pod-replaced": "not-deleted",
            **_NO_PODS,
        },
    ),
    lab2(
        "another-version",
        _deploy(("image: nginx", "image: nginx:1.20.1")),
        lost={"deploy-file": "wrong-image", "three-ready": "wrong-image"},
    ),
    lab2(
        "port-8080",
        _deploy(("containerPort: 80", "containerPort: 8080")),
        lost={
            "deploy-file": "wrong-port",
            "service-selects": "wrong-port",
            "service-reachable": "wrong-target-port",
            "everyone-answers": "wrong-target-port",
        },
    ),
    lab2(
        "named-otherwise",
        _deploy(("name: nginx-deployment", "name: nginx-deploy")),
        lost={"deploy-file": "wrong-name", **_NO_DEPLOYMENT, "deployment-exists": "wrong-name"},
    ),
    lab2(
        "paused",
        _deploy(("  replicas: 3\n", "  replicas: 3\n  paused: true\n")),
        lost={
            "three-ready": "paused-rollout",
            "pod-replaced": "not-deleted",
            "scaled": "paused-rollout",
            "ten-ready": "paused-rollout",
            **dict.fromkeys(_SERVICE, "no-endpoints"),
        },
    ),
    lab2(
        "never-scaled",
        DEPLOY,
        _commands(HEAL, BARE, EXPOSE),
        lost={"scaled": "too-few-replicas", "ten-ready": "too-few-replicas"},
    ),
    lab2(
        "scaled-to-nine",
        DEPLOY,
        COMMANDS.replace("=10", "=9"),
        lost={"scaled": "too-few-replicas", "ten-ready": "too-few-replicas"},
    ),
    lab2(
        "scaled-to-eleven",
        DEPLOY,
        COMMANDS.replace("=10", "=11"),
        lost={"scaled": "field-value", "ten-ready": "field-value"},
    ),
    lab2(
        "scaled-another",
        DEPLOY,
        COMMANDS.replace("scale deployment nginx-deployment", "scale deployment nginx"),
        lost={"scaled": "too-few-replicas", "ten-ready": "too-few-replicas"},
    ),
    lab2(
        "nine-in-the-file",
        _deploy(("replicas: 3", "replicas: 9")),
        _commands(HEAL, BARE, EXPOSE),
        lost={"deploy-file": "field-value", "scaled": "too-few-replicas", "ten-ready": "too-few-replicas"},
    ),
    lab2(
        "made-anew-with-ten",
        _deploy(("replicas: 3", "replicas: 10")),
        _commands(
            HEAL, BARE, "kubectl delete deployment nginx-deployment", "kubectl apply -f nginx-deploy.yaml", EXPOSE
        ),
        lost={"scaled": "all-new-pods"},
    ),
    lab2("bare-pod-never-made", DEPLOY, _commands(HEAL, SCALE, EXPOSE), lost={"bare-pod-gone": "not-applied"}),
    lab2(
        "bare-pod-brought-back",
        DEPLOY,
        _commands(HEAL, BARE, "kubectl run nginx-pod --image=nginx --labels=app=nginx", SCALE, EXPOSE),
        lost={"bare-pod-gone": "bare-pod-returned", "service-selects": "stray-pod", "everyone-answers": "stray-pod"},
    ),
    lab2(
        "deployment-deleted",
        DEPLOY,
        _commands("kubectl delete deployment nginx-deployment", BARE, SCALE, EXPOSE),
        lost={"scaled": "not-applied", "ten-ready": "not-applied", **dict.fromkeys(_SERVICE, "not-applied")},
    ),
    lab2(
        "never-exposed",
        DEPLOY,
        _commands(HEAL, BARE, SCALE),
        lost={"service-selects": "not-applied", "service-reachable": "not-applied", "everyone-answers": "not-applied"},
    ),
    lab2(
        "service-named-otherwise",
        DEPLOY,
        COMMANDS.replace("nginx-service", "nginx-svc"),
        lost={"service-selects": "wrong-name", "service-reachable": "wrong-name", "everyone-answers": "wrong-name"},
    ),
    lab2(
        "selector-misspelt",
        DEPLOY,
        f"{COMMANDS} --selector=app=ngnix",
        lost={
            "service-selects": "selector-misses-pods",
            "service-reachable": "selector-misses-pods",
            "everyone-answers": "selector-misses-pods",
        },
    ),
    lab2(
        "target-port-8080",
        DEPLOY,
        f"{COMMANDS} --port=80 --target-port=8080",
        lost={
            "service-selects": "wrong-target-port",
            "service-reachable": "wrong-target-port",
            "everyone-answers": "wrong-target-port",
        },
    ),
    lab2(
        "service-port-8080", DEPLOY, f"{COMMANDS} --port=8080 --target-port=80", lost={"service-selects": "wrong-port"}
    ),
    lab2(
        "headless",
        DEPLOY,
        f"{COMMANDS} --cluster-ip=None",
        lost={"service-selects": "headless", "service-reachable": "headless", "everyone-answers": "headless"},
    ),
    lab2("node-port", DEPLOY, f"{COMMANDS} --type=NodePort", lost={"service-selects": "wrong-service-type"}),
    lab2(
        "faithful-to-one-pod",
        DEPLOY,
        f"{COMMANDS} --session-affinity=ClientIP",
        lost={"everyone-answers": "session-affinity"},
    ),
    lab2(
        "stray-pod",
        DEPLOY,
        _commands(HEAL, BARE, SCALE, EXPOSE, "kubectl run stray --image=nginx --labels=app=nginx"),
        lost={"service-selects": "stray-pod", "everyone-answers": "stray-pod"},
        unsure=("bare-pod-gone",),
    ),
    lab2(
        "service-of-the-file-misspelt",
        DEPLOY,
        _commands(HEAL, BARE, SCALE),
        files={"nginx-service.yaml": edited(SERVICE, ("app: nginx", "app: web"))},
        lost={
            "service-selects": "selector-misses-pods",
            "service-reachable": "selector-misses-pods",
            "everyone-answers": "selector-misses-pods",
        },
    ),
    lab2("wrong-strategy", answers=answers("lab2", strategy="Recreate"), lost={"strategy": "wrong-answer"}),
    lab2("no-strategy", answers=None, lost={"strategy": "no-answer"}),
    lab2(
        "recreate",
        _deploy(("  replicas: 3\n", "  replicas: 3\n  strategy: {type: Recreate}\n")),
        lost={"strategy": "wrong-answer"},
    ),
)

WRONG = (*LAB1, *LAB2)
