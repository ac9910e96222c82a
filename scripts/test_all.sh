#!/usr/bin/env bash
# The whole test suite on every CPython there is, from 3.10 on: those named in PYTHONS, or
# all that can be found: on the PATH, debug builds, pyenv's, uv's, python.org's. Without a
# free-threaded one that of scripts/free_threaded.sh is built (FREE_THREADED=no: not), without
# 3.14 or 3.15 those of scripts/newer_pythons.sh are unpacked (NEWER=no: not). For a free-threaded
# 3.14 or 3.15 that is not there, everything is compiled at least. Writes .build/test-all.md, a
# table of what was run where.
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
    # python.org's installers, and those of its Docker and manylinux images
    ls /opt/python/*/bin/python3 /opt/python*/bin/python3.[0-9][0-9]{,t} /usr/local/bin/python3.[0-9][0-9]{,t} 2>/dev/null || true
    ls /Library/Frameworks/Python{,T}.framework/Versions/3.*/bin/python3.[0-9][0-9]{,t} 2>/dev/null || true
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
        say "there is no free-threaded CPython, and none could be built; FREE_THREADED=no omits it"
        failed=yes
    fi
fi
missing=()
for version in 3.14 3.15; do grep -q "^${version//./\\.}\.[0-9]* " <<<"$found" || missing+=("$version"); done
if [ -z "${PYTHONS:-}" ] && [ "${NEWER:-}" != no ] && [ ${#missing[@]} -gt 0 ]; then
    if unpacked=$(scripts/newer_pythons.sh "${missing[@]}"); then
        for python in $unpacked; do found+=$'\n'$(describe "$python"); done
    else
        say "CPython ${missing[*]} is missing, and could not be installed; NEWER=no omits it"
        failed=yes
    fi
fi
found=$(sed '/^$/d' <<<"$found" | sort -V)
[ -n "${found//[[:space:]]/}" ] || { say "no CPython from 3.10 on was found; name some in PYTHONS"; exit 1; }

n=$(wc -l <<<"$found") i=0
report=.build/test-all.md
mkdir -p .build
printf '| CPython | package, harness | model | matrix | kit | take-home | Go | Go, cpy3 |\n|---|---|---|---|---|---|---|---|\n' >"$report"
# by a compiler, of what is not a Go module of others
warned() { grep -E '^[^ ]+:[0-9]+: warning: ' "$1" | grep -v /pkg/mod/ >&2; }
# run NAME COMMAND...: a cell of the table; WORD says "passed" otherwise
run() {
    local log=.build/test-all-$version-$1.log begun=$SECONDS result=${WORD:-passed} counts
    if ! scripts/with_python.sh "$python" "${@:2}" </dev/null >"$log" 2>&1 || warned "$log"; then
        result=FAILED failed=yes
        tail -5 "$log" >&2
    fi
    counts=$(grep -oE '[0-9]+ passed(, [0-9]+ [a-z]+)*' "$log" | tail -1 || true)
    say "      $1: $result, $((SECONDS - begun)) s: $counts"
    printf ' %s |' "$result${counts:+ ($counts)}" >>"$report"
}
export PYTHONDONTWRITEBYTECODE=1 CI=1
minutes=14 # for each, on two cores
while read -r version python; do
    i=$((i + 1))
    say "[$i/$n] CPython $version, $python (about $(((n - i + 1) * minutes)) minutes left)"
    printf '| %s |' "$version" >>"$report"
    log=.build/test-all-$version-setup.log
    if ! scripts/setup.sh "$python" </dev/null >"$log" 2>&1 || warned "$log"; then
        failed=yes
        tail -5 "$log" >&2
        printf ' cannot be set up, or not without warnings | | | | | | |\n' >>"$report"
        continue
    fi
    run package bash -c '"$PP_PYTHON" -m pytest -q -p no:cacheprovider python/tests &&
        "$PP_PYTHON" -m pytest -q -p no:cacheprovider -c matrix/pytest.ini --rootdir matrix matrix/selftest'
    run model bash -c '"$PP_PYTHON" -m pytest -q -p no:cacheprovider -c matrix/pytest.ini --rootdir matrix matrix/model'
    run matrix scripts/matrix.sh
    run kit bash -c '"$PP_PYTHON" lifetime/tests/run.py'
    run takehome bash -c '"$PP_PYTHON" takehome/build.py && STRATEGY="takehome-*" scripts/matrix.sh'
    if [[ $version == *t* ]]; then
        printf ' not run: the GIL must be on from the start | not run |\n' >>"$report"
    else
        run go go test -short ./...
        run cpy3 scripts/test_cpy3.sh
        printf '\n' >>"$report"
    fi
    # Its free-threaded sister, if that is nowhere to be found: from 3.14 on the headers suit both.
    if [[ $version =~ ^(3\.1[45])\.[0-9]+$ ]] && ! grep -q "^${BASH_REMATCH[1]//./\\.}\.[0-9]*t" <<<"$found"; then
        printf '| %st, headers only |' "$version" >>"$report"
        WORD="compiled, not run" run free-threaded scripts/compile_free_threaded.sh
        printf ' | | | | | |\n' >>"$report"
    fi
done <<<"$found"
cat "$report"
[ $failed = no ]
