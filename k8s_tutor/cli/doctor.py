"""``doctor``: what this machine and the cluster have and lack, the remedy, and a bundle for a bug report."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from k8s_tutor.errors import EXIT_PASS


def run(options: argparse.Namespace) -> int:
    """Print every finding; exit 0 when everything needed is there, else 3."""
    if options.list:
        from k8s_tutor.clusters.doctor.topics import as_text as topics

        sys.stdout.write(topics())
        return EXIT_PASS
    from k8s_tutor.clusters.doctor.report import as_json, as_text, exit_code
    from k8s_tutor.session.doctor import consult

    examination = consult(*_meant(options))
    if options.output == "json":
        sys.stdout.write(as_json(examination))
    else:
        width = min(120, shutil.get_terminal_size().columns)
        sys.stdout.write(as_text(examination, width=width, everything=options.all))
    return exit_code(examination)


def bundle(options: argparse.Namespace) -> int:
    """Write one redacted archive for a bug report; print its path and what is inside."""
    from k8s_tutor.session.bundle.pack import pack

    packed = pack(*_meant(options), file=Path(options.file).absolute() if options.file else None)
    sys.stdout.write(packed.told())
    return EXIT_PASS


def _meant(options: argparse.Namespace) -> tuple[str | None, str | None, str | None]:
    name, context, provider = (getattr(options, key, None) for key in ("cluster", "context", "provider"))
    return name, context, provider
