"""Runs each program of findings/programs ten times, each time in a process of its own, and says how often the
finding is reproduced:

    make findings                       # installs the libraries into .venv-findings first
    make findings FINDINGS="NAME..."    # these only

A program exits with status 0 if the library does not behave as described, and with 10 if it does. Death by a
crash's signal counts where the entry declares a crash. Whatever else happens is an error, which fails the run; that
something is not reproduced any more does not. Measured counts go to results.json, and from there to the page.
"""

import argparse
import json
import signal
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import outside
from entries import FINDINGS

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
RESULTS = HERE / "results.json"
PAGE = outside.ROOT / "docs" / "findings.md"
RUNS, SECONDS, REPRODUCED = 10, 60, 10
CRASHES = {-signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL, -signal.SIGSEGV, -signal.SIGTRAP}


def verdict(status, crash):
    """What one run says, by its exit status: "reproduced", "not reproduced" or "error"."""
    if status == REPRODUCED or (crash and status in CRASHES):
        return "reproduced"
    return "not reproduced" if status == 0 else "error"


def measure(python, program, crash, runs=RUNS, seconds=SECONDS):
    """Run one program. Returns how it ended, counted by verdict and by end, and the output of a run that failed."""
    verdicts, ends, failed = Counter(), Counter(), ""
    for _ in range(runs):
        status, output = outside.run_alone([python, "-I", str(program)], seconds)
        said = verdict(status, crash)
        verdicts[said] += 1
        ends[outside.ended(status)] += 1
        if said == "error":
            failed = output
    return verdicts, ends, failed


def recorded():
    """What was measured, by finding and version of CPython, in the order of the entries."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {name: results[name] for name in FINDINGS if name in results}


def record(name, measured):
    results = recorded()
    results.setdefault(name, {})[outside.PYTHON] = {**measured, **outside.stamp()}
    RESULTS.write_text(json.dumps({n: results[n] for n in FINDINGS if n in results}, indent=1) + "\n")


def generated(results):
    """The table of the page, from the entries and what was measured."""
    head = ["library", "what happens", "reproduced", "property", "documented", "program"]
    rows = []
    for name, by_python in results.items():
        finding = FINDINGS[name]
        counts = [f"{run['reproduced']} of {run['runs']} on {run['python']}" for run in by_python.values()]
        rows.append(
            [
                f"{finding.library} {finding.version}",
                finding.what,
                "<br>".join(counts),
                ", ".join(finding.properties),
                f"[{finding.documented}]({finding.url})",
                f"[{name}](../findings/programs/{name}.py)",
            ]
        )
    dates = sorted({run["date"] for by_python in results.values() for run in by_python.values()})
    return outside.table(head, rows) + f"\nMeasured {' and '.join(dates)}, Linux x86-64, by `make findings`.\n"


def say(text):
    print(f"findings: {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    names = parser.parse_args().names or list(FINDINGS)
    if unknown := [name for name in names if name not in FINDINGS]:
        parser.error(f"no finding is called {', '.join(unknown)}; there are {', '.join(FINDINGS)}")
    environment = outside.Environment("findings", say)
    missing = environment.install(r for name in names for r in FINDINGS[name].requirements)
    failures = 0
    progress = outside.Progress(say, len(names))
    for name in names:
        finding = FINDINGS[name]
        progress.next(f"{name}: {finding.library} {finding.version}")
        reasons = [missing[r] for r in finding.requirements if r in missing]
        if finding.pythons and outside.PYTHON not in finding.pythons:
            reasons.append(f"it is about CPython {', '.join(finding.pythons)}")
        if reasons:
            print(f"{name}: skipped: {reasons[0]}")
            continue
        verdicts, ends, failed = measure(environment.python, PROGRAMS / f"{name}.py", finding.crash)
        how = ", ".join(f"{end} {count}x" for end, count in ends.items())
        print(f"{name}: reproduced {verdicts['reproduced']} of {RUNS} times ({how})", flush=True)
        if verdicts["error"]:
            failures += 1
            print(failed, file=sys.stderr)
            continue
        record(
            name, {"reproduced": verdicts["reproduced"], "runs": RUNS, "ends": dict(ends), "version": finding.version}
        )
    PAGE.write_text(outside.spliced(PAGE.read_text(), "findings", generated(recorded())))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
