#!/usr/bin/env bash
# The libraries beside the strategies that they ship: install what is available into
# an environment of its own, build the adapter modules, and record a run of matrix
# and Python benchmarks with both (scripts/bench.sh). Called by
# `make peers`, in the environment of scripts/with_python.sh.
#
#     PEERS=names     these libraries only (matrix/subjects/__init__.py has them)
#     LABEL, QUICK    as for make bench
#
# What is not available is skipped, with the reason. A second run installs nothing again.
set -euo pipefail
cd "${PP_ROOT:?run this through make peers}"
log=.build/$PP_TAG/peers.log
mkdir -p "${log%/*}"
: >"$log"
begun=$(date +%s)
say() {
    printf 'peers: %s\n' "$*" >&2
    printf '%s\n' "$*" >>"$log"
}
die() { say "$*"; exit 1; }
step() { say "[$1/4] $2 ($(($(date +%s) - begun)) s so far)"; }

# --- an environment of its own, which sees the interpreter's other packages, too
venv=${PP_PYTHON%/bin/python}
venv=$PP_ROOT/$(basename "$venv" | sed 's/^\.venv/.venv-peers/')
base=$("$PP_PYTHON" -c 'import sys; print(sys._base_executable)')
step 1 "${venv#"$PP_ROOT/"} with $base"
if [ "$(cat "$venv/.for" 2>/dev/null)" != "$PP_TAG" ]; then
    rm -rf "$venv"
    "$base" -m venv --system-site-packages "$venv" >>"$log" 2>&1 || die "the environment cannot be made; see $log"
    echo "$PP_TAG" >"$venv/.for"
fi
python=$venv/bin/python
pip() { "$python" -m pip install --disable-pip-version-check "$@" >>"$log" 2>&1; }
if ! cmp -s requirements.txt "$venv/.installed"; then
    pip -r requirements.txt || die "pip could not install the packages of requirements.txt; see $log"
    cp requirements.txt "$venv/.installed"
fi

# --- Debian's packages, which are for the system's own python3
debian=(g++ pkg-config libboost-python-dev python3-gi python-gi-dev gir1.2-glib-2.0 libglib2.0-dev python3-torch libtorch-dev)
step 2 "packages of Debian"
missing=()
for package in "${debian[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
system=$(readlink -f /usr/bin/python3 2>/dev/null || true)
if [ ${#missing[@]} = 0 ]; then
    :
elif [ "$(readlink -f "$base")" != "$system" ]; then
    say "      skipped: they are for $system, and this is $base"
elif ! command -v apt-get >/dev/null; then
    say "      skipped: this is neither Debian nor Ubuntu"
elif [ "$(id -u)" != 0 ]; then
    say "      skipped, because this is not root: apt-get install ${missing[*]}"
else
    apt-get update -qq >>"$log" 2>&1 || true
    for package in "${missing[@]}"; do # one by one: not every release has all of them
        say "      $package"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >>"$log" 2>&1 ||
            say "      skipped $package: apt-get install failed, see $log"
    done
fi

# --- PyPI's, one by one
step 3 "packages of PyPI"
mapfile -t wanted < <(grep -v '^#' requirements-peers.txt)
"$python" -m pip freeze --all 2>/dev/null | tr '[:upper:]_' '[:lower:]-' >"$venv/.frozen"
for i in "${!wanted[@]}"; do
    package=${wanted[i]}
    grep -qxF "$(printf '%s' "$package" | tr '[:upper:]_' '[:lower:]-')" "$venv/.frozen" && continue
    say "      $package ($((i + 1)) of ${#wanted[@]})"
    pip "$package" || say "      skipped $package: pip install $package failed, see $log"
done

# --- the adapter modules
step 4 "the adapter modules, 15 s each the first time"
export MATRIX_NATIVE=$PP_ROOT/.build/$PP_TAG/native
"$python" matrix/subjects/native/build.py "$MATRIX_NATIVE" 2>&1 | while IFS= read -r line; do say "      $line"; done
"$python" takehome/build.py 2>&1 | while IFS= read -r line; do say "      $line"; done

# --- the libraries that are available
export PP_PYTHON=$python NARROWED=${PEERS:-}
PEERS=$("$python" - ${PEERS:-} <<'PYTHON'
import sys

sys.path.insert(0, "matrix")
import subjects

asked = [w for a in sys.argv[1:] for w in a.replace(",", " ").split()] or list(subjects.LIBRARIES)
for name in asked:
    if name not in subjects.LIBRARIES:
        sys.exit(f"peers: no library is called {name!r}; there are {', '.join(subjects.LIBRARIES)}")
    if why := subjects.missing(name):
        print(f"peers: skipped {name}: {why}", file=sys.stderr)
print(" ".join(asked))
PYTHON
) || exit 1
export PEERS
status=0
scripts/bench.sh || status=$?
exit $status
