"""The learner's own file: its meaning is compared, never its text, and every mistake has its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8s_tutor.checks import images
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.fieldpath import default, walk
from k8s_tutor.checks.fields import BUILT_IN, Path, misfits, spell
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, failed, passed
from k8s_tutor.checks.reading import container_names, items, mapping, text
from k8s_tutor.checks.words import clip, did_you_mean, listed
from k8s_tutor.kube.manifest import Document, ManifestError, parsed
from k8s_tutor.kube.record import Record

API_VERSIONS = {"Pod": "v1", "Service": "v1", "ConfigMap": "v1", "Secret": "v1", "Deployment": "apps/v1"}


@dataclass(frozen=True)
class _Mistake:
    """One thing wrong in the file, where it stands."""

    id: str
    text: str
    look_at: str
    path: Path = ()
    expected: str = ""
    value: str = ""


@dataclass(frozen=True)
class _Item:
    """One object of the file (a document, or an item of a List) and how to find its lines."""

    document: Document
    object: Mapping[str, Any]
    prefix: Path = ()

    def line(self, path: Path = ()) -> int:
        return self.document.where((*self.prefix, *path))[0]


def _wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    kind = params.get("kind")
    return (Wish("schema", kind),) if isinstance(kind, str) else ()


@check("manifest-file", wishes=_wishes)
def manifest_file(
    record: Record,
    /,
    *,
    file: str,
    kind: str,
    name: str,
    api_version: str = "",
    container: str = "",
    image: Any = None,
    port: int = 0,
    labels: Any = None,
    require: Any = None,
) -> Outcome:
    """The manifest file of the learner describes this object.

    Order, JSON, quotes, more documents, more labels and other fields make no difference. ``require`` maps
    paths (``spec.replicas``, ``spec.containers[web].image``) to a value or a list of allowed values.
    """
    rule = f"{file} describes the {kind} {name} so that the API server accepts it."
    found = _read(record, file, rule)
    if isinstance(found, Outcome):
        return found
    expected = f"a {kind} named {name}" + (f" of {api_version}" if api_version else "")
    item, mistake = _choose(found, kind, name, api_version or API_VERSIONS.get(kind, ""))
    if item is not None and mistake is None:
        wanted = images.names(image)
        schema = mapping(record.schema, kind)
        mistake = next(_mistakes(record, item.object, kind, name, schema), None) or next(
            _wants(item.object, kind, container, wanted, port, mapping(labels), mapping(require)),
            None,
        )
    if mistake is None and item is not None:
        at = item.line()
        where = f" (line {at})" if at > 1 else ""
        return passed(f"{file} describes the {kind} {name}", f"{file}{where}: {kind} {name}, every field as asked")
    line = item.line(mistake.path) if item is not None and mistake else 0
    return _fail(file, rule, expected, mistake or _Mistake("wrong-kind", "nothing to judge", ""), line)


def _fail(file: str, rule: str, expected: str, mistake: _Mistake, line: int, column: int = 0) -> Outcome:
    place = f"line {line}" + (f", column {column}" if column else "") if line else ""
    look = (
        f"{place} of {file}: {mistake.look_at}"
        if place and mistake.look_at
        else mistake.look_at or f"{place} of {file}"
    )
    return failed(
        f"{file}{':' + str(line) if line else ''}: {mistake.text}",
        Finding(
            rule=rule,
            expected=mistake.expected or expected,
            observed=mistake.text + (f" ({place})" if place else ""),
            command=f"kubectl apply --dry-run=server -f {file}",
            seen=(Seen(file, spell(mistake.path), clip(mistake.value, 160), line),),
            cause=Cause(mistake.id, mistake.text, look),
        ),
    )


def _read(record: Record, file: str, rule: str) -> list[_Item] | Outcome:
    """The objects of the file; an outcome where there is no such file, or it is no manifest."""
    expected = f"a file {file} in the workspace"
    own = record.files.get(file)
    if own is None or own.text is None:
        near = did_you_mean(file, list(record.files))
        trouble = clip(own.trouble, 160) if own else ""
        there = listed(sorted(record.files), 6)
        told = f"{file} cannot be read: {trouble}" if trouble else f"there is no file {file} in the workspace"
        look = f"rename {clip(near, 80)} to {file}" if near and near != file else f"write {file} and save it"
        mistake = _Mistake("file-missing", told + (f"; there is {there}" if there else ""), look)
        return _fail(file, rule, expected, mistake, 0)
    try:
        documents = parsed(own.text)
    except ManifestError as error:
        told = clip(error.message, 200)
        return _fail(
            file,
            rule,
            "YAML or JSON",
            _Mistake(
                "yaml-syntax",
                f"{told}",
                "correct what stands there, or the line before it",
                value=_line(own.text, error.line),
            ),
            error.line,
            error.column,
        )
    if not documents:
        return _fail(
            file, rule, expected, _Mistake("file-missing", f"{file} is empty", "write the manifest and save it"), 0
        )
    return list(_flatten(documents))


def _line(whole: str, line: int) -> str:
    lines = whole.split("\n")
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _flatten(documents: Sequence[Document]) -> Iterator[_Item]:
    """Every object of the file, those inside a ``kind: List`` too."""
    for document in documents:
        inside = document.object.get("items") if isinstance(document.object, Mapping) else None
        if isinstance(inside, list) and str(document.object.get("kind", "")).endswith("List"):
            for index, item in enumerate(inside):
                yield _Item(document, item if isinstance(item, Mapping) else {}, ("items", index))
        else:
            yield _Item(document, document.object if isinstance(document.object, Mapping) else {})


def _choose(found: list[_Item], kind: str, name: str, api_version: str) -> tuple[_Item | None, _Mistake | None]:
    """The object that is meant, and what is wrong with its very nature (kind, apiVersion)."""
    of_kind = [item for item in found if item.object.get("kind") == kind]
    named = [item for item in of_kind if text(item.object, "metadata", "name") == name]
    item = (named or of_kind or found)[0]
    if not item.object:
        return item, _Mistake(
            "wrong-kind", "this is text, not an object with fields", f"begin with apiVersion and kind: {kind}"
        )
    for key in ("kind", "apiVersion"):
        if item.object.get(key) is None:
            near = next((str(own) for own in item.object if did_you_mean(str(own), [key])), "")
            if near:
                return item, _Mistake(
                    "unknown-field", f"there is no field {clip(near, 40)!r}; did you mean {key}?", "", (near,)
                )
            right = kind if key == "kind" else api_version or "its API version"
            return item, _Mistake(
                "field-missing", f"the object has no {key}", f"add {key}: {right}", expected=f"{key}: {right}"
            )
    if not of_kind:
        own = clip(item.object.get("kind"), 60)
        return item, _Mistake(
            "wrong-kind", f"kind is {own}, not {kind}", f"write kind: {kind}", ("kind",), f"kind: {kind}", own
        )
    version = item.object.get("apiVersion")
    if api_version and version != api_version:
        own = clip(version, 60)
        return item, _Mistake(
            "wrong-api-version",
            f"apiVersion is {own}, but a {kind} belongs to {api_version}",
            f"write apiVersion: {api_version}",
            ("apiVersion",),
            f"apiVersion: {api_version}",
            own,
        )
    return item, None


def _mistakes(
    record: Record, item: Mapping[str, Any], kind: str, name: str, schema: Mapping[str, Any]
) -> Iterator[_Mistake]:
    """What the API server would refuse, and what makes it another object than the lesson's."""
    for misfit in misfits(kind, item, schema if schema else None) if schema or kind in BUILT_IN else ():
        yield _Mistake(
            misfit.id,
            misfit.text + (f"; {misfit.fix}" if misfit.id == "unknown-field" else ""),
            misfit.fix,
            misfit.path,
        )
    own = text(item, "metadata", "name")
    if own != name:
        told = f"the {kind} is named {clip(own, 80)}, not {name}" if own else "metadata has no name"
        cause = "wrong-name" if own else "field-missing"
        yield _Mistake(
            cause, told, f"write name: {name} under metadata", ("metadata", "name"), f"metadata.name: {name}", own
        )
    space, home = text(item, "metadata", "namespace"), record.namespace or "learner"
    if space and space != home:
        yield _Mistake(
            "wrong-namespace",
            f"metadata.namespace is {clip(space, 63)}, your namespace is {clip(home, 63)}",
            "take the line out: kubectl applies into your namespace by itself",
            ("metadata", "namespace"),
            "no metadata.namespace",
            space,
        )
    if kind == "Deployment":
        yield from selector_mistakes(item)


def selector_mistakes(item: Mapping[str, Any]) -> Iterator[_Mistake]:
    """A Deployment's selector must match the labels of its own template."""
    wanted = mapping(item, "spec", "selector", "matchLabels")
    labels = mapping(item, "spec", "template", "metadata", "labels")
    for key, value in wanted.items():
        if labels.get(key) != value:
            near = did_you_mean(str(key), [str(own) for own in labels])
            has = (
                f"{clip(near or key, 60)}={clip(labels.get(near or key), 60)}"
                if near or key in labels
                else "not that label"
            )
            yield _Mistake(
                "selector-mismatch",
                f"the selector asks for {clip(key, 60)}={clip(value, 60)}, the template's pods have {has}",
                "make spec.selector.matchLabels and spec.template.metadata.labels the same",
                ("spec", "selector", "matchLabels", str(key)),
                f"template label {clip(key, 60)}: {clip(value, 60)}",
                f"{clip(key, 60)}: {clip(value, 60)}",
            )
    if not wanted and not mapping(item, "spec", "selector").get("matchExpressions"):
        yield _Mistake(
            "selector-mismatch",
            "the selector names no label, so the Deployment would own no pod",
            "write under spec.selector.matchLabels the labels of the template",
            ("spec", "selector"),
        )


def _wants(
    item: Mapping[str, Any], kind: str, container: str, wanted: tuple[str, ...], port: int,
    labels: Mapping[str, Any], require: Mapping[str, Any],
) -> Iterator[_Mistake]:  # fmt: skip
    """What the lesson asks of this object beyond being accepted."""
    for key, value in labels.items():
        own = mapping(item, "metadata", "labels").get(key)
        if own != value:
            told = (
                f"the label {key} is {clip(own, 60)}, not {value}" if own is not None else f"the label {key} is missing"
            )
            yield _Mistake(
                "field-missing" if own is None else "field-value", told, f"write {key}: {value} under metadata.labels",
                ("metadata", "labels", str(key)), f"metadata.labels.{key}: {value}", clip(own, 60),
            )  # fmt: skip
    base: Path = ("spec",) if kind == "Pod" else ("spec", "template", "spec")
    steps = tuple(str(step) for step in base)
    if container or wanted or port:
        yield from _container(item, base, steps, container, wanted, port)
    for path, values in require.items():
        yield from _required(item, str(path), values if isinstance(values, list) else [values])


def _container(
    item: Mapping[str, Any], base: Path, steps: tuple[str, ...], container: str, wanted: tuple[str, ...], port: int
) -> Iterator[_Mistake]:
    own = items(item, *steps, "containers")
    index = next((place for place, found in enumerate(own) if not container or found.get("name") == container), None)
    if index is None:
        names = listed(container_names(item, *steps), 4) or "none"
        yield _Mistake(
            "wrong-container-name", f"no container is named {container}; there is {names}", f"write name: {container}",
            (*base, "containers", 0, "name"), f"a container named {container}", names,
        )  # fmt: skip
        return
    here: Path = (*base, "containers", index)
    image = text(own[index], "image")
    if wanted and not images.allowed(image, wanted):
        near = images.meant(image, wanted)
        told = f"image is {clip(image, 100)}, not {images.spoken(wanted)}" if image else "the container has no image"
        yield _Mistake(
            "wrong-image" if image else "field-missing", told, f"write image: {near or wanted[0]}",
            (*here, "image"), f"image: {images.spoken(wanted)}", image,
        )  # fmt: skip
    ports = [found.get("containerPort") for found in items(own[index], "ports")]
    if port and port not in ports:
        have = listed(ports, 4) or "none"
        yield _Mistake(
            "wrong-port", f"the container declares port {have}, not {port}", f"write containerPort: {port} under ports",
            (*here, "ports"), f"containerPort: {port}", have,
        )  # fmt: skip


def _required(item: Mapping[str, Any], path: str, values: list[Any]) -> Iterator[_Mistake]:
    """One path of ``require``: its value is among those allowed, or is left to a default that is."""
    real, value, there = walk(item, path)
    if not there:
        if None in values or (default(path) is not None and default(path) in values):
            return
        wanted = listed(clip(value, 60) for value in values if value not in (None, "*"))
        yield _Mistake(
            "field-missing", f"{path} is missing", f"add {path}" + (f": {wanted}" if wanted else ""), real,
            f"{path}: {wanted}" if wanted else path,
        )  # fmt: skip
        return
    strings = tuple(value for value in values if isinstance(value, str))
    if "*" in values or any(_equal(value, wanted) for wanted in values):
        return
    if path.endswith(".image") and isinstance(value, str) and strings and images.allowed(value, strings):
        return
    wanted = listed((value for value in values if value is not None), last="or")
    cause = {"type": "wrong-service-type", "targetPort": "wrong-target-port", "image": "wrong-image"}.get(
        path.rsplit(".", 1)[-1], "field-value"
    )
    yield _Mistake(
        cause,
        f"{path} is {clip(value, 80)}, not {wanted}",
        f"write {wanted}",
        real,
        f"{path}: {wanted}",
        clip(value, 80),
    )


def _equal(value: object, wanted: object) -> bool:
    """Equal as Kubernetes sees it: 80 is not "80", true is not 1."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
