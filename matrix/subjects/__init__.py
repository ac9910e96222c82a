"""What the matrix can run against.

A subject has the classes and functions of a strategy's module (MyClass,
MyClassRef, new_native, live_objects, ...) or part of them, and says which
properties it breaks, and why. Whatever it does not say, it promises.
"""

import os


class NotApplicable(Exception):
    """The subject does not have what the property is about."""


class Subject:
    """One column of the matrix.

    name             the column's head
    kind             "strategy", or "library" for somebody else's
    idea, shipped_by what it does, in one line; who works like this
    breaks           {property: reason}
    not_applicable   {property: reason}

    Anything else that is asked of it is looked up in its module; what the module
    does not have makes the property not applicable.
    """

    def __init__(self, module, *, name, kind, idea, shipped_by=(), breaks=None, not_applicable=None):
        self.module = module
        self.name = name
        self.kind = kind
        self.idea = idea
        self.shipped_by = tuple(shipped_by)
        self.breaks = dict(breaks or {})
        self.not_applicable = dict(not_applicable or {})

    def __getattr__(self, attribute):
        try:
            return getattr(self.module, attribute)
        except AttributeError:
            raise NotApplicable(f"{self.name} has no {attribute}") from None

    def __repr__(self):
        return f"<subject {self.name}>"

    def settle(self):
        """Have happen what is to follow from what was dropped or released, where that is not at once.

        Says nothing of Python's own garbage, which gc.collect() sees to.
        """
        getattr(self.module, "settle", lambda: None)()

    def expected(self, property_id):
        """("holds" | "breaks" | "n/a", reason)"""
        if property_id in self.not_applicable:
            return "n/a", self.not_applicable[property_id]
        if property_id in self.breaks:
            return "breaks", self.breaks[property_id]
        return "holds", ""


def strategy(name):
    """Our own strategy called name, with the guarantees it declares."""
    import pyobject_preservation as pp

    module = pp.strategy(name)
    declared = module.GUARANTEES
    return Subject(
        module,
        name=name,
        kind="strategy",
        idea=declared["idea"],
        shipped_by=declared["shipped_by"],
        breaks=declared["breaks"],
        not_applicable=declared["not_applicable"],
    )


def names():
    """The subjects of this run: all, or those named in MATRIX_SUBJECTS."""
    import pyobject_preservation as pp

    asked = os.environ.get("MATRIX_SUBJECTS", "").replace(",", " ").split()
    for name in asked:
        if name not in pp.STRATEGIES:
            raise LookupError(f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}")
    return [name for name in pp.STRATEGIES if not asked or name in asked]


def load(name):
    """The subject called name."""
    return strategy(name)
