#!/usr/bin/env bash
# The names of the take-home extensions, as the matrix has them.
exec "${PP_PYTHON:-python3}" -c '
import sys
sys.path.insert(0, sys.argv[1])
import subjects
print(*(name for name, adapter in subjects.LIBRARIES.items() if adapter == "takehome"))' "$(dirname "$0")/../matrix"
