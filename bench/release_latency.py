"""From a goroutine's last release to __del__, while the main thread sleeps.

    python bench/release_latency.py [--rounds N] [STRATEGY...]

Prints microseconds: median, 99th percentile and maximum. The last row is a thread that attaches in
order to release, as libraries without a queue do: it waits for a lock, takes the GIL where there is
one, and drops the wrapper's last Python reference. Both rows include waking a thread.
"""

import argparse
import sys
import threading
import time

import pyobject_preservation as pp

died = []


def queued(name, rounds):
    """Times of one strategy: the release is by a goroutine, which is started first."""
    m = pp.strategy(name)

    class Mourned(m.MyClass):
        def __del__(self):
            died.append(time.perf_counter_ns())

    for _ in range(rounds):
        died.clear()
        refs = [m.MyClassRef(Mourned())]
        start = time.perf_counter_ns()
        m.release_from_goroutines(refs, 1, wait=False)
        while not died:
            time.sleep(0.002)
        yield died[0] - start


def attaching(rounds):
    class Mourned:
        def __del__(self):
            died.append(time.perf_counter_ns())

    go, held = threading.Lock(), []
    go.acquire()

    def work():
        while True:
            go.acquire()
            if not held:
                return
            held.pop()

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(rounds):
        died.clear()
        held.append(Mourned())
        start = time.perf_counter_ns()
        go.release()
        while not died:
            time.sleep(0.002)
        yield died[0] - start
    go.release()
    thread.join()


def row(name, times):
    times = sorted(t / 1000 for t in times)
    print(f"{name:24} {times[len(times) // 2]:10.1f} {times[len(times) * 99 // 100]:10.1f} {times[-1]:10.1f}")


def main():
    keeping = [name for name in pp.STRATEGIES if "F1" not in pp.declaration(name)["breaks"] and name != "gcowned"]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("strategies", nargs="*", metavar="STRATEGY", help=", ".join(keeping))
    options = parser.parse_args()
    for name in options.strategies:
        if name not in keeping:
            parser.error(
                f"{name!r} is not one of {', '.join(keeping)}: __del__ runs there when Python drops the wrapper"
            )
    print(f"{'microseconds':24} {'median':>10} {'99 %':>10} {'maximum':>10}   Python {sys.version.split()[0]}")
    for name in options.strategies or keeping:
        row(name, queued(name, options.rounds))
    row("a thread that attaches", attaching(options.rounds))


if __name__ == "__main__":
    main()
