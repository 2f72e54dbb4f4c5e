"""Lab 1 at 120 by 40: the editor and its help, a red result, hints, the difference, questions."""

from __future__ import annotations

from pathlib import Path

from pictures.studio import Stage, stage


async def take(out: Path) -> None:
    """From the first step to the seventh."""
    from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea

    async with stage(out, (120, 40), "lab1") as seen:
        editor, area = seen.lab.query_one(EditorPane), seen.lab.query_one(YamlArea)
        await seen.look_at("write")
        await seen.press("m")
        await seen.until(lambda: "containerPort" in editor.text, "the manifest typed")
        await _to(seen, "image:")
        await seen.press("ctrl+s")
        await seen.until(lambda: not editor.unsaved, "the manifest saved")
        await seen.until(lambda: editor.query_one("#problems").display, "the server's word on it")
        await seen.quiet()
        await seen.shot("lab1-manifest")

        text = editor.text
        await _to(seen, "image:")
        await seen.press("end", "enter")
        await seen.type("re")
        await seen.press("ctrl+@", rest=1.0)
        await seen.until(lambda: editor.query_one("#suggestions").display, "suggestions")
        await seen.shot("lab1-completion")
        await seen.press("escape")
        if not area.has_focus:
            area.focus()
        for _ in range(30):
            if editor.text == text:
                break
            await seen.press("ctrl+z", rest=0.1)
        assert editor.text == text, editor.text

        await _to(seen, "containers:")
        await seen.press(*["right"] * len("  cont"), "delete", "delete")
        await seen.type("ia")
        await seen.until(lambda: area._wrong, "the misspelt field underlined")
        await seen.pilot.pause(1.0)
        await seen.shot("lab1-problem")
        await seen.press("backspace", "backspace")
        await seen.type("ai")
        await seen.press("ctrl+s", "escape")
        await seen.until(lambda: not editor.unsaved, "the manifest saved again")

        await seen.solve("explain")
        # A learner's slip: ngnix.
        await seen.shell("sed -i 's/image: nginx/image: ngnix/' nginx-pod.yaml")
        await seen.shell("kubectl apply -f nginx-pod.yaml")
        await seen.press("f6")
        await seen.look_at("running")
        await seen.until(lambda: _red(seen, "image-not-found"), "the pull that failed", 120)
        await seen.quiet()
        await seen.shot("lab1-red")
        await seen.press("h", "h")
        await seen.quiet()
        await seen.shot("lab1-hints")

        await seen.press("2")
        await _to(seen, "image:")
        at = editor.text.splitlines()[area.cursor_location[0]].index("ngnix")
        await seen.press(*["right"] * (at + len("ng")), "delete", "delete")
        await seen.type("in")
        await seen.until(lambda: "image: nginx" in editor.text, "the name mended")
        await seen.press("escape")
        await seen.press("d")
        await seen.until(lambda: seen.app.screen.is_modal, "the difference")
        await seen.shot("lab1-difference")
        await seen.press("escape")
        await seen.press("a")
        await seen.until(lambda: seen.app.screen.is_modal, "the question before an apply")
        await seen.press("enter")
        await seen.until(lambda: seen.lab.step.done, "the pod running", 120)
        await seen.look_at("describe")
        await seen.solve("describe")
        await seen.quiet()
        await seen.shot("lab1-answers")


async def _to(seen: Stage, word: str) -> None:
    """The cursor to the beginning of the line that holds a word, by keys."""
    from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea

    area = seen.lab.query_one(YamlArea)
    if not area.has_focus:
        await seen.press("2")
    await seen.press("ctrl+home")
    row = next(i for i, line in enumerate(seen.lab.query_one(EditorPane).text.splitlines()) if word in line)
    for _ in range(row - area.cursor_location[0]):
        await seen.press("down", rest=0.0)
    while area.cursor_location[0] > row:
        await seen.press("up", rest=0.0)
    while area.cursor_location[1] > 0:
        await seen.press("left", rest=0.0)
    await seen.pilot.pause(0.5)


def _red(seen: Stage, cause: str) -> bool:
    findings = [check.outcome.finding for check in seen.lab.step.checks]
    return any(found is not None and found.cause is not None and found.cause.id == cause for found in findings)
