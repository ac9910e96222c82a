#!/usr/bin/env bash
# Compile everything that is C or C++ as for a free-threaded CPython, with the headers of an
# ordinary one and the macro that its pyconfig.h would define; nothing is run:
#
#     scripts/with_python.sh "$PYTHON" scripts/compile_free_threaded.sh
#
# For versions of which there is no free-threaded build to test with. It finds functions,
# fields and macros that are missing or different there. It compiles the kit's test, the
# single header of each scheme, the take-home extensions (C11 and C++17, warnings as errors),
# and all packages of the suite.
set -euo pipefail
cd "${PP_ROOT:?run this through scripts/with_python.sh}"
define=-DPy_GIL_DISABLED=1
cc=${CC:-cc} cxx=${CXX:-c++} out=.build/$PP_TAG/free-threaded
mapfile -t includes < <("$PP_PYTHON" -c 'import sysconfig; print(*{"-I" + sysconfig.get_path(p) for p in ("include", "platinclude")}, sep="\n")')
strict=("${includes[@]}" -Wall -Wextra -Werror -fsyntax-only)

"$PP_PYTHON" - <<'PYTHON' || { echo "this CPython is free-threaded: run the tests"; exit 1; }
import sys, sysconfig
sys.exit(bool(sysconfig.get_config_var("Py_GIL_DISABLED")))
PYTHON
printf '#include <Python.h>\n#ifndef Py_GIL_DISABLED\n#error "pyconfig.h undoes the macro"\n#endif\n' |
    $cc $define "${includes[@]}" -fsyntax-only -x c -
echo "the kit's test, as C11 and as C++17"
$cc $define "${strict[@]}" -std=c11 -I. lifetime/tests/kit_test.c
$cxx $define "${strict[@]}" -std=c++17 -x c++ -I. lifetime/tests/kit_test.c
echo "single headers and take-home extensions"
CC="$cc $define" CXX="$cxx $define" "$PP_PYTHON" takehome/build.py "$out" --check
echo "the suite"
# Of the programs only the extension: the others would need a free-threaded libpython to link with.
errors="-Wall -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion"
mapfile -t packages < <(go list -f '{{if and (or .GoFiles .CgoFiles) (ne .Name "main")}}{{.ImportPath}}{{end}}' ./...)
CGO_CFLAGS="$CGO_CFLAGS $define $errors" go build "${packages[@]}" ./python
echo "compiled as free-threaded: $("$PP_PYTHON" -c 'import platform; print(platform.python_version())')"
