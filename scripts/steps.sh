# Sourced by test.sh and test_debug.sh: run steps one after the other and say what runs,
# how far it is and how long is left.
#
#     LOG=file                          # everything the steps print, and the progress
#     plan "name" SECONDS command...    # SECONDS: what it takes on two cores
#     run_plan                          # stops at the first failure
#
# A step's own output goes to the log; when it fails, its end is shown. Progress
# goes to standard error.
names=() seconds=() commands=()

plan() {
    names+=("$1")
    seconds+=("$2")
    shift 2
    commands+=("$(printf '%q ' "$@")")
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

progress() {
    printf '%s\n' "$*" >&2
    printf '%s\n' "$*" >>"$LOG"
}

run_plan() {
    local n=${#names[@]} i j left begun out ok summary start=$SECONDS
    mkdir -p "$(dirname "$LOG")"
    : >"$LOG"
    for ((i = 0; i < n; i++)); do
        left=0
        for ((j = i; j < n; j++)); do left=$((left + seconds[j])); done
        progress "[$((i + 1))/$n] ${names[i]}  (about $(clock $left) left)"
        begun=$SECONDS
        out=$(mktemp)
        if eval "${commands[i]}" >"$out" 2>&1; then ok=1; else ok=0; fi
        cat "$out" >>"$LOG"
        if [ $ok = 1 ]; then
            # What a test runner says of itself last is worth a line here.
            summary=$(grep -E '^[0-9]+ passed|[0-9]+ (passed|skipped)(, [0-9]+ [a-z]+)* in ' "$out" | tail -1 || true)
            [[ $summary == *passed* ]] || summary+=$(sed -n 's/^SKIPPED .*py:[0-9]*: /: /p' "$out" | head -1)
            progress "      ok, $(clock $((SECONDS - begun)))${summary:+: $summary}"
        else
            progress "      FAILED, $(clock $((SECONDS - begun))): ${names[i]}"
            tail -60 "$out" >&2
            rm -f "$out"
            progress "stopped; all of the output is in ${LOG#"$PP_ROOT/"}"
            return 1
        fi
        rm -f "$out"
    done
    progress "$n passed, 0 failed: $(clock $((SECONDS - start))); all of the output is in ${LOG#"$PP_ROOT/"}"
}
