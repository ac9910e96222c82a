"""pybind11, whose smart pointers and trampolines decide what happens."""

import sys

from . import Library, native
from .reasons import COPY, DEL_UNDER_LOCK, DESTROYED_FIRST, LARGE_INT, METACLASS, NO_GIL_LEFT, OWNED_UNSEEN, UNSEEN

REFUSES = {
    "must be called when overriding __init__": "the native object is made in __init__, and a class that skips it gets this error",
    "Unable to cast from non-held": "the native object is made in __init__, and there is none before",
    "None is not a MyClass": "the native object is made in __init__; before, native code is given none",
}
NOT_COLLECTED = "up to CPython 3.11, an instance of a Python subclass that refers to itself is never collected"
EVERYWHERE = [
    ("breaks", "S7", METACLASS),
    ("breaks", "W8", DESTROYED_FIRST),
    ("breaks", "D1", LARGE_INT),
    ("breaks", "C1", COPY),
    ("breaks", "G9 G9[two] G9[list] G14[callback]", UNSEEN),
    ("hung", "N1", "using it in a subinterpreter never returns"),
    *([("breaks", "F9", NOT_COLLECTED)] if sys.version_info < (3, 12) else []),
]
# For those whose wrappers die while native code holds the object.
DYING = ("crashed", "S10", "the map still has a wrapper whose __slots__ are being cleared, and a wrap then gets it")

SUBJECTS = [
    Library(
        "pybind11-shared_ptr",
        ships="instancemap",
        idea="a std::shared_ptr in the wrapper, and a map from object to live wrapper",
        load=lambda: native("pybind11_shared_ptr"),
        refuses=REFUSES,
        differs=[*EVERYWHERE, DYING],
    ),
    Library(
        "pybind11-smart_holder",
        ships="instancemap",
        idea="py::smart_holder without a trampoline: as with std::shared_ptr",
        load=lambda: native("pybind11_smart_holder"),
        refuses=REFUSES,
        differs=[*EVERYWHERE, DYING],
    ),
    Library(
        "pybind11-life_support",
        ships="toggleref",
        idea="py::smart_holder with trampoline_self_life_support: the native reference owns one to the wrapper",
        load=lambda: native("pybind11_life_support"),
        refuses=REFUSES,
        differs=[
            *EVERYWHERE,
            ("hung", "T3", DEL_UNDER_LOCK),
            ("breaks", "X2 X3", NO_GIL_LEFT),
            ("breaks", "I7", "an object born in native code has no trampoline, and its wrappers come and go"),
            ("breaks", "G6 G6[self] G14", OWNED_UNSEEN),
            *([("breaks", "S9[bound]", NOT_COLLECTED)] if sys.version_info < (3, 12) else []),
        ],
    ),
]
