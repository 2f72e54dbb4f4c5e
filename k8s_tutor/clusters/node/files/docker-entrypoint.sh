#!/bin/sh
# As in the official image: what the pod's command says takes this script's place.
set -e
exec "$@"
