#!/usr/bin/env bash
# Run a command in the environment that setup.sh made for an interpreter:
#
#     scripts/with_python.sh PYTHON COMMAND [ARG...]     (PYTHON may be empty: the default)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
envfile=$root/.build/for/$(printf '%s' "${1:-default}" | tr '/' '_')
[ -r "$envfile" ] || { echo "nothing is set up for ${1:-the default interpreter}: make setup${1:+ PYTHON=$1}" >&2; exit 1; }
. "$(cat "$envfile")"
shift
exec "$@"
