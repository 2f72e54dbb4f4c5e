"""Take the pictures of docs/images, and write docs/screens.md, from the real tutor on a real cluster.

    python scripts/screenshots.py [--home FOLDER] [--parts first,lab1,lab2,pages,colours,lost] [--keep]

A learner with an empty home brings up a cluster of its own and does both labs, by keys or by the session's own
solutions; nothing that is shown is made up. The cluster and the home are gone at the end, unless ``--keep`` or
``--home`` says otherwise. Needs what ``k8s-tutor cluster up`` needs, and ``rsvg-convert`` (Debian: librsvg2-bin).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from pictures import around, captions, lab1, lab2, learner, svg

PARTS = {
    "first": around.first,
    "lab1": lab1.take,
    "lab2": lab2.take,
    "pages": around.pages,
    "colours": around.colours,
    "lost": around.lost,
}
DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> int:
    """Parse, take, write the page, clear up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, help="the learner's home (default: a temporary folder)")
    parser.add_argument("--parts", default=",".join(PARTS), help="in this order; each goes on where the last one was")
    parser.add_argument("--keep", action="store_true", help="leave the cluster for another run with the same --home")
    parser.add_argument("--out", type=Path, default=DOCS / "images")
    args = parser.parse_args()
    parts = [PARTS[name] for name in args.parts.split(",")]
    if svg.converter() is None:
        print("no rsvg-convert on the PATH (Debian: librsvg2-bin)", file=sys.stderr)
        return 2
    home: Path = (args.home or Path(tempfile.mkdtemp(prefix="k8s-tutor-pictures-"))).resolve()
    home.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    variables = learner.environment(home)
    os.environ.update(variables)
    for name in ("KUBECONFIG", "NO_COLOR", "K8S_TUTOR_THEME", "TMUX"):
        os.environ.pop(name, None)
    os.chdir(home)
    try:
        for part in parts:
            asyncio.run(part(args.out))
    finally:
        if not args.keep:
            learner.take_down(variables)
            if args.home is None:
                shutil.rmtree(home, ignore_errors=True)
    print(captions.write(DOCS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
