"""Variants: what a seed chooses, how it is rendered, what is wrong with a declaration, and the shipped labs' own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from k8s_tutor.checks.check import all_checks
from k8s_tutor.errors import LabError, UsageError
from k8s_tutor.labs import fields, loader, vary
from k8s_tutor.labs.lint import lint
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.causes import CAUSES

MakeLab = Callable[..., Path]
Signatures = Mapping[str, inspect.Signature]
SEEDS = [f"seed-{number}" for number in range(50)]
NAMES = ("nginx-pod", "nginx-deployment", "nginx-service")
VARY = """\
vary:
  web: {is: web-one, choose: [web-one, web-two, web-three]}
  many: {is: 3, between: [2, 4]}
  fewer: {minus: [many, 1]}
  word: {for: many, gives: {2: few, 3: some, 4: many}}
"""
# What the sample becomes with a pod's name that varies.
VARIED = (
    ("minutes: 5\n", f"minutes: 5\n{VARY}"),
    ("  - name: pod.yaml\n", "  - name: pod.yaml\n    vary:\n      metadata.name: [[web]]\n"),
    ("title: The pod is there", 'title: "[[many:Word]], [[fewer:word]], [[word]]"'),
    ("with: {kind: Pod, name: web}", "with: {kind: Pod, name: [[web]]}"),
)
VARIED_POD = """\
apiVersion: v1
kind: Pod          #[1]
metadata:
  name: web-one    # a name
spec: {containers: [{name: web, image: nginx}]}
"""


@pytest.fixture
def varied(make_lab: MakeLab) -> Path:
    return make_lab(*VARIED, pod=VARIED_POD)


def row(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


# The choice.


def test_what_a_seed_chooses_is_the_same_for_ever() -> None:
    """Whoever changes these values changes the variant of every student who has one."""
    assert dict(loader.load("lab1", seed="7f3a").variant) == {"pod": "pages-pod"}
    assert dict(loader.load("lab2", seed="7f3a").variant) == {
        "deployment": "store-deployment",
        "service": "store-service",
        "pod": "pages-pod",
        "port": 8080,
        "first": 4,
        "second": 10,
    }
    assert vary.seed_of(b"a secret of the class", "ada") == "e847aa0124dbefb2"
    assert vary.seed_of(b"a secret of the class", "ben") == "ac0b0e7517d9d44a"


def test_the_lab_and_the_name_are_part_of_the_choice(varied: Path) -> None:
    variation = vary.read(varied.read_text(), "f")
    chosen = {(lab, seed): variation.variant(lab, seed).chosen for lab in ("a", "b") for seed in SEEDS}
    assert any(chosen["a", seed] != chosen["b", seed] for seed in SEEDS)
    assert {one["web"] for one in chosen.values()} == {"web-one", "web-two", "web-three"}
    assert {one["many"] for one in chosen.values()} == {2, 3, 4}
    assert len({(one["web"], one["many"]) for one in chosen.values()}) == 9


@pytest.mark.parametrize("seed", ["no blanks", "a" * 65, "-a", "a/b", "ä", "a\n"])
def test_what_can_be_no_seed_is_refused(seed: str) -> None:
    with pytest.raises(UsageError, match="is no seed"):
        loader.load("lab1", seed=seed)


def test_a_lab_that_varies_nothing_is_the_same_with_a_seed(make_lab: MakeLab) -> None:
    path = make_lab()
    assert loader.load(path, seed="abc") == loader.load(path)


# The rendering.


def test_the_plain_lab_has_its_plain_values(varied: Path) -> None:
    lab = loader.load(varied)
    assert (lab.seed, lab.variant) == ("", {"web": "web-one", "many": 3})
    assert lab.checks[0].title == "Three, two, some"
    assert lab.checks[0].params == {"kind": "Pod", "name": "web-one"}
    assert lab.manifests[0].text == VARIED_POD


def test_a_variant_differs_in_just_what_is_marked(varied: Path) -> None:
    seed = next(each for each in SEEDS if loader.load(varied, seed=each).variant == {"web": "web-three", "many": 4})
    lab, plain = loader.load(varied, seed=seed), loader.load(varied)
    assert (lab.seed, lab.hash) == (seed, plain.hash)
    assert lab.checks[0].title == "Four, three, many"
    assert lab.checks[0].params["name"] == "web-three"
    assert [spec.line for spec in lab.checks] == [spec.line for spec in plain.checks]
    assert lab.checks[1:] == plain.checks[1:]
    # The comment stays in its column as long as there is room.
    assert lab.manifests[0].text == VARIED_POD.replace("web-one    #", "web-three  #")
    assert loader.another(plain, seed) == lab and loader.another(lab, "") == plain
    assert lint(varied) == []


def test_only_declared_names_are_markers() -> None:
    variant = vary.read(VARY, "f").variant("")
    assert (
        variant.render("[[web]] [[web ]] [[other]] [[ -f x ]] [web]") == "web-one [[web ]] [[other]] [[ -f x ]] [web]"
    )
    assert variant.render("[[[many]], [[web]]]") == "[3, web-one]"
    assert vary.Variant().render("[[web]]") == "[[web]]"


def test_a_text_may_be_told_only_where_the_value_is_another() -> None:
    variation = vary.read(VARY, "f")
    text = "run [[web]][[many? --many={}]][[web? \\\\n  --as {}]] --word=[[word?{}!]]"
    assert variation.variant("").render(text) == "run web-one --word="
    chosen = (variation.variant("lab", seed) for seed in SEEDS)
    other = next(each for each in chosen if each.chosen == {"web": "web-two", "many": 4})
    assert other.render(text) == "run web-two --many=4 \\\n  --as web-two --word=many!"
    assert other.render("[[nobody? x]]") == "[[nobody? x]]"


def test_an_argument_that_only_variants_have_is_left_out_of_the_others(make_lab: MakeLab) -> None:
    kubectl = '- kubectl: {args: [get, pods, "[[many?--limit={}]]"]}'
    path = make_lab(*VARIED, ("- apply: {file: pod.yaml}", kubectl), pod=VARIED_POD)
    assert lint(path) == []
    assert loader.load(path).steps[0].solution[1].args == {"args": ["get", "pods"]}
    seed = next(each for each in SEEDS if loader.load(path, seed=each).variant["many"] == 2)
    assert loader.load(path, seed=seed).steps[0].solution[1].args == {"args": ["get", "pods", "--limit=2"]}


MANIFEST = """\
# first
a: {b: "x", 'c': 'y', d.e: z}   # of two
list:
  - name: one
    value: 3 #[1]
  - {name: two, value: 4}
--- # second
only: here
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("a.b", "longer text", '"x"', '"longer text"'),
        ("a.c", "n", "'y'", "'n'"),
        ('a["d.e"]', "yes", "d.e: z}   #", 'd.e: "yes"} #'),
        ('list[name="one"].value', 10, "value: 3 #", "value: 10 #"),
        ("list[name=two].value", 5, "value: 4", "value: 5"),
        ("list[1].name", "six", "name: two", "name: six"),
        ("only", "there", "only: here", "only: there"),
    ],
)
def test_a_field_is_set_where_it_stands(path: str, value: str | int, old: str, new: str) -> None:
    assert MANIFEST.count(old) == 1
    made = fields.set_fields(MANIFEST, {path: value})
    assert re.sub(" +", " ", made) == re.sub(" +", " ", MANIFEST.replace(old, new))
    assert list(yaml.safe_load_all(made)) == fields.with_fields(MANIFEST, {path: value})
    assert fields.field_of(made, path)[1] == value


@pytest.mark.parametrize("path", ["nothing", "a", "a.b.c", "list[7].name", "list[name=none].value", "a..b!"])
def test_a_field_that_is_not_there_is_told(path: str) -> None:
    with pytest.raises(fields.NoSuchField, match=re.escape(path)):
        fields.set_fields(MANIFEST, {path: 1})


def test_several_fields_of_one_line_are_set() -> None:
    made = fields.set_fields(MANIFEST, {"a.b": "a much longer one", "a.c": "z"})
    assert """a: {b: "a much longer one", 'c': 'z', d.e: z}   # of two""" in made


# What is wrong.

DECLARED = [
    ("web: {is: web-one,", "web: {is: web-four,", "web: {", "is 'web-four', which is none of its values: web-one"),
    ("many: {is: 3,", "many: {is: 9,", "many: {", "is 9, which is none of its values: 2, 3, 4"),
    ("between: [2, 4]", "between: [4, 2]", "many: {", "between is [lowest, highest]"),
    ("between: [2, 4]", "betwen: [2, 4]", "many: {", "has betwen, is; allowed"),
    ("minus: [many, 1]", "minus: [much, 1]", "fewer: {", "there is no entry 'much' above it"),
    ("minus: [many, 1]", "minus: [many, web]", "fewer: {", "web is no number"),
    ("for: many,", "for: word,", "word: {", "there is no entry 'word' above it"),
    ("for: many,", "for: fewer,", "word: {", "fewer follows from others"),
    (", 4: many}", "}", "word: {", "gives has not just the values of many: 2, 3, 4"),
    ("web-two, web-three]", "web-two, web-two]", "web: {", "a value twice"),
    ("web-two, web-three]", "web-two, 3]", "web: {", "texts and numbers mixed"),
    ("web-two, web-three]", "web-two, 'a: b']", "web: {", "neither a whole number nor plain text"),
    ("  web: {", "  Web: {", "Web: {", "not a name"),
]


@pytest.mark.parametrize(("old", "new", "at", "words"), DECLARED, ids=lambda value: str(value)[:24])
def test_a_wrong_declaration_is_told_by_its_line(make_lab: MakeLab, old: str, new: str, at: str, words: str) -> None:
    path = make_lab(*VARIED, (old, new), pod=VARIED_POD)
    (problem,) = lint(path)
    assert (problem.file, problem.line) == (str(path), row(path, at))
    assert words in problem.message
    with pytest.raises(LabError):
        loader.load(path)


MARKED = [
    (("title: First", 'title: "[[wep]]"'), "[[wep]]", ["[[wep]] names nothing", "did you mean 'web'"]),
    (("title: First", 'title: "[[web:word]]"'), "[[web:word]]", ["only numbers from 0 to 20"]),
    (("title: First", "title: First web-one"), "First web-one", ["web-one stands here in every variant", "[[web]]"]),
    (("vary:\n", "vary:\n  spare: {is: 1, between: [1, 2]}\n"), "spare:", ["vary.spare is marked nowhere"]),
    (("metadata.name: [[web]]", "metadata.nam: [[web]]"), "metadata.nam:", ["pod.yaml has no field metadata.nam"]),
    (("metadata.name: [[web]]", "metadata.name: [[many]]"), "metadata.name:", ["'web-one' in pod.yaml:4", "it is 3"]),
]


@pytest.mark.parametrize(("change", "at", "words"), MARKED, ids=lambda value: str(value)[:24])
def test_what_is_marked_wrongly_is_told_by_its_line(
    make_lab: MakeLab, change: tuple[str, str], at: str, words: list[str]
) -> None:
    path = make_lab(*VARIED, change, pod=VARIED_POD)
    (problem,) = lint(path)
    assert (problem.file, problem.line) == (str(path), row(path, at))
    for word in words:
        assert word in problem.message


def test_a_marker_in_a_steps_text_is_told_by_that_files_line(make_lab: MakeLab) -> None:
    path = make_lab(*VARIED, text="Do it.\nNow [[wep]].\n", pod=VARIED_POD)
    (problem,) = lint(path)
    assert (Path(problem.file).name, problem.line) == ("01.md", 2)


def test_a_marker_without_any_declaration_is_told(make_lab: MakeLab) -> None:
    (problem,) = lint(make_lab(text="Do [[it]].\n"))
    assert "[[it]] names nothing" in problem.message


def test_what_shows_in_some_variants_only_is_told_with_the_variant(make_lab: MakeLab) -> None:
    long = ("web-two, web-three]", f"web-two, {'x' * 40}]")
    path = make_lab(*VARIED, long, text=f"{'a' * 50} [[web]]\n", pod=VARIED_POD)
    (problem,) = lint(path)
    assert "91 columns (at most 78)" in problem.message and "in the variant web=xxxx" in problem.message
    left = VARIED_POD.replace("image: nginx", "image: nginx, args: [web-one]")
    (problem,) = lint(make_lab(*VARIED, pod=left))
    assert "web-one stands here in every variant" in problem.message and problem.file.endswith("pod.yaml")


# The shipped labs.


@pytest.fixture(params=["lab1", "lab2"])
def lab_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_fifty_variants_are_whole(lab_id: str, checks_known: Signatures) -> None:
    """Each fits the schema, its manifests differ in the named fields only, nothing is left of markers and old names."""
    plain = loader.load(lab_id)
    text = (plain.folder / "lab.yaml").read_text()
    assert yaml.safe_load(text), "an editor reads the file, too"
    seen = set()
    for seed in SEEDS:
        lab = loader.load(lab_id, seed=seed, validate=True)
        seen.add(tuple(lab.variant.items()))
        assert (lab.hash, lab.seed) == (plain.hash, seed)
        whole = "\n".join(strings(asdict(lab)))
        assert "[[" not in whole
        for name in set(NAMES) - set(map(str, lab.variant.values())):
            assert not re.search(rf"(?<![\w-]){name}(?!\w|-\w|\.yaml)", whole), (seed, name)
        for made, written in zip(lab.manifests, plain.manifests, strict=True):
            assert list(yaml.safe_load_all(made.text)) == fields.with_fields(written.text, made.varied)
            marks = [re.findall(r"#\[\d+\]$", each.text, re.MULTILINE) for each in (made, written)]
            assert marks[0] == marks[1]
            assert [line.find("#") for line in made.text.splitlines()] == [
                line.find("#") for line in written.text.splitlines()
            ]
    assert len(seen) >= (5 if lab_id == "lab1" else 30)


@pytest.fixture
def checks_known() -> Signatures:
    return {name: check.signature for name, check in all_checks().items()}


def test_lint_tries_the_variants_and_is_silent(lab_id: str, checks_known: Signatures) -> None:
    assert [str(problem) for problem in lint(lab_id, checks_known, CAUSES)] == []


def test_lint_is_silent_about_a_page_that_varies(checks_known: Signatures) -> None:
    """The lab that docs/writing-a-lab.md names as an example, with texts of several words in a manifest."""
    folder = Path(__file__).parents[2] / "fixtures" / "labs" / "greeting"
    assert [str(problem) for problem in lint(folder, checks_known, CAUSES)] == []
    river = next(lab for seed in SEEDS if "river" in (lab := loader.load(folder, seed=seed)).variant["greeting"])
    assert yaml.safe_load(river.manifests[0].text)["data"] == {"index.html": "Welcome to the river!"}
    assert river.steps[0].checks[1].params["words"] == "Welcome to the river!"


def test_no_number_of_lab2_stands_unmarked() -> None:
    """Where five and nine were chosen, two, three, seven and ten are left only where something else is meant."""
    seed = next(each for each in map(str, range(999)) if numbers(loader.load("lab2", seed=each)) == (5, 9))
    lab = loader.load("lab2", seed=seed)
    lines = {line for text in strings(asdict(lab)) for line in text.splitlines()}
    left = {line for line in lines if re.search(r"\b(two|three|seven|ten|3/3)\b(?!-ready)", line, re.IGNORECASE)}
    meant = "ten seconds|three in the morning|three things around it|^quota-of-two|with-ten$|two controllers|two times"
    assert {line for line in left if not re.search(meant, line)} == set()
    spec = {spec.id: spec for spec in lab.checks}
    assert spec["scaled"].title == "Five pods were kept, four are new"
    assert spec["scaled"].params == {"name": lab.variant["deployment"], "replicas": 9, "kept": 5}
    assert spec["three-ready"].params["at_least"] == 5
    assert spec["deploy-file"].params["require"]["spec.replicas"] == [5, 9]
    assert lab.manifests[0].changes[0].before == 5


def strings(value: object) -> Iterator[str]:
    """Every text in some data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings(each)


def numbers(lab: Lab) -> tuple[object, object]:
    return lab.variant["first"], lab.variant["second"]


def test_the_services_port_is_told_wherever_it_matters() -> None:
    """kubectl would take the container's port; whoever asks names the Service's."""
    seed = next(each for each in map(str, range(999)) if loader.load("lab2", seed=each).variant["port"] == 8000)
    lab, plain = loader.load("lab2", seed=seed), loader.load("lab2")
    assert "8000" not in "".join(strings(asdict(plain)))
    service = yaml.safe_load(lab.manifests[1].text)
    assert service["spec"]["ports"] == [{"port": 8000, "targetPort": 80, "protocol": "TCP"}]
    expose = lab.step("expose")
    assert expose is not None
    name = f"{lab.variant['deployment']} --name={lab.variant['service']}"
    assert expose.commands[0] == f"kubectl expose deployment {name} --port=8000 --target-port=80"
    assert f"deployment {name} \\\n  --port=8000 --target-port=80\nkubectl get" in expose.text
    told = [action.args["args"] for action in expose.solution if action.do == "kubectl"]
    told += [each.args["args"] for mistake in expose.mistakes for each in mistake.actions if each.do == "kubectl"]
    assert all("--port=8000" in args for args in told if args[0] == "expose")
    for words in ({"pod-addresses": "node"}, {"pod-addresses": "pod"}):
        step = lab.fitted(words).step("everyone")
        assert step is not None
        asking = [text for text in (step.text, *step.commands, *step.hints) if "curl " in text]
        assert len(asking) == 3 and all(":8000" in text for text in asking)


def test_lab2_speaks_of_the_pod_of_lab1() -> None:
    for seed in SEEDS:
        assert loader.load("lab1", seed=seed).variant["pod"] == loader.load("lab2", seed=seed).variant["pod"]


def test_a_listing_tells_the_plain_lab() -> None:
    assert "scale to ten" in loader.labs()[1].summary
