#!/usr/bin/env bash
# All tests, for the interpreter of the environment (see with_python.sh).
set -euo pipefail
cd "${PP_ROOT:?run this through make test}"
. scripts/steps.sh
LOG=$PP_ROOT/.build/$PP_TAG/test.log
export PYTHONDONTWRITEBYTECODE=1
pytest() { "$PP_PYTHON" -m pytest -q -p no:cacheprovider "$@"; }
pure() { CGO_ENABLED=0 go build ./native/... ./internal/slots ./cmd/... && CGO_ENABLED=0 go test ./native/... ./internal/slots ./cmd/...; }
every_benchmark() { go test -run '^$' -bench . -benchtime 1ms ./bench; }
takehome() {
    "$PP_PYTHON" takehome/build.py --check
    STRATEGY='takehome-*' scripts/matrix.sh --lifetimes-json=.build/takehome/matrix.json --lifetimes-md=.build/takehome/matrix.md
}

# The reasons why something was skipped go to the log.
browser() { pytest -rs cmd/report/browser; }

plan "native library, without cgo" 20 pure
plan "native library, race detector" 40 go test -race ./native/... ./internal/slots
plan "Go tests, conformance of every strategy" 90 go test ./...
plan "every benchmark for 1 ms" 60 every_benchmark
plan "Go tests with an interpreter started by cpy3" 90 scripts/test_cpy3.sh
plan "Python package" 40 pytest python/tests
plan "the report's page in Chromium, where there is one" 45 browser
plan "the matrix's own tests" 60 pytest -c matrix/pytest.ini --rootdir matrix matrix/selftest
plan "random sequences against the model" 60 pytest -c matrix/pytest.ini --rootdir matrix matrix/model
plan "the kit, as C11 and C++17, and its models" 115 "$PP_PYTHON" lifetime/tests/run.py
plan "take-home extensions, single headers, their matrix" 65 takehome
plan "correctness matrix" 150 scripts/matrix.sh
run_plan
