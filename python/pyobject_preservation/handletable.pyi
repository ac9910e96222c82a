from typing_extensions import disjoint_base

from . import _strategy
from ._strategy import (
    GUARANTEES as GUARANTEES,
    MyClassRef as MyClassRef,
    live_objects as live_objects,
    new_native as new_native,
    release_from_goroutines as release_from_goroutines,
    settle as settle,
    stats as stats,
    synchronize as synchronize,
)

@disjoint_base
class MyClass(_strategy.MyClass):
    def handle(self) -> int: ...
    def close(self) -> None: ...
    @staticmethod
    def from_handle(handle: int, /) -> MyClass: ...
