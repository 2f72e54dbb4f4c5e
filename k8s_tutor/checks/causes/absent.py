"""Why an object is not there: never applied, elsewhere, or under another name."""

from __future__ import annotations

from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import alive, controller, labels_of, name_of
from k8s_tutor.checks.words import clip, did_you_mean, listed
from k8s_tutor.kube.record import Record


def absent_trouble(record: Record, kind: str, name: str, labels: dict[str, str] | None = None) -> Trouble:
    """The trouble of an object that does not exist in the learner's namespace."""
    word = kind.lower()
    there = [item for item in alive(record, kind) if not controller(item)]
    names = [name_of(item) for item in there]
    command = f"kubectl get {word}s"
    found = f"there is no {kind} {name} in namespace {clip(record.namespace, 63)}"
    elsewhere = record.others.get(f"{kind}/{name}", ())
    if elsewhere:
        spaces = listed(sorted(elsewhere), 3)
        return Trouble(
            "wrong-namespace",
            Weight.WRONG,
            f"{found}; there is one in {spaces}",
            f"it was made in namespace {spaces}, not in {clip(record.namespace, 63)}",
            f"take metadata.namespace or -n out, apply again in {clip(record.namespace, 63)}",
            f"kubectl get {word}s --all-namespaces",
            tuple(Seen(f"{kind}/{name}", "metadata.namespace", clip(space, 63)) for space in sorted(elsewhere)[:5]),
        )
    near = did_you_mean(name, [item for item in names if item])
    if not near and labels:
        near = next((name_of(item) for item in there if labels.items() <= dict(labels_of(item)).items()), "")
    if near:
        return Trouble(
            "wrong-name",
            Weight.WRONG,
            f"{found}; there is {kind} {clip(near, 80)}",
            f"the {kind} is named {clip(near, 80)}, the lesson's is {name}",
            f"correct metadata.name and apply again (then kubectl delete {word} {clip(near, 80)})",
            command,
            (Seen(f"{kind}/{clip(near, 80)}", "metadata.name", clip(near, 80)),),
        )
    return Trouble(
        "not-applied",
        Weight.WRONG,
        found,
        "its manifest was not applied yet, or the API server refused it",
        "apply the manifest and read what kubectl answers",
        command,
        (Seen(f"namespace {clip(record.namespace, 63)}", f"{word}s", listed(names, 6) or "none"),),
    )
