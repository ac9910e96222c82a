#!/usr/bin/env bash
# Make the report of a recorded run (LABEL, or the newest) anew, and README's
# section from it. Needs only results/.
set -euo pipefail
cd "$(dirname "$0")/.."
exec go run ./cmd/report -label "${LABEL:-}" -splice README.md
