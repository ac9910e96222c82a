"""Cython, whose extension types hold C++ objects or Python objects."""

from . import Library, native
from .reasons import COPY, DEL_UNDER_LOCK, NO_GIL_LEFT, UNSEEN

SELF = "a method that is looked up on the class takes any object for self, and reads its memory"
DEEP = "a chain is destroyed by recursion, which overflows the stack with 200,000 objects and not with 30,000"

SUBJECTS = [
    Library(
        "cython-shared_ptr",
        ships="naive",
        idea="a new extension object for every wrap, around a std::shared_ptr",
        load=lambda: native("cython_shared_ptr"),
        refuses={
            "which was not called": "the native object is made in __init__, and before or without it every use is refused"
        },
        differs=[
            ("breaks", "C1", COPY),
            ("breaks", "G9 G9[list] G9[two] G14[callback]", UNSEEN),
            ("crashed|breaks", "D1", SELF),
            ("crashed|holds", "G11", DEEP),
        ],
    ),
    Library(
        "cython-attribute",
        ships="mirrored",
        idea="a native reference is an attribute of an extension type, which gc can follow",
        load=lambda: native("cython_attribute"),
        differs=[
            ("breaks", "C1", COPY),
            ("crashed|breaks", "D1", SELF),
            ("crashed|holds", "G11", DEEP),
            ("hung", "T3", DEL_UNDER_LOCK),
            ("breaks", "X3", NO_GIL_LEFT),
        ],
    ),
]
