#!/usr/bin/env bash
# The main job: the matrix, the benchmarks of both sides and the counting of instructions, recorded
# in results/<label>/ and compared. Called by `make bench`, in the environment of
# scripts/with_python.sh.
#
#     LABEL=name      what to call the run (default: date, CPU, Python, commit)
#     STRATEGY=names  these strategies only, and the references
#     QUICK=1         fewer rounds: a look, nothing to quote
#     PEERS=names     with these libraries (make peers), and without the Go side
#
# A run is written to results/.partial-<label> and gets its name when it is
# whole. What is going on goes to standard error and log.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
begun=$(date +%s)
python=${PP_PYTHON:?run this through make bench}
die() { echo "bench: $*" >&2; exit 1; }

# --- what is there, and what was asked for
names=$("$python" -c 'import pyobject_preservation as pp; print(" ".join(pp.STRATEGIES))')
read -r -a all <<<"$names"
if [ -n "${STRATEGY:-}" ]; then
    read -r -a all <<<"$STRATEGY"
    for name in "${all[@]}"; do
        [[ " $names " == *" $name "* ]] || die "no strategy is called '$name'; there are: $names"
    done
fi
pattern="/^strategy=(floor|baseline$(printf '|%s' "${all[@]}"))\$"
count=$((${#all[@]} + 2))

commit=$(git rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
dirty=false
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || dirty=true
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1)
cpu=${cpu:-$(uname -m)}
short=$("$python" -c 'import sys; print("%d.%d%s" % (*sys.version_info[:2], getattr(sys, "abiflags", "")))')
if [ -z "${LABEL:-}" ]; then
    slug=$(printf '%s' "$cpu" | sed 's/([^)]*)//g; s/@.*//; s/\<CPU\>\|Processor//g' | tr -cs 'A-Za-z0-9' '-' |
        tr 'A-Z' 'a-z' | sed 's/^-*//; s/-*$//')
    LABEL=$(date -u +%Y-%m-%d)-$slug-py$short-$commit
    [ $dirty = false ] || LABEL=$LABEL-dirty
    [ -z "${STRATEGY:-}" ] || LABEL=$LABEL-${STRATEGY// /-}
    [ -z "${QUICK:-}" ] || LABEL=$LABEL-quick
    [ -z "${PEERS:-}" ] || LABEL=$LABEL-peers
fi
[[ $LABEL =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || die "LABEL='$LABEL' cannot name a folder: letters, digits and . _ - only"
final=results/$LABEL
[ ! -e "$final" ] || die "$final exists already; choose another LABEL, or remove it first"
out=results/.partial-$LABEL
rm -rf "$out"
mkdir -p "$out"

# --- how much: seconds in all but for counting and for each part, rounds, milliseconds for each benchmark
if [ -n "${QUICK:-}" ]; then
    options=(--lifetimes-quick)
    operations=WrapLive,WrapDead,Create,Call count_s=40
    limit=85 matrix_s=25 go_s=26 python_s=26 rounds=3 least=3 longest=15 target=0.0005 turns=2 memory=1
else
    operations= count_s=180
    options=()
    limit=470 matrix_s=160 go_s=170 python_s=170 rounds=9 least=6 longest=100 target=0.002 turns=5 memory=6
fi
if [ -n "${PEERS:-}" ]; then
    # All strategies in the matrix and in Python, the libraries as well, nothing in Go.
    subjects="$names $PEERS" options+=(--lifetimes-seconds=240)
    libraries=$("$python" -c 'import sys; sys.path.insert(0, "matrix"); import subjects
print(",".join(n for n in sys.argv[1].split() if not subjects.missing(n)))' "$PEERS")
    matrix_s=600 go_s=0 python_s=900 count_s=900 rounds=6 least=6 memory=2
    [ -z "${QUICK:-}" ] || matrix_s=300 python_s=120 count_s=300 rounds=1 least=1 memory=1
fi
# --- progress
say() {
    printf '%s\n' "$*" >>"$out/log.txt"
    printf 'bench: %s\n' "$*" >&2
}
steps=6
step() { # step I SECONDS-LEFT WHAT
    say "[$1/$steps] $3 (about $2 s left in all, $(($(date +%s) - begun)) s so far)"
}
say "$LABEL: ${all[*]} and the floor${libraries:+, beside $libraries}"

export PP_COMMIT=$commit
[ $dirty = false ] || PP_COMMIT=$commit-dirty
LABEL=$LABEL CPU=$cpu PEERS=${PEERS:-} NARROWED=${NARROWED:-${STRATEGY:-}} DIRTY=$dirty COMMIT=$commit QUICK=${QUICK:-} "$python" - >"$out/machine.json" <<'PYTHON'
import datetime, json, os, platform, subprocess, sys, sysconfig

def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"

print(json.dumps({
    "label": os.environ["LABEL"],
    "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    "cpu": os.environ["CPU"],
    "cores": os.cpu_count(),
    "kernel": platform.release(),
    "go": first_line("go", "env", "GOVERSION"),
    "python": " ".join(sys.version.split()),
    "python_config": sysconfig.get_config_var("CONFIG_ARGS"),
    "compiler": first_line(os.environ.get("CC", "cc"), "--version"),
    "commit": os.environ["COMMIT"],
    "dirty": os.environ["DIRTY"] == "true",
    "quick": bool(os.environ["QUICK"]),
    "peers": bool(os.environ["PEERS"]),
    "narrowed": os.environ["NARROWED"],
    "valgrind": first_line("valgrind", "--version"),
}, indent=1))
PYTHON

# --- 1: the matrix. What it finds is a result; it does not stop the measuring.
step 1 $((matrix_s + go_s + python_s + count_s + 15)) "the correctness matrix"
failed=
mkfifo "$out/.progress"
while IFS= read -r line; do say "      $line"; done <"$out/.progress" &
exec 9>"$out/.progress" # open until the matrix is through, or the reader would stop
matrix=0
STRATEGY=${subjects:-${STRATEGY:-}} scripts/matrix.sh "${options[@]}" --lifetimes-progress="$PWD/$out/.progress" \
    --lifetimes-json="$PWD/$out/matrix.json" --lifetimes-md="$PWD/$out/matrix.md" >"$out/matrix.log" 2>&1 || matrix=$?
[ "$matrix" != 130 ] || exit 130
if [ "$matrix" != 0 ]; then
    failed="the matrix did not come out as declared: see $final/matrix.log"
    say "$failed"
else
    rm "$out/matrix.log" # matrix.md has all of it
fi
exec 9>&-
wait
rm "$out/.progress"

# --- 2: build the Go benchmarks once
: >"$out/bench.txt"
if [ -n "${PEERS:-}" ]; then
    say "what did not come out as declared:"
    "$python" -m lifetimes.report undeclared "$out/matrix.json" | while IFS= read -r line; do say "      $line"; done
else
    step 2 $((go_s + python_s + count_s + 15)) "building the Go benchmarks"
    binary=$PWD/.build/${PP_TAG:-default}/bench.test
    go test -c -o "$binary" ./bench

    # --- 3: Go, rounds outside, strategies inside
    # A matrix or a build that took longer than planned takes its time from the rest.
    spare=$(((limit - 5 - ($(date +%s) - begun)) / 2))
    go_s=$((spare >= go_s ? go_s : spare > 15 ? spare : 15))
    python_s=$((spare >= python_s ? python_s : spare > 15 ? spare : 15))
    # A round is about 20 benchmarks a strategy, which prepare themselves for 50 ms each.
    each=$((go_s * 1000 / rounds / (count * 20) - 50))
    each=$((each < 5 ? 5 : each > longest ? longest : each))
    step 3 $((go_s + python_s + count_s + 5)) "Go benchmarks: up to $rounds rounds, $each ms each"
    start=$(date +%s)
    for ((round = 1; round <= rounds; round++)); do
        # Written to the record only when the round is whole.
        large=
        [ -n "${QUICK:-}" ] || [ "$round" -gt 3 ] || large=1
        (cd bench && PP_BENCH_LARGE=$large "$binary" -test.run '^$' -test.bench "$pattern" -test.benchtime "${each}ms" -test.count 1) \
            >"$out/round.txt" 2>>"$out/log.txt" || {
            tail -30 "$out/round.txt" >&2
            die "a Go benchmark failed; what there is lies in $out"
        }
        tr -s ' \t' ' ' <"$out/round.txt" >>"$out/bench.txt"
        took=$(($(date +%s) - start))
        left=$((took * (rounds - round) / round))
        say "      round $round of $rounds, ${took} s; about $left s left here, $((left + python_s + count_s + 5)) s in all"
        if ((round >= least && took + took / round > go_s)); then break; fi
    done
    rm "$out/round.txt"
fi

# --- 4: Python
step 4 $((python_s + count_s + 5)) "Python benchmarks: up to $rounds rounds"
"$python" bench/python_bench.py --text "$out/python.txt" --json "$out/python.json.gz" --rounds "$rounds" \
    --least "$least" --seconds "$python_s" --target "$target" --turns "$turns" \
    --memory-rounds "$memory" --strategies "$(IFS=,; echo "${all[*]}")" --libraries "${libraries:-}" \
    2> >(while IFS= read -r line; do say "      $line"; done) ||
    die "a Python benchmark failed; what there is lies in $out"
cat "$out/python.txt" >>"$out/bench.txt"

# --- 5: instructions. What cannot be counted is a result, too.
step 5 $((count_s + 5)) "counting instructions"
"$python" bench/instructions.py --text "$out/python.txt" --operations "$operations" \
    --strategies "$(IFS=,; echo "${all[*]}")" --libraries "${libraries:-}" \
    2> >(while IFS= read -r line; do say "      $line"; done) ||
    failed="${failed:+$failed; }not everything could be counted: see $final/log.txt"
cat "$out/python.txt" >>"$out/bench.txt"
rm "$out/python.txt"

# --- 6: the comparison
step 6 2 "the report"
go build -o .build/report ./cmd/report
.build/report -results results -label ".partial-$LABEL" >"$out/.summary"
size=$(($(cat "$out"/*.* | wc -c) / 1000))
say "done in $(($(date +%s) - begun)) s, $size kB: $final/report.md"
[ "$size" -lt 1000 ] || say "that is more than the 1 MB that a run should have at most"
mv "$out" "$final"
cat "$final/.summary"
rm "$final/.summary"
echo
echo "Everything: $final/report.md"
echo "Two runs:   go tool benchstat -table lang -row .fullname -col .file A/bench.txt B/bench.txt"
[ -z "$failed" ] || die "$failed"
