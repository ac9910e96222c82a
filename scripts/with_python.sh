#!/usr/bin/env bash
# Run a command in the environment that setup.sh made for an interpreter:
#
#     scripts/with_python.sh PYTHON COMMAND [ARG...]     (PYTHON may be empty: the default)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
envfile=$root/.build/for/$(printf '%s' "${1:-default}" | tr '/' '_')
again="make setup${1:+ PYTHON=$1}"
[ -r "$envfile" ] || {
    echo "nothing is set up for ${1:-the default interpreter}: $again" >&2
    exit 1
}
# shellcheck source=/dev/null
. "$(cat "$envfile")"
[ "$PP_ROOT" = "$root" ] || {
    echo "this checkout was copied or moved from $PP_ROOT since it was set up: $again" >&2
    exit 1
}
shift
exec "$@"
