"""Hold subjects to the model for a long time.

    python -m lifetimes.model.stress [--parallel] [--seconds S | --operations N] [--seed N] ADAPTER[:NAME,...]...

Random sequences of operations, for every subject in turn, each in a process of
its own; gc runs at every allocation and Go's collector all the time. Prints progress,
and at the end what was done. A sequence that fails is cut down to the shortest that
still does, printed, and is what a regression test is made of (test_model.py).

--parallel: concurrent threads (parallel.py), without the GIL on a free-threaded build. A
failure may not recur, so no sequence is cut down.
"""

import argparse
import faulthandler
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

from .. import declarations
from ..subject import METHODS, NotApplicable, asked, load
from . import parallel, world

ME = [sys.executable, "-m", "lifetimes.model.stress"]
NOT_ASKED = {"print_message", "release_after_python", "wrap_from_goroutines"}
LENGTH = 400  # operations in a world
SILENT = 300  # seconds without output after which a process counts as hung


def sequence(seed, n=LENGTH, eventful=None):
    """The same operations for the same seed. Every second seed is for one with many events."""
    r = random.Random(seed)
    names = world.EVENTFUL if (seed % 2 if eventful is None else eventful) else world.OPERATIONS
    return [(r.choice(names), r.randrange(60), r.randrange(60), r.randrange(60)) for _ in range(n)]


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def worker(name, seed, seconds, operations, in_parallel):
    """Worlds from a seed until time or number is up. Prints one line of JSON a second."""
    faulthandler.enable()
    subject = load(name)
    gc.collect()
    gc.freeze()  # so that gc has no more to look at than what the model makes
    length = parallel.LENGTH if in_parallel else LENGTH
    if not in_parallel:
        gc.set_threshold(1)
    start = said = time.monotonic()
    done, first = 0, None
    for which in itertools.count(seed):
        with open(os.environ["LIFETIMES_STRESS_AT"], "w") as f:
            f.write(str(which))
        if in_parallel:
            parallel.run(subject, which)
        else:
            world.run(subject, sequence(which))
        done += length
        now = time.monotonic()
        if first is None and now - start > min(10, seconds / 4):
            first = resident()
        if now - said > 1:
            said = now
            print(json.dumps({"done": done}), flush=True)
        if now - start >= seconds or operations and done >= operations:
            break
    grown = resident() - first if first else 0
    print(
        json.dumps({"done": done, "grown": grown, "worlds": which - seed + 1, "seconds": time.monotonic() - start}),
        flush=True,
    )


def fails(name, operations):
    """What a sequence does wrong, run in a process of its own; "" if nothing."""
    try:
        done = subprocess.run(
            [*ME, "--run", name],
            input=json.dumps(operations),
            text=True,
            capture_output=True,
            timeout=SILENT,
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]


def shrink(name, operations):
    """A short sequence that still fails."""
    size = len(operations) // 2
    while size:
        i = 0
        while i < len(operations):
            shorter = operations[:i] + operations[i + size :]
            if fails(name, shorter):
                operations = shorter
            else:
                i += size
        size //= 2
    return operations


def usable(subject):
    """Whether a subject can be loaded here, and has all that the model asks for; says why not."""
    why = subject.unloadable
    try:
        for name in () if why else ("live_objects", "new_native"):
            getattr(subject, name)
        for owner, names in () if why else METHODS.items():
            for name in set(names) - NOT_ASKED:
                if not hasattr(getattr(subject, owner), name):
                    why = f"it has no {owner}.{name}"
    except NotApplicable as e:
        why = str(e)
    if why:
        print(f"{subject.name}: left out, {why}", file=sys.stderr)
    return not why


def lines(child):
    """What it prints, line by line; it is killed when it has said nothing for SILENT seconds."""
    while True:
        watch = threading.Timer(SILENT, child.kill)
        watch.start()
        line = child.stdout.readline()
        watch.cancel()
        if not line:
            return
        yield line


def main():
    parser = argparse.ArgumentParser(description="Hold subjects to the model for a long time.")
    parser.add_argument("subjects", nargs="*", metavar="ADAPTER[:NAME,...]")
    parser.add_argument("--seconds", type=float, default=1800, help="in all (default: %(default)s)")
    parser.add_argument("--operations", type=int, default=0, help="in all; ends earlier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", action="store_true", help="threads that run at once")
    parser.add_argument("--any-memory", action="store_true", help="do not mind how memory grows")
    parser.add_argument("--one-process", action="store_true", help="no processes of their own")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        faulthandler.enable()
        subject = load(options.run)
        gc.collect()
        gc.freeze()
        gc.set_threshold(1)
        world.run(subject, [tuple(o) for o in json.load(sys.stdin)])
        return None
    if options.worker:
        return worker(options.worker, options.seed, options.seconds, options.operations, options.parallel)

    os.environ.setdefault("LIFETIMES_TOML", os.path.abspath(declarations.NAME))
    try:
        subjects = [s for s in asked(options.subjects)[0] if usable(s)]
    except (LookupError, ImportError, ValueError) as e:
        parser.error(str(e))
    if not subjects:
        parser.error("there is no subject to hold to the model")
    share, each = options.seconds / len(subjects), -(-options.operations // len(subjects))
    if options.one_process:
        for s in subjects:
            for seed in range(options.seed, options.seed + max(1, each // LENGTH)):
                world.run(s, sequence(seed))
            print(f"{s.name}: {max(1, each // LENGTH) * LENGTH:,} operations")
        return None
    begun, total, failed = time.monotonic(), 0, False
    for i, (name, spec) in enumerate((s.name, s.spec) for s in subjects):
        left = max(0, options.seconds - (time.monotonic() - begun))
        print(f"[{i + 1}/{len(subjects)}] {name}, seed {options.seed} (at most {left:.0f} s left)", file=sys.stderr)
        at, errors = tempfile.NamedTemporaryFile("w+"), tempfile.TemporaryFile("w+", errors="replace")
        child = subprocess.Popen(
            [
                *ME,
                "--worker",
                spec,
                "--seed",
                str(options.seed),
                "--seconds",
                str(share),
                "--operations",
                str(each),
                *["--parallel"] * options.parallel,
            ],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "LIFETIMES_STRESS_AT": at.name, "GOGC": os.environ.get("GOGC", "1")},
        )
        said, last = time.monotonic(), {}
        for line in lines(child):
            last = json.loads(line)
            if time.monotonic() - said > 10 and "done" in last:
                said = time.monotonic()
                print(f"      {name}: {last['done']:,} operations", file=sys.stderr)
        if child.wait() == 0:
            total += last["done"]
            print(
                f"{name}: {last['done']:,} operations, {last['worlds']:,} worlds from seed {options.seed}, "
                f"{last['done'] / last['seconds']:,.0f} a second, memory grew by {last['grown'] >> 10} KiB"
            )
            if last["grown"] > 32 << 20 and not options.any_memory:
                failed = True
                print(f"{name}: memory is not flat")
            continue
        failed = True
        errors.seek(0)
        seed = int(at.read())
        print(f"{name}: FAILED in world {seed} with status {child.returncode}\n{errors.read()[-3000:]}")
        if options.parallel:
            continue
        print(f"{name}: looking for a short sequence", file=sys.stderr)
        operations = sequence(seed)
        if fails(spec, operations):
            short = shrink(spec, operations)
            print(f"{name}: {fails(spec, short)}\n({name!r}, {short}),")
        else:
            print(f"{name}: it did not fail again")
    print(f"{total:,} operations in {time.monotonic() - begun:.0f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
