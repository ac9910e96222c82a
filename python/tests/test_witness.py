"""The time that the machine takes from a program."""

import os
import subprocess
import sys
import time

import pytest
from suite import from_file

witness = from_file("bench/witness.py")

BUSY = """
import os, sys, time
if sys.argv[1] == "fifo":
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(witness_priority + 1))
os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
start = time.perf_counter_ns()
while time.perf_counter_ns() < start + 100_000_000:
    pass
print(start, time.perf_counter_ns())
"""


def test_intervals_that_meet_are_one():
    assert witness.union([(5, 7), (1, 3), (2, 4), (4, 5), (9, 9)]) == [[1, 7], [9, 9]]
    assert witness.union([]) == []


def test_what_is_taken_of_an_interval():
    w = witness.Witnesses()
    w.late = [[10, 20], [30, 40]]
    assert [w.taken(*i) for i in [(0, 5), (0, 15), (12, 18), (15, 35), (0, 100), (20, 30)]] == [0, 5, 6, 10, 20, 0]


@pytest.mark.parametrize("priority", ["ordinary", "fifo"])
def test_only_what_ordinary_threads_cannot_have_is_taken(priority):
    """A tenth of a second's work, with a priority above the witness' or without."""
    with witness.Witnesses() as w:
        if not w.present:
            pytest.skip("no right to real-time priority")
        program = BUSY.replace("witness_priority", str(witness.PRIORITY))
        done = subprocess.run([sys.executable, "-c", program, priority], capture_output=True, text=True)
        time.sleep(0.01)
    assert done.returncode == 0, done.stderr
    start, end = map(int, done.stdout.split())
    part = w.taken(start, end) / (end - start)
    assert part > 0.9 if priority == "fifo" else part < 0.7, part


def test_the_processors_are_given_back():
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    with witness.Witnesses() as w:
        if w.present:
            assert len(os.sched_getaffinity(0)) <= witness.PROCESSORS
    assert before is None or os.sched_getaffinity(0) == before
    assert all(process.returncode is not None for process in w.running)


def test_without_the_right_there_are_none(monkeypatch):
    monkeypatch.delattr(os, "sched_setscheduler", raising=False)
    with witness.Witnesses() as w:
        assert not w.present
    assert w.taken(0, 10**9) == 0
