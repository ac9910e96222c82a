#!/usr/bin/env bash
# Build a free-threaded CPython 3.13 from Debian's source package, for machines where
# none is installed:
#
#     scripts/free_threaded.sh [PREFIX]        # default: .build/python3.13t
#     scripts/free_threaded.sh --tsan [PREFIX] # default: .build/python3.13tsan
#
# --tsan builds it with ThreadSanitizer, for lifetime/tests/run.py --tsan, and leaves CPython's
# own lists of suppressions in PREFIX/share/tsan. Needs libtsan of the compiler.
#
# Prints the path of the interpreter, at once when it is there already. Takes about four
# minutes on two cores. The source comes from Debian's archive (DEBIAN_MIRROR, default
# http://deb.debian.org/debian), the name and the checksum from its index.
set -euo pipefail
cd "$(dirname "$0")/.."
tsan=()
if [ "${1:-}" = --tsan ]; then
    tsan=(--with-thread-sanitizer)
    shift
fi
prefix=${1:-$PWD/.build/python3.13t${tsan:+san}}
python=$prefix/bin/python3.13t
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
say() { printf 'free-threaded: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

if [ -x "$python" ] && "$python" -c 'import sysconfig, ssl, zlib; assert sysconfig.get_config_var("Py_GIL_DISABLED")' 2>/dev/null; then
    echo "$python"
    exit
fi
for command in curl tar xz make "${CC:-cc}"; do
    command -v "$command" >/dev/null || die "$command is missing; on Debian or Ubuntu: apt-get install build-essential curl xz-utils"
done
if [ ${#tsan[@]} -gt 0 ]; then
    [ -e "$("${CC:-gcc}" -print-file-name=libtsan.so)" ] || die "the compiler's libtsan is missing; on Debian or Ubuntu: apt-get install libtsan2"
    export TSAN_OPTIONS=report_bugs=0 # the build runs the interpreter
    # With more random bits libtsan of gcc 12 finds no room for its shadow memory.
    [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -le 28 ] || die "set vm.mmap_rnd_bits to 28 first: sysctl vm.mmap_rnd_bits=28"
fi
need=(zlib1g-dev libssl-dev libffi-dev) # without the first two, pip would not work
missing=()
for package in "${need[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "headers are missing; on Debian or Ubuntu: apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]} (apt-get)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null || die "apt-get install ${missing[*]} failed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "looking for the source in $mirror"
# directory, checksum and name of the original source of python3.13
read -r directory sum name < <(curl -fsS "$mirror/dists/trixie/main/source/Sources.xz" | xz -dc | awk '
    /^Package: / { ours = $2 == "python3.13" }
    ours && /^Directory: / { directory = $2 }
    ours && /^Checksums-Sha256:/ { sums = 1; next }
    sums && /^[^ ]/ { sums = 0 }
    ours && sums && $3 ~ /\.orig\.tar\.xz$/ { sum = $1; name = $3 }
    /^$/ { ours = sums = 0 }
    END { print directory, sum, name }') || die "the index cannot be read"
[ -n "${name:-}" ] || die "there is no python3.13 in $mirror"
say "fetching $name"
curl -fsS -o "$work/$name" "$mirror/$directory/$name" || die "$name cannot be fetched"
echo "$sum  $work/$name" | sha256sum --check --quiet || die "$name is not what the index says"
tar -xJf "$work/$name" -C "$work" --strip-components 1
say "building (about four minutes on two cores)"
cd "$work"
{
    ./configure --quiet --prefix="$prefix" --disable-gil --enable-shared --disable-test-modules "${tsan[@]}" \
        LDFLAGS="-Wl,-rpath,$prefix/lib" CFLAGS=-O2
    make -s -j"$(nproc)"
    make -s install
    if [ ${#tsan[@]} -gt 0 ]; then
        mkdir -p "$prefix/share/tsan"
        cp Tools/tsan/*.txt "$prefix/share/tsan/"
    fi
} >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; die "the build failed"; }
"$python" -c 'import ssl, zlib, ctypes' || die "the build lacks modules that pip needs"
echo "$python"
