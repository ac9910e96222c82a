"""PyO3, in the two ways in which a Rust value can hold another one."""

from . import Library, native
from .reasons import COPY, DESTROYED_FIRST, UNSEEN

REFUSES = {"MyClass.__new__()": "the native object is made in __new__, which takes a message and nothing else"}

EVERYWHERE = [
    ("breaks", "W8", DESTROYED_FIRST),
    ("breaks", "D1", "which argument is of the wrong type is in a note of the exception, not in its message"),
    ("breaks", "C1", COPY),
]

SUBJECTS = [
    Library(
        "pyo3-Arc",
        ships="naive",
        idea="a new Python object for every wrap, around an Arc",
        load=lambda: native("pyo3_arc"),
        refuses=REFUSES,
        differs=[
            *EVERYWHERE,
            ("breaks", "G9 G9[list] G9[two] G14[callback]", UNSEEN),
        ],
    ),
    Library(
        "pyo3-Py",
        ships="mirrored",
        idea="a native reference is a Py<T>, which __traverse__ shows to gc",
        load=lambda: native("pyo3_py"),
        refuses=REFUSES,
        differs=[
            *EVERYWHERE,
            ("crashed", "G11", "a chain of Py<T> is dropped by recursion, which overflows the stack"),
        ],
    ),
]
