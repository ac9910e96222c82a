"""Build kit_test and run test_kit.py: run.py [--all] [--sanitize] [--only WORD] [PYTHON...]
or build stress_test for each scheme and run stress.py: run.py --stress | --tsan [--seconds N] [PYTHON...]

Each interpreter, each C compiler there is, C11 and C++17. The default is the interpreter that
runs this file; --all adds those on the PATH and pyenv's. --sanitize builds with the address and
undefined behaviour sanitizers (gcc only). --only runs the tests, or the schemes, whose names
contain WORD. --tsan compiles with ThreadSanitizer (gcc) and needs a CPython that is built so,
too, without the GIL: scripts/free_threaded.sh --tsan builds one where the default is looked for,
.build/python3.13tsan. A report counts whose access is in the kit, a scheme or stress_test.c;
CPython's own lists of suppressions apply.
Interpreters need neither pytest nor pip, but their headers. Exits 1 if anything failed."""

import argparse
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LANGUAGES = {"c11": ("-x", "c", "-std=c11"), "c++17": ("-x", "c++", "-std=c++17")}
WARNINGS = ("-Wall", "-Wextra", "-Werror")
SCHEMES = "preserve", "toggleref", "intrusive", "mirrored", "instancemap", "ghost", "nativedict"
TSAN_PYTHON = ROOT / ".build" / "python3.13tsan" / "bin" / "python3.13t"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer")

DESCRIBE = """
import json, sys, sysconfig
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
tsan = "--with-thread-sanitizer" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
flags = "t" * free_threaded + "d" * hasattr(sys, "gettotalrefcount")
print(json.dumps({
    "usable": sys.version_info >= (3, 10) and sys.implementation.name == "cpython",
    "tag": "%d.%d.%d%s" % (*sys.version_info[:3], flags) + "-tsan" * tsan,
    "free_threaded": free_threaded, "tsan": tsan, "prefix": sys.prefix,
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


def build(found, compiler, language, sanitize=False, name="kit_test", more=(), folder=None):
    """The folder with the module in it."""
    folder = ROOT / ".build" / "kit" / found["tag"] / (folder or f"{compiler}-{language}{'-san' * sanitize}")
    folder.mkdir(parents=True, exist_ok=True)
    # gcc would follow Debian's links out of the folder with the debug build's pyconfig.h.
    system = ["-fno-canonical-system-headers"] * (compiler == "gcc") + [f"-isystem{i}" for i in found["include"]]
    subprocess.run(
        [
            compiler,
            *LANGUAGES[language],
            *WARNINGS,
            *(SANITIZERS if sanitize else ()),
            "-O1",
            "-g",
            "-fPIC",
            "-shared",
            "-pthread",
            *more,
            f"-I{ROOT}",
            *system,
            str(HERE / (name + ".c")),
            "-o",
            str(folder / (name + found["suffix"])),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return folder


def environment(found, compiler, folder, sanitize):
    env = dict(os.environ, PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
    if sanitize:
        libraries = [
            subprocess.run(
                [compiler, f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
            ).stdout.strip()
            for name in ("asan", "ubsan")
        ]
        env.update(LD_PRELOAD=" ".join(libraries), ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1")
        if not found["free_threaded"]:  # which has one allocator only
            env["PYTHONMALLOC"] = "malloc"
    return env


def reports(text):
    """ThreadSanitizer's reports: (ours, others'). Ours is one where one of the accesses is in our module."""
    ours, others = [], []
    for report in text.split("=" * 18):
        if "WARNING: ThreadSanitizer" not in report:
            continue
        stacks = re.split(r"^  (?=\S)", report, flags=re.M)[1:]
        accesses = [s for s in stacks if re.match(r"(Previous )?(atomic )?(read|write) of size", s, re.I)] or stacks
        frames = [[f for f in re.findall(r"^    #\d+ .*", s, re.M) if "libtsan" not in f] for s in accesses[:2]]
        (ours if any(f and "stress_test" in f[0].rsplit("(", 1)[-1] for f in frames) else others).append(report.strip())
    return ours, others


def stress(found, scheme, seconds, tsan):
    """Build and run. (the program's last line and what TSan found, whether that is good, everything)"""
    defines = [f"-DSTRESS_{scheme}", "-Wno-unused-function", *(["-fsanitize=thread", "-Wno-tsan"] if tsan else ())]
    folder = build(found, "gcc", "c11", name="stress_test", more=defines, folder=f"stress-{scheme}")
    env = dict(os.environ, PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
    command = [
        found["python"],
        *(["-X", "gil=0"] if found["free_threaded"] else ()),
        str(HERE / "stress.py"),
        "--seconds",
        str(seconds),
    ]
    logs = []
    if tsan:
        for old in folder.glob("tsan.log*"):
            old.unlink()
        lists = sorted(glob.glob(os.path.join(found["prefix"], "share", "tsan", "*.txt")))
        (folder / "suppressions.txt").write_text("\n".join(pathlib.Path(name).read_text() for name in lists))
        env["TSAN_OPTIONS"] = (
            f"suppressions={folder}/suppressions.txt log_path={folder}/tsan.log exitcode=0 history_size=4"
        )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=10 * seconds + 600, env=env)
    lines = (ran.stdout.splitlines() or [f"exit status {ran.returncode}"]) + ran.stderr.splitlines()
    said, ok = lines[0] if ran.returncode in (0, 1) else f"exit status {ran.returncode}", ran.returncode == 0
    if tsan:
        logs = [log.read_text() for log in sorted(folder.glob("tsan.log*"))]
        ours, others = reports("".join(logs))
        said += f"; ThreadSanitizer: {len(ours)} reports of ours, {len(others)} of CPython's"
        ok = ok and not ours
        lines += "\n\n".join(ours[:3]).splitlines()
    return said, ok, lines[1:]


def stress_all(pythons, args):
    schemes, bad = [s for s in SCHEMES if args.only in s], 0
    jobs = [(p, s) for p in pythons.values() for s in schemes]
    for i, (found, scheme) in enumerate(jobs, 1):
        print(f"[{i}/{len(jobs)}] CPython {found['tag']}, {scheme}: ", end="", flush=True)
        try:
            said, ok, lines = stress(found, scheme, args.seconds, args.tsan)
        except subprocess.CalledProcessError as e:
            said, ok, lines = "does not compile", False, e.stderr.splitlines()
        except subprocess.TimeoutExpired:
            said, ok, lines = "no end", False, []
        print(said, flush=True)
        if not ok:
            bad += 1
            print("    " + "\n    ".join(lines[:150]), flush=True)
    print(f"{len(jobs)} runs, {bad} failed" if bad else f"{len(jobs)} runs, all passed")
    return bool(bad)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every interpreter on the PATH and pyenv's")
    parser.add_argument("--sanitize", action="store_true", help="with gcc's sanitizers")
    parser.add_argument("--only", default="", help="the tests whose names contain this")
    parser.add_argument("--stress", action="store_true", help="the schemes under threads, instead")
    parser.add_argument("--tsan", action="store_true", help="the same with ThreadSanitizer")
    parser.add_argument("--seconds", type=float, default=20, help="of stress, for each scheme")
    parser.add_argument("python", nargs="*")
    args = parser.parse_args()

    pythons, bad = {}, 0
    default = str(TSAN_PYTHON) if args.tsan else sys.executable
    for python in [*args.python, *(everywhere() if args.all else ())] or [default]:
        found = describe(python)
        if args.tsan and not (found and found["tsan"] and found["free_threaded"]):
            print(
                f"{python}: no free-threaded CPython with ThreadSanitizer; scripts/free_threaded.sh --tsan builds one",
                flush=True,
            )
            return 1
        if found:
            pythons.setdefault(found["tag"], found)
        elif python in args.python or not args.all:
            print(f"{python}: no CPython from 3.10 on with headers", flush=True)
            bad += 1
    if args.stress or args.tsan:
        return stress_all(pythons, args) or bad > 0
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
            ran = subprocess.run(
                [found["python"], str(HERE / "test_kit.py"), args.only],
                capture_output=True,
                text=True,
                timeout=900,
                env=environment(found, compiler, folder, args.sanitize),
            )
            output, ok = ran.stdout + ran.stderr, ran.returncode == 0
            last = (
                (ran.stdout.splitlines() or [""])[-1] if ran.returncode in (0, 1) else f"exit status {ran.returncode}"
            )
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
