"""cffi, with a Python class around each pointer, as its documentation has it."""

import types

from . import Library, native
from .reasons import UNSEEN

DESTRUCTOR = "in a garbage cycle the destructor of ffi.gc() may run before __del__ of the wrapper that has the pointer"
PLAIN = "a wrapper is a plain Python object, and a copy of it has the same native object"


def load():
    ffi, lib = native("cffi_pointer").ffi, native("cffi_pointer").lib
    callbacks = set()  # handles, which are valid while there is a reference to them

    def owned(ref):
        return ffi.gc(ref, lib.native_release)

    def released(owner):
        """What owner had, for the caller to release."""
        ref, owner._native = owner._native, None
        if ref is None:
            return []
        ffi.gc(ref, None)
        return [ref]

    class MyClass:
        def __init__(self, message=""):
            self._native = owned(lib.native_new(text(message)))

        def id(self):
            return lib.native_id(native_of(self, MyClass))

        def message(self):
            return ffi.string(lib.native_message(native_of(self, MyClass))).decode()

        def print_message(self):
            print(self.message())

        def on_event(self, event):
            return event

        def set_callback(self, callback):
            if callback is None:
                lib.native_set_callback(self._native, ffi.NULL, ffi.NULL, ffi.NULL)
                return
            if not callable(callback):
                raise ValueError("the callback cannot be called")
            handle = ffi.new_handle(callback)
            callbacks.add(handle)
            lib.native_set_callback(self._native, lib.call, handle, lib.forget)

        def append(self, child):
            lib.native_append(self._native, native_of(child, MyClass))

        def remove(self, child):
            if not lib.native_remove(self._native, native_of(child, MyClass)):
                raise ValueError("there is no edge to this native object")

        def children(self):
            n = lib.native_children(self._native, ffi.NULL, 0)
            refs = ffi.new("native_ref *[]", n)
            n = min(n, lib.native_children(self._native, refs, n))  # other threads may have removed some
            return [around(MyClass, ref) for ref in refs[0:n]]

    class MyClassRef:
        __slots__ = ("_native", "__weakref__")

        def __init_subclass__(cls):
            raise TypeError("MyClassRef cannot be subclassed")

        def __init__(self, obj):
            self._native = owned(lib.native_copy(native_of(obj, MyClass)))

        def get(self):
            return around(MyClass, lib.native_copy(native_of(self, MyClassRef)))

        def release(self):
            for ref in released(self):
                lib.native_release(ref)

        def release_from_goroutine(self, *, locked=False):
            release_on_threads([self], 1, True, locked)

        def release_after_python(self):
            for ref in released(self):
                lib.native_release_at_exit(ref)

        def wrap_from_goroutines(self, goroutines=4, times=1000):
            handle = ffi.new_handle(self)
            lib.native_call_on_threads(lib.wrap, handle, goroutines, times)

        def emit(self, event):
            return lib.native_emit(native_of(self, MyClassRef), event)

        def __repr__(self):
            return f"<MyClassRef of {self._native or 'what it has released'}>"

    def around(cls, ref):
        self = cls.__new__(cls)
        self._native = owned(ref)
        return self

    def native_of(obj, cls):
        if not isinstance(obj, cls):
            raise TypeError(f"a {cls.__name__} is wanted, not {type(obj).__name__}")
        if obj._native is None:
            raise ReferenceError("this MyClassRef has released its native object")
        return obj._native

    def text(message):
        if not isinstance(message, str):
            raise TypeError(f"message must be a str, not {type(message).__name__}")
        return message.encode()

    def release_on_threads(refs, threads, wait, locked):
        taken = [ref for owner in refs for ref in released(owner)]
        lib.native_release_on_threads(taken, len(taken), threads, wait, locked)

    @ffi.def_extern(name="call")
    def call(event, handle):
        return ffi.from_handle(handle)(event)

    @ffi.def_extern(name="forget")
    def forget(handle):
        callbacks.discard(handle)

    @ffi.def_extern(name="wrap")
    def wrap(handle):
        ffi.from_handle(handle).get()

    return types.SimpleNamespace(
        MyClass=MyClass,
        MyClassRef=MyClassRef,
        new_native=lambda message="": around(MyClassRef, lib.native_new(text(message))),
        release_from_goroutines=lambda refs, goroutines=8, wait=True: release_on_threads(refs, goroutines, wait, False),
        synchronize=lib.native_synchronize,
        live_objects=lib.native_live_objects,
    )


SUBJECTS = [
    Library(
        "cffi",
        ships="naive",
        idea="a new Python object for every wrap, around a pointer with ffi.gc()",
        load=load,
        note="the wrappers are Python code, as is usual with cffi",
        refuses={"'_native'": "the native object is made in __init__, and before or without it every use is refused"},
        differs=[
            ("breaks", "G9 G9[list] G9[two] G14[callback]", UNSEEN),
            ("breaks", "X2", "a C library that calls Python after finalization crashes"),
            ("breaks", "X5", DESTRUCTOR),
            ("breaks", "D2", "object.__new__ makes a wrapper of nothing"),
            ("breaks", "C1", PLAIN),
        ],
    ),
]
