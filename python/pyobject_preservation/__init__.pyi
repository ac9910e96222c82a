from collections.abc import Mapping
from types import ModuleType
from typing import Any, type_check_only

from . import (
    finalizer as finalizer,
    gcowned as gcowned,
    ghost as ghost,
    handletable as handletable,
    instancemap as instancemap,
    intrusive as intrusive,
    mirrored as mirrored,
    naive as naive,
    nativedict as nativedict,
    preserve as preserve,
    toggleref as toggleref,
)
from . import _strategy

__all__ = ["REFERENCES", "STRATEGIES", "declaration", "reference", "strategy"]

STRATEGIES: tuple[str, ...]
REFERENCES: tuple[str, ...]

def declaration(name: str, /) -> Mapping[str, Any]: ...

def strategy(name: str, /) -> _Strategy: ...
def reference(name: str, /) -> Any: ...  # part of a strategy's interface

@type_check_only
class _Strategy(ModuleType):
    """The module of a strategy that the type checker does not know by name."""

    MyClass = _strategy.MyClass
    MyClassRef = _strategy.MyClassRef
    GUARANTEES: Mapping[str, Any]
    new_native = staticmethod(_strategy.new_native)
    live_objects = staticmethod(_strategy.live_objects)
    settle = staticmethod(_strategy.settle)
    synchronize = staticmethod(_strategy.synchronize)
    release_from_goroutines = staticmethod(_strategy.release_from_goroutines)
    stats = staticmethod(_strategy.stats)
