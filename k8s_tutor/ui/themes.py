"""Two calm themes of our own, dark and light; ``ansi`` (the terminal's own colours) and Textual's stay selectable.

Every colour of text has a contrast of 4.5:1 at least on the background and on a panel; a test computes it.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="tutor-dark",
    primary="#8ab4e0",
    secondary="#8b95a3",
    accent="#8ab4e0",
    foreground="#d5d9df",
    background="#15181c",
    surface="#15181c",
    panel="#262b31",
    success="#7fbf8a",
    warning="#d9b36a",
    error="#e07f7a",
    dark=True,
    variables={"footer-key-foreground": "#8ab4e0", "yaml-typed": "#c9a9dc", "block-cursor-text-style": "bold"},
)

LIGHT = Theme(
    name="tutor-light",
    primary="#2a5c94",
    secondary="#5c6670",
    accent="#2a5c94",
    foreground="#22272d",
    background="#fbfbfa",
    surface="#fbfbfa",
    panel="#e4e6e8",
    success="#2c7a3c",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={
        "footer-key-foreground": "#2a5c94",
        "yaml-typed": "#7a3b8f",
        "block-cursor-text-style": "bold",
        "foreground-muted": "#565d65",
    },
)

OWN = (DARK, LIGHT)
