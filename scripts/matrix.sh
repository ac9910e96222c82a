#!/usr/bin/env bash
# Run the correctness matrix, of the strategies or of the subjects that STRATEGY names (names and patterns
# of matrix/subjects). Arguments are pytest's; --lifetimes-json and --lifetimes-md say where the results go.
set -euo pipefail
cd "${PP_ROOT:?run this through make matrix}"
export PYTHONPATH=$PP_ROOT/matrix${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
read -r -a names <<<"${STRATEGY:-}"
subjects=subjects.strategies
[ ${#names[@]} = 0 ] || subjects=subjects:$(IFS=,; echo "${names[*]}")
exec "$PP_PYTHON" -m pytest -p lifetimes.plugin --lifetimes "$subjects" -q -c matrix/pytest.ini --rootdir matrix \
    -n logical --maxprocesses 8 --lifetimes-json=.build/matrix.json --lifetimes-md=.build/matrix.md "$@"
