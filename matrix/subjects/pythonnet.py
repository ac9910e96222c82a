"""Python.NET. Native objects are .NET's, and .NET's garbage collector decides about their end."""

import itertools
import os
import types

from . import HERE, Library
from .deferred import Deferred


def load():
    import dotnetcore2.runtime
    import pythonnet

    def start():
        os.environ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"
        pythonnet.load(
            "coreclr",
            dotnet_root=os.path.dirname(dotnetcore2.runtime.get_runtime_path()),
            runtime_config=os.path.join(HERE, "native", "with_pythonnet.json"),
        )
        return module()

    return Deferred(start)


def module():
    import clr  # noqa: F401
    from System import GC, Object, WeakReference
    from System.Collections.Generic import List
    from System.Threading import Thread, ThreadStart

    ids, made = itertools.count(1), []

    class MyClass(Object):
        __namespace__ = "Matrix"

        def __init__(self, message=""):
            if not isinstance(message, str):
                raise TypeError(f"message must be a str, not {type(message).__name__}")
            self._id, self._message, self._edges, self._callback = next(ids), message, List[Object](), None
            made.append(WeakReference(self))

        def id(self):
            return self._id

        def message(self):
            return self._message

        def print_message(self):
            print(self._message)

        def on_event(self, event):
            return event

        def set_callback(self, callback):
            self._callback = callback

        def append(self, child):
            self._edges.Add(wanted(child))

        def remove(self, child):
            if not self._edges.Remove(wanted(child)):
                raise ValueError("there is no edge to this native object")

        def children(self):
            return list(self._edges)

    class MyClassRef:
        __slots__ = ("held",)

        def __init_subclass__(cls):
            raise TypeError("MyClassRef cannot be subclassed")

        def __init__(self, obj):
            self.held = List[Object]()
            self.held.Add(wanted(obj))

        def get(self):
            if not self.held.Count:
                raise ReferenceError("this MyClassRef has released its native object")
            return self.held[0]

        def release(self):
            self.held.Clear()

        def emit(self, event):
            obj = self.get()
            return (obj._callback or obj.on_event)(event)

        def release_from_goroutine(self, *, locked=False):
            thread = Thread(ThreadStart(self.held.Clear))
            thread.Start()
            thread.Join()

        def __repr__(self):
            return f"<MyClassRef of {self.held[0] if self.held.Count else 'what it has released'}>"

    def wanted(obj):
        if not isinstance(obj, MyClass):
            raise TypeError(f"a MyClass is wanted, not {type(obj).__name__}")
        return obj

    def live_objects():
        made[:] = [w for w in made if w.IsAlive]
        return len(made)

    def settle():
        for _ in range(2):
            GC.Collect()
            GC.WaitForPendingFinalizers()

    return types.SimpleNamespace(MyClass=MyClass, MyClassRef=MyClassRef, live_objects=live_objects, settle=settle)


NO_SLOTS = "a Python subclass of a .NET class has no __slots__"
NO_DICT = "its attributes are in a dict that Python code does not see"
CLEARED = "gc clears the attributes of a wrapper that .NET code holds"
TAKEN = "a wrapper that a weak reference's callback takes while it dies has lost its object"
LEAKS = "an instance of a class that is derived in Python once more is never freed"
SILENT = "weak references are cleared, without calling back, when Python drops the wrapper"
NO_BIRTH = ".NET code does not make instances of a class that is written in Python"
NO_DEL = "__del__ is never called"

SUBJECTS = [
    Library(
        "pythonnet",
        ships="gcowned",
        idea="a wrapper of a class derived in Python waits at reference count 0 until .NET's collector has found its object dead",
        load=load,
        uncounted="the .NET runtime does not run under valgrind",
        unmeasured=[(NO_BIRTH, "WrapFirst Tree"), (LEAKS, "Callbacks CreateSubclass")],
        note="the adapter's MyClassRef and methods are Python code",
        refuses={
            "do not support __slots__": NO_SLOTS,
            "no attribute '__dict__'": NO_DICT,
            "no attribute '_": CLEARED,
            "there is no edge": TAKEN,
        },
        differs=[
            ("n/a", "S2", NO_DICT),
            ("n/a", "S3 S6 S10 W3 F3 F4 F7 G3 G3[two] G4 G8 G10 G11 G12 L4 C1", NO_SLOTS),
            ("breaks", "X1 X2 X5", NO_SLOTS),
            ("breaks", "S7", "a class of Python's cannot be mixed in"),
            ("breaks", "S4 S8 F1 F8 F10 G13", LEAKS),
            ("breaks", "I10", "native objects are left over"),
            ("breaks", "S2[replaced]", NO_DICT),
            ("breaks", "S9[bound]", "neither collector sees the other's half of the cycle"),
            ("breaks", "F11[edge]", ".NET's garbage collector decides when a wrapper dies"),
            ("breaks", "G14[callback]", "gc does not see what is in the dict of a wrapper"),
            ("breaks", "T7", "List<object> does not always find a wrapper that has come back"),
            ("breaks", "W1 W1[proxy] W2 W5 W8 T6", SILENT),
            ("breaks", "W6 F2 F6 F12", NO_DEL),
            ("breaks", "W7", TAKEN),
            ("breaks", "G1 G1[two] G4[payload] G5 G9 G9[list] G9[two]", CLEARED),
            ("breaks", "N1", "loading the runtime starts a process, which a subinterpreter may not"),
            ("breaks", "L1", "the .NET heap grows by more before its first collection"),
        ],
    ),
]
