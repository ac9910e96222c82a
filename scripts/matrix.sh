#!/usr/bin/env bash
# Run the correctness matrix. STRATEGY=name narrows; MATRIX_JSON and MATRIX_MD
# say where the results go. Further arguments are pytest's.
set -euo pipefail
cd "${PP_ROOT:?run this through make matrix}"
export MATRIX_JSON=${MATRIX_JSON:-$PP_ROOT/.build/matrix.json}
export MATRIX_MD=${MATRIX_MD:-$PP_ROOT/.build/matrix.md}
export MATRIX_SUBJECTS=${STRATEGY:-${MATRIX_SUBJECTS:-}}
export PYTHONDONTWRITEBYTECODE=1
exec "$PP_PYTHON" -m pytest matrix/properties -q --rootdir matrix -c matrix/pytest.ini -n logical --maxprocesses 8 "$@"
