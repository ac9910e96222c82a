"""The plugin as another repository sees it: adapters, lifetimes.toml, and pytest's own ways to choose tests."""

import subprocess
import sys

import lifetimes
import pytest
from lifetimes import declarations, subject

ADAPTER = """
import itertools
import lifetimes

class Toy(lifetimes.Adapter):
    "native code that holds the wrapper itself"

    class MyClass:
        pass

    held, numbers = {}, itertools.count(1)

    def hold(self, obj):
        place = next(self.numbers)
        self.held[place] = obj
        return place

    def get(self, place):
        return self.held[place]

    def release(self, place):
        del self.held[place]

    def id(self, obj):
        return obj.__dict__.setdefault("number", next(self.numbers))
"""


@pytest.fixture
def repository(tmp_path):
    """A folder with an adapter, and a test that is not the plugin's."""
    (tmp_path / "toy.py").write_text(ADAPTER)
    (tmp_path / "test_theirs.py").write_text("def test_theirs():\n    assert False\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_files = check_*.py\npython_functions = check_*\n")

    def run(*arguments, module="pytest"):
        plugin = ("-p", "lifetimes.plugin", "-p", "no:cacheprovider") if module == "pytest" else ()
        command = [sys.executable, "-m", module, *plugin, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    run.folder = tmp_path
    return run


def test_the_properties_run_and_not_the_repository_s_tests(repository):
    status, printed = repository("--lifetimes", "toy.py", "-v", "-k", "test_works_as_dict_key")
    assert status == 0, printed
    assert "lifetimes/test_identity.py::test_works_as_dict_key_and_set_member[Toy] PASSED" in printed


def test_without_the_option_nothing_changes(repository):
    status, printed = repository("test_theirs.py", "-o", "python_functions=test_*")
    assert status == 1 and "1 failed" in printed and "matrix" not in printed
    status, printed = repository("--lifetimes-write")
    assert status == 4 and "--lifetimes-write needs --lifetimes ADAPTER" in printed


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "-n"])
def test_an_id_that_was_printed_runs_that_test(processes, repository):
    name = "lifetimes/test_identity.py::test_works_as_dict_key_and_set_member[Toy]"
    status, printed = repository("--lifetimes", "toy", name, *processes)
    assert status == 0 and "1 passed" in printed, printed


def test_a_break_has_to_be_declared_and_a_declared_break_to_occur(repository):
    """From the first run, without declarations, to the last one."""
    toml = repository.folder / "lifetimes.toml"
    broken = repository.folder / "toy.py"
    broken.write_text(ADAPTER.replace("return self.held[place]", "return self.MyClass()"))
    only = ("--lifetimes", "toy.py", "-q", "-k", "test_two_wraps_while or test_works_as_dict_key")
    status, printed = repository(*only)
    assert status == 1 and '[Toy.breaks]\nI1 = "get() gave another object' in printed and not toml.exists()
    status, printed = repository(*only, "--lifetimes-write")
    assert status == 1 and "I5 = " in toml.read_text()
    toml.write_text(toml.read_text() + '[Other.breaks]\nG1 = "of another subject"\n')
    status, printed = repository(*only)
    assert status == 0 and "2 xfailed" in printed, printed
    broken.write_text(ADAPTER)
    status, printed = repository(*only)
    assert status == 1 and printed.count("[XPASS(strict)] declared") == 2
    repository(*only, "--lifetimes-write")
    assert declarations.read(toml) == {"Other": {"G1": ("breaks", "of another subject")}}


def test_what_the_interpreter_lacks_is_looked_up_before_the_library_is_imported(repository):
    """A library may turn the GIL on, and FT asks whether it is off."""
    first = (
        "import sys\nassert 'pytest' not in sys.modules or 'lifetimes.properties.test_freethreading' in sys.modules\n"
    )
    (repository.folder / "toy.py").write_text(first + ADAPTER)
    status, printed = repository("--lifetimes", "toy.py", "-q", "-k", "test_works_as_dict_key")
    assert status == 0, printed


def test_what_the_adapter_lacks_is_not_applicable_by_name(repository):
    status, printed = repository("--lifetimes", "toy.py", "-rs", "-k", "test_a_native_born_object_keeps")
    assert status == 0 and "Toy has no new_native" in printed, printed


@pytest.mark.parametrize(
    "toml, says",
    [
        ('[Toy.breaks]\nQ7 = "x"\n', "there is no such property"),
        ("[Toy.breaks]\nI1 = 1\n", "needs a reason"),
        ('[Toy.fails]\nI1 = "x"\n', "outcomes are breaks"),
        ('I1 = "x"\n', "must be a table"),
        ('[Toy.breaks]\nI1 = "x"\n[Toy.hung]\nI1 = "y"\n', "declares I1 twice"),
        ("[Toy\n", "lifetimes.toml"),
    ],
)
def test_a_mistake_in_the_declarations_is_a_clear_error(toml, says, repository):
    (repository.folder / "lifetimes.toml").write_text(toml)
    status, printed = repository("--lifetimes", "toy.py")
    assert status == 4 and says in printed and "Traceback" not in printed, printed


@pytest.mark.parametrize(
    "source, argument, says",
    [
        (ADAPTER, "nowhere.py", "there is no file nowhere.py"),
        (ADAPTER, "nowhere", "No module named 'nowhere'"),
        (ADAPTER, "toy.py:tin", "there are Toy"),
        ("", "toy.py", "no subclass of lifetimes.Adapter"),
        (ADAPTER.replace("def hold", "def held"), "toy.py", "Toy has no hold"),
        (ADAPTER.replace("pass", "def id(self): pass"), "toy.py", "MyClass has a id already"),
        (ADAPTER + "\n    def load(self):\n        import nowhere\n", "toy.py", "No module named 'nowhere'"),
        (ADAPTER + "\n    def load(self):\n        import os; os.abort()\n", "toy.py", "status -6"),
    ],
)
def test_a_mistake_in_the_adapter_is_a_clear_error(source, argument, says, repository):
    (repository.folder / "toy.py").write_text(source)
    status, printed = repository("--lifetimes", argument)
    assert status == 4 and says in printed and "Traceback" not in printed, printed


def test_init_writes_an_adapter_that_runs_and_never_overwrites_one(repository):
    status, printed = repository("init", module="lifetimes")
    assert status == 0 and "pytest --lifetimes lifetimes_adapter.py" in printed
    status, printed = repository("--lifetimes", "lifetimes_adapter.py", "-q", "-k", "identity")
    assert status == 0 and " passed" in printed, printed
    status, printed = repository("init", module="lifetimes")
    assert status == 1 and "there already" in printed


def test_declarations_survive_being_written():
    declared = {"a b": {"G6[self]": ("crashed|breaks", 'a "reason" \\ with\tall'), "I1": ("n/a", "none")}}
    assert declarations.tomllib.loads(declarations.text(declared)) == {
        "a b": {"crashed|breaks": {"G6[self]": 'a "reason" \\ with\tall'}, "n/a": {"I1": "none"}}
    }


def test_a_static_type_takes_methods_too():
    class Fresh(int):
        pass

    lifetimes.extend(Fresh, twice=lambda self: self * 2)
    assert Fresh(2).twice() == 4
    static = type(sys.implementation)  # SimpleNamespace, a static type
    try:
        lifetimes.extend(static, lifetimes_test=lambda self: 7)
        assert sys.implementation.lifetimes_test() == 7
    finally:
        import ctypes
        import gc

        gc.get_referents(static.__dict__)[0].pop("lifetimes_test", None)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(static))


def test_an_argument_names_a_module_or_a_file_and_its_subjects():
    assert subject._split("a.b") == ("a.b", ["*"])
    assert subject._split("a.b:c,d-*") == ("a.b", ["c", "d-*"])
    assert subject._split("C:\\dir\\a.py") == ("C:\\dir\\a.py", ["*"])


def test_the_plugin_knows_nothing_of_the_suite():
    """Only what is measured beside a library may be the suite's."""
    code = "import sys; import lifetimes.session, lifetimes.model.stress; print('pyobject_preservation' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
