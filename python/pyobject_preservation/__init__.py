"""PyObject preservation strategies, compared.

What should happen to a Python wrapper that dies before the native object behind
it? Each strategy is one answer, as a module of its own with the same classes::

    import pyobject_preservation as pp

    m = pp.strategy("preserve")        # or: import pyobject_preservation.preserve as m
    obj = m.MyClass()                  # a native object and its wrapper
    ref = m.MyClassRef(obj)            # native code holds it, too
    del obj                            # the wrapper dies; the native object does not
    obj = ref.get()                    # is it the same one? ask m.GUARANTEES

STRATEGIES   the names of all strategies, in suite order
REFERENCES   what strategies are measured against: "floor", a bare extension that does no
             lifetime work, and "baseline", the suite's classes with no lifetime policy;
             reference(name) has part of a strategy's interface
"""

import json as _json
import sys as _sys
from importlib.machinery import ModuleSpec as _ModuleSpec
from types import MappingProxyType as _MappingProxyType

from . import _core

__all__ = ["REFERENCES", "STRATEGIES", "declaration", "reference", "strategy"]

_declarations = {d["name"]: d for d in _json.loads(_core.declarations())}

STRATEGIES = tuple(name for name, d in _declarations.items() if d["lacks"] is None)
REFERENCES = tuple(name for name, d in _declarations.items() if d["lacks"] is not None)


def declaration(name, /):
    """What the strategy called name declares: GUARANTEES of its module, which need not be loaded.

    Raises ValueError, which lists the names there are, for any other.
    """
    if name not in STRATEGIES:
        raise ValueError(f"no strategy is called {name!r}; there are {', '.join(STRATEGIES)}")
    declared = _whole(name)
    del declared["lacks"]
    return _MappingProxyType(declared)


def _whole(name):
    declared = dict(_declarations[name])
    for key in ("breaks", "not_applicable"):
        declared[key] = _MappingProxyType(declared[key] or {})
    declared["shipped_by"] = tuple(declared["shipped_by"] or ())
    return declared


class _Strategies:
    """Finder and loader of the strategies' modules, which _core makes when they are first asked for."""

    package = __name__

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.rpartition(".")
        if package == self.package and name in STRATEGIES:
            return _ModuleSpec(fullname, self, origin=_core.__file__)
        return None

    def create_module(self, spec):
        return _core.strategy(spec.name.rpartition(".")[2])

    def exec_module(self, module):
        declared = declaration(module.__name__.rpartition(".")[2])
        module.__doc__ = (
            f"The {declared['name']} strategy.\n\n{declared['idea']}.\n\n"
            "GUARANTEES says what it keeps: identity and weakref (True: kept over a death\n"
            "and return; over any number of them unless I3 breaks),\n"
            'breaks and not_applicable ({property of the matrix: reason}), needs_gil (why, or ""),\n'
            "idea, shipped_by."
        )
        module.GUARANTEES = declared


_strategies = _Strategies()
# This package may be loaded again: the finder of the one before refers to that one.
_sys.meta_path[:] = [f for f in _sys.meta_path if getattr(f, "package", None) != __name__] + [_strategies]


def strategy(name, /):
    """The module of the strategy called name; the same one every time.

    Raises ValueError, which lists the names there are, for any other; RuntimeError for one that
    needs the GIL (needs_gil in its declaration) where the GIL is off, as the import statement does.
    """
    full_name = f"{__name__}.{declaration(name)['name']}"
    module = _sys.modules.get(full_name)
    if not hasattr(module, "GUARANTEES"):
        # As importlib does it, but for its locks, which fail without memory: any number of threads
        # may do this at once, with the same module.
        spec = _strategies.find_spec(full_name)
        module = _strategies.create_module(spec)
        module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, __name__
        _strategies.exec_module(module)
        globals()[name] = _sys.modules[full_name] = module
    return module


def reference(name, /):
    """The module of the reference called name; the same one every time.

    GUARANTEES has identity and weakref, and lacks: {operation of the benchmarks: why it has none}.
    Raises ValueError, which lists the names there are, for any other.
    """
    if name not in REFERENCES:
        raise ValueError(f"no reference is called {name!r}; there are {', '.join(REFERENCES)}")
    module = _core.strategy(name)
    if not hasattr(module, "GUARANTEES"):
        module.GUARANTEES = _MappingProxyType(_whole(name))
        module.__doc__ = f"The reference {name}.\n\n{_declarations[name]['idea']}."
    return module


def __getattr__(name):
    if name in STRATEGIES:
        return strategy(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *STRATEGIES})
