from collections.abc import Mapping
from types import ModuleType
from typing import Any, type_check_only

from . import _strategy
from . import (
    finalizer as finalizer,
)
from . import (
    gcowned as gcowned,
)
from . import (
    ghost as ghost,
)
from . import (
    handletable as handletable,
)
from . import (
    instancemap as instancemap,
)
from . import (
    intrusive as intrusive,
)
from . import (
    mirrored as mirrored,
)
from . import (
    naive as naive,
)
from . import (
    nativedict as nativedict,
)
from . import (
    preserve as preserve,
)
from . import (
    toggleref as toggleref,
)

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
