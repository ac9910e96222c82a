"""The suite's own adapters: strategies and libraries.

strategies.py has the suite's strategies, which `make matrix` runs. Every other file has adapters to one library,
or to extensions without the suite such as those of takehome/; `make peers` runs those that are available.
`--lifetimes subjects:NAME,...` names any of them.
"""

import functools
import importlib
import os
import sys

import lifetimes
from lifetimes import NotApplicable, subject

__all__ = ["ADAPTERS", "HERE", "LIBRARIES", "Library", "NotApplicable", "adopt", "load", "missing", "native"]

HERE = os.path.dirname(os.path.abspath(__file__))

# The adapters to libraries, in the order of the report.
ADAPTERS = ("takehome", "pybind11", "nanobind", "boost", "swig", "torch", "pygobject", "pyside6", "vtk")
SUBJECTS = [f"{__name__}.{adapter}" for adapter in ("strategies", *ADAPTERS)]


class Library(lifetimes.Adapter):
    """A library, compared with the strategy that it ships.

    ships       that strategy
    idea        how the library does it, in one line
    load        imports the library and returns the module for the matrix; raises
                ImportError, with the reason, if it is not available
    differs     [(outcome, "property property ...", reason)]: what is not as it is
                with the strategy. Everything else is, for the strategy's reason.
                "crashed|breaks": one of these, as the moment has it
    refuses     as in lifetimes.Adapter
    unmeasured  [(reason, "benchmark benchmark/keys ...")]: what cannot be measured
    note        what to know about its times
    """

    optional = True
    name = idea = None  # of each

    def __init__(self, name, *, ships, idea, load, differs=(), refuses=None, unmeasured=(), note=""):
        super().__init__()
        self.load = load
        self.name, self.idea, self.ships, self.note = name, idea, ships, note
        self.refuses = dict(refuses or {})
        self.unmeasured = {"CallGo": "its methods are not in Go"}
        self.unmeasured |= {name: reason for reason, names in unmeasured for name in names.split()}
        self.declared = {}
        for outcome, ids, reason in differs:
            for property_id in ids.split():
                assert property_id not in self.declared, f"{name} says twice what {property_id} does"
                self.declared[property_id] = outcome, reason

    @property
    def foreign(self):
        from . import strategies

        return strategies.other_than(None)

    def presumed(self, property_id):
        return self.shipped(property_id) or ("holds", "")

    def shipped(self, property_id):
        """What the strategy that it ships declares; None if we do not have it."""
        import pyobject_preservation as pp

        return load(self.ships).expected(property_id) if self.ships in pp.STRATEGIES else None


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
    for name in subject.METHODS["MyClass"]:
        if method := getattr(module, "method_" + name, None):
            setattr(base, name, method)
    module.MyClass = MyClass
    return module


@functools.cache
def _libraries():
    adapters = [(adapter, importlib.import_module(f"{__name__}.{adapter}")) for adapter in ADAPTERS]
    return {library.name: adapter for adapter, module in adapters for library in module.SUBJECTS}


def __getattr__(name):
    """LIBRARIES: the adapter of each library, by name."""
    if name == "LIBRARIES":
        return _libraries()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(name):
    """The subject called name, a strategy or a library, which need not be installed."""
    return subject.load(f"{__name__}.{_libraries().get(name, 'strategies')}:{name}")


@functools.cache
def missing(name):
    """Why the library called name is not available, "" if it is."""
    return subject.missing(load(name).spec)
