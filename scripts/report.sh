#!/usr/bin/env bash
# Make the report of a recorded run (LABEL, or the newest) anew, and from it README's sections and
# the comparison of orders in METHODOLOGY. Needs only results/.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o .build/report ./cmd/report
exec .build/report -label "${LABEL:-}" -splice README.md -orders METHODOLOGY.md
