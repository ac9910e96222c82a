"""A program: every public operation of one subject, with each of its allocations failing in turn.

    python allocation_failures.py SUBJECT [--every]

An operation is run with its first allocation failing, then its second, and so on, until it
ends without a failure having been reached; and once more with the n-th allocation and all
later ones failing. Each time it must succeed, raise MemoryError or raise what it raises with
memory; it must work when it is repeated with memory; and when all is released, as many
native objects and wrappers are alive as before. Prints one line of JSON.

SUBJECT may be "import", for an import of the package. Each of these failures takes a process
of its own, so that without --every it is a sample of them.
"""

import _imp
import argparse
import atexit  # noqa: F401, as types
import faulthandler
import functools
import gc
import importlib.machinery
import importlib.util
import json
import os
import pickle
import sys
import types  # noqa: F401, so that the package finds it
import weakref

import nomemory  # nomemory.c, built by the test

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "matrix"))

import subjects  # noqa: E402

FOREVER = sys.maxsize
partial = functools.partial


class Wrong(Exception):
    """An operation did what it must not do."""


def nothing():
    pass


class Operation:
    """call is what is run; check, what must hold afterwards; allowed, what it raises with memory."""

    def __init__(self, call, check=nothing, allowed=(), repeated=()):
        self.call, self.check, self.allowed, self.repeated = call, check, allowed, repeated


# ---- the operations -------------------------------------------------------------------------


class Thing:
    """Has attributes and can be weakly referenced."""


def zombie(m, cls=None):
    """A holder of an object that Python has dropped."""
    obj = (cls or m.MyClass)()
    ref = m.MyClassRef(obj)
    if cls:
        obj.tag = "mine"
    return ref


def family(m, n):
    parent = m.MyClass()
    for _ in range(n):
        parent.append(m.MyClass())
    return parent


def operations(m, breaks):
    """{name: function that prepares an Operation}"""
    found = {}

    def operation(name):
        def mark(prepare):
            found[name] = prepare
            return prepare

        return mark

    def simple(name, prepare, **more):
        found[name] = lambda: Operation(prepare(), **more)

    class Sub(m.MyClass):
        def on_event(self, n):
            return n + 100

    class Other(Sub):
        pass

    class Slotted(m.MyClass):
        __slots__ = ("s", "t")

    class Deleted(m.MyClass):
        def __del__(self):
            self.next = None

    # creation
    simple("MyClass()", lambda: m.MyClass)
    simple("MyClass(str)", lambda: partial(m.MyClass, "text"))
    simple("MyClass(not ASCII)", lambda: partial(m.MyClass, "".join(("t\xe4", "xt"))))  # noqa: FLY002
    simple("MyClass(message=)", lambda: partial(m.MyClass, message="text"))
    simple("MyClass(3)", lambda: partial(m.MyClass, 3), allowed=TypeError)
    simple("Sub()", lambda: Sub)
    simple("Slotted()", lambda: Slotted)
    simple("Deleted()", lambda: Deleted)
    simple("class statement and instance", lambda: lambda: type("New", (m.MyClass,), {"__slots__": ("a",)})())
    simple("MyClass.__new__", lambda: partial(m.MyClass.__new__, Sub))

    # wrap
    def live():
        obj = Sub()
        ref = m.MyClassRef(obj)
        return partial(lambda obj, get: get(), obj, ref.get)

    simple("wrap live", live)
    simple("wrap dead", lambda: zombie(m).get)
    simple("wrap dead, slots", lambda: zombie(m, Slotted).get)
    simple("wrap first", lambda: m.new_native().get)
    simple("wrap first, with a message", lambda: m.new_native("text").get)

    @operation("wrap dead, a subclass with an attribute")
    def wrap_dead():
        ref = zombie(m, Sub)

        def check():
            obj = ref.get()
            if "S4" not in breaks and type(obj) is not Sub:
                raise Wrong(f"a {type(obj).__name__} came back")
            if "S1" not in breaks and obj.tag != "mine":
                raise Wrong("its attribute is lost")

        return Operation(ref.get, check)

    # native objects and holders
    simple("new_native()", lambda: m.new_native)
    simple("new_native(str)", lambda: partial(m.new_native, "text"))
    simple("new_native(message=)", lambda: partial(m.new_native, message="text"))
    simple("new_native(3)", lambda: partial(m.new_native, 3), allowed=TypeError)
    simple("MyClassRef(live)", lambda: partial(m.MyClassRef, m.MyClass()))
    simple("MyClassRef(subclass)", lambda: partial(m.MyClassRef, Sub()))
    simple("MyClassRef of a temporary", lambda: lambda: m.MyClassRef(Sub()))
    simple("MyClassRef.__new__", lambda: partial(m.MyClassRef.__new__, m.MyClassRef, m.MyClass()))
    simple("MyClassRef(3)", lambda: partial(m.MyClassRef, 3), allowed=TypeError)
    simple("MyClassRef()", lambda: m.MyClassRef, allowed=TypeError)
    simple("MyClassRef.__reduce_ex__", lambda: partial(pickle.dumps, m.new_native()), allowed=TypeError)
    simple("get() of a released", lambda: [r := m.new_native(), r.release()] and r.get, allowed=ReferenceError)

    # release
    for name, cls in {"plain": None, "a subclass": Sub, "slots": Slotted, "__del__": Deleted}.items():
        simple(f"release() of a dead, {name}", lambda cls=cls: zombie(m, cls).release)
        simple(f"a holder dies, {name}", lambda cls=cls: [zombie(m, cls)].clear)
        simple(f"a wrapper dies while held, {name}", lambda cls=cls: held(m, (cls or m.MyClass)()))
        simple(f"a wrapper dies, {name}", lambda cls=cls: [(cls or m.MyClass)()].clear)
    simple(
        "release() of a live",
        lambda: (lambda o, r: partial(lambda o, f: f(), o, r.release))(o := Sub(), m.MyClassRef(o)),
    )
    simple("release() of a native-born", lambda: m.new_native("text").release)
    simple("release_from_goroutine()", lambda: zombie(m, Sub).release_from_goroutine)
    simple("release_from_goroutines()", lambda: partial(m.release_from_goroutines, [zombie(m, Sub), m.new_native()], 1))
    simple("release_from_goroutines(3)", lambda: partial(m.release_from_goroutines, 3), allowed=TypeError)
    simple("release_from_goroutines([3])", lambda: partial(m.release_from_goroutines, [3]), allowed=TypeError)
    simple("wrap_from_goroutines()", lambda: partial(zombie(m, Sub).wrap_from_goroutines, 1, 2))

    # Death with all that can be attached
    @operation("a wrapper dies with slots, dict, weak references and edges")
    def dies_with_everything():
        obj = Slotted("text")
        obj.s, obj.t, obj.x, obj.y = Thing(), [Thing()], Thing(), {1: Thing()}
        refs = [weakref.ref(obj), weakref.ref(obj, lambda _: [])]
        obj.append(m.MyClass())
        obj.append(Sub())
        obj.set_callback(lambda n: n)
        return Operation(partial(lambda refs, f: f(), refs, [obj].clear))

    @operation("a chain of __del__ dies")
    def chain():
        first = None
        for _ in range(70):  # more than LT_DEPTH
            obj = Deleted()
            obj.next, first = first, obj
        return Operation([first].clear)

    # emit and callbacks
    simple(
        "emit, MyClass",
        lambda: (lambda o, r: partial(lambda o, f: f(5000), o, r.emit))(o := m.MyClass(), m.MyClassRef(o)),
    )
    simple(
        "emit, on_event of a subclass",
        lambda: (lambda o, r: partial(lambda o, f: f(5000), o, r.emit))(o := Sub(), m.MyClassRef(o)),
    )
    simple("emit to a dead wrapper", lambda: partial(zombie(m, Sub).emit, 5000))
    simple("emit to a native-born", lambda: partial(m.new_native().emit, 5000))
    simple(
        "emit to a released", lambda: [r := m.new_native(), r.release()] and partial(r.emit, 1), allowed=ReferenceError
    )
    simple("emit('x')", lambda: partial(m.new_native().emit, "x"), allowed=TypeError)
    simple("emit(1 << 70)", lambda: partial(m.new_native().emit, 1 << 70), allowed=OverflowError)

    def with_callback(function):
        obj = Sub()
        obj.set_callback(function)
        return m.MyClassRef(obj)

    simple("emit, a callback", lambda: partial(with_callback(lambda n: n + 5000).emit, 1))
    simple("emit, a callback that is wrong", lambda: partial(with_callback(str).emit, 1), allowed=TypeError)
    simple("emit, a callback that raises", lambda: partial(with_callback(ord).emit, 1), allowed=TypeError)
    simple("set_callback(function)", lambda: partial(Sub().set_callback, lambda n: n))
    simple("set_callback anew", lambda: partial(with_callback(lambda n: n).get().set_callback, print))
    simple("set_callback(None)", lambda: partial(with_callback(lambda n: n).get().set_callback, None))
    simple("set_callback(3)", lambda: partial(Sub().set_callback, 3), allowed=TypeError)
    simple("on_event()", lambda: partial(m.MyClass().on_event, 3))
    simple("on_event('x')", lambda: partial(m.MyClass().on_event, "x"), allowed=TypeError)

    # edges
    simple("append", lambda: partial(m.MyClass().append, Sub()))
    simple("append a temporary", lambda: (lambda a: lambda: a.append(Sub()))(m.MyClass()))
    simple("append the third", lambda: partial(family(m, 2).append, Sub()))
    simple("append(3)", lambda: partial(m.MyClass().append, 3), allowed=TypeError)
    simple("remove", lambda: (lambda a: partial(a.remove, a.children()[0]))(family(m, 2)), repeated=ValueError)
    simple("remove what is not there", lambda: partial(m.MyClass().remove, m.MyClass()), allowed=ValueError)
    for n in 0, 3, 40:  # 40: more than the array on children()'s stack
        simple(f"children(), {n}", lambda n=n: family(m, n).children)
    simple("a parent dies", lambda: [family(m, 3)].clear)

    # weak references
    simple("weakref.ref", lambda: partial(weakref.ref, m.MyClass()))
    simple("weakref.ref, callback", lambda: partial(weakref.ref, Sub(), print))
    simple("weakref.finalize", lambda: partial(weakref.finalize, Sub(), nothing))
    simple("upgrade, live", lambda: (lambda o, w: partial(lambda o, w: w(), o, w))(o := Sub(), weakref.ref(o)))

    def upgrade_dead():
        obj = Sub()
        ref, weak = m.MyClassRef(obj), weakref.ref(obj)
        return partial(lambda ref, weak: weak(), ref, weak)

    simple("upgrade, dead", upgrade_dead)

    # looking and changing
    simple("repr(MyClass)", lambda: m.MyClass().__repr__)
    simple("repr(Sub)", lambda: partial(repr, Sub()))
    simple("repr(MyClassRef)", lambda: m.new_native().__repr__)
    simple("repr(MyClassRef), released", lambda: [r := m.new_native(), r.release()] and r.__repr__)
    simple("str.format", lambda: partial("{} {}".format, Sub(), m.new_native()))
    simple("dir()", lambda: partial(dir, Sub()))
    simple("id()", lambda: m.MyClass().id)
    simple("message()", lambda: m.MyClass("text").message)
    simple("message(), long", lambda: m.MyClass("\xe4" * 5000).message)
    simple("print_message()", lambda: m.MyClass("text").print_message)
    simple("print_message(), long", lambda: m.MyClass("text" * 300).print_message)
    simple("compare and hash", lambda: (lambda a, b: lambda: (a == b, a != b, hash(a)))(m.MyClass(), m.MyClass()))
    simple("__reduce_ex__", lambda: partial(pickle.dumps, m.MyClass()), allowed=TypeError)
    simple("__class__ =", lambda: partial(setattr, Sub(), "__class__", Other))
    simple(
        "__class__ = a new class", lambda: (lambda o: lambda: setattr(o, "__class__", type("New", (Sub,), {})))(Sub())
    )
    simple("__class__ = 3", lambda: partial(setattr, Sub(), "__class__", 3), allowed=TypeError)
    simple("attribute", lambda: partial(setattr, m.MyClass(), "x", Thing()))
    simple("attribute of a revived", lambda: partial(setattr, zombie(m).get(), "x", Thing()))
    simple("attribute of a revived subclass", lambda: partial(setattr, zombie(m, Sub).get(), "y", Thing()))
    simple("__dict__", lambda: partial(getattr, zombie(m).get(), "__dict__"))
    simple("__dict__ =", lambda: partial(setattr, zombie(m, Sub).get(), "__dict__", {"z": Thing()}))
    simple("slot of a revived", lambda: partial(setattr, zombie(m, Slotted).get(), "x", 1))

    # the module
    simple("stats()", lambda: m.stats)
    simple("live_objects()", lambda: m.live_objects)
    simple("settle()", lambda: m.settle)
    simple("synchronize()", lambda: m.synchronize)

    # gc
    def garbage(kept):
        """Zombies, some in cycles, and garbage cycles through wrappers and holders."""
        alone, other, last = Sub(), Slotted(), Deleted()
        kept += m.MyClassRef(alone), m.MyClassRef(other)
        alone.me, other.s = alone, [other]
        if "G6" in breaks:  # a cycle through a holder leaks
            last.me = last
        else:
            last.ref = m.MyClassRef(last)
        thing = Thing()
        thing.me, thing.refs = thing, [m.MyClassRef(m.MyClass()), Sub()]

    @operation("gc.collect() with zombies and garbage")
    def collect():
        kept = []
        garbage(kept)
        return Operation(gc.collect, check=lambda: [r.get() for r in kept])

    @operation("gc.collect() with weak references to garbage")
    def collect_weak():
        obj = Sub()
        obj.me, kept = obj, [m.MyClassRef(obj)]
        kept += weakref.ref(obj, lambda _: []), weakref.ref(obj)
        return Operation(partial(lambda kept, f: f(), kept, gc.collect))

    # handles
    if hasattr(m.MyClass, "from_handle"):
        simple("handle()", lambda: m.MyClass().handle)
        simple("from_handle()", lambda: (lambda o: partial(m.MyClass.from_handle, o.handle()))(keep(m.MyClass())))
        simple(
            "from_handle(stale)", lambda: partial(m.MyClass.from_handle, m.MyClass().handle()), allowed=ReferenceError
        )
        simple("from_handle('x')", lambda: partial(m.MyClass.from_handle, "x"), allowed=TypeError)
        simple("from_handle(-1)", lambda: partial(m.MyClass.from_handle, -1), allowed=ReferenceError)
        simple("close()", lambda: m.MyClass().close)
        simple("id() after close()", lambda: [o := m.MyClass(), o.close()] and o.id, allowed=ReferenceError)
        simple("repr after close()", lambda: [o := m.MyClass(), o.close()] and o.__repr__)
    return found


kept = []  # what an operation uses but does not refer to


def keep(obj):
    kept.append(obj)
    return obj


def held(m, obj):
    """A function that drops obj, which is held."""

    def drop(things, ref):
        things.clear()

    return partial(drop, [obj], m.MyClassRef(obj))


# ---- running them ------------------------------------------------------------------------------


class Runner:
    def __init__(self, m, prompt):
        self.m, self.prompt, self.injected, self.runs, self.unraisable = m, prompt, 0, 0, []
        sys.unraisablehook = self.hook

    def hook(self, what):
        # A __del__ or weak reference callback that had no memory. That is reported, not raised.
        if what.exc_type is not MemoryError:
            self.unraisable.append(f"{what.exc_type.__name__}: {what.exc_value}")

    def balance(self):
        kept.clear()
        for _ in range(2):
            self.m.settle()
            gc.collect()
        stats = self.m.stats()
        return self.m.live_objects(), stats["wrappers_created"] - stats["wrappers_freed"]

    def usable(self):
        obj = self.m.MyClass()
        number, ref = obj.id(), self.m.MyClassRef(obj)
        del obj
        if ref.get().id() != number:
            raise Wrong("another object came back")

    def once(self, prepare, first, last, before):
        """Whether a failure was reached."""
        op = prepare()
        failed, result, raised = nomemory.call(op.call, first, last)
        self.injected += failed
        self.runs += failed > 0
        allowed = (MemoryError, *((op.allowed,) if isinstance(op.allowed, type) else op.allowed))
        if raised is not None:
            if not isinstance(raised, allowed) or (failed == 0 and isinstance(raised, MemoryError)):
                raise Wrong(f"{type(raised).__name__}: {raised}")
            raised.__traceback__ = raised.__context__ = raised.__cause__ = None
        del result, raised
        repeated = (op.repeated,) if isinstance(op.repeated, type) else tuple(op.repeated)
        try:
            op.call()
        except (*allowed[1:], *repeated) as e:
            e.__traceback__ = None
        op.check()
        del op
        self.usable()
        if self.prompt or not failed:  # else a collection of Go's each time
            after = self.balance()
            if after != before:
                raise Wrong(f"(native objects, wrappers) alive went from {before} to {after}")
        else:
            gc.collect()  # empties CPython's free lists, which would hide allocations
        if self.unraisable:
            raise Wrong(f"a destructor raised {self.unraisable}")
        return failed > 0

    def all(self, name, prepare):
        """Every allocation of an operation alone, and every one with all that follow."""
        before = self.balance()
        try:
            self.once(prepare, FOREVER, FOREVER, before)  # caches are filled
        except Exception as e:
            raise Wrong(f"{name}, without a failure: {type(e).__name__}: {e}") from e
        for last in 0, FOREVER:
            first = 0
            try:
                while self.once(prepare, first, max(first, last), before):
                    first += 1
            except Exception as e:
                what = "and all that follow" if last else "alone"
                raise Wrong(f"{name}: allocation {first} {what}: {type(e).__name__}: {e}") from e


never_freed = []


def dicts_survive():
    """Whether dict.setdefault without memory leaves a whole dict. That of 3.13.0, used to make a class, does not."""
    d = dict.fromkeys(map(str, range(5)))
    never_freed.append(d)
    return isinstance(nomemory.call(partial(d.setdefault, "x", 1), 0, 0)[2], MemoryError)


def make_module(name, last):
    """A strategy's module, made while the first allocation fails, the second, and so on."""
    import pyobject_preservation as pp

    injected = first = 0
    while True:
        failed, module, raised = nomemory.call(partial(pp.strategy, name), first, max(first, last))
        injected += failed
        if raised is not None and not isinstance(raised, MemoryError):
            raise Wrong(f"pp.strategy({name!r}): allocation {first}: {type(raised).__name__}: {raised}")
        if raised is None:
            break
        first += 1
    if module is not pp.strategy(name) or not module.GUARANTEES["idea"] or not module.__doc__:
        raise Wrong("the module is not whole")
    return injected


# ---- import ----------------------------------------------------------------------------------


def forked(work):
    """What work() returns, in a child."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            text = json.dumps(work())
        except BaseException as e:
            text = json.dumps({"wrong": f"{type(e).__name__}: {e}"})
        os.write(w, text.encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    status = os.waitpid(pid, 0)[1]
    if status or not text:
        return {"wrong": f"the process died with status {status}"}
    return json.loads(text)


def usable_package():
    import pyobject_preservation as pp

    m = pp.strategy("preserve")
    ref = m.MyClassRef(m.MyClass())
    number = ref.get().id()
    if ref.get().id() != number or len(pp.STRATEGIES) < 11:
        raise Wrong("the package does not work afterwards")


def import_core(spec, first, last):
    """_core is loaded with failures; then the package is imported with memory, which must work."""
    faulthandler.enable()

    def load():
        _imp.exec_dynamic(_imp.create_dynamic(spec))

    failed, _, raised = nomemory.call(load, first, last)
    # PySys_GetObject does not tell "no memory" from "no sys.gettotalrefcount".
    debug = hasattr(sys, "gettotalrefcount") and "was built with the headers" in str(raised)
    if raised is not None and not isinstance(raised, MemoryError) and not debug:
        raise Wrong(f"{type(raised).__name__}: {raised}")
    if raised is not None:
        usable_package()
    return {"failed": failed}


def import_package(spec, core_spec, code, first, last):
    """The package's own code runs with failures; then it is imported with memory, which must work."""
    faulthandler.enable()
    package = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    package._core = sys.modules[core_spec.name] = importlib.util.module_from_spec(core_spec)
    core_spec.loader.exec_module(package._core)
    failed, _, raised = nomemory.call(partial(exec, code, vars(package)), first, last)
    if raised is not None and not isinstance(raised, MemoryError):
        raise Wrong(f"{type(raised).__name__}: {raised}")
    if raised is not None:
        del sys.modules[spec.name]  # as importlib does
    usable_package()
    return {"failed": failed}


def imports(step):
    """An import with each step-th allocation failing, not counting importlib's: which is not made for
    that (a crash in 3.13, a debug build that aborts). Must be called before Go is there."""
    assert "pyobject_preservation" not in sys.modules
    spec = importlib.util.find_spec("pyobject_preservation")
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    core_spec = importlib.util.spec_from_file_location(
        "pyobject_preservation._core", os.path.join(os.path.dirname(spec.origin), "_core" + suffix)
    )
    with open(spec.origin, encoding="utf-8") as f:
        code = compile(f.read(), spec.origin, "exec")
    injected = runs = 0
    for what, work in (
        ("_core", partial(import_core, core_spec)),
        ("the package", partial(import_package, spec, core_spec, code)),
    ):
        if what == "the package" and not dicts_survive():  # json uses them
            continue
        for length in 1, 30:  # not for ever: CPython does not leave a finally block without memory for an int
            first, failed = 0, 1
            while failed:
                done = forked(partial(work, first, first + length - 1))
                if "wrong" in done:
                    raise Wrong(f"import of {what}: allocations {first} to {first + length - 1}: {done['wrong']}")
                failed = done["failed"]
                injected += failed
                runs += failed > 0
                first += 1 if what == "_core" else step
    return {"injected": injected, "runs": runs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("subject")
    parser.add_argument("--every", action="store_true")
    options = parser.parse_args()
    faulthandler.enable()
    sys.stdout.flush()
    said = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for print_message()
    if options.subject == "import":
        print(json.dumps(imports(1 if options.every else 10)), file=said)
        return
    made = 0
    if options.subject not in subjects.LIBRARIES and dicts_survive():
        made = make_module(options.subject, 0)
        other = "naive" if options.subject != "naive" else "preserve"
        made += make_module(other, FOREVER)
    subject = subjects.load(options.subject)
    breaks = {p for p in ("F11", "G6", "I2", "I3", "S1", "S4") if subject.expected(p)[0] != "holds"}
    if "I3" in breaks and "I2" not in breaks:  # class and attributes come back once only
        breaks |= {"S1", "S4"}
    found = operations(subject.module, breaks)
    gc.collect()
    gc.freeze()  # so that a collection takes no longer than what is made here
    gc.disable()
    runner = Runner(subject.module, "F11" not in breaks)
    wrong = []
    for name, prepare in found.items():
        try:
            runner.all(name, prepare)
        except Wrong as e:
            wrong.append(str(e))
            runner.unraisable.clear()
            e.__cause__ = e.__traceback__ = None
    print(
        json.dumps({"operations": len(found), "injected": runner.injected + made, "runs": runner.runs, "wrong": wrong}),
        file=said,
    )


if __name__ == "__main__":
    main()
