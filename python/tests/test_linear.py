"""The program that says whether time is in proportion to the number of objects."""

import re
import subprocess
import sys

import pytest
from suite import ROOT, from_file

linear = from_file("bench/linear.py")


@pytest.mark.parametrize("e", [0, 1, 1.5, 2])
def test_the_exponent_is_that_of_the_times(e):
    assert linear.exponent({n: 3e-7 * n**e for n in (10_000, 100_000, 1_000_000)}) == pytest.approx(e)


def test_the_exponent_is_by_least_squares():
    """A time that is off in the middle of three sizes does not change the slope; one at the end by half its logarithm."""
    times = {10: 10, 100: 100, 1000: 1000}
    assert linear.exponent(times | {100: 500}) == pytest.approx(1)
    assert linear.exponent(times | {1000: 10_000}) == pytest.approx(1.5)


def test_what_is_not_linear_is_named_beside_the_floor():
    straight, bent = {10: 1.0, 100: 10.0, 1000: 100.0}, {10: 1.0, 100: 20.0, 1000: 200.0}
    found = {("held", "floor"): {"make": straight}, ("held", "naive"): {"make": bent, "wrap": straight}}
    assert linear.verdict(found) == (
        "Not linear:\n\n* held, make, naive: 1.15 (the floor: 1.00); from size to size 1.30, 1.00"
    )
    assert "not linear" in linear.said(bent) and "not linear" not in linear.said(straight)
    assert linear.verdict({("held", "naive"): {"wrap": straight}}) == "Linear: no exponent is above 1.1."


def test_a_size_that_needs_more_memory_than_there_is_is_left_out(monkeypatch):
    monkeypatch.setattr(linear, "available", lambda: 10_000)
    monkeypatch.setattr(linear, "child", lambda case, name, n: {"spent": {"make": n}, "memory": 90 * n})
    found, left_out = linear.measure(["floor"], [10, 100])
    assert set(found["held", "floor"]["make"]) == {10}
    assert "needs about" in left_out["held", "floor", 100]
    assert "| make | floor | 1000000000 | left out | n/a |" in linear.table(
        "held", found, left_out, ["floor"], [10, 100]
    )


def run(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "bench/linear.py", *arguments], capture_output=True, text=True, timeout=120
    )


def test_it_measures_two_strategies_and_the_floor(tmp_path):
    saved = tmp_path / "linear.txt"
    done = run("--min", "100", "--max", "1000", "--strategies", "naive,mirrored", "--save", str(saved))
    assert done.returncode == 0, done.stderr
    for phase in "make", "append", "drop":
        assert re.search(rf"^\| {phase} \| mirrored \| \d+ \| \d+ \| .*\d\.\d\d", done.stdout, re.M), done.stdout
    assert "| append | floor | n/a | n/a | n/a |" in done.stdout
    assert "100 of 100 % done" in done.stderr
    names = {
        re.match(r"BenchmarkLinear/strategy=(\w+)/do=held-wrap/objs=(100|1000) \d+ \S+ ns/op$", line)
        for line in saved.read_text().splitlines()
    }
    assert {m.groups() for m in names if m} == {(s, n) for s in ("floor", "naive", "mirrored") for n in ("100", "1000")}


def test_unknown_strategies_and_single_sizes_are_refused():
    assert "no strategy is called 'nonesuch'; there are naive" in run("--strategies", "nonesuch").stderr
    assert "leaves fewer than two sizes" in run("--max", "20000").stderr
