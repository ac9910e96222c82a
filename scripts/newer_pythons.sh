#!/usr/bin/env bash
# CPython 3.14 and 3.15 with headers and libpython, for machines that lack them:
#
#     scripts/newer_pythons.sh [VERSION...]        # default: 3.14 3.15
#
# Prints the path of each interpreter, at once when it is there already. The packages are
# those of the distribution's next release (Debian: testing, Ubuntu: devel; or NEWER_SUITE),
# from the mirror that this machine's apt uses (or NEWER_MIRROR). They are unpacked into
# .build/newer, not installed: the system stays as it is, and root is not needed.
#
# They need a newer C library than the system's, which is unpacked beside them. So the
# interpreter itself is linked here, with that library's loader in it, and then runs as any
# other: it imports extensions that were compiled against the system's C library, and starts
# the system's programs. (In a chroot, which needs root, there would be neither compiler nor
# Go.) describe_python.py has Go programs that embed the interpreter use the same loader.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD/.build/newer
[ $# -gt 0 ] || set -- 3.14 3.15
say() { printf 'newer-pythons: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

works() { # works VERSION: it runs, is whole, and stands where it was made for
    "$top/$1/usr/bin/python$1" - "$top/$1/usr" "$1" 2>/dev/null <<'PYTHON'
import ctypes, lzma, os, sqlite3, ssl, sys, sysconfig, zlib
usr, version = sys.argv[1:]
assert sys.base_prefix == usr and "%d.%d" % sys.version_info[:2] == version
for file in (sysconfig.get_path("include") + "/Python.h",
             sysconfig.get_config_var("LIBDIR") + f"/libpython{version}.so",
             sysconfig.get_config_var("WHEEL_PKG_DIR")):
    assert file.startswith(usr) and os.path.exists(file)
PYTHON
}
missing=()
for version; do works "$version" || missing+=("$version"); done
done_with() {
    for version; do echo "$top/$version/usr/bin/python$version"; done
    exit
}
[ ${#missing[@]} -gt 0 ] || done_with "$@"

for command in apt-get dpkg-deb; do
    command -v $command >/dev/null ||
        die "CPython ${missing[*]} is available here from Debian's and Ubuntu's packages only, and $command is missing"
done
for command in readelf "${CC:-cc}"; do
    command -v "$command" >/dev/null || die "$command is missing; on Debian or Ubuntu: apt-get install build-essential"
done

# --- fetch
. /etc/os-release
suite=${NEWER_SUITE:-testing}
[ -n "${NEWER_SUITE:-}" ] || [ "$ID" != ubuntu ] || suite=devel
# The first repository of this release; indextargets reads sources.list and sources.list.d.
# shellcheck disable=SC2016 # apt's own variables
mirror=${NEWER_MIRROR:-$(apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v release="${VERSION_CODENAME:-}" '$1 == "main" { if (!any) any = $3; if ($2 == release && !ours) ours = $3 }
                                            END { print ours ? ours : any }')}
[ -n "$mirror" ] || die "apt has no repository with a component called main; name a mirror in NEWER_MIRROR"
keyring=/usr/share/keyrings/$ID-archive-keyring.gpg
signed=
[ ! -r "$keyring" ] || signed="[signed-by=$keyring] "

archives=$top/apt/cache/archives
mkdir -p "$top/apt/lists/partial" "$archives/partial"
echo "deb $signed$mirror $suite main" >"$top/apt/sources.list"
: >"$top/apt/status" # nothing is installed: so all that is needed is fetched
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$top/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$top/apt/lists" -o Dir::State::status="$top/apt/status" \
        -o Dir::Cache="$top/apt/cache" -o Dir::Cache::archives="$archives" \
        -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=0 -o Acquire::Languages=none \
        "$@" >"$top/apt/log" 2>&1
}
why() { grep '^E:' "$top/apt/log" | tail -1; }
say "reading the index of $suite in $mirror"
apt update || die "the index cannot be read: $(why)"
apt autoclean # what the index does not have any more
packages=()
for version in "${missing[@]}"; do packages+=("python$version-dev" "python$version-venv"); done
say "fetching CPython ${missing[*]}, and the libraries that they need, from $suite"
apt --yes --download-only install "${packages[@]}" || die "$suite in $mirror does not give CPython ${missing[*]}: $(why)"

# --- unpack and link
prepare() { # prepare VERSION
    local version=$1 new=$top/new usr=$top/$1/usr deb name folder loader include
    say "unpacking CPython $version into ${top#"$PWD/"}/$version"
    rm -rf "$new"
    mkdir "$new"
    for deb in "$archives"/*.deb; do
        name=$(basename "$deb")
        # Of headers only Python's: the others are the system's, for the system's C library.
        case $name in
        libpython"$version"* | python"$version"* | python3-*-whl_*) ;;
        *python3.* | *-dev_* | libc-dev-bin_* | libc-bin_*) continue ;;
        lib* | zlib1g_*) ;;
        *) continue ;;
        esac
        dpkg-deb -x "$deb" "$new" || die "$name cannot be unpacked"
    done
    # Folders as the package has them, /usr, become those where it stands now.
    sed -i "s#/usr/\(lib\|include\|share/python-wheels\)#$usr&#g; s#$usr/usr#$usr#g; s#\(['\"]\)/usr\1#\1$usr\1#" \
        "$new/usr/lib/python$version"/_sysconfig*
    # The header of this machine in place of the one that chooses among all.
    folder=$(cd "$new/usr/include" && echo */"python$version")
    include=$new/usr/include/python$version
    mv "$new/usr/include/$folder/pyconfig.h" "$include/pyconfig.h"
    loader=$(readelf -l "$new/usr/bin/python$version" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
    folder=$new/usr/lib/${folder%/*}
    [ -e "$new/usr$loader" ] && [ -e "$folder/libpython$version.so" ] || die "the packages have changed: no loader, or no libpython"
    # The rpath is of the kind that holds for the libraries of libraries, too.
    printf 'int Py_BytesMain(int, char **);\nint main(int argc, char **argv) { return Py_BytesMain(argc, argv); }\n' |
        "${CC:-cc}" -O2 -x c - -o "$new/python" -L"$folder" -lpython"$version" -Wl,--allow-shlib-undefined \
            -Wl,--disable-new-dtags,-rpath,"$top/$version${folder#"$new"}" -Wl,--dynamic-linker,"$usr$loader" ||
        die "the interpreter cannot be linked"
    mv "$new/python" "$new/usr/bin/python$version"
    ln -s "python$version" "$new/usr/bin/python3"
    rm -rf "${top:?}/$version"
    mv "$new" "$top/$version"
    works "$version" || die "CPython $version does not work: $("$usr/bin/python$version" -c 'import ssl, ctypes, lzma, sqlite3' 2>&1 | tail -1)"
}
for version in "${missing[@]}"; do prepare "$version"; done
done_with "$@"
