"""SIP, the generator of PyQt."""

from . import Library, native
from .reasons import COPY, DEL_UNDER_LOCK, METACLASS, NO_GIL_LEFT, OWNED_UNSEEN, UNSEEN

SUBJECTS = [
    Library(
        "sip",
        ships="toggleref",
        idea="ownership is transferred to C++ with the first native reference, which is an extra Python reference",
        load=lambda: native("sip_transfer"),
        refuses={
            "super-class __init__() of type": "the native object is made in __init__, and a class that skips it gets this error"
        },
        differs=[
            (
                "breaks",
                "I7",
                "an object born in native code is owned by C++ from the start, and its wrappers come and go",
            ),
            ("breaks", "S7", METACLASS),
            ("breaks", "G6 G6[self]", OWNED_UNSEEN),
            ("breaks", "G9 G9[list] G9[two] G14 G14[callback]", UNSEEN),
            ("hung", "T3", DEL_UNDER_LOCK),
            ("hung", "N1", "using it in a subinterpreter never returns"),
            ("holds|breaks", "X3", NO_GIL_LEFT),
            ("breaks", "D1", "every class can be subclassed"),
            ("breaks", "C1", COPY),
        ],
    ),
]
