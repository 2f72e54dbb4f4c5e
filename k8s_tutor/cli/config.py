"""``config``: where the settings are, and what they are now."""

from __future__ import annotations

import argparse
import sys

from k8s_tutor.errors import EXIT_PASS, EXIT_USAGE


def run(_options: argparse.Namespace) -> int:
    """Print the effective settings as a file to start from; exit 2 when the file has a mistake."""
    from k8s_tutor.ui.settings import as_toml, config_file, load

    settings = load()
    there = "this file" if config_file().exists() else "not there yet: the values are the defaults"
    print(f"{config_file()} ({there})", file=sys.stderr)
    print(as_toml(settings), end="")
    for trouble in settings.troubles:
        print(f"error: {trouble}", file=sys.stderr)
    return EXIT_USAGE if settings.troubles else EXIT_PASS
