"""The program that says what a release by a goroutine means for Python code."""

import re
import subprocess
import sys
import time

import pytest
from suite import ROOT, from_file

latency = from_file("bench/release_latency.py")


def test_percentiles():
    def values(nanoseconds):
        return tuple(latency.percentiles(nanoseconds).values())

    assert tuple(latency.percentiles([])) == ("p50-us", "p99-us", "max-us")
    assert values(range(1000, 101_000, 1000)) == (51, 100, 100)
    assert values([7000]) == (7, 7, 7)
    assert values([]) == (0, 0, 0)


def test_the_last_gap_is_watched_too():
    """One iteration, in which the end has come: it took 50 ms."""
    ((start, end),) = latency.watch(lambda: time.sleep(0.05), lambda: True)
    assert 50_000_000 <= end - start < 10_000_000_000


@pytest.mark.parametrize("shape", latency.SHAPES)
def test_everything_has_died_when_the_pauses_are_known(shape):
    """The floor's objects refer to each other, so that its thread drops them all by one reference."""
    m = latency.module("floor")
    before = m.live_objects()
    latency.pauses("floor", shape, 500)
    assert m.live_objects() == before


def test_each_object_has_one_parent_that_is_made_before_it():
    for parent_of in latency.SHAPES.values():
        assert all(0 <= parent_of(i) < i for i in range(1, 200))


def run(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "bench/release_latency.py", *arguments], capture_output=True, text=True, timeout=120
    )


def test_it_writes_benchmark_text(tmp_path):
    text = tmp_path / "latency.txt"
    done = run("--rounds", "3", "--objs", "2000", "--strategies", "naive,mirrored", "--text", str(text))
    assert done.returncode == 0, done.stderr
    written = text.read_text()
    assert "\nlang: latency\n" in written
    for name in "floor", "mirrored":
        assert re.search(rf"^BenchmarkRelease/strategy={name} 3 \S+ p50-us \S+ p99-us \S+ max-us$", written, re.M)
        for shape in latency.SHAPES:
            slices = "" if name == "floor" else r" \S+ slice-us"
            line = rf"^BenchmarkPause/strategy={name}/shape={shape}/objs=2000 \d+ (\S+ p50-us) .* max-us( \S+ own-us)?{slices}$"
            assert re.search(line, written, re.M), written
    assert "BenchmarkPause/strategy=floor/shape=none " in written
    assert "strategy=naive" not in written, "__del__ runs there when Python drops the wrapper"


def test_unknown_strategies_are_refused():
    assert "no strategy is called 'nonesuch'; there are naive" in run("--strategies", "nonesuch").stderr
