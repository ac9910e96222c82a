"""Build kit_test and run test_kit.py: run.py [--all] [--sanitize] [--only WORD] [PYTHON...]

Each interpreter, each C compiler there is, C11 and C++17. The default is the interpreter that
runs this file; --all adds those on the PATH and pyenv's. --sanitize builds with the address and
undefined behaviour sanitizers (gcc only). --only runs the tests whose names contain WORD.
Interpreters need neither pytest nor pip, but their headers. Exits 1 if anything failed."""
import argparse
import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LANGUAGES = {"c11": ("-x", "c", "-std=c11"), "c++17": ("-x", "c++", "-std=c++17")}
WARNINGS = ("-Wall", "-Wextra", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer")

DESCRIBE = """
import json, sys, sysconfig
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
flags = "t" * free_threaded + "d" * hasattr(sys, "gettotalrefcount")
print(json.dumps({
    "usable": sys.version_info >= (3, 10) and sys.implementation.name == "cpython",
    "tag": "%d.%d.%d%s" % (*sys.version_info[:3], flags),
    "free_threaded": free_threaded,
    "include": sorted({sysconfig.get_path("include"), sysconfig.get_path("platinclude")}),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX")}))
"""


def describe(python):
    """What DESCRIBE prints, or None if python does not run or has no headers."""
    try:
        out = subprocess.run([python, "-c", DESCRIBE], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = json.loads(out)
    has_headers = any(os.path.exists(os.path.join(i, "Python.h")) for i in found["include"])
    return dict(found, python=python) if found["usable"] and has_headers else None


def everywhere():
    names = ["python3"] + [f"python3.{n}{end}" for n in range(10, 16) for end in ("", "t", "-dbg")]
    yield from filter(None, map(shutil.which, names))
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from sorted(glob.glob(os.path.join(pyenv, "versions", "*", "bin", "python3")))


def compilers():
    """One of each, by what it is: cc is often gcc or clang."""
    named = {os.path.realpath(path): name for name in ("cc", "gcc", "clang") if (path := shutil.which(name))}
    return sorted(named.values())


def build(found, compiler, language, sanitize):
    """The folder with the module in it."""
    folder = ROOT / ".build" / "kit" / found["tag"] / f"{compiler}-{language}{'-san' * sanitize}"
    folder.mkdir(parents=True, exist_ok=True)
    # gcc would follow Debian's links out of the folder with the debug build's pyconfig.h.
    system = ["-fno-canonical-system-headers"] * (compiler == "gcc") + [f"-isystem{i}" for i in found["include"]]
    subprocess.run(
        [compiler, *LANGUAGES[language], *WARNINGS, *(SANITIZERS if sanitize else ()), "-O1", "-g", "-fPIC", "-shared",
         "-pthread", f"-I{ROOT}", *system, str(HERE / "kit_test.c"),
         "-o", str(folder / ("kit_test" + found["suffix"]))], check=True, capture_output=True, text=True)
    return folder


def environment(found, compiler, folder, sanitize):
    env = dict(os.environ, PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
    if sanitize:
        libraries = [subprocess.run([compiler, f"-print-file-name=lib{name}.so"], capture_output=True, text=True,
                                    check=True).stdout.strip() for name in ("asan", "ubsan")]
        env.update(LD_PRELOAD=" ".join(libraries), ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1")
        if not found["free_threaded"]:  # which has one allocator only
            env["PYTHONMALLOC"] = "malloc"
    return env


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every interpreter on the PATH and pyenv's")
    parser.add_argument("--sanitize", action="store_true", help="with gcc's sanitizers")
    parser.add_argument("--only", default="", help="the tests whose names contain this")
    parser.add_argument("python", nargs="*")
    args = parser.parse_args()

    pythons, bad = {}, 0
    for python in [*args.python, *(everywhere() if args.all else ())] or [sys.executable]:
        found = describe(python)
        if found:
            pythons.setdefault(found["tag"], found)
        elif python in args.python or not args.all:
            print(f"{python}: no CPython from 3.10 on with headers", flush=True)
            bad += 1
    names = [c for c in compilers() if c == "gcc" or not args.sanitize]
    jobs = [(p, c, language) for p in pythons.values() for c in names for language in LANGUAGES]
    if not jobs:
        print("nothing to run: no interpreter, or no C compiler")
        return 1
    for i, (found, compiler, language) in enumerate(jobs, 1):
        print(f"[{i}/{len(jobs)}] CPython {found['tag']}, {compiler}, {language}: ", end="", flush=True)
        begun = time.monotonic()
        try:
            folder = build(found, compiler, language, args.sanitize)
            ran = subprocess.run([found["python"], str(HERE / "test_kit.py"), args.only], capture_output=True,
                                 text=True, timeout=900, env=environment(found, compiler, folder, args.sanitize))
            output, ok = ran.stdout + ran.stderr, ran.returncode == 0
            last = (ran.stdout.splitlines() or [""])[-1] if ran.returncode in (0, 1) else f"exit status {ran.returncode}"
        except subprocess.CalledProcessError as e:
            output, ok, last = e.stderr, False, "does not compile"
        except subprocess.TimeoutExpired as e:
            output, ok, last = (e.stdout or b"").decode(), False, "no end after 900 s"
        print(f"{last}, {time.monotonic() - begun:.0f} s", flush=True)
        if not ok:
            bad += 1
            lines = [line for line in output.splitlines() if " ok, " not in line]
            print("    " + "\n    ".join(lines[-40:]), flush=True)
    print(f"{len(jobs)} runs, {bad} failed" if bad else f"{len(jobs)} runs, all passed")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
