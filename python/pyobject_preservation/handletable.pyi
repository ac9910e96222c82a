from typing_extensions import disjoint_base

from . import _strategy
from ._strategy import (
    GUARANTEES as GUARANTEES,
)
from ._strategy import (
    MyClassRef as MyClassRef,
)
from ._strategy import (
    live_objects as live_objects,
)
from ._strategy import (
    new_native as new_native,
)
from ._strategy import (
    release_from_goroutines as release_from_goroutines,
)
from ._strategy import (
    settle as settle,
)
from ._strategy import (
    stats as stats,
)
from ._strategy import (
    synchronize as synchronize,
)

@disjoint_base
class MyClass(_strategy.MyClass):
    def handle(self) -> int: ...
    def close(self) -> None: ...
    @staticmethod
    def from_handle(handle: int, /) -> MyClass: ...
