"""A lab as plain text: for pipes, for screen readers, and as a page of the tutor."""

from __future__ import annotations

from k8s_tutor.labs.model import Lab, Step


def heading(lab: Lab) -> str:
    """Title, summary, time."""
    return f"{lab.title}\n{'=' * len(lab.title)}\n\n{lab.summary}\nAbout {lab.minutes} minutes.\n"


def lab_text(lab: Lab) -> str:
    """The whole lab."""
    return "\n".join([heading(lab), *(step_text(lab, step) for step in lab.steps)])


def step_text(lab: Lab, step: Step) -> str:
    """One step: text, manifest with its callouts, task, commands, questions, claims."""
    number = lab.steps.index(step) + 1
    head = f"Step {number} of {len(lab.steps)}: {step.title}  [{step.id}]"
    lines = [head, "-" * len(head), "", step.text.strip(), ""]
    for manifest in lab.manifests:
        if step.manifest == manifest.name:
            lines += [f"{manifest.name}:", "", *(f"    {line}" for line in manifest.text.rstrip().splitlines()), ""]
            lines += [f"  [{callout.number}] {callout.text}" for callout in manifest.callouts]
            lines.append("")
    if step.task:
        lines += [f"To do: {step.task}", ""]
    if step.commands:
        lines += ["Commands:", *(f"    {command}" for command in step.commands), ""]
    for question in step.questions:
        lines += [f"Question [{question.check}]: {question.ask}"]
        lines += [f"    for example: {question.example}"] if question.example else []
        lines += [f"    answer with: k8s-tutor answer {lab.id} {question.check} TEXT", ""]
    if step.checks:
        lines += ["Checked:", *(_claim(spec.title, optional=spec.optional) for spec in step.checks), ""]
    return "\n".join(lines)


def _claim(title: str, *, optional: bool) -> str:
    return f"  - {title}" + (" (optional)" if optional else "")
