#!/usr/bin/env bash
# The soak: strategies against the reference model, for MINUTES (30), from SEED (the
# day's), with gc at every allocation, Go's collector all the time and cgo's checks.
# STRATEGY narrows.
set -euo pipefail
cd "${PP_ROOT:?run this through make stress}"
seed=${SEED:-$(date -u +%Y%m%d)}
log=.build/$PP_TAG/stress.log
export GOGC=${GOGC:-1} GODEBUG=${GODEBUG:-cgocheck=1} PYTHONDONTWRITEBYTECODE=1
"$PP_PYTHON" matrix/model/stress.py --seconds $((${MINUTES:-30} * 60)) --seed "$seed" \
    ${OPERATIONS:+--operations "$OPERATIONS"} ${STRATEGY:-} 2>&1 | tee "$log"
