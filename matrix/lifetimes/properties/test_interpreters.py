"""N: what do other interpreters see?"""

from lifetimes.harness import program, prop

try:
    import _interpreters
except ImportError:
    try:
        import _xxsubinterpreters as _interpreters
    except ImportError:
        _interpreters = None

ABSENT = "" if _interpreters else "needs a build with subinterpreters"

# Runs code in a new interpreter, and prints what it raised. Both names of the module,
# and both ways in which it reports an exception.
BEGIN = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
run = getattr(interpreters, "exec", None) or interpreters.run_string
def inside(code, **options):
    there = interpreters.create(**options)
    try:
        try:
            failed = run(there, code)
            return failed and failed.formatted
        except Exception as e:
            return str(e)
    finally:
        interpreters.destroy(there)
kinds = [{}]
if (3, 12) <= sys.version_info < (3, 13):
    kinds = [{"isolated": True}, {"isolated": False}]
elif sys.version_info >= (3, 13):
    kinds = [{"config": "isolated"}, {"config": "legacy"}]
def create(config=None, **options):
    return interpreters_create(config) if config else interpreters_create(**options)
interpreters_create, interpreters.create = interpreters.create, create
"""


@prop("N1", "import into a subinterpreter", child=True, absent=ABSENT)
def test_import_into_a_subinterpreter_works_or_is_a_clear_error(s):
    """Importing into a subinterpreter, with a GIL of its own or without, works or is a clear ImportError; the main interpreter does not notice."""
    status, out, err = program(
        s,
        BEGIN
        + """
a = m.MyClass(); a.x = 1; r = m.MyClassRef(a); del a
for options in kinds:
    for _ in range(3):
        failed = inside(f"import sys; sys.path[:] = {sys.path!r}\\n{m.afresh}", **options)
        assert not failed or "ImportError" in failed and "interpreter" in failed, failed
assert getattr(r.get(), "x", 1) == 1
b = m.MyClass(); h = m.MyClassRef(b); del b; h.get().id(); h.release_from_goroutine()
""",
    )
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"


@prop("N2", "no wrapper crosses interpreters", child=True, absent=ABSENT)
def test_no_wrapper_crosses_interpreters(s):
    """No wrapper gets into another interpreter by any means, and subinterpreters that start and end leave the objects intact."""
    status, out, err = program(
        s,
        BEGIN
        + """
a = m.MyClass(); a.x = 1; r = m.MyClassRef(a)
for thing in (a, r, m.MyClass):
    assert not interpreters.is_shareable(thing), thing
name = type(a).__module__
for options in kinds:
    failed = inside(f"import sys, gc\\nassert {name!r} not in sys.modules\\n"
                    f"assert not any(type(o).__module__ == {name!r} for o in gc.get_objects())", **options)
    assert not failed, failed
del a
assert getattr(r.get(), "x", 1) == 1
""",
    )
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"
