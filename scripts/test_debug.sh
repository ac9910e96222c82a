#!/usr/bin/env bash
# Tests for errors that ordinary runs do not show: the race detector over the Go
# side, AddressSanitizer and UndefinedBehaviorSanitizer over the C parts, valgrind, and a
# debug build of CPython (DEBUG_PYTHON, or the distribution's), whose assertions are on
# and whose total reference count must stay flat. Where there is a free-threaded CPython with
# ThreadSanitizer (TSAN_PYTHON, or what scripts/free_threaded.sh --tsan builds), also that over
# the schemes under threads.
set -euo pipefail
cd "${PP_ROOT:?run this through make test-debug}"
. scripts/steps.sh
LOG=$PP_ROOT/.build/$PP_TAG/test-debug.log
export PYTHONDONTWRITEBYTECODE=1
die() { echo "test-debug: $*" >&2; exit 1; }

race() { go test -race -short ./native/... ./internal/... ./strategies/... ./preserve ./toggleref ./intrusive ./mirrored ./gcowned; }

# The extension, with the sanitizers in its C parts and CPython's allocations visible to
# them.
sanitized() {
    local cc=${CC:-gcc} folder=$PP_ROOT/.build/$PP_TAG/sanitized
    local asan ubsan
    asan=$("$cc" -print-file-name=libasan.so) ubsan=$("$cc" -print-file-name=libubsan.so)
    [ -e "$asan" ] && [ -e "$ubsan" ] || die "the compiler's sanitizers are missing; on Debian or Ubuntu: apt-get install libasan8 libubsan1"
    mkdir -p "$folder/pyobject_preservation"
    cp python/pyobject_preservation/__init__.py "$folder/pyobject_preservation/"
    CGO_CFLAGS="$CGO_CFLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
        CGO_LDFLAGS="$CGO_LDFLAGS -fsanitize=address,undefined" \
        go build -buildmode=c-shared -ldflags=-X=runtime.godebugDefault=asyncpreemptoff=1 -o "$folder/pyobject_preservation/_core$PP_EXT_SUFFIX" ./python
    # handle_segv: Go and faulthandler have handlers of their own. Leaks: an interpreter
    # leaks at exit, and every test checks our own objects itself.
    PYTHONPATH=$folder:$PP_ROOT/matrix LD_PRELOAD="$asan $ubsan" PYTHONMALLOC=malloc \
        ASAN_OPTIONS=detect_leaks=0:handle_segv=0:allow_user_segv_handler=1:quarantine_size_mb=8 "$@"
}
under_asan() {
    # A million flips find no further errors here, and a memory limit is meaningless.
    sanitized scripts/matrix.sh --lifetimes-quick --lifetimes-seconds=300 \
        -k 'not million_flips and not storm and not signals'
    sanitized "$PP_PYTHON" -m lifetimes.model.stress --seconds 120 --seed 7 --any-memory subjects.strategies
    "$PP_PYTHON" lifetime/tests/run.py --sanitize
}

# Valgrind does not understand goroutines' stacks and Go's heap, and reports Go code everywhere.
# What counts is an access in C code: ours, or CPython's to memory of ours.
valgrinded() {
    command -v valgrind >/dev/null || die "valgrind is missing; on Debian or Ubuntu: apt-get install valgrind"
    local log=.build/$PP_TAG/valgrind.log
    PYTHONMALLOC=malloc valgrind --undef-value-errors=no --error-limit=no --log-file="$log" \
        "$PP_PYTHON" -m lifetimes.model.stress --one-process --operations 8800 subjects.strategies
    grep -q 'ERROR SUMMARY' "$log" || die "valgrind did not finish: see $log"
    awk '/Invalid (read|write|free)|Mismatched/ { what = $0; getline
             if ($0 ~ / at .*\([a-z_]+\.[ch]:[0-9]+\)/ && $0 !~ /gcc_libinit|_cgo_/) { print what; print; bad = 1 } }
         END { exit bad }' "$log" || die "invalid accesses in C code: see $log"
}

tsan_python=${TSAN_PYTHON:-$PP_ROOT/.build/python3.13tsan/bin/python3.13t}
under_tsan() { "$PP_PYTHON" lifetime/tests/run.py --tsan --seconds 20 "$tsan_python"; }

debug_python=${DEBUG_PYTHON:-}
for candidate in /usr/bin/python3.{14,13,12,11,10}-dbg; do
    if [ -z "$debug_python" ] && [ -x "$candidate" ]; then debug_python=$candidate; fi
done
if [ -z "$debug_python" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "test-debug: installing python3-dbg (apt-get)" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-dbg python3-dev >/dev/null || die "apt-get install python3-dbg failed"
    debug_python=$(ls /usr/bin/python3.*-dbg | head -1)
fi
[ -n "$debug_python" ] || die "a debug build of CPython is missing; on Debian or Ubuntu: apt-get install python3-dbg"
debug() { scripts/setup.sh "$debug_python" && scripts/with_python.sh "$debug_python" "$@"; }
debug_tests() { debug bash -c '"$PP_PYTHON" -m pytest -q -p no:cacheprovider python/tests && scripts/matrix.sh && "$PP_PYTHON" -m lifetimes.model.stress --seconds 60 --any-memory subjects.strategies'; }

plan "Go side, race detector" 150 race
plan "C parts, AddressSanitizer and UBSan" 500 under_asan
if [ -x "$tsan_python" ]; then
    plan "schemes without the GIL, ThreadSanitizer" 240 under_tsan
else
    echo "test-debug: ThreadSanitizer is left out: it needs a CPython built with it; scripts/free_threaded.sh --tsan builds one" >&2
fi
plan "valgrind" 240 valgrinded
plan "debug build of CPython: $debug_python" 500 debug_tests
run_plan
