"""The suite's strategies, with the guarantees that they declare."""

import sys

import lifetimes
import pyobject_preservation as pp


class Strategy(lifetimes.Adapter):
    kind = "strategy"
    name = idea = shipped_by = needs_gil = None  # of each

    def __init__(self, name, **declared):
        """declared: in place of what the strategy declares, such as breaks={property: reason}."""
        super().__init__()
        says = {**pp.declaration(name), **declared}
        self.name, self.idea = name, says["idea"]
        self.shipped_by, self.needs_gil = says["shipped_by"], says["needs_gil"]
        self.declared = {p: ("breaks", why) for p, why in says["breaks"].items()}
        self.declared |= {p: ("n/a", why) for p, why in says["not_applicable"].items()}
        self.unloadable = f"needs the GIL: {self.needs_gil}" if self.needs_gil and gil_is_off() else ""
        self.afresh = f"import pyobject_preservation as p\np.strategy({name!r}).MyClass().id()"

    def load(self):
        return pp.strategy(self.name)

    @property
    def foreign(self):
        return other_than(self.name)


def other_than(name):
    """The module of some other strategy."""
    return next(pp.strategy(n) for n in pp.STRATEGIES if n != name)


def gil_is_off():
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


SUBJECTS = [Strategy(name) for name in pp.STRATEGIES]
