"""The time for which the machine takes processors away from the program that is measured.

The host of a virtual machine runs another one; the kernel does something that cannot be interrupted. The
program cannot tell such a time from work of its own: to both of its clocks, the wall's and its processor
time, it has been running.

    with Witnesses() as witnesses:
        ...  # in threads and processes that are started here
    own = end - start - witnesses.taken(start, end)

A witness is a process with real-time priority on one processor, which sleeps half a millisecond at a time
and so is awake for a few per cent of the time. It wakes up before any thread of ordinary priority runs. So when
it is late, its processor has run no such thread either, or was idle and has been slow to wake up. What is started within the with statement uses
two processors, each with a witness. Times are of time.perf_counter_ns.

Needs Linux, and the right to real-time priority, which root has; elsewhere Witnesses().present is false.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time

PROCESSORS = 2
PERIOD = 500_000  # nanoseconds
LATE = 500_000  # nanoseconds: a processor that was idle may take half of it to wake up
PRIORITY = 50


class Witnesses:
    """present: whether there are any. taken is known after the end of the with statement."""

    def __init__(self):
        self.present, self.late = False, []

    def __enter__(self):
        self.running, self.allowed = [], None
        if not hasattr(os, "sched_setscheduler"):
            return self
        self.allowed = os.sched_getaffinity(0)
        processors = sorted(self.allowed)[:PROCESSORS]
        for processor in processors:
            command = [sys.executable, __file__, str(processor)]
            self.running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        self.present = all(witness.stdout.readline() == "ready\n" for witness in self.running)
        if self.present:
            os.sched_setaffinity(0, processors)
        return self

    def __exit__(self, *unused):
        if self.present:
            os.sched_setaffinity(0, self.allowed)
        for witness in self.running:
            witness.terminate()
            told = witness.communicate()[0]
            if self.present:
                self.late += json.loads(told)
        self.late = union(self.late)

    def taken(self, start, end):
        """Nanoseconds of the interval in which one of the processors at least was taken away."""
        return sum(max(0, min(end, b) - max(start, a)) for a, b in self.late)


def union(intervals):
    """The intervals in order; those that meet are one."""
    found = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1][1] = max(end, found[-1][1])
        else:
            found.append([start, end])
    return found


class Ended(Exception):
    pass


def end(*unused):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Ended


def witness(processor):
    """Print "ready", and at SIGTERM the intervals in which it was late."""
    late, clock = [], time.perf_counter_ns
    gc.disable()
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    signal.signal(signal.SIGTERM, end)
    try:
        print("ready", flush=True)
        due = clock()
        while True:
            due += PERIOD
            time.sleep(max(0, due - clock()) / 1e9)
            now = clock()
            if now - due > LATE:
                late.append((due, now))
                due = now
    except Ended:
        json.dump(late, sys.stdout)


if __name__ == "__main__":
    witness(int(sys.argv[1]))
