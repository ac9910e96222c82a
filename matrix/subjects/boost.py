"""Boost.Python."""

from . import Library, native
from .reasons import DESTROYED_FIRST, OWNED_UNSEEN, UNSEEN

NO_SLOTS = "its instances vary in size, and CPython allows no __slots__ on those"

NO_GIL = "the Python reference is dropped without taking the GIL, so native code must have it to release"

SUBJECTS = [
    Library(
        "boost",
        ships="toggleref",
        idea="every shared_ptr made from a wrapper owns a Python reference to it",
        load=lambda: native("boost_python"),
        refuses={
            "nonempty __slots__ not supported": NO_SLOTS,
            "did not match C++ signature": "the native object is made in __init__, and before or without it every use is refused",
        },
        differs=[
            ("n/a", "S3 S6 S10 W3 F3 F4 F7 G3 G3[two] G4 G8 G10 G11 G12 L4 C1", NO_SLOTS),
            ("breaks", "S7 X1 X2 X5", NO_SLOTS),
            ("breaks", "G9 G9[two] G9[list] G14[callback]", UNSEEN),
            (
                "breaks",
                "I6 I7",
                "an object born in native code is held by a plain shared_ptr, and its wrappers come and go",
            ),
            ("breaks", "W8", DESTROYED_FIRST),
            (
                "breaks",
                "F9 S9[bound] G1 G1[two] G2 G5",
                "its classes take no part in gc: a cycle through __dict__ leaks",
            ),
            ("breaks", "G6 G6[self] G14", OWNED_UNSEEN),
            ("crashed", "T2 T3 L2", NO_GIL),
            ("crashed|breaks", "T4 T5", NO_GIL),
            ("breaks", "N1 X3 X4 X6", NO_GIL),
            ("breaks", "D1", "None is taken for a native reference to nothing"),
        ],
    ),
]
