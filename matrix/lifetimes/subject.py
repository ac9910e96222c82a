"""Adapters to libraries, and what the matrix makes of one: a subject, a column of the table."""

import functools
import gc
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
from fnmatch import fnmatchcase
from types import SimpleNamespace

from . import declarations

# What objects of a subject can have, beside what all objects have.
METHODS = {
    "MyClass": ("id", "message", "print_message", "append", "remove", "children", "set_callback", "on_event"),
    "MyClassRef": ("get", "emit", "release", "release_from_goroutine", "release_after_python", "wrap_from_goroutines"),
}

# What CPython says where instances of a class lack something that has this offset in others.
NEEDS = (
    ("__dictoffset__", r"^'([\w.]+)' object has no attribute", "has no __dict__"),
    ("__weakrefoffset__", r"^cannot create weak reference to '([\w.]+)' object", "takes no weak references"),
)


class NotApplicable(Exception):
    """The subject does not have what the property is about."""


class Lacks(NotApplicable):
    """The subject does not have a class, function or method; the message names it."""


class Adapter:
    """How the properties reach a library. Subclass it, and say at least

    MyClass          the class of wrappers; MyClass() makes a native object and its wrapper
    hold(obj)        have native code hold obj's native object, and return what get needs to find it
    get(held)        what native code gives Python for it: the wrapper, or a new one

    All else is optional. A property that asks for something that is missing is not applicable:

    release(held)                     native code releases it; by default held is dropped, no more
    new_native(message="")            an object born in native code, held, without a wrapper as yet
    live_objects()                    how many native objects are alive
    settle()                          wait for what releases and drops do later
    id(obj)                           the native object's number, which no other ever has
    message(obj), print_message(obj)  the text that MyClass(text) or new_native(text) was given
    append(obj, child)                obj's native object holds child's from now on,
    remove(obj, child)                ... no more (ValueError if it does not),
    children(obj)                     ... and a list of what it holds
    emit(held, event)                 native code calls on_event of the wrapper with an int, and returns its answer
    set_callback(obj, function)       what native code calls in its place; None: on_event again
    release_from_goroutine(held, locked=False)   release on a thread that Python does not know;
                                      locked: while it holds the lock that synchronize() takes
    release_from_goroutines(helds, threads=8, wait=True)
    wrap_from_goroutines(held, threads, times)   get on such threads
    release_after_python(held)        release when the interpreter has been finalized
    synchronize()                     take and give back a lock of native code's
    stats()                           {"wrappers_created": n, "wrappers_freed": n, ...}

    Methods about obj become methods of MyClass. A library that has a class of native references gives that as
    MyClassRef instead of hold and get: MyClassRef(obj), its get(), release() and so on.
    """

    kind = "library"  # each property in a process of its own; what is left over is a break
    note = ""  # what to know about its times
    ships = None  # the strategy of pyobject_preservation that it ships, to be measured beside it
    optional = False  # skipped, with the reason, where it cannot be imported
    unloadable = ""  # why this process cannot load it
    needs_gil = ""  # why it needs the GIL
    foreign = None  # another binding's module, whose objects this one must refuse

    # {part of a message: reason}: an exception with this message is the library's way to say no. A property
    # that cannot go on then is not applicable, unless it is declared to break.
    refuses = {}

    # {property: (outcome, reason)}, for adapters that compute it; others have lifetimes.toml.
    declared = {}

    def __init__(self):
        self._module, self._lock = None, threading.Lock()

    @property
    def name(self):
        """The column's head, and the table's name in lifetimes.toml."""
        return type(self).__name__

    @property
    def idea(self):
        """What it does, in a line."""
        return (type(self).__doc__ or "").strip().split("\n")[0].rstrip(".") or self.name

    @property
    def shipped_by(self):
        return (self.name,)

    def presumed(self, property_id):
        """(outcome, reason) of what is not declared."""
        return "holds", ""

    def load(self):
        """What has MyClass, MyClassRef and the functions. Override it to import a library that must not be in
        pytest's own process, which never calls it: set self.MyClass, and return super().load()."""
        with self._lock:
            self._module = self._module or self._complete()
            return self._module

    def _complete(self):
        needed = ("MyClass",) if hasattr(self, "MyClassRef") else ("MyClass", "hold", "get")
        if missing := [n for n in needed if not hasattr(self, n)]:
            raise TypeError(f"the adapter {self.name} has no {', '.join(missing)}, which every adapter must have")
        extend(self.MyClass, **{n: getattr(self, n) for n in METHODS["MyClass"] if hasattr(self, n)})
        functions = {
            n: getattr(self, n)
            for n in ("new_native", "live_objects", "settle", "synchronize", "release_from_goroutines", "stats")
            if hasattr(self, n)
        }
        if hasattr(self, "MyClassRef"):
            return SimpleNamespace(MyClass=self.MyClass, MyClassRef=self.MyClassRef, **functions)
        MyClassRef = _references(self)
        if new_native := functions.get("new_native"):
            functions["new_native"] = lambda *message: MyClassRef._of(new_native(*message))
        if release := functions.get("release_from_goroutines"):
            functions["release_from_goroutines"] = lambda refs, *how: release([r._take() for r in refs], *how)
        return SimpleNamespace(MyClass=self.MyClass, MyClassRef=MyClassRef, **functions)


def _references(adapter):
    """The class MyClassRef over hold, get, release and what else there is of an adapter."""
    released = object()
    drop = getattr(adapter, "release", lambda held: None)

    class MyClassRef:
        __slots__ = ("_held",)

        def __init_subclass__(cls):
            raise TypeError("MyClassRef cannot be subclassed")

        def __init__(self, obj):
            self._held = released
            self._held = adapter.hold(obj)

        @classmethod
        def _of(cls, held):
            self = cls.__new__(cls)
            self._held = held
            return self

        def _use(self):
            if self._held is released:
                raise ReferenceError("this MyClassRef has released its native object")
            return self._held

        def _take(self):
            held, self._held = self._use(), released
            return held

        def get(self):
            return adapter.get(self._use())

        def release(self):
            if self._held is not released:
                drop(self._take())

        __del__ = release

        def __repr__(self):
            return f"<MyClassRef of {adapter.name}{', released' if self._held is released else ''}>"

        def __reduce_ex__(self, protocol):
            raise TypeError("a MyClassRef cannot be copied: it is one native reference")

    def using(function):
        return lambda self, *args, **kwargs: function(self._use(), *args, **kwargs)

    def taking(function):
        def release(self, *args, **kwargs):
            if self._held is not released:
                function(self._take(), *args, **kwargs)

        return release

    for name, made in (
        ("emit", using),
        ("wrap_from_goroutines", using),
        ("release_from_goroutine", taking),
        ("release_after_python", taking),
    ):
        if function := getattr(adapter, name, None):
            setattr(MyClassRef, name, made(function))
    return MyClassRef


def _method(function):
    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.of_adapter = True
    return method


def extend(cls, **functions):
    """Give a library's class methods. A subclass with them is not what native code makes."""
    for name, function in functions.items():
        method = _method(function)
        # Interpreters may share a class, and each extends it.
        if not hasattr(getattr(cls, name, method), "of_adapter"):
            raise TypeError(f"{cls.__name__} has a {name} already: make MyClass a subclass that has yours")
        try:
            setattr(cls, name, method)
        except TypeError:  # a static type's dictionary takes what its tp_setattro does not
            import ctypes  # not in every interpreter

            gc.get_referents(cls.__dict__)[0][name] = method
            ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


class Subject:
    """One column of the matrix: an adapter and its declarations. What else is asked of it is looked up in what the
    adapter has loaded; what that does not have makes the property not applicable."""

    def __init__(self, adapter, spec, declared):
        self.adapter, self.spec = adapter, spec
        for name in ("name", "kind", "idea", "shipped_by", "ships", "note", "needs_gil", "unloadable", "optional"):
            setattr(self, name, getattr(adapter, name))
        if twice := declared.keys() & adapter.declared.keys():
            raise ValueError(f"{self.name} declares {', '.join(sorted(twice))} both in its adapter and in a file")
        self.declared = {**adapter.declared, **declared}

    @functools.cached_property
    def module(self):
        try:
            return self.adapter.load()
        except AttributeError as e:  # which would end in __getattr__
            raise TypeError(f"the adapter {self.name} cannot load: {e}") from e

    def __getattr__(self, attribute):
        if self.unloadable:  # _run_here asks for counters, and FT1 for nothing
            raise NotApplicable(self.unloadable)
        try:
            return getattr(self.module, attribute)
        except AttributeError:
            raise Lacks(f"{self.name} has no {attribute}") from None

    def __repr__(self):
        return f"<subject {self.name}>"

    def settle(self):
        """Wait for the consequences of drops and releases that do not happen at once.

        Does not collect Python's garbage, as gc.collect() does.
        """
        if self.unloadable:
            return
        getattr(self.module, "settle", lambda: None)()

    @property
    def foreign(self):
        return self.adapter.foreign

    @property
    def afresh(self):
        """Code that imports it and uses it, in an interpreter that has seen nothing of it."""
        return getattr(self.adapter, "afresh", None) or (
            f"from lifetimes.subject import load\nfresh = load({self.spec!r}).MyClass()\n"
            "if hasattr(fresh, 'id'): fresh.id()"
        )

    def counters(self):
        """stats(), which every strategy has; None for a library."""
        return None if self.kind == "library" else self.stats()

    def refusal(self, error):
        """Why an exception of a library's own is an answer and no bug; "" if it is not."""
        return next((why for part, why in self.adapter.refuses.items() if part in str(error)), "")

    def refused(self, property_id):
        return "breaks" if "breaks" in self.declared.get(property_id, ("",))[0].split("|") else "n/a"

    @functools.cached_property
    def lacks(self):
        """{method: class}: those that the adapter lacks."""
        return {
            name: owner
            for owner, names in METHODS.items()
            for name in names
            if not hasattr(getattr(self.module, owner, None), name)
        }

    def lacking(self, error):
        """What is missing that an exception is about, by name, or ""."""
        if self.kind != "library" or self.unloadable:
            return ""
        while error:
            if isinstance(error, AttributeError) and error.name in self.lacks:
                return f"{self.name} has no {self.lacks[error.name]}.{error.name}"
            for offset, pattern, what in NEEDS:
                if (said := re.search(pattern, str(error))) and self._without(said[1], offset):
                    return f"{said[1]} {what}"
            error = error.__context__
        return ""

    def _without(self, name, offset):
        """Whether MyClass or a base of it is called so, and its instances lack what has this offset."""
        return any(
            c.__name__ == name.rpartition(".")[2] and not getattr(c, offset) for c in self.module.MyClass.__mro__[:-1]
        )

    @property
    def breaks(self):
        """{property: reason} of what is declared not to hold, whatever this interpreter can show."""
        return {p: why for p, (outcome, why) in self.declared.items() if outcome not in ("holds", "n/a")}

    def broken(self, property_id):
        """Whether it is expected not to hold."""
        return self.expected(property_id)[0] not in ("holds", "n/a")

    def expected(self, property_id):
        """(outcome, reason)"""
        if self.unloadable and property_id != "FT1":  # FT1 is about the refusal
            return "n/a", self.unloadable
        return self.declared.get(property_id) or self.adapter.presumed(property_id)


# ---- by name ------------------------------------------------------------------------------------


def _module(where):
    """The module that `where` names: a path of a file, or as an import statement would."""
    if not where.endswith(".py"):
        return importlib.import_module(where)
    path = os.path.abspath(where)
    # Under a name of its own: the library's may be the file's.
    name = "lifetimes_adapter_" + re.sub(r"\W", "_", path)
    if name not in sys.modules:
        if os.path.dirname(path) not in sys.path:
            sys.path.insert(0, os.path.dirname(path))
        spec = importlib.util.spec_from_file_location(name, path)
        if not os.path.exists(path):
            raise ModuleNotFoundError(f"there is no file {where}")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _adapters(where):
    """(where, Adapter) of all that a module has: its SUBJECTS, which may be names of other modules, or the
    subclasses of Adapter that it defines."""
    module = _module(where)
    listed = getattr(module, "SUBJECTS", None)
    if listed is None:
        own = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__]
        listed = [c() for c in own if issubclass(c, Adapter)]
    for adapter in listed:
        if isinstance(adapter, str):
            yield from _adapters(adapter)
        else:
            yield (os.path.abspath(where) if where.endswith(".py") else where), adapter


def _split(argument):
    """(where, patterns) of ADAPTER[:NAME,...]."""
    where, colon, names = argument.rpartition(":")
    return (where, names.split(",")) if colon and not re.search(r"[/\\]", names) else (argument, ["*"])


_lock, _loaded = threading.RLock(), {}


def load(argument):
    """The one subject that ADAPTER or ADAPTER:NAME names."""
    with _lock:
        if argument not in _loaded:
            (_loaded[argument],) = find(argument)
        return _loaded[argument]


def find(argument):
    """The subjects that ADAPTER[:NAME,...] names; a name may be a pattern. LookupError if there is none."""
    where, patterns = _split(argument)
    adapters = list(_adapters(where))
    if not adapters:
        raise LookupError(f"{where} defines no subclass of lifetimes.Adapter")
    for pattern in patterns:
        if not any(fnmatchcase(a.name, pattern) for _, a in adapters):
            raise LookupError(f"{where} has no subject {pattern!r}; there are {', '.join(a.name for _, a in adapters)}")
    declared = declarations.read(os.environ.get("LIFETIMES_TOML"))
    return [
        Subject(a, f"{at}:{a.name}", declared.get(a.name, {}))
        for at, a in adapters
        if any(fnmatchcase(a.name, p) for p in patterns)
    ]


def missing(spec):
    """Why the subject of this name cannot be used, "" if it can."""
    # In a new process: some libraries cannot be in one process with each other, and some crash.
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\nfrom lifetimes.subject import load\n"
        f"try: load({spec!r}).module.MyClass, load({spec!r}).module.MyClassRef\n"
        "except Exception as e: print(e if isinstance(e, (ImportError, TypeError)) else repr(e)); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode == 3:
        return " ".join(done.stdout.split()) or "it cannot be imported"
    return f"importing it failed with status {done.returncode}: {done.stderr[-300:]}" if done.returncode else ""


def asked(arguments):
    """(subjects, {name: why it is missing}) of the arguments of --lifetimes; each after the strategy that it ships."""
    subjects = [s for argument in arguments for s in find(argument)]
    twice = {s.name for s in subjects if [t.name for t in subjects].count(s.name) > 1}
    if twice:
        raise LookupError(f"two subjects are called {', '.join(sorted(twice))}")
    skipped = {s.name: why for s in subjects if s.kind == "library" and (why := missing(s.spec))}
    for s in subjects:
        if s.name in skipped and not s.optional:
            raise LookupError(f"{s.name} cannot be used: {skipped[s.name]}")
    there = [s for s in subjects if s.name not in skipped]
    ordered = [s for s in there if s.ships not in {t.name for t in there}]
    for s in reversed([s for s in there if s not in ordered]):
        ordered.insert([t.name for t in ordered].index(s.ships) + 1, s)
    return ordered, skipped
