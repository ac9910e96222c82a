"""TVM-FFI. The objects are its own, with the core's inside."""

import sys
import types

from . import Library, native
from .reasons import COPY, METACLASS, UNSEEN

NULL = "an object whose __init__ was skipped has no native object, and using it crashes"


def load():
    sys.modules.setdefault("torch", None)  # which it would import, and compile something for
    import tvm_ffi

    tvm_ffi.load_module(native("tvm_object").PATH)
    for error in (ReferenceError, LookupError):
        tvm_ffi.register_error(error.__name__, error)

    @tvm_ffi.register_object("matrix.MyClass")
    class MyClass(tvm_ffi.Object):
        __slots__ = ("__dict__", "__weakref__")

        def __init__(self, message=""):
            self.__ffi_init__(message)

        def print_message(self):
            print(self.message())

        def children(self):
            return list(self.edges())

    @tvm_ffi.register_object("matrix.MyClassRef")
    class MyClassRef(tvm_ffi.Object):
        def release_from_goroutine(self, *, locked=False):
            release_on_threads([self], 1, True, locked)

        def wrap_from_goroutines(self, goroutines=4, times=1000):
            call_on_threads(self.get, goroutines, times)

        def __repr__(self):
            return self.repr()

    release_on_threads = tvm_ffi.get_global_func("matrix.release_on_threads")
    call_on_threads = tvm_ffi.get_global_func("matrix.call_on_threads")
    born = tvm_ffi.get_global_func("matrix.new_native")
    return types.SimpleNamespace(
        MyClass=MyClass,
        MyClassRef=MyClassRef,
        new_native=lambda message="": born(message),
        release_from_goroutines=lambda refs, goroutines=8, wait=True: release_on_threads(refs, goroutines, wait, False),
        synchronize=tvm_ffi.get_global_func("matrix.synchronize"),
        live_objects=tvm_ffi.get_global_func("matrix.live_objects"),
    )


SUBJECTS = [
    Library(
        "tvm-ffi",
        ships="naive",
        idea="a new wrapper for every wrap, around an object with a count in it",
        load=load,
        differs=[
            ("holds", "I5 I8 I10", "== and hash compare the native objects"),
            ("breaks", "S7", METACLASS),
            ("crashed", "F9 D2", NULL),
            ("breaks", "G9 G9[list] G9[two] G14[callback]", UNSEEN),
            ("breaks", "X6", "its handler of SIGSEGV takes the place of faulthandler's"),
            ("breaks", "D1", "an argument of the wrong type is called by its number, not by its name"),
            ("breaks", "C1", COPY),
        ],
    ),
]
