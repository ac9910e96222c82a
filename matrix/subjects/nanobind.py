"""nanobind, whose shared_ptr and intrusive counter own a reference to the wrapper."""

from . import Library, native
from .reasons import COPY, DEL_UNDER_LOCK, LARGE_INT, METACLASS, NO_GIL_LEFT, OWNED_UNSEEN, UNSEEN

REFUSES = {
    "incompatible function arguments": "the native object is made in __init__, and before or without it every use is refused",
}
EVERYWHERE = [
    ("breaks", "S7", METACLASS),
    ("breaks", "C1", COPY),
    ("breaks", "D1", LARGE_INT),
    ("breaks", "G6 G6[self] G14", OWNED_UNSEEN),
    ("breaks", "S9 S9[bound]", "its trampolines look methods up on the class, not on the instance"),
    ("breaks", "G9 G9[two] G9[list] G14[callback]", UNSEEN),
    ("hung", "T3", DEL_UNDER_LOCK),
    ("breaks", "X2 X3", NO_GIL_LEFT),
    ("breaks", "N1", "in a subinterpreter it does not recognise its own classes any more"),
    ("breaks", "X1 X5", "prints a list of what leaked when the interpreter exits"),
]

SUBJECTS = [
    Library(
        "nanobind-shared_ptr",
        ships="toggleref",
        idea="every std::shared_ptr made from a wrapper owns a Python reference to it",
        load=lambda: native("nanobind_shared_ptr"),
        refuses=REFUSES,
        differs=[
            *EVERYWHERE,
            (
                "breaks",
                "I7",
                "an object born in native code is held by a plain shared_ptr, and its wrappers come and go",
            ),
        ],
    ),
    Library(
        "nanobind-intrusive",
        ships="intrusive",
        idea="once there is a wrapper, the native object counts with Python's reference count",
        load=lambda: native("nanobind_intrusive"),
        refuses=REFUSES,
        differs=[
            *EVERYWHERE,
            (
                "crashed",
                "I9",
                "gc that runs while a wrapper is made may wrap the same object; the second wrapper aborts the process",
            ),
        ],
    ),
]
