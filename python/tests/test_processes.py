"""multiprocessing, with every start method there is."""

import multiprocessing
import os
import subprocess
import sys

import pytest

PROGRAM = """
import multiprocessing, os, sys
import pyobject_preservation as pp

def work(n):
    found = []
    for name in pp.STRATEGIES:
        m = pp.strategy(name)
        a = m.MyClass()
        a.x = n
        r = m.MyClassRef(a)
        del a
        b = r.get()
        found.append((name, m.GUARANTEES["identity"] and getattr(b, "x", None) != n, b.id() > 0))
        r.release()
    return found

if __name__ == "__main__":
    held = [pp.strategy(name).MyClassRef(pp.strategy(name).MyClass()) for name in pp.STRATEGIES]
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        for found in pool.map(work, range(40)):
            assert not any(lost for _, lost, _ in found) and all(whole for *_, whole in found), found
    assert all(r.get().id() for r in held)
    print("done")
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_pool_of_processes(tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, "-W", "ignore", program, method], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHON_GIL": "1"})
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
