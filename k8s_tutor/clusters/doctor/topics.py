"""All topics: the one list of what the doctor looks at; ``docs/doctor.md`` is made of it."""

from __future__ import annotations

from k8s_tutor.clusters.doctor import (
    clock,
    cluster,
    engine,
    health,
    kernel,
    kubeconfigs,
    machine,
    place,
    programs,
    rights,
    terminal,
)
from k8s_tutor.clusters.doctor.finding import ALWAYS, CLUSTER, Topic

TOPICS: tuple[Topic, ...] = (
    *machine.TOPICS,
    *kernel.TOPICS,
    *kernel.NATIVE_TOPICS,
    *engine.TOPICS,
    *programs.TOPICS,
    programs.KUBECTL,
    programs.SKEW,
    *kubeconfigs.TOPICS,
    *terminal.TOPICS,
    *cluster.TOPICS,
    health.API,
    *health.TOPICS,
    *clock.TOPICS,
    *rights.TOPICS,
    *place.TOPICS,
)
BY_ID = {topic.id: topic for topic in TOPICS}


def needed_in_words(topic: Topic) -> str:
    """When a topic is needed."""
    if not topic.needed_for:
        return "no"
    words = {ALWAYS: "always", CLUSTER: "once there is a cluster"}
    return ", ".join(words.get(way, way) for way in topic.needed_for)


def as_text() -> str:
    """One line a topic."""
    width = max(len(topic.id) for topic in TOPICS)
    return "".join(f"{topic.id:<{width}}  {topic.looks}\n" for topic in TOPICS)


def as_markdown() -> str:
    """The table of ``docs/doctor.md``."""
    rows = ["| id | what is looked at | read from | needed |", "|---|---|---|---|"]
    for topic in TOPICS:
        looks = f"[{topic.looks}]({topic.link})" if topic.link else topic.looks
        cells = (f"`{topic.id}`", looks, topic.source, needed_in_words(topic))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
