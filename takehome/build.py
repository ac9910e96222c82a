"""Build the take-home extensions for the running interpreter, and the single headers.

    python takehome/build.py [OUT] [--check]

OUT, by default .build/takehome/<SOABI>, gets an extension module for each minimal_*.c,
complete_*.c and for shared_ptr.cpp, and <scheme>_single.h for each scheme: kit and scheme in
one file. What has not changed since is not built again. --check compiles each single header
on its own, as C11 and as C++17, and the extensions with the single headers in place of the
others, with warnings as errors.

CC, CXX and CFLAGS are taken from the environment. Only the standard library is needed.
"""

import argparse
import hashlib
import os
import re
import shlex
import subprocess
import sys
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

EXTENSIONS = (
    "minimal_preserve.c",
    "minimal_toggleref.c",
    "complete_preserve.c",
    "complete_toggleref.c",
    "complete_intrusive.c",
    "complete_mirrored.c",
    "complete_instancemap.c",
    "shared_ptr.cpp",
)
SCHEMES = ("naive", "preserve", "instancemap", "toggleref", "ghost", "nativedict", "intrusive", "finalizer", "mirrored")
KIT = "lifetime/queue.h"  # and what it includes: all of the kit

C = [*shlex.split(os.environ.get("CC") or "cc"), "-std=c11"]
CXX = [*shlex.split(os.environ.get("CXX") or "c++"), "-std=c++17"]
# CPython's signatures have parameters that not every function uses.
WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter"]
# Not -isystem: gcc resolves the symbolic links of system headers, and the headers of Debian's
# debug build are links to those of the release, whose pyconfig.h it would then find.
INCLUDE = [f"-I{path}" for path in dict.fromkeys(sysconfig.get_path(p) for p in ("include", "platinclude"))]
SHARED = ["-shared", "-fPIC", "-pthread"]
if sys.platform == "darwin":
    SHARED += ["-undefined", "dynamic_lookup"]

LOCAL = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"[ \t]*\n', re.MULTILINE)


class Failed(Exception):
    """A compiler failed."""


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def local_files(path, found=None):
    """path and every local header that it includes, each once, in order of first inclusion."""
    found = [] if found is None else found
    if path not in found:
        found.append(path)
        for name in LOCAL.findall(read(path)):
            local_files(os.path.normpath(os.path.join(os.path.dirname(path), name)), found)
    return found


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failed(f"{shlex.join(command)}\n{done.stdout}")
    if done.stdout:
        print(done.stdout, end="")


def write(path, text):
    """Write it if it has changed. Whether it was written."""
    if os.path.exists(path) and read(path) == text:
        return False
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return True


# --- extensions ---------------------------------------------------------------


def build(source, out):
    """Build one extension, unless it is there. Whether it was built."""
    name, language = os.path.splitext(source)
    path = os.path.join(HERE, source)
    target = os.path.join(out, name + sysconfig.get_config_var("EXT_SUFFIX"))
    command = [
        *(CXX if language == ".cpp" else C),
        "-O2",
        *WARNINGS,
        *INCLUDE,
        *shlex.split(os.environ.get("CFLAGS", "")),
        *SHARED,
        path,
        "-o",
        target,
    ]
    digest = hashlib.sha256("\0".join([sys.version, *command]).encode())
    for file in local_files(path):
        digest.update(read(file).encode())
    stamp = os.path.join(out, name + ".sha256")
    if os.path.exists(target) and os.path.exists(stamp) and read(stamp) == digest.hexdigest():
        return False
    run(command)
    write(stamp, digest.hexdigest())
    return True


# --- single headers -------------------------------------------------------------


def single(scheme):
    """The text of <scheme>_single.h. Kit first, then the scheme and what it is made of."""
    done, used = set(), []

    def inlined(path):
        def include(match):
            inner = os.path.normpath(os.path.join(os.path.dirname(path), match[1]))
            if inner in done:
                return ""
            done.add(inner)
            return inlined(inner)

        done.add(path)
        used.append(os.path.relpath(path, ROOT))
        return f"/* ==== {used[-1]} ==== */\n" + LOCAL.sub(include, read(path))

    first = inlined(os.path.join(ROOT, KIT)) + "\n"
    second = inlined(os.path.join(ROOT, scheme, scheme + ".h"))
    macro = scheme.upper() + "_IMPLEMENTATION"
    return (
        f"/* {scheme}_single.h: made by takehome/build.py from {', '.join(used)}. Do not edit.\n"
        " *\n"
        " * Include it twice: for lt_slot and the kit, before your native type; and after the\n"
        f" * accessors that are listed below under {scheme}.h, with {macro} defined. */\n\n"
        f"{first}#ifdef {macro}\n\n{second}\n#endif /* {macro} */\n"
    )


def schemes():
    return [name for name in SCHEMES if os.path.exists(os.path.join(ROOT, name, name + ".h"))]


# --- the check --------------------------------------------------------------------


def with_single(path, scheme, seen):
    """The text of a source of ours, with the single header in place of the kit's and the scheme's."""

    def include(match):
        inner = os.path.normpath(os.path.join(os.path.dirname(path), match[1]))
        name = os.path.relpath(inner, ROOT)
        if name == f"{scheme}/{scheme}.h":
            return f'#define {scheme.upper()}_IMPLEMENTATION\n#include "{scheme}_single.h"\n'
        if name.startswith("lifetime/"):
            return f'#include "{scheme}_single.h"\n'
        if inner in seen:
            return ""
        seen.add(inner)
        return with_single(inner, scheme, seen)

    return LOCAL.sub(include, read(path))


def check(out):
    """Compile the single headers on their own, and the extensions with them."""
    folder = os.path.join(out, "check")
    os.makedirs(folder, exist_ok=True)
    strict = ["-O2", "-Wall", "-Wextra", "-Werror", *INCLUDE, f"-I{out}", "-c", "-o", os.devnull]
    template = read(os.path.join(HERE, "single_check.c"))
    for scheme in schemes():
        source = os.path.join(folder, scheme + ".c")
        named = template.replace("SCHEME_", scheme.upper() + "_").replace("scheme_", scheme + "_")
        write(source, f"#define CHECK_{scheme} 1\n{named}")
        run([*C, *strict, source])
        run([*CXX, *strict, "-x", "c++", source])
        print(f"checked {scheme}_single.h as C11 and as C++17")
    for name in EXTENSIONS:
        scheme = "toggleref" if name == "shared_ptr.cpp" else name.split("_")[1][:-2]
        if scheme not in schemes():
            continue
        source = os.path.join(folder, "single_" + name)
        write(source, with_single(os.path.join(HERE, name), scheme, set()))
        run([*(CXX if name.endswith(".cpp") else C), *strict, *WARNINGS, "-Wno-unused-function", source])
        print(f"checked {name} with {scheme}_single.h")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tag = sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag
    parser.add_argument("out", nargs="?", metavar="OUT", default=os.path.join(ROOT, ".build", "takehome", tag))
    parser.add_argument("--check", action="store_true", help="compile the single headers on their own, too")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    built = []
    try:
        for source in EXTENSIONS:
            if build(source, options.out):
                built.append(os.path.splitext(source)[0])
                print(f"built {built[-1]}", flush=True)
        for scheme in schemes():
            if write(os.path.join(options.out, scheme + "_single.h"), single(scheme)):
                built.append(scheme + "_single.h")
                print(f"wrote {built[-1]}")
        if options.check:
            check(options.out)
    except Failed as e:
        sys.exit(f"takehome: failed: {e}")
    new = f"{len(built)} of {len(EXTENSIONS) + len(schemes())} files are new" if built else "everything is up to date"
    print(f"takehome: {new} in {os.path.relpath(options.out)}")


if __name__ == "__main__":
    main()
