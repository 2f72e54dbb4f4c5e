from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_tutor.kube.manifest import SIZE_LIMIT, ManifestError, parse_manifest

DEPLOYMENT = """\
# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  annotations: {"example.com/a.b": c}
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: helper
          image: busybox
        - name: web
          image: nginx
          ports:
            - containerPort: 80
---
---
# nothing but a comment
---
kind: Service
"""


def test_documents_and_their_lines() -> None:
    first, second = parse_manifest(DEPLOYMENT)
    assert (first.line, second.line) == (2, 22)
    assert first.object["spec"]["replicas"] == 3 and second.object == {"kind": "Service"}


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("spec.replicas", (8, 3)),
        (".spec.replicas", (8, 3)),
        ("spec.template.spec.containers[1].image", (15, 11)),
        ('.spec.template.spec.containers[name="web"].image', (15, 11)),
        ('.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].containerPort', (17, 15)),
        ("spec.template.spec.containers[1].imag", (14, 11)),
        ("spec.template.spec.containers[7].image", (11, 7)),
        ('.spec.template.spec.containers[name="none"].image', (11, 7)),
        ("metadata.annotations[example.com/a.b]", (6, 17)),
        ('metadata.annotations["example.com/a.b"]', (6, 17)),
        ("status.replicas", (2, 1)),
        ("", (2, 1)),
        (("spec", "template", "spec", "containers", 0, "name"), (12, 11)),
    ],
)
def test_a_fields_line(path: str, where: tuple[int, int]) -> None:
    assert parse_manifest(DEPLOYMENT)[0].where(path) == where


def test_json_is_a_manifest_too() -> None:
    (document,) = parse_manifest('{\n  "kind": "Pod",\n  "spec": {"a": 1}\n}\n')
    assert document.object == {"kind": "Pod", "spec": {"a": 1}} and document.where("spec.a") == (3, 12)


def test_aliases_are_followed() -> None:
    (document,) = parse_manifest("labels: &l {app: nginx}\nselector: *l\n")
    assert document.object["selector"] == {"app": "nginx"} and document.where("selector") == (2, 1)


def test_merge_keys_are_followed() -> None:
    (document,) = parse_manifest("x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n")
    assert document.object["y"] == {"a": 1, "b": 3}
    assert document.where("y.b") == (3, 3) and document.where("y.a") == (1, 8)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "given twice"),
        ("a:\n  - b: 1\n    b: 2\n", 3, "given twice"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: 1\n  \tb: 1\n", 2, "tab"),
        ("a: [1, 2\n", 2, "expected"),
        ("a: 1\n b: 2\n", 2, "not allowed"),
        ("a: b: c\n", 1, "not allowed"),
        ("a: x\0y\n", 1, "invisible"),
        ("a: *nowhere\n", 1, "alias"),
        ("a: &a [*a]\n", 1, "alias to itself"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "constructor"),
        ("? {a: b}\n: 1\n", 1, "plain text"),
        ("a: 2020-13-45\n", 0, "cannot be read"),
        (BOMB, 1, "multiply"),
        ("[" * 200_000, 1, "deeper"),
        ("- " * 100_000, 1, "deeper"),
        ("x" * (SIZE_LIMIT + 1), 0, "256 KiB"),
        ("---\na: 1\n" * 200, 202, "documents"),
    ],
)
def test_what_is_no_manifest(text: str, line: int, word: str) -> None:
    began = time.monotonic()
    with pytest.raises(ManifestError, match=word) as caught:
        parse_manifest(text)
    assert caught.value.line == line
    assert time.monotonic() - began < 2


def test_the_largest_allowed_file_is_read() -> None:
    text = "a: " + "x" * (SIZE_LIMIT - 4) + "\n"
    assert len(parse_manifest(text)[0].object["a"]) == SIZE_LIMIT - 4


def test_an_empty_file_has_no_documents() -> None:
    assert parse_manifest("") == parse_manifest("# only words\n---\n") == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=" \n\t-:[]{}&*!|>'\"#%@`,?abc01\0\ud800é", max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        for document in parse_manifest(text):
            assert document.where("a.b[0]")[0] >= 1
    except ManifestError as error:
        assert error.message and 0 <= error.line <= text.count("\n") + 2
