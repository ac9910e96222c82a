"""Hold strategies to the model for a long time.

    python matrix/model/stress.py [--parallel] [--seconds S | --operations N] [--seed N] [STRATEGY...]

Random sequences of operations, for every strategy in turn, each strategy in a process of
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

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

LENGTH = 400  # operations in a world
SILENT = 300  # seconds without output after which a process counts as hung


def sequence(seed, n=LENGTH, eventful=None):
    """The same operations for the same seed. Every second seed is for one with many events."""
    from world import EVENTFUL, OPERATIONS

    r = random.Random(seed)
    names = EVENTFUL if (seed % 2 if eventful is None else eventful) else OPERATIONS
    return [(r.choice(names), r.randrange(60), r.randrange(60), r.randrange(60)) for _ in range(n)]


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def worker(name, seed, seconds, operations, in_parallel):
    """Worlds from a seed until time or number is up. Prints one line of JSON a second."""
    import parallel
    import world as sequential
    from subjects import load

    faulthandler.enable()
    subject = load(name)
    gc.collect()
    gc.freeze()  # so that gc has no more to look at than what the model makes
    length = parallel.LENGTH if in_parallel else LENGTH
    if not in_parallel:
        gc.set_threshold(1)
    start = said = time.monotonic()
    done, first = 0, None
    for world in itertools.count(seed):
        with open(os.environ["PP_STRESS_AT"], "w") as f:
            f.write(str(world))
        if in_parallel:
            parallel.run(subject, world)
        else:
            sequential.run(subject, sequence(world))
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
        json.dumps({"done": done, "grown": grown, "worlds": world - seed + 1, "seconds": time.monotonic() - start}),
        flush=True,
    )


def fails(name, operations):
    """What a sequence does wrong, run in a process of its own; "" if nothing."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--run", name],
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


def usable(name):
    """Whether a strategy can be loaded here; says why not."""
    from subjects import load

    if why := load(name).unloadable:
        print(f"{name}: left out, {why}", file=sys.stderr)
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
    parser = argparse.ArgumentParser(description="Hold strategies to the model for a long time.")
    parser.add_argument("strategies", nargs="*", metavar="STRATEGY")
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
        from subjects import load
        from world import run

        faulthandler.enable()
        subject = load(options.run)
        gc.freeze()
        gc.set_threshold(1)
        run(subject, json.load(sys.stdin))
        return None
    if options.worker:
        return worker(options.worker, options.seed, options.seconds, options.operations, options.parallel)

    import pyobject_preservation as pp

    for name in set(options.strategies) - set(pp.STRATEGIES):
        parser.error(f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}")
    names = [n for n in options.strategies or pp.STRATEGIES if usable(n)]
    share, each = options.seconds / len(names), -(-options.operations // len(names))
    if options.one_process:
        from subjects import load
        from world import run

        for name in names:
            for seed in range(options.seed, options.seed + max(1, each // LENGTH)):
                run(load(name), sequence(seed))
            print(f"{name}: {max(1, each // LENGTH) * LENGTH:,} operations")
        return None
    begun, total, failed = time.monotonic(), 0, False
    for i, name in enumerate(names):
        left = max(0, options.seconds - (time.monotonic() - begun))
        print(f"[{i + 1}/{len(names)}] {name}, seed {options.seed} (at most {left:.0f} s left)", file=sys.stderr)
        at, errors = tempfile.NamedTemporaryFile("w+"), tempfile.TemporaryFile("w+", errors="replace")
        child = subprocess.Popen(
            [
                sys.executable,
                __file__,
                "--worker",
                name,
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
            env={**os.environ, "PP_STRESS_AT": at.name, "GOGC": os.environ.get("GOGC", "1")},
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
        if fails(name, operations):
            short = shrink(name, operations)
            print(f"{name}: {fails(name, short)}\n({name!r}, {short}),")
        else:
            print(f"{name}: it did not fail again")
    print(f"{total:,} operations in {time.monotonic() - begun:.0f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
