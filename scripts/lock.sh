#!/bin/sh
# Write the lock files anew: every package by version and hash, for every platform, without addresses.
set -eu
cd "$(dirname "$0")/.."
for set in tutor serve dev; do
    case $set in tutor) with="--group build" ;; serve) with="--group build --extra serve" ;; dev) with="--group dev --extra serve" ;; esac
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate ${1:-} \
        $with pyproject.toml --output-file "requirements/$set.lock"
done
