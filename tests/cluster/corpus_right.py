"""Submissions that deserve every point, in as many styles as students have."""

from __future__ import annotations

from corpus import (
    BARE,
    COMMANDS,
    DEPLOY,
    EXPOSE,
    HEAL,
    POD,
    SCALE,
    SERVICE,
    Case,
    answers,
    as_json,
    as_list,
    edited,
    lab1,
    lab2,
)

_MINIMAL = """\
{"kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"ports": [{"containerPort": 80}],
"image": "docker.io/library/nginx:1.20.1", "name": "web"}]}, "metadata": {"labels": {"app": "nginx"},
"name": "nginx-pod"}}
"""
_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: notes\ndata:\n  note: mine\n"
_GOT = """\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1","kind":"Pod"}
  creationTimestamp: "2026-11-20T10:00:00Z"
  labels:
    app: nginx
  name: nginx-pod
  namespace: learner
  resourceVersion: "1042"
  uid: 0b7c5a6e-24f5-4a49-9a53-5c1a0d5d2a11
spec:
  containers:
  - image: nginx:1.20.1
    imagePullPolicy: IfNotPresent
    name: web
    ports:
    - containerPort: 80
      name: web
      protocol: TCP
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
  dnsPolicy: ClusterFirst
  enableServiceLinks: true
  restartPolicy: Always
  schedulerName: default-scheduler
  securityContext: {}
  serviceAccount: default
  serviceAccountName: default
  terminationGracePeriodSeconds: 30
status:
  phase: Running
  podIP: 10.244.0.7
"""
_TEN = edited(DEPLOY, ("replicas: 3", "replicas: 10"))
_NO_SCALE = "\n".join([HEAL, BARE, EXPOSE])
_BY_FILE = "\n".join([HEAL, BARE, SCALE])

LAB1: tuple[Case, ...] = (
    lab1("as-in-the-lesson"),
    lab1("json-in-yaml", as_json(POD)),
    lab1("json-file", None, files={"nginx-pod.json": as_json(POD)}),
    lab1("yml-file", None, files={"nginx-pod.yml": POD}),
    lab1("one-line-full-name", _MINIMAL),
    lab1(
        "another-order-and-quotes", edited(POD, ("name: nginx-pod", 'name: "nginx-pod"'), ("kind: Pod", "kind: 'Pod'"))
    ),
    lab1(
        "labels-and-annotations",
        edited(POD, ("    app: nginx\n", "    app: nginx\n    team: blue\n  annotations:\n    by: ada\n")),
    ),
    lab1("list-kind", as_list(POD)),
    lab1("two-documents", f"---\n{POD}---\n{_CONFIG}"),
    lab1("windows-line-ends", POD.replace("\n", "\r\n")),
    lab1("names-its-namespace", edited(POD, ("metadata:\n", "metadata:\n  namespace: learner\n"))),
    lab1("as-got-from-the-cluster", _GOT),
    lab1(
        "set-image",
        edited(POD, ("nginx:1.20.1", "nginx")),
        commands="kubectl set image pod/nginx-pod web=nginx:1.20.1\n",
    ),
    lab1("created-not-applied", commands="kubectl create -f nginx-pod.yaml\nkubectl apply -f nginx-pod.yaml\n"),
    lab1(
        "all-commands-told",
        commands="# what I typed\nkubectl apply -f nginx-pod.yaml\nkubectl get pod\n"
        "kubectl describe pod/nginx-pod\nkubectl get pod nginx-pod -o wide\nkubectl apply -f nginx-pod.yaml\n",
    ),
    lab1(
        "resources-and-probe",
        edited(
            POD,
            (
                "          protocol: TCP\n",
                "          protocol: TCP\n"
                "      resources:\n        requests: {cpu: 20m, memory: 32Mi}\n        limits: {memory: 64Mi}\n"
                "      readinessProbe:\n        periodSeconds: 1\n        httpGet: {path: /, port: web}\n",
            ),
        ),
    ),
    lab1(
        "port-without-name",
        edited(
            POD,
            (
                "        - name: web\n          containerPort: 80\n          protocol: TCP\n",
                "        - containerPort: 80\n",
            ),
        ),
    ),
    lab1(
        "answers-in-other-words",
        answers=answers(
            "lab1",
            age_gap="75",
            pod_event="scheduled",
            pod_ip="http://10.244.0.7/",
            container_image="docker.io/library/nginx:latest",
            required_field="`name`",
        ),
    ),
    lab1("whole-answers-in-capitals", answers=answers("lab1", pod_event="STARTED", age_gap="00:01:15")),
    lab1(
        "restart-policy-told",
        edited(POD, ("spec:\n", "spec:\n  restartPolicy: Always\n  terminationGracePeriodSeconds: 5\n")),
    ),
)

LAB2: tuple[Case, ...] = (
    lab2("lesson-by-command"),
    lab2("scaled-by-manifest", _TEN, _NO_SCALE),
    lab2("scaled-by-both", _TEN),
    lab2("deployment-as-json", as_json(DEPLOY)),
    lab2("deployment-as-list", as_list(DEPLOY)),
    lab2("service-by-file", DEPLOY, _BY_FILE, files={"nginx-service.yaml": SERVICE}),
    lab2(
        "service-by-file-and-command",
        DEPLOY,
        f"{_BY_FILE}\nkubectl apply -f nginx-service.yaml\n",
        files={"nginx-service.yaml": SERVICE},
    ),
    lab2("service-file-and-expose", files={"nginx-service.yaml": SERVICE}),
    lab2("service-in-the-same-file", f"{DEPLOY}---\n{SERVICE}", _BY_FILE),
    lab2("heal-left-to-the-grader", DEPLOY, "\n".join([BARE, SCALE, EXPOSE])),
    lab2("heal-by-selector", DEPLOY, "\n".join(["kubectl delete pod -l app=nginx", BARE, SCALE, EXPOSE])),
    lab2(
        "two-pods-deleted",
        DEPLOY,
        "\n".join([HEAL, "kubectl delete pod/nginx-deployment-648fb66cc5-abcde", BARE, SCALE, EXPOSE]),
    ),
    lab2(
        "every-command-told",
        DEPLOY,
        "\n".join(
            [
                "kubectl apply -f nginx-deploy.yaml",
                "kubectl get deploy",
                "kubectl describe deploy nginx-deployment",
                "kubectl get pods",
                HEAL,
                "kubectl run nginx-pod --image=nginx --labels=app=nginx",
                "kubectl wait --for=condition=Ready pod/nginx-pod --timeout=60s",
                "kubectl delete pod nginx-pod --now",
                SCALE,
                "kubectl rollout status deployment/nginx-deployment",
                EXPOSE,
                "kubectl get svc",
            ]
        ),
    ),
    lab2("created-by-command", DEPLOY, "kubectl create -f nginx-deploy.yaml\n" + COMMANDS),
    lab2(
        "short-words",
        DEPLOY,
        "\n".join(
            [
                "k delete po nginx-deployment-648fb66cc5-zppz4",
                "k run nginx-pod --image=nginx -l app=nginx",
                "k delete po nginx-pod",
                "k scale deploy/nginx-deployment --replicas 10",
                "k expose deploy nginx-deployment --name nginx-service --port 80",
            ]
        ),
    ),
    lab2(
        "ports-told-at-expose",
        DEPLOY,
        "\n".join([HEAL, BARE, SCALE, f"{EXPOSE} --port=80 --target-port=80 --protocol=TCP"]),
    ),
    lab2("target-port-by-name", DEPLOY, "\n".join([HEAL, BARE, SCALE, f"{EXPOSE} --port=80 --target-port=web"])),
    lab2(
        "more-labels",
        edited(
            DEPLOY,
            ("        app: nginx\n    spec", "        app: nginx\n        tier: front\n    spec"),
            (
                "  labels:\n    app: nginx\nspec:",
                "  labels:\n    app: nginx\n    team: blue\n  annotations:\n    by: ada\nspec:",
            ),
        ),
    ),
    lab2(
        "match-expressions",
        edited(
            DEPLOY,
            (
                "    matchLabels:\n      app: nginx\n",
                "    matchExpressions:\n      - {key: app, operator: In, values: [nginx]}\n",
            ),
        ),
        "\n".join([HEAL, BARE, SCALE]),
        files={"nginx-service.yaml": SERVICE},
    ),
    lab2(
        "strategy-told",
        edited(
            DEPLOY,
            (
                "  replicas: 3\n",
                "  replicas: 3\n  revisionHistoryLimit: 3\n  strategy:\n"
                "    type: RollingUpdate\n    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}\n",
            ),
        ),
    ),
    lab2("full-image-name", edited(DEPLOY, ("image: nginx\n", "image: docker.io/library/nginx:latest\n"))),
    lab2("file-as-yml", None, files={"nginx-deploy.yml": DEPLOY}),
    lab2("answer-in-small-letters", answers=answers("lab2", strategy="rollingupdate")),
    lab2(
        "scaled-in-two-goes",
        DEPLOY,
        "\n".join([HEAL, BARE, "kubectl scale deployment nginx-deployment --replicas=5", SCALE, EXPOSE]),
    ),
    lab2(
        "bare-pod-left-to-the-grader",
        DEPLOY,
        "\n".join([HEAL, "kubectl run nginx-pod --image=nginx --labels=app=nginx", SCALE, EXPOSE]),
    ),
)

RIGHT = (*LAB1, *LAB2)
