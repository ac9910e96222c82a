"""Counted instructions: what is promised holds, and two counts agree."""

import os
import subprocess
import sys
import sysconfig

import pytest

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "bench")
sys.path.append(BENCH)
import instructions  # noqa: E402

counting = pytest.mark.skipif(bool(instructions.missing()), reason=f"not counted: {instructions.missing()}")


@counting
@pytest.mark.skipif(
    instructions.promises() is None,
    reason=f"nothing is promised for CPython {instructions.interpreter()}; make promises promises what it counts",
)
def test_promises_hold():
    broken = instructions.broken(instructions.promises(), instructions.promised_ratios())
    assert not broken, "\n".join(broken)


def test_a_regression_of_more_than_three_per_cent_breaks_a_promise():
    promised = {"WrapLive": {"preserve": 1.2, "mirrored": 1.0}}
    assert instructions.broken(promised, {"WrapLive": {"preserve": 1.2 * 1.029, "mirrored": 0.5}}) == []
    (text,) = instructions.broken(promised, {"WrapLive": {"preserve": 1.2 * 1.031, "mirrored": 1.0}})
    assert "WrapLive of preserve" in text and "1.237" in text and "1.2," in text


@counting
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="counts of a free-threaded CPython differ by more"
)
def test_two_counts_agree():
    """To 0.5 %, though what else is in the process and what was counted before differ. To 3 %, as promises hold, on CPythons
    for which nothing is promised: on 3.14.8 Create of the floor is 764.6 or 769.6."""
    tolerance = 0.03 if instructions.promises() is None else 0.005
    operations = ["Create", "WrapDead"]
    first = instructions.counted(["floor", "naive", "gcowned"], operations)
    again = instructions.counted(["gcowned", "handletable", "floor"], operations)
    common = first.keys() & again.keys()
    assert len(common) == 4
    for cell in common:
        assert first[cell][0] == pytest.approx(again[cell][0], rel=tolerance), instructions.name(*cell)


def test_what_is_never_counted_says_why_and_is_no_failure():
    cells = instructions.cells_of(["floor"], ["GC", "Threads", "CreateList"])
    why = {instructions.name(*cell): instructions.uncountable(cell) for cell in cells}
    assert why["BenchmarkGC/strategy=floor/objs=1000000"] == instructions.LARGE
    assert why["BenchmarkThreads/strategy=floor/threads=2"] == instructions.WAITING
    assert why["BenchmarkCreateList/strategy=floor/objs=100000"] == "", "it can be counted"
    assert (
        instructions.failure({cell: instructions.uncountable(cell) for cell in cells if why[instructions.name(*cell)]})
        == ""
    )


def test_without_valgrind_it_says_what_to_do(tmp_path):
    text = tmp_path / "bench.txt"
    done = subprocess.run(
        [sys.executable, os.path.join(BENCH, "instructions.py"), "--text", str(text)],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "not counted: valgrind is missing; on Debian or Ubuntu: apt-get install valgrind" in done.stderr
    assert "Uncounted py: valgrind is missing" in text.read_text()
