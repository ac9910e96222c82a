#!/usr/bin/env bash
# Make the report of a recorded run (LABEL, or the newest) anew, and from it the sections of README.md,
# docs/methodology.md and docs/libraries.md. Needs only results/.
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o .build/report ./cmd/report
exec .build/report -label "${LABEL:-}" -root .
