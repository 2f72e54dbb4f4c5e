#!/bin/sh
# Write the lock files anew: every package by version and hash, for every platform, without addresses.
set -eu
cd "$(dirname "$0")/.."
for set in tutor dev; do
    case $set in tutor) group=build ;; dev) group=dev ;; esac
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate ${1:-} \
        --group "$group" pyproject.toml --output-file "requirements/$set.lock"
done
