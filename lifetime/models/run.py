"""Check the models of this folder with Spin: run.py [--quick | --seeds] [--only WORD] [--seconds N]

Without an option: every model in full. --quick: smaller bounds, about 70 s; each is
exhaustive within its bounds. --seeds: each rule of a protocol removed in turn; Spin must find
it, or the seed is listed as redundant together with the rule that covers it. --only: the rows
whose text contains WORD. Needs spin 6 and gcc. Exits 1 if a verdict is not the expected one."""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE.parents[1] / ".build" / "models"
COMPILE = ("-w", "-DSAFETY", "-DNOFAIR", "-DVECTORSZ=256", "-DMEMLIM=6000")

# model, what is modelled, options for the quick run, options for the full run. Each runs with
# the GIL and without it, except where the two are the same.
PLAIN, SMALL = "", "-DUNATTACHED=1"
MODELS = [
    ("preserve", "plain", PLAIN, PLAIN),
    ("preserve", "weak reference, __del__", SMALL + " -DWEAK -DDEL", "-DWEAK -DDEL"),
    ("preserve", "has-wrapper bit", SMALL + " -DBIT", "-DBIT"),
    ("preserve", "biased native count", "-DGIL -DBIT -DATTACHED_REFS", "-DGIL -DBIT -DATTACHED_REFS -DWEAK -DDEL"),
    ("preserve", "trashcan before tp_dealloc", "-DGIL -DTRASHCAN -DWEAK -DDEL", "-DGIL -DTRASHCAN -DWEAK -DDEL -DBIT"),
    ("toggleref", "plain", SMALL + " -DGIL", "-DGIL"),
    ("toggleref", "plain, one count", SMALL + " -DUNBIASED", "-DUNBIASED"),
    ("toggleref", "plain, biased count", None, SMALL),
    ("toggleref", "weak reference, __del__", SMALL + " -DUNBIASED -DWEAK -DDEL", SMALL + " -DWEAK -DDEL"),
    ("toggleref", "has-wrapper bit", None, SMALL + " -DBIT"),
    ("toggleref", "holders", SMALL + " -DUNBIASED -DHOLDERS", SMALL + " -DHOLDERS"),
    ("intrusive", "plain", SMALL + " -DGIL", "-DGIL"),
    ("intrusive", "plain, one count", "-DUNBIASED -DNO_GIFTS -DUNATTACHED=1", "-DUNBIASED -DUNATTACHED=1"),
    ("intrusive", "plain, biased count", None, SMALL + " -DNO_GIFTS"),
    ("intrusive", "weak reference, __del__", None, SMALL + " -DGIL -DWEAK -DDEL"),
    ("handletable", "the pin", PLAIN, PLAIN),
    ("mirrored", "gc's two passes", "-DEITHER", "-DEITHER"),
    ("mirrored", "gc's two passes, nothing moves", "-DEITHER -DSTILL", "-DEITHER -DSTILL"),
    (
        "queue",
        "a start that may fail",
        "-DPUSHES=1 -DENTRIES=1 -DEDGES=0 -DSTART_FAILS",
        "-DPUSHES=2 -DENTRIES=1 -DEDGES=0 -DSTART_FAILS",
    ),
    ("queue", "a release that hands over", "-DPUSHES=1 -DENTRIES=0 -DEDGES=1", "-DPUSHES=1 -DENTRIES=1 -DEDGES=1"),
    ("queue", "lt_disarm", "-DPUSHES=1 -DENTRIES=0 -DEDGES=0 -DDISARM", "-DPUSHES=1 -DENTRIES=1 -DEDGES=0 -DDISARM"),
    ("queue", "lt_call_later", "-DPUSHES=1 -DENTRIES=0 -DEDGES=0 -DCALLS", "-DPUSHES=1 -DENTRIES=1 -DEDGES=0 -DCALLS"),
    (
        "queue",
        "lt_leave",
        "-DPUSHES=1 -DENTRIES=1 -DEDGES=0 -DLEAVES -DSTART_FAILS",
        "-DPUSHES=1 -DENTRIES=2 -DEDGES=1 -DLEAVES",
    ),
]

# model, switch, the rule that is removed, options, None or the rule that makes it redundant.
GIL, QUEUE = "-DGIL", "-DPUSHES=2 -DENTRIES=1 -DEDGES=0"
SEEDS = [
    ("preserve", "READ_AFTER_DEC", "release reads the slot before its decrement", GIL, None),
    ("preserve", "READ_AFTER_DEC", "the same without the GIL", SMALL, "lt_quiet: the object is freed after lt_unlock"),
    ("preserve", "NO_QUIET", "lt_quiet before a free", "", None),
    ("preserve", "RELEASE_NO_LOCK", "release takes the lock", "", None),
    ("preserve", "ADOPT_NO_LOOK", "adopt looks again, locked", "", None),
    ("preserve", "ADOPT_NO_LOCK", "adopt takes the lock", "", None),
    ("preserve", "STATE_AFTER_UNLOCK", "release sets the state before it unlocks", "", None),
    ("preserve", "KEEP_STATE_AFTER_UNLOCK", "keep sets the state before it unlocks", "", None),
    (
        "preserve",
        "NATIVE_BEFORE_RESURRECT",
        "keep resurrects before it sets the state",
        SMALL + " -DWEAK",
        "lt_try_incref in both states",
    ),
    ("preserve", "PLAIN_INCREF", "lt_try_incref, and no plain INCREF, in PYTHON_OWNS", "", None),
    ("preserve", "PLAIN_INCREF_NATIVE", "lt_try_incref, and no plain INCREF, in NATIVE_OWNS", "", None),
    ("preserve", "BIASED", "lt_unbias", "", None),
    ("preserve", "UNATTACHED_2_TO_1", "an unattached 2 -> 1 is handed over", GIL, None),
    ("preserve", "UNATTACHED_2_TO_1", "the same without the GIL", "", None),
    ("preserve", "UNATTACHED_2_TO_1", "the same, decided by the has-wrapper bit", "-DBIT", None),
    ("preserve", "UNATTACHED_2_TO_1", "the same with a biased native count", GIL + " -DBIT -DATTACHED_REFS", None),
    ("preserve", "NO_TRACK", "a wrapper that is returned or dies is tracked", GIL, None),
    ("preserve", "NO_GIVE", "pp_give_to_go", GIL + " -DBIT -DATTACHED_REFS", None),
    ("toggleref", "READ_AFTER_DEC", "release reads the slot before its decrement", GIL, None),
    ("toggleref", "NO_QUIET", "lt_quiet before a free", "", None),
    ("toggleref", "RELEASE_NO_LOCK", "release takes the lock", "", None),
    (
        "toggleref",
        "RETAIN_NO_LOCK",
        "retain takes the lock",
        SMALL + " -DUNBIASED",
        "adopt's look at the count, which shows the caller's own reference",
    ),
    ("toggleref", "ADOPT_NO_LOOK", "adopt looks again, locked", "", None),
    ("toggleref", "NO_TOGGLE", "adopt gives native code its Python reference", "", None),
    (
        "toggleref",
        "PUBLISHED_BEFORE_INCREF",
        "adopt does so before it publishes the wrapper",
        SMALL + " -DUNBIASED",
        "the maker's own reference, which it keeps until it has unlocked",
    ),
    ("toggleref", "UNATTACHED_2_TO_1", "an unattached 2 -> 1 is handed over", GIL, None),
    ("toggleref", "UNATTACHED_2_TO_1", "the same without the GIL", "", None),
    (
        "intrusive",
        "SUBTRACTION",
        "release compares and swaps, and does not subtract",
        SMALL + " -DUNBIASED -DNO_GIFTS",
        None,
    ),
    (
        "intrusive",
        "RETAIN_ADDS",
        "retain compares and swaps, and does not add",
        "-DUNBIASED -DNO_GIFTS -DUNATTACHED=1",
        None,
    ),
    (
        "intrusive",
        "CAS_BEFORE_INCREF",
        "update adds references before it takes them out of the delta",
        "-DUNBIASED",
        None,
    ),
    ("intrusive", "NO_UPDATE", "release brings Python's count up to date", "-DUNBIASED", None),
    ("intrusive", "COUNTED_BEFORE_INCREF", "adopt adds references before it sets COUNTED", "-DUNBIASED", None),
    ("intrusive", "ADOPT_NO_LOCK", "adopt takes the lock", "-DUNBIASED", None),
    ("intrusive", "QUEUED_CLEARED_LATE", "QUEUED is cleared at all before the release", "-DUNBIASED", None),
    ("handletable", "BORROWED", "a pin, and no borrowed header", GIL, None),
    ("handletable", "BORROWED", "the same without the GIL", "", None),
    ("handletable", "NO_GENERATION", "the generation is compared", "", None),
    ("handletable", "NO_MU", "Acquire holds Object.mu", "", None),
    ("handletable", "FROM_ZERO", "Acquire never takes a count from 0", "", None),
    ("handletable", "CLOSED_TWICE", "CLOSED is set by one exchange", "", None),
    ("handletable", "CLOSED_TWICE", "the same with the GIL", GIL, "the GIL"),
    ("mirrored", "NO_SNAPSHOT", "the answer is given once in a collection", "-DEITHER", None),
    ("mirrored", "RELEASE_NOT_QUEUED", "QueueAll", "-DEITHER", None),
    ("queue", "STARTER_SAYS_RUNNING", "the thread itself stores LT_RUNNING", QUEUE, None),
    ("queue", "WAKE_TWICE", "the thread is woken once", QUEUE, None),
    ("queue", "CLEARED_BEFORE_SLEEP", "woken is cleared before the thread looks at the queue", QUEUE, None),
    ("queue", "REQUEST_BEFORE_PUSH", "push, then request", QUEUE, None),
    ("queue", "REQUESTED_CLEARED_AFTER", "requested is cleared before the exchange", QUEUE + " -DSTART_FAILS", None),
    ("queue", "SCOPE_LEFT", "what a drain causes goes on with the rest", "-DPUSHES=1 -DENTRIES=1 -DEDGES=1", None),
    ("queue", "NEXT_READ_LATE", "next is read before the first release", QUEUE, None),
    ("queue", "CLEARED_LATE", "handed_over is cleared before the first release", QUEUE, None),
    ("queue", "NO_REQUEST_AFTER_REST", "the rest of a slice is requested", QUEUE, None),
]


def missing():
    """What is not installed, or None."""
    absent = [name for name in ("spin", "gcc") if not shutil.which(name)]
    return f"not installed: {', '.join(absent)}" if absent else None


def check(model, options, seconds, bfs=False):
    """(verdict, states, depth, seconds, message); depth is the counterexample's for a breadth-first search."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            ["spin", "-a", *options.split(), str(HERE / f"{model}.pml")], cwd=folder, capture_output=True, text=True
        )
        if made.returncode or "rror" in made.stdout + made.stderr:
            raise SystemExit(f"{model} {options}: {made.stdout}{made.stderr}")
        subprocess.run(
            ["gcc", *COMPILE, *(["-DBFS", "-O0"] if bfs else ["-O1"]), "-o", "pan", "pan.c"], cwd=folder, check=True
        )
        try:
            out = subprocess.run(
                ["./pan"] if bfs else ["./pan", "-m4000000"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=seconds,
            ).stdout
        except subprocess.TimeoutExpired:
            return "no verdict", 0, 0, time.monotonic() - begun, f"after {seconds} s"
    states = re.search(r"(\d+) states, stored", out)
    depth = re.search(r"depth reached (\d+)", out)
    error = re.search(r"pan:\d+: (.*) \(at depth (\d+)\)", out)
    whole = "Search not completed" not in out and "max search depth too small" not in out and "memory limit" not in out
    if error:
        verdict, message = "refuted", error[1]
    else:
        verdict, message = ("holds", "") if states and whole else ("no verdict", out.strip()[-200:])
    return (
        verdict,
        int(states[1]) if states else 0,
        int(error[2] if error else depth[1] if depth else 0),
        time.monotonic() - begun,
        message,
    )


def rows(quick):
    for model, what, small, full in MODELS:
        options = small if quick else full
        if options is None:
            continue
        if model == "mirrored":
            yield model, "both", what, options.replace("-DEITHER", "")
            continue
        if "-DGIL" not in options:
            yield model, "no GIL", what, options
        if "one count" not in what:  # with the GIL there is one anyway
            yield model, "GIL", what, options if "-DGIL" in options else options + " -DGIL"


def run_models(quick, only, seconds):
    bad = 0
    print(f"{'model':12}{'build':8}{'what':34}{'states':>12}{'depth':>9}{'s':>7}  verdict")
    for model, build, what, options in rows(quick):
        if only not in f"{model} {build} {what}":
            continue
        verdict, states, depth, took, message = check(model, options, seconds)
        print(f"{model:12}{build:8}{what:34}{states:12,}{depth:9,}{took:7.1f}  {verdict} {message}", flush=True)
        bad += verdict != "holds"
    return bad


def run_seeds(only, seconds):
    bad = 0
    print(f"{'model':12}{'rule removed':66}{'steps':>8}{'states':>12}{'s':>7}  verdict")
    for model, switch, what, options, covered in SEEDS:
        if only not in f"{model} {switch} {what}":
            continue
        options = f"-DSEED_{switch} {options}".replace("-DEITHER", "")
        verdict, states, depth, took, message = check(model, options, seconds, bfs=covered is None)
        steps = f"{depth}"
        if covered is None and verdict == "no verdict":  # depth first: not the shortest
            verdict, states, depth, took, message = check(model, options, seconds)
            steps = f"<{depth}"
        if covered is None:
            bad += verdict != "refuted"
            said = "found" if verdict == "refuted" else f"NOT FOUND: {verdict} {message}"
        else:
            bad += verdict != "holds"
            said = f"redundant: {covered}" if verdict == "holds" else f"listed as redundant, but {verdict}: {message}"
        print(
            f"{model:12}{what:66}{steps if verdict == 'refuted' else '':>8}{states:12,}{took:7.1f}  {said}", flush=True
        )
    return bad


def stamp():
    """A file that is there once the quick run has passed with these very texts."""
    text = b"".join(p.read_bytes() for p in sorted(HERE.glob("*.pml")) + [HERE / "run.py"])
    return WORK / f"quick-{hashlib.sha256(text).hexdigest()[:16]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller bounds")
    parser.add_argument("--seeds", action="store_true", help="rules removed")
    parser.add_argument("--only", default="", help="rows whose text contains this")
    parser.add_argument("--seconds", type=int, default=1800, help="limit for one verifier")
    args = parser.parse_args()

    if missing():
        print(missing())
        return 1
    begun = time.monotonic()
    bad = run_seeds(args.only, args.seconds) if args.seeds else run_models(args.quick, args.only, args.seconds)
    print(f"{bad} not as expected, {time.monotonic() - begun:.0f} s")
    if args.quick and not bad and not args.only and not args.seeds:
        WORK.mkdir(parents=True, exist_ok=True)
        stamp().touch()
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
