"""Describe the interpreter that runs this, for building against it.

    python3 scripts/describe_python.py ROOT

Writes ROOT/.build/<tag>/: python.sh, to be sourced by the shell, and pkg-config
files made from the interpreter's own sysconfig, so that it does not matter
whether its distribution ships any, or whether those are right. Prints the path
of python.sh. Exits with one line on standard error when the interpreter cannot be
built against.

The tag goes into CGO_CFLAGS because Go's build cache does not look at what
pkg-config answers: without it, objects built for one version would silently be
used for another.
"""

import hashlib
import os
import shlex
import struct
import sys
import sysconfig

MINIMUM = (3, 10)


def fail(text):
    sys.exit(f"setup: {text}")


def main(root):
    if sys.version_info < MINIMUM:
        fail(f"{sys.executable} is Python {sys.version.split()[0]}; 3.10 or later is needed")
    get = sysconfig.get_config_var
    include = sysconfig.get_path("include")
    short = f"{sys.version_info[0]}.{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    if not os.path.exists(os.path.join(include, "Python.h")):
        flavour = "-dbg" if "d" in sys.abiflags else "-dev"
        fail(
            f"Python.h of {sys.executable} is missing (looked in {include}); on Debian or Ubuntu: "
            f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}{flavour}"
        )

    where = os.path.realpath(sys.executable)
    tag = f"{short}-{hashlib.sha1((where + sys.version).encode()).hexdigest()[:8]}"
    build = os.path.join(root, ".build", tag)
    link, rpath = link_flags(get)

    includes = f"-I{in_pc(include)}"
    platform_include = sysconfig.get_path("platinclude")
    if platform_include != include:
        includes += f" -I{in_pc(platform_include)}"
    undefined = "-undefined dynamic_lookup" if sys.platform == "darwin" else ""
    overlay = os.path.join(root, "internal", "cpython", "cpy3")
    pc("python3", build, short, includes, undefined)
    pc("python3-embed", build, short, includes, link)
    # cpy3 asks for python3, and needs names that CPython has dropped since.
    pc("python3", os.path.join(build, "cpy3"), short, f"-I{in_pc(overlay)} {includes}", undefined)
    pc("python3-embed", os.path.join(build, "cpy3"), short, f"-I{in_pc(overlay)} {includes}", link)

    env = {
        "PP_TAG": tag,
        "PP_EXT_SUFFIX": get("EXT_SUFFIX"),
        "PKG_CONFIG_PATH": os.path.join(build, "pkgconfig"),
        "CGO_CFLAGS": f"-O2 -g -DPP_PYTHON_TAG={hashlib.sha1(tag.encode()).hexdigest()[:12]}",
        "CGO_LDFLAGS": f"-O2 -g {rpath}".strip(),
        "CGO_LDFLAGS_ALLOW": "-Wl,-rpath,.*|-Wl,--dynamic-linker,.*|-Wl,--disable-new-dtags|-Wl,--allow-shlib-undefined|-Wl,-O.*|-Wl,-B.*|-rdynamic|-Xlinker|-export-dynamic|-undefined|dynamic_lookup",
    }
    if own_loader():
        # An embedded interpreter looks for itself on the PATH, as "python3", and for its
        # library beside that. The place that libpython was compiled for is the system's.
        env["PATH"] = os.path.dirname(where) + os.pathsep + os.environ["PATH"]
    path = os.path.join(build, "python.sh")
    text = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in env.items())
    write(path, text)
    print(path)


def link_flags(get):
    """What a program that embeds the interpreter links with, and its rpath."""
    libdir, version = get("LIBDIR"), get("LDVERSION") or get("VERSION")
    if get("Py_ENABLE_SHARED") or os.path.exists(os.path.join(libdir, f"libpython{version}.so")):
        link, rpath = f"-L{libdir} -lpython{version}", f"-Wl,-rpath,{libdir}"
        if loader := own_loader():
            # Its C library is beside libpython. All libraries, those of libraries too
            # (hence not a RUNPATH), must come from there, and only that library's loader
            # can load it. Symbols that the linker does not find are in that C library. Not
            # in CGO_LDFLAGS: Go's own linker would take the rpath from there, for programs
            # without libpython, but not the loader.
            return (
                f"{link} {rpath} -Wl,--disable-new-dtags -Wl,--dynamic-linker,{loader} -Wl,--allow-shlib-undefined",
                "",
            )
        return link, rpath
    static = os.path.join(get("LIBPL") or "", get("LIBRARY") or "")
    if os.path.isfile(static):
        return f"{static} {get('LIBS')} {get('SYSLIBS')} {get('LINKFORSHARED') or ''}", ""
    fail(
        f"{sys.executable} comes without libpython, which Go programs that embed it need; on Debian or "
        f"Ubuntu: apt-get install libpython{get('VERSION')}-dev, for a build of your own: --enable-shared"
    )


def own_loader():
    """The loader (ELF interpreter) of the running program, if it is not one of the system's:
    then this CPython comes with a C library of its own, as those of newer_pythons.sh do."""
    try:
        with open(os.path.realpath(sys.executable), "rb") as f:
            program = f.read(4096)
    except OSError:
        return ""
    if program[:5] != b"\x7fELF\x02":  # 64 bits
        return ""
    order = "<" if program[5] == 1 else ">"
    (start,) = struct.unpack_from(order + "Q", program, 32)
    size, count = struct.unpack_from(order + "HH", program, 54)
    for at in range(start, start + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from(order + "IIQQQQ", program, at)
        if kind == 3:  # PT_INTERP
            loader = os.fsdecode(program[offset : offset + length].rstrip(b"\0"))
            return "" if loader.startswith(("/lib", "/usr/lib")) else loader
    return ""


def in_pc(path):
    """A path as pkg-config's files have it."""
    return shlex.quote(path)


def pc(name, build, version, cflags, libs):
    directory = build if build.endswith("cpy3") else os.path.join(build, "pkgconfig")
    write(
        os.path.join(directory, f"{name}.pc"),
        f"Name: {name}\nDescription: {sys.executable}\nVersion: {version.rstrip('td')}\n"
        f"Cflags: {cflags}\nLibs: {libs}\n",
    )


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(path) as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, "w") as f:
        f.write(text)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
