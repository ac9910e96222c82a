#!/usr/bin/env bash
# The whole test suite on every CPython there is, from 3.10 on: those named in PYTHONS, or
# all that can be found: on the PATH, debug builds, pyenv's, uv's, and the free-threaded
# one of scripts/free_threaded.sh, which is built if no other is found (FREE_THREADED=no:
# not). Writes .build/test-all.md, a table of what was run where.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'test-all: %s\n' "$*" >&2; }

# version, flags, path of an interpreter; nothing for what is too old or does not run
describe() {
    "$1" -c '
import sys, sysconfig
flags = "t" * bool(sysconfig.get_config_var("Py_GIL_DISABLED")) + "d" * hasattr(sys, "gettotalrefcount")
if sys.version_info >= (3, 10) and sys.implementation.name == "cpython" and sys.prefix == sys.base_prefix:
    print("%d.%d.%d%s" % (*sys.version_info[:3], flags), sys.executable)' 2>/dev/null || true
}
candidates() {
    if [ -n "${PYTHONS:-}" ]; then
        printf '%s\n' $PYTHONS
        return
    fi
    local IFS=:
    for folder in $PATH; do ls "$folder"/python3 "$folder"/python3.[0-9][0-9]{,t,-dbg} 2>/dev/null || true; done
    ls "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 2>/dev/null || true
    if command -v uv >/dev/null; then uv python list --only-installed 2>/dev/null | awk '{ print $2 }'; fi
    ls "$PWD"/.build/python3.13t/bin/python3.13t 2>/dev/null || true
}
failed=no
found=$(candidates | while read -r python; do
    command -v "$python" >/dev/null && describe "$(command -v "$python")"
done | sort -V | awk '!seen[$1]++') # one of each version and build
if [ -z "${PYTHONS:-}" ] && [ "${FREE_THREADED:-}" != no ] && ! grep -q '^[0-9.]*t' <<<"$found"; then
    if built=$(scripts/free_threaded.sh); then
        found+=$'\n'$(describe "$built")
    else
        say "there is no free-threaded CPython, and none could be built; FREE_THREADED=no does without"
        failed=yes
    fi
fi
[ -n "${found//[[:space:]]/}" ] || { say "no CPython from 3.10 on was found; name some in PYTHONS"; exit 1; }

n=$(wc -l <<<"$found") i=0
report=.build/test-all.md
mkdir -p .build
printf '| CPython | package, harness | model | matrix | kit | take-home | Go |\n|---|---|---|---|---|---|---|\n' >"$report"
# run NAME COMMAND...: a cell of the table
run() {
    local log=.build/test-all-$version-$1.log begun=$SECONDS result
    if scripts/with_python.sh "$python" "${@:2}" </dev/null >"$log" 2>&1; then result=passed; else result=FAILED failed=yes; fi
    say "      $1: $result, $((SECONDS - begun)) s: $(grep -E '[0-9]+ passed' "$log" | tail -1)"
    printf ' %s |' "$result$(grep -oE '[0-9]+ passed' "$log" | tail -1 | sed 's/\(.*\) passed/ (\1)/')" >>"$report"
    [ $result = passed ] || tail -5 "$log" >&2
}
export PYTHONDONTWRITEBYTECODE=1 CI=1
while read -r version python; do
    [ -n "$version" ] || continue
    i=$((i + 1))
    say "[$i/$n] CPython $version, $python (about $(((n - i + 1) * 12)) minutes left)"
    printf '| %s |' "$version" >>"$report"
    scripts/setup.sh "$python" </dev/null || { failed=yes; printf ' cannot be set up | | | | | |\n' >>"$report"; continue; }
    run package bash -c '"$PP_PYTHON" -m pytest -q -p no:cacheprovider python/tests &&
        "$PP_PYTHON" -m pytest -q -p no:cacheprovider -c matrix/pytest.ini --rootdir matrix matrix/selftest'
    run model bash -c '"$PP_PYTHON" -m pytest -q -p no:cacheprovider -c matrix/pytest.ini --rootdir matrix matrix/model'
    run matrix scripts/matrix.sh
    run kit bash -c '"$PP_PYTHON" lifetime/tests/run.py'
    run takehome bash -c '"$PP_PYTHON" takehome/build.py && STRATEGY=$(scripts/takehome_subjects.sh) scripts/matrix.sh'
    if [[ $version == *t* ]]; then
        printf ' not run: the GIL must be on from the start |\n' >>"$report"
    else
        run go go test -short ./...
        printf '\n' >>"$report"
    fi
done <<<"$found"
cat "$report"
[ $failed = no ]
