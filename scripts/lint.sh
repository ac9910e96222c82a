#!/usr/bin/env bash
# Check the form of the sources with pinned tools, all of them before failing:
#
#     scripts/lint.sh          # nothing is changed
#     scripts/lint.sh --fix    # format, and mend what the tools can mend
#
# Called by `make lint` and `make fmt`. The tools are those of scripts/requirements/lint.txt, in .venv, and
# those of scripts/lint/go.mod.
set -euo pipefail
cd "${PP_ROOT:?run this through make lint}"
bin=$(dirname "$PP_PYTHON")
if ! cmp -s scripts/requirements/lint.txt "$bin/../.installed-lint"; then
    echo "lint: installing the packages of scripts/requirements/lint.txt" >&2
    "$PP_PYTHON" -m pip install --quiet --disable-pip-version-check -r scripts/requirements/lint.txt
    cp scripts/requirements/lint.txt "$bin/../.installed-lint"
fi
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ ! -e "$file" ] || echo "$file"; done; }
mapfile -t c < <(files '*.c' '*.h' '*.cpp')
mapfile -t go < <(files '*.go')
mapfile -t shell < <(files '*.sh' .ci/run)
tool() { go tool -modfile=scripts/lint/go.mod "$@"; }

if [ "${1:-}" = --fix ]; then
    gofmt -w "${go[@]}"
    go mod tidy
    "$bin/clang-format" -i "${c[@]}"
    "$bin/ruff" check --quiet --fix .
    "$bin/ruff" format --quiet .
    exit
fi

failed=
check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$out" 2>&1; then
        echo "lint: $name: clean" >&2
    else
        echo "lint: $name:" >&2
        cat "$out" >&2
        failed="$failed $name"
    fi
}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
unformatted() { [ -z "$(gofmt -l "${go[@]}" | tee /dev/stderr)" ]; }
types() {
    (cd python && "$bin/python" -m mypy --strict -p pyobject_preservation &&
        "$bin/python" -m mypy.stubtest --allowlist stubtest.txt pyobject_preservation)
}
check gofmt unformatted
check "go mod tidy" go mod tidy -diff
check staticcheck tool staticcheck ./...
check clang-format "$bin/clang-format" --dry-run --Werror "${c[@]}"
check "ruff check" "$bin/ruff" check .
check "ruff format" "$bin/ruff" format --check .
check mypy types
check codespell "$bin/codespell"
check shellcheck "$bin/shellcheck" -x "${shell[@]}"
check actionlint tool actionlint -shellcheck "$bin/shellcheck"
[ -z "$failed" ] || {
    echo "lint: make fmt formats, and mends what the tools can mend" >&2
    exit 1
}
