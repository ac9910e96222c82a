#!/usr/bin/env bash
# The soak: strategies against the reference model, for MINUTES (30), from SEED (the
# day's), with gc at every allocation, Go's collector all the time and cgo's checks.
# PARALLEL=1: threads that run at once instead (matrix/lifetimes/model/parallel.py). COLLECT=1 uses a
# build whose every accessor runs gc, too. STRATEGY narrows.
set -euo pipefail
cd "${PP_ROOT:?run this through make stress}"
seed=${SEED:-$(date -u +%Y%m%d)}
log=.build/$PP_TAG/stress.log
export GOGC=${GOGC:-1} GODEBUG=${GODEBUG:-cgocheck=1} PYTHONDONTWRITEBYTECODE=1
if [ -n "${COLLECT:-}" ]; then
    folder=$PP_ROOT/.build/$PP_TAG/collect
    mkdir -p "$folder/pyobject_preservation"
    cp python/pyobject_preservation/__init__.py "$folder/pyobject_preservation/"
    go build -tags collect -buildmode=c-shared -ldflags=-X=runtime.godebugDefault=asyncpreemptoff=1 -o "$folder/pyobject_preservation/_core$PP_EXT_SUFFIX" ./python
    export PYTHONPATH=$folder:$PP_ROOT/matrix
fi
read -r -a names <<<"${STRATEGY:-*}" # of strategies
"$PP_PYTHON" -m lifetimes.model.stress --seconds $((${MINUTES:-30} * 60)) --seed "$seed" \
    ${PARALLEL:+--parallel} ${OPERATIONS:+--operations "$OPERATIONS"} "${names[@]/#/subjects.strategies:}" 2>&1 | tee "$log"
