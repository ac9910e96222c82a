#!/usr/bin/env bash
# The Go tests with an interpreter that github.com/go-python/cpy3 starts, and one
# iteration of every benchmark with it:
#
#     scripts/with_python.sh "$PYTHON" scripts/test_cpy3.sh [PACKAGE...]
set -euo pipefail
cd "${PP_ROOT:?run this through make test-cpy3}"
[ $# -gt 0 ] || set -- ./...

scripts/go_cpy3.sh vet "$@"
scripts/go_cpy3.sh test -short "$@" # short: without the walk-through, which builds a copy of the module
echo "bench: one iteration of every benchmark"
scripts/go_cpy3.sh test -run '^$' -bench . -benchtime 1x ./bench >/dev/null
