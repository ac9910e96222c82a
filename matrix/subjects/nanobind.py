"""nanobind, whose shared_ptr and intrusive counter own a reference to the wrapper."""

from . import Library, native

REFUSES = {
    "incompatible function arguments": "the native object is made in __init__, and before or without it every use is refused",
}
EVERYWHERE = [
    ("breaks", "S7", "its classes have a metaclass of their own, which ABCMeta and Protocol do not get along with"),
    ("breaks", "C1", "copying is refused with CPython's own words only, which do not say why"),
    ("breaks", "D1", "an int of more than 64 bits is a TypeError, not an OverflowError"),
    ("breaks", "G6 G6[self]", "gc does not see the Python reference that a native reference owns"),
    ("breaks", "S9", "its trampolines look methods up on the class, not on the instance"),
    ("breaks", "G9", "gc does not see what the native object holds"),
    ("hung", "T3", "the thread that lets go runs __del__ itself, with the lock held"),
    ("breaks", "X2 X3", "letting go takes the GIL, which cannot be had when the interpreter has gone"),
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
            ("breaks", "I7", "an object born in native code is held by a plain shared_ptr, and its wrappers come and go"),
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
            ("crashed", "I9", "gc that runs while a wrapper is made may wrap the same object; the second wrapper aborts the process"),
        ],
    ),
]
