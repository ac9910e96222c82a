"""The Python package as a new user finds it."""

import ast
import inspect
import os
import pydoc
import subprocess
import sys

import pyobject_preservation as pp
import pytest
from suite import GIL, USABLE


def public(owner):
    return {n for n in vars(owner) if not n.startswith("_")}


@pytest.fixture(params=USABLE)
def m(request):
    return pp.strategy(request.param)


def test_strategies_are_listed(m):
    name = m.GUARANTEES["name"]
    assert name in dir(pp)
    assert m.__name__ == f"pyobject_preservation.{name}"


def test_an_unknown_strategy_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match="preserve"):
        pp.strategy("nonesuch")
    with pytest.raises(ValueError):
        pp.strategy(3)
    with pytest.raises(AttributeError):
        pp.nonesuch  # noqa: B018
    with pytest.raises(ImportError):
        from pyobject_preservation import nonesuch  # noqa: F401


def test_references_declare_in_the_same_form_as_strategies():
    for name in pp.REFERENCES if GIL else ("floor",):  # the baseline needs the GIL
        declared = pp.declaration("preserve").keys() | {"lacks"}
        guarantees = pp.reference(name).GUARANTEES
        assert guarantees.keys() == declared
        assert not guarantees["breaks"] and "I3" not in guarantees["breaks"]


def test_guarantees_cannot_be_changed(m):
    with pytest.raises(TypeError):
        m.GUARANTEES["breaks"] = {}
    with pytest.raises(TypeError):
        m.GUARANTEES["breaks"]["I1"] = ""


def test_every_public_function_has_a_signature_and_a_docstring(m):
    things = [getattr(owner, n) for owner in (m, m.MyClass, m.MyClassRef) for n in public(owner) if n != "GUARANTEES"]
    assert {m.MyClass, m.MyClassRef, m.settle, m.MyClass.set_callback, m.MyClassRef.release_after_python} <= set(things)
    for thing in things:
        inspect.signature(thing)
        doc = inspect.getdoc(thing)
        assert doc and len(doc) > 20 and "--" not in doc, thing
    assert str(inspect.signature(m.MyClass)) == "(message=None)"
    assert str(inspect.signature(m.MyClassRef)) == "(obj, /)"
    assert str(inspect.signature(m.MyClass.append)) == "(self, child, /)"
    assert str(inspect.signature(m.new_native)) == "(message=None)"


def test_help_is_clean(m):
    text = pydoc.plain(pydoc.render_doc(m))
    assert "GenericAlias" not in text and "print_message(self, /)" in text and "MyClassRef" in text


def test_repr_names_the_class_and_the_object(m):
    class Sub(m.MyClass):
        pass

    a = m.MyClass()
    assert repr(a) == f"<pyobject_preservation.{m.GUARANTEES['name']}.MyClass id={a.id()}>"
    assert "test_repr_names_the_class_and_the_object.<locals>.Sub id=" in repr(Sub())
    assert f"to id={a.id()}" in repr(m.MyClassRef(a))


def test_messages_are_kept_and_printed_whole(m, capsys):
    for text in ("", "hello", "käse \N{SNAKE}", "x" * 100_000, "nul\0inside"):
        a = m.MyClass(message=text)
        assert a.message() == text
        a.print_message()
        want = f"native object {a.id()}: {text}\n" if text else f"native object {a.id()}\n"
        assert capsys.readouterr().out == want
        assert m.new_native(text).get().message() == text
    with pytest.raises(UnicodeEncodeError):
        m.MyClass("\udc80")


def test_edges_keep_order_and_duplicates(m):
    a, b, c = m.MyClass(), m.MyClass(), m.MyClass()
    for child in (b, c, b, a):
        a.append(child)
    ids = [x.id() for x in (b, c, b, a)]
    assert [x.id() for x in a.children()] == ids
    many = m.MyClass()
    for _ in range(100):
        many.append(b)
    assert [x.id() for x in many.children()] == [b.id()] * 100
    a.remove(b)
    assert [x.id() for x in a.children()] == ids[1:]
    a.remove(a)


def test_an_exception_in_a_native_callback_arrives_as_it_was(m):
    class Boom(Exception):
        pass

    class Sub(m.MyClass):
        def on_event(self, n):
            raise Boom(n)

    a = Sub()
    r = m.MyClassRef(a)
    if type(r.get()) is Sub:
        with pytest.raises(Boom, match="5"):
            r.emit(5)
    a = m.MyClass()
    assert m.MyClassRef(a).emit(-3) == -3


def stub(name):
    with open(os.path.join(os.path.dirname(pp.__file__), f"{name}.pyi")) as f:
        return ast.parse(f.read())


def functions(node):
    return {f.name for f in node.body if isinstance(f, ast.FunctionDef)}


def test_stubs_name_what_there_is(m):
    """stubtest compares the signatures, too, where mypy is installed."""
    common, own = stub("_strategy"), stub(m.GUARANTEES["name"])
    classes = {c.name: functions(c) for c in common.body if isinstance(c, ast.ClassDef)}
    more = {f for c in own.body if isinstance(c, ast.ClassDef) for f in functions(c)}
    for name in ("MyClass", "MyClassRef"):
        assert classes[name] - {"__init__"} == public(getattr(m, name)) - (more if name == "MyClass" else set())
    assert functions(common) == public(m) - {"MyClass", "MyClassRef", "GUARANTEES"}
    assert m.GUARANTEES["name"] in {
        name.name for i in stub("__init__").body if isinstance(i, ast.ImportFrom) for name in i.names
    }


def test_importing_into_a_subinterpreter_is_a_clear_import_error():
    code = """
try:
    import _interpreters as i          # 3.13
except ImportError:
    import _xxsubinterpreters as i
import sys
source = '''
import sys
sys.path[:] = %r
try:
    import pyobject_preservation
except ImportError as e:
    assert "interpreter" in str(e), e
else:
    raise SystemExit("imported")
''' % (sys.path,)
for first in (False, True):
    if first:
        import pyobject_preservation
    id = i.create()
    result = i.run_string(id, source)
    assert result is None, result
    i.destroy(id)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHON_GIL": "1"}
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_headers_of_another_version_are_one_clear_error(tmp_path):
    here = os.path.dirname(pp._core.__file__)
    mine = os.path.basename(pp._core.__file__)
    others = [f for f in os.listdir(here) if f.startswith("_core.") and f.endswith(".so") and f != mine]
    if not others:
        pytest.skip("the extension is built for this interpreter only")
    for other in others:
        package = tmp_path / other / "pyobject_preservation"
        package.mkdir(parents=True)
        (package / "__init__.py").write_bytes(open(os.path.join(here, "__init__.py"), "rb").read())
        (package / mine).symlink_to(os.path.join(here, other))
        done = subprocess.run(
            [sys.executable, "-c", "import pyobject_preservation"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path / other)},
        )
        assert done.returncode == 1, f"{other}: {done.returncode} {done.stderr}"
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("ImportError: ") and (
            "was built with the headers of" in last or "undefined symbol" in last
        )
