"""What the matrix can run against.

A subject has the classes and functions of a strategy's module (MyClass,
MyClassRef, new_native, live_objects, ...) or part of them, and says which
properties it breaks, and why. Whatever it does not say, it promises.

Strategies are the suite's own, and always available. Libraries are third-party, or extensions
without the suite such as those of takehome/. Each has an adapter in this folder, which is
used only if MATRIX_SUBJECTS names it or MATRIX_PEERS is set, as by `make peers`.
"""

import functools
import importlib
import importlib.util
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# The libraries, and the adapter of each.
LIBRARIES = {
    "takehome-preserve": "takehome",
    "takehome-toggleref": "takehome",
    "takehome-intrusive": "takehome",
    "takehome-mirrored": "takehome",
    "takehome-instancemap": "takehome",
    "takehome-shared_ptr": "takehome",
    "pybind11-shared_ptr": "pybind11",
    "pybind11-smart_holder": "pybind11",
    "pybind11-life_support": "pybind11",
    "nanobind-shared_ptr": "nanobind",
    "nanobind-intrusive": "nanobind",
    "boost": "boost",
    "swig": "swig",
    "torch": "torch",
    "torch-1.13": "torch",
    "pygobject": "pygobject",
    "pyside6": "pyside6",
    "vtk": "vtk",
}


# What objects of a subject have, beside what all objects have.
METHODS = {
    "MyClass": ("id", "message", "print_message", "append", "remove", "children", "set_callback", "on_event"),
    "MyClassRef": ("get", "emit", "release", "release_from_goroutine", "release_after_python", "wrap_from_goroutines"),
}


class NotApplicable(Exception):
    """The subject does not have what the property is about."""


class Lacks(NotApplicable):
    """The subject does not have a class, function or method; the message names it."""


class Subject:
    """One column of the matrix.

    name             the column's head
    kind             "strategy" or "library"
    idea, shipped_by what it does, in one line; the libraries that do the same
    breaks           {property: reason}
    not_applicable   {property: reason}

    Anything else that is asked of it is looked up in its module; what the module
    does not have makes the property not applicable.
    """

    ships = None  # the strategy of ours that a library ships
    needs_gil = ""  # why it needs the GIL
    unloadable = ""  # why this process cannot load it: it needs the GIL, which is off

    def __init__(self, module, *, name, kind, idea, shipped_by=(), breaks=None, not_applicable=None):
        self.module = module
        self.name = name
        self.kind = kind
        self.idea = idea
        self.shipped_by = tuple(shipped_by)
        self.breaks = dict(breaks or {})
        self.not_applicable = dict(not_applicable or {})

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
        getattr(self.module, "settle", lambda: None)()

    @property
    def afresh(self):
        """Code that imports it and uses it, in an interpreter that has seen nothing of it."""
        return f"import {self.module.__name__.split('.')[0]} as p\np.strategy('preserve').MyClass().id()"

    def counters(self):
        """stats(), which every strategy has; None for a library."""
        return None if self.kind == "library" else self.stats()

    def refusal(self, error):
        """Why an exception of a library's own is an answer and no bug; "" if it is not."""
        return ""

    def lacking(self, error):
        """The missing method that an exception is about, or ""."""
        return ""

    def expected(self, property_id):
        """(outcome, reason)"""
        if self.unloadable and property_id != "FT1":  # FT1 is about the refusal
            return "n/a", self.unloadable
        if property_id in self.not_applicable:
            return "n/a", self.not_applicable[property_id]
        if property_id in self.breaks:
            return "breaks", self.breaks[property_id]
        return "holds", ""


class Library(Subject):
    """A library, compared with the strategy that it ships.

    ships       that strategy
    idea        how the library does it, in one line
    load        imports the library and returns the module for the matrix; raises
                ImportError, with the reason, if it is not available
    differs     [(outcome, "property property ...", reason)]: what is not as it is
                with the strategy. Everything else is, for the strategy's reason.
                "crashed|breaks": one of these, as the moment has it
    refuses     {part of a message: reason}: an exception with this message is the
                library's way to say no. A property that cannot go on then is
                not applicable, unless it is declared to break

    unmeasured  [(reason, "benchmark benchmark/keys ...")]: what cannot be measured
    note        what to know about its times

    Its properties run in processes of their own, so "crashed" and "hung" can be
    declared. The library is imported at its first use, and
    never by the process that judges.
    """

    def __init__(self, name, *, ships, idea, load, differs=(), refuses=None, unmeasured=(), note=""):
        self._load = load
        self.name, self.kind, self.idea, self.ships = name, "library", idea, ships
        self.shipped_by = (name,)
        self.refuses = dict(refuses or {})
        self.note = note
        self.unmeasured = {"CallGo": "its methods are not in Go"}
        self.unmeasured |= {name: reason for reason, names in unmeasured for name in names.split()}
        self.differs = {}
        for outcome, ids, reason in differs:
            for property_id in ids.split():
                assert property_id not in self.differs, f"{name} says twice what {property_id} does"
                self.differs[property_id] = outcome, reason

    @property
    def afresh(self):
        return f"import subjects\nsubjects.load({self.name!r}).MyClass().id()"

    @functools.cached_property
    def module(self):
        return self._load()

    def refusal(self, error):
        return next((why for part, why in self.refuses.items() if part in str(error)), "")

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
        while error and not (isinstance(error, AttributeError) and error.name in self.lacks):
            error = error.__context__
        return error and f"{self.name} has no {self.lacks[error.name]}.{error.name}"

    def refused(self, property_id):
        return "breaks" if "breaks" in self.differs.get(property_id, ("",))[0].split("|") else "n/a"

    def expected(self, property_id):
        if property_id in self.differs:
            return self.differs[property_id]
        return self.shipped(property_id) or ("holds", "")

    def shipped(self, property_id):
        """What the strategy that it ships declares; None if we do not have it."""
        import pyobject_preservation as pp

        return strategy(self.ships).expected(property_id) if self.ships in pp.STRATEGIES else None


def native(name):
    """The adapter module called name, which native/build.py made from C++."""
    folder = os.environ.get("MATRIX_NATIVE")
    if not folder:
        raise ImportError("the adapter modules are not built; make peers builds them")
    try:
        with open(os.path.join(folder, name + ".missing"), encoding="utf-8") as f:
            raise ImportError(f.read().strip())
    except FileNotFoundError:
        pass
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def adopt(module, MyClass, base):
    """The adapter module of a library that has its own Python binding, complete:
    what it knows about one object become methods of base, and MyClass its class."""
    base.on_event = lambda self, event: event
    for name in METHODS["MyClass"]:
        if method := getattr(module, "method_" + name, None):
            setattr(base, name, method)
    module.MyClass = MyClass
    return module


def strategy(name):
    """Our own strategy called name, with the guarantees it declares."""
    import pyobject_preservation as pp

    declared = pp.declaration(name)
    unloadable = f"needs the GIL: {declared['needs_gil']}" if declared["needs_gil"] and gil_is_off() else ""
    subject = Subject(
        None if unloadable else pp.strategy(name),
        name=name,
        kind="strategy",
        idea=declared["idea"],
        shipped_by=declared["shipped_by"],
        breaks=declared["breaks"],
        not_applicable=declared["not_applicable"],
    )
    subject.unloadable, subject.needs_gil = unloadable, declared["needs_gil"]
    return subject


def gil_is_off():
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def library(name):
    """The library called name; it need not be installed."""
    adapter = importlib.import_module(f"{__name__}.{LIBRARIES[name]}")
    return next(s for s in adapter.SUBJECTS if s.name == name)


@functools.cache
def missing(name):
    """Why the library called name is not available, "" if it is."""
    # In a new process: some libraries cannot be in one process with each other.
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import subjects\n"
        "try: subjects.library(sys.argv[2]).module\n"
        "except ImportError as e: print(e); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", code, os.path.dirname(HERE), name], capture_output=True, text=True)
    if done.returncode == 3:
        return " ".join(done.stdout.split()) or "it cannot be imported"
    return f"importing it failed: {done.stderr[-300:]}" if done.returncode else ""


def skipped():
    """{library: reason}: those that were asked for and are not available."""
    return {name: missing(name) for name in _asked() if name in LIBRARIES and missing(name)}


def _asked():
    import pyobject_preservation as pp

    asked = os.environ.get("MATRIX_SUBJECTS", "").replace(",", " ").split()
    for name in asked:
        if name not in pp.STRATEGIES and name not in LIBRARIES:
            raise LookupError(
                f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}, "
                f"and of libraries {', '.join(LIBRARIES)}"
            )
    return asked or [*pp.STRATEGIES, *(LIBRARIES if os.environ.get("MATRIX_PEERS") else ())]


def names():
    """The subjects of this run: all strategies, or those named in MATRIX_SUBJECTS;
    with MATRIX_PEERS the libraries, too, each after the strategy that it ships."""
    import pyobject_preservation as pp

    asked = _asked()
    libraries = [library(name) for name in LIBRARIES if name in asked and not missing(name)]
    found = []
    for name in pp.STRATEGIES:
        found += [name] if name in asked else []
        found += [s.name for s in libraries if s.ships == name]
    return found + [s.name for s in libraries if s.name not in found]


def load(name):
    """The subject called name."""
    return library(name) if name in LIBRARIES else strategy(name)


def _adopt_adapters(paths):
    """Adapters from elsewhere: files with SUBJECTS, as those of this folder."""
    for path in filter(None, paths.split(os.pathsep)):
        stem = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location(f"{__name__}.{stem}", path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        LIBRARIES.update({s.name: stem for s in module.SUBJECTS})


_adopt_adapters(os.environ.get("MATRIX_ADAPTERS", ""))
