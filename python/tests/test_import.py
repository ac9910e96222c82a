"""The strategies' modules are found by every kind of import, in any order, from any thread."""

import os
import subprocess
import sys

import pyobject_preservation as pp
import pytest
from suite import USABLE


def fresh(code, *args):
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "from pyobject_preservation.{0} import MyClass, MyClassRef",
        "import pyobject_preservation.{0} as m; MyClass = m.MyClass",
        "import pyobject_preservation.{0}; MyClass = pyobject_preservation.{0}.MyClass",
        "from pyobject_preservation import {0}; MyClass = {0}.MyClass",
        "import importlib; MyClass = importlib.import_module('pyobject_preservation.{0}').MyClass",
        "import pyobject_preservation; MyClass = pyobject_preservation.{0}.MyClass",
    ],
)
def test_first_import(statement):
    code = "".join(
        f"{statement.format(name)}\nassert MyClass.__module__ == 'pyobject_preservation.{name}'\n" for name in USABLE
    )
    fresh(
        code + "import sys\nimport pyobject_preservation as pp\n"
        f"assert all(sys.modules['pyobject_preservation.' + n] is pp.strategy(n) is getattr(pp, n) for n in {USABLE!r})"
    )


def test_reload_and_import_anew_give_the_same_module():
    fresh("""
import importlib, sys
import pyobject_preservation.preserve as m
a = m.MyClass()
m.GUARANTEES = None
assert importlib.reload(m) is m and m.GUARANTEES["name"] == "preserve"
import pyobject_preservation as pp
importlib.reload(pp)
assert pp.strategy("preserve") is m
del sys.modules["pyobject_preservation.preserve"]
import pyobject_preservation.preserve as again
assert again is m and type(a) is again.MyClass
finders = len(sys.meta_path)
importlib.reload(pp)
assert len(sys.meta_path) == finders
""")


def test_threads():
    fresh(
        """
import importlib, sys, threading
import pyobject_preservation as pp
sys.setswitchinterval(1e-6)
names = sys.argv[1:] * 4
found, together = [], threading.Barrier(len(names))

def work(name):
    together.wait()
    found.append((name, importlib.import_module("pyobject_preservation." + name)))

threads = [threading.Thread(target=work, args=(name,)) for name in names]
for t in threads: t.start()
for t in threads: t.join()
assert len(found) == len(names) and len({m for _, m in found}) == len(names) // 4
assert all(m.GUARANTEES["name"] == name and m is pp.strategy(name) for name, m in found)
""",
        *USABLE,
    )


def test_modules_say_what_they_are():
    for name in USABLE:
        m = pp.strategy(name)
        assert m.__spec__.name == m.__name__ and m.__package__ == pp.__name__ and m.__loader__
        assert m.__spec__.origin == pp._core.__file__
        text = fresh("import pydoc, sys; print(pydoc.render_doc(sys.argv[1], renderer=pydoc.plaintext))", m.__name__)
        assert "MyClassRef" in text and "GUARANTEES" in text


def test_what_is_not_there():
    for statement in "import pyobject_preservation.nonesuch", "from pyobject_preservation.floor import MyClass":
        with pytest.raises(ModuleNotFoundError):
            exec(statement)


@pytest.mark.skipif("finalizer" in USABLE, reason="the GIL is on")
def test_a_strategy_that_needs_the_gil_is_refused():
    with pytest.raises(RuntimeError, match="gil=1"):
        import pyobject_preservation.finalizer  # noqa: F401
    assert os.environ.get("PYTHON_GIL") != "1"
