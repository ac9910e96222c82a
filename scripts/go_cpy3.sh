#!/usr/bin/env bash
# A go command for programs that embed CPython through github.com/go-python/cpy3,
# in the environment of an interpreter:
#
#     scripts/with_python.sh "$PYTHON" scripts/go_cpy3.sh run ./examples/cpy3
#     scripts/with_python.sh "$PYTHON" scripts/go_cpy3.sh env    # for your own scripts: what it sets
set -euo pipefail
cd "$PP_ROOT"

# The overlay header first, and a word of its own for the build cache, which
# does not look at what pkg-config answers.
export PKG_CONFIG_PATH=$PP_ROOT/.build/$PP_TAG/cpy3
case " $CGO_CFLAGS " in
*" -DPP_CPY3 "*) ;;
*) export CGO_CFLAGS="$CGO_CFLAGS -DPP_CPY3 -Wno-deprecated-declarations" ;;
esac
if [ "$1" = env ]; then
    for name in PKG_CONFIG_PATH CGO_CFLAGS CGO_LDFLAGS CGO_LDFLAGS_ALLOW; do printf 'export %s=%q\n' "$name" "${!name}"; done
    printf 'export GOFLAGS=%q\n' "-tags=cpy3"
    exit
fi
command=$1
shift
exec go "$command" -tags cpy3 "$@"
