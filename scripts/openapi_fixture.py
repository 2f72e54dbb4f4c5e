"""Cut the few schemas that the tests need out of a running cluster's OpenAPI.

    kubectl get --raw /openapi/v3/apis/apps/v1 > apps.json
    python scripts/openapi_fixture.py apps.json Deployment --out tests/fixtures/openapi/apps_v1.json

Kept is what the named kinds refer to, each description cut to a line or two; the answers keep their shape.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

DROPPED = re.compile(r"Volume(Source|Projection|Device|Claim)|Affinity|PersistentVolume|Dra|Rollout|SELinux|Ephemeral")
"""Branches that no test looks at."""


def cut(schemas: dict[str, Any], kinds: list[str], words: int) -> dict[str, Any]:
    """The schemas of these kinds and all that they refer to."""
    wanted = [
        name
        for name, raw in schemas.items()
        if any(mark.get("kind") in kinds for mark in raw.get("x-kubernetes-group-version-kind", ()))
    ]
    kept: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name in kept or name not in schemas or DROPPED.search(name):
            continue
        kept[name] = shortened(schemas[name], words)
        wanted += re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schemas[name]))
    return {name: kept[name] for name in sorted(kept)}


def shortened(raw: Any, words: int) -> Any:
    """The same with short descriptions."""
    if isinstance(raw, dict):
        return {
            key: value[:words] if key == "description" and isinstance(value, str) else shortened(value, words)
            for key, value in raw.items()
        }
    return [shortened(item, words) for item in raw] if isinstance(raw, list) else raw


def main() -> int:
    """Read, cut, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("kinds", nargs="+")
    parser.add_argument("--words", type=int, default=160, help="characters kept of a description")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    schemas = json.loads(args.document.read_text("utf-8"))["components"]["schemas"]
    kept = cut(schemas, args.kinds, args.words)
    args.out.write_text(json.dumps({"components": {"schemas": kept}}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
