from __future__ import annotations

import pytest

from k8s_tutor.checks.filed import with_line
from k8s_tutor.checks.outcome import Finding, Seen
from k8s_tutor.kube.record import File, Record

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: nginx-service
spec:
  selector:
    app: nginx
  ports:
    - port: 80
      targetPort: 8080
"""
DEPLOYMENT = """\
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: side
          image: busybox
        - name: web
          image: ngnix
"""

SELECTOR = Seen("Service/nginx-service", "spec.selector")


def look(files: dict[str, str | None], *seen: Seen) -> tuple[Seen, ...]:
    record = Record("learner", 0.0, 1.0, files={name: File(name, text) for name, text in files.items()})
    return with_line(record, Finding("r", "e", "o", seen=seen)).seen[len(seen) :]


@pytest.mark.parametrize(
    ("text", "seen", "line", "value"),
    [
        (SERVICE, Seen("Service/nginx-service", "spec.ports[0].targetPort", "8080"), 10, "8080"),
        ("kind: Pod\nmetadata: {name: nginx-service}\n---\n" + SERVICE, SELECTOR, 9, ""),
        (DEPLOYMENT, Seen("Deployment/web", "spec.template.spec.containers[web].image", "ngnix"), 10, "ngnix"),
    ],
)  # fmt: skip
def test_a_field_is_found_in_the_learners_file(text: str, seen: Seen, line: int, value: str):
    assert look({"a.yaml": "x: 1\n", "s.yaml": text}, seen) == (Seen("s.yaml", seen.field, value, line),)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (SERVICE, Seen("Service/other", "spec.ports[0].targetPort")),
        (SERVICE, Seen("Service/nginx-service", "spec.type")),
        (SERVICE, Seen("Service/nginx-service", "status.loadBalancer")),
        (SERVICE, Seen("nginx-service", "spec.selector")),
        (SERVICE, Seen("Service/nginx-service", "spec.ports[7].port")),
        (DEPLOYMENT, Seen("Deployment/web", "spec.template.spec.containers[none].image")),
        ("kind: Service\n\tmetadata: nginx-service\n", Seen("Service/nginx-service", "spec.selector")),
        (None, Seen("Service/nginx-service", "spec.selector")),
    ],
)
def test_no_line_is_named_where_the_file_does_not_say_it(text: str | None, seen: Seen):
    assert look({"s.yaml": text}, seen) == ()


def test_a_line_that_is_named_already_stays_the_only_one():
    seen = (Seen("s.yaml", "spec", line=3), Seen("Service/nginx-service", "spec.selector"))
    assert look({"s.yaml": SERVICE}, *seen) == ()
