"""SWIG, with its proxy classes."""

from . import Library, native
from .reasons import UNSEEN

DIRECTOR = "the native object goes on calling the proxy, which it does not hold, after its death"

SUBJECTS = [
    Library(
        "swig",
        ships="naive",
        idea="a new proxy for every wrap, around a shared_ptr",
        load=lambda: native("swig_proxy"),
        refuses={"in method '": "the native object is made in __init__, and before or without it every use is refused"},
        differs=[
            ("crashed", "S8 S9 S9[bound] G10", DIRECTOR),
            ("crashed|breaks", "X5", DIRECTOR),
            ("breaks", "G9 G9[two] G9[list] G14[callback]", UNSEEN),
            ("breaks", "N1", "a second interpreter does not get its classes"),
            ("breaks", "D1", "None is taken for a native reference to nothing"),
            ("breaks", "D2", "object.__new__ makes a proxy of nothing"),
            ("breaks", "C1", "a proxy is a plain Python object, and a copy of it has the same native object"),
        ],
    ),
]
