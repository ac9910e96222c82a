"""VTK. Its objects are vtkInformation, which native code holds in vtkInformationVector."""

import itertools
import threading
import types

from . import Library, NotApplicable

NO_THREAD = "no function of VTK in Python releases on another thread, without the GIL"
NO_EVENT = "VTK calls functions that observe an object, and never a method of its wrapper"


def load():
    from vtkmodules.vtkCommonCore import vtkCollection, vtkInformation, vtkInformationVector
    from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkSelectionNode

    # What an object carries natively, under keys that VTK itself defines.
    ID, MESSAGE, EDGES = vtkDataObject.FIELD_NUMBER_OF_COMPONENTS(), vtkDataObject.FIELD_NAME(), vtkSelectionNode.PROP()
    ids, live, lock = itertools.count(1), [0], threading.RLock()

    def died(obj, event):
        live[0] -= 1

    def adopt(obj):
        """Give an object its number, and count its death."""
        obj.AddObserver("DeleteEvent", died)
        obj.Set(ID, next(ids))
        return obj

    @vtkInformation.override  # so that one born in native code is a MyClass, too
    class MyClass(vtkInformation):
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            live[0] += 1
            return adopt(self)

        def __init__(self, message=None):  # called for each wrapper, and with a message for a new object only
            if message is not None:
                self.Set(MESSAGE, text(message))

        def id(self):
            return vtkInformation.Get(self, ID)

        def message(self):
            return self.Get(MESSAGE) or ""

        def print_message(self):
            print(self.message())

        def on_event(self, event):
            return event

        def set_callback(self, callback):
            raise NotApplicable(NO_EVENT)

        def append(self, child):
            wanted(child)
            with lock:
                if not self.Has(EDGES):
                    self.Set(EDGES, vtkCollection())
                self.Get(EDGES).AddItem(child)

        def children(self):
            with lock:
                edges = self.Get(EDGES)
                return [edges.GetItemAsObject(i) for i in range(edges.GetNumberOfItems())] if edges else []

        def remove(self, child):
            wanted(child)
            with lock:
                edges = self.Get(EDGES)
                if not edges or not edges.IsItemPresent(child):
                    raise ValueError("there is no edge to this native object")
                edges.RemoveItem(child)

    class MyClassRef:
        __slots__ = ("vector",)

        def __init_subclass__(cls):
            if cls.__module__ != __name__:
                raise TypeError("MyClassRef cannot be subclassed")

        def __init__(self, obj):
            self.vector = vtkInformationVector()
            self.vector.SetInformationObject(0, wanted(obj))

        def get(self):
            if not isinstance(self, MyClassRef):
                raise TypeError(f"a MyClassRef is wanted, not {type(self).__name__}")
            if self.vector is None:
                raise ReferenceError("this MyClassRef has released its native object")
            return self.vector.GetInformationObject(0)

        def release(self):
            self.vector = None

        def __repr__(self):
            return f"<MyClassRef of {self.vector or 'what it has released'}>"

        def release_from_goroutine(self, *args, **kwargs):
            raise NotApplicable(NO_THREAD)

        release_after_python = wrap_from_goroutines = release_from_goroutine

        def emit(self, event):
            raise NotApplicable(NO_EVENT)

    class Born(MyClassRef):
        """A reference to an object that VTK made itself."""

        __slots__ = ("seen",)

        def __init__(self, message=""):
            text(message)
            self.vector, self.seen = vtkInformationVector(), False
            self.vector.SetNumberOfInformationObjects(1)
            live[0] += 1

        def get(self):
            obj = super().get()
            with lock:  # of threads that race for the first wrap, one adopts it
                if not obj.Has(ID):
                    adopt(obj)
                    self.seen = True
                    live[0] += self.vector is None  # released while it was wrapped, and taken for dead
            return obj

        def release(self):
            if self.vector and not self.seen:
                live[0] -= 1  # its death is not observed
            super().release()

        __del__ = release

    def text(message):
        if not isinstance(message, str):
            raise TypeError(f"message must be a str, not {type(message).__name__}")
        return message

    def wanted(obj):
        if not isinstance(obj, MyClass):
            raise TypeError(f"a MyClass is wanted, not {type(obj).__name__}")
        return obj

    return types.SimpleNamespace(MyClass=MyClass, MyClassRef=MyClassRef, new_native=Born, live_objects=lambda: live[0])


SLOTS = "an instance of a class with __slots__ crashes when it dies"

SUBJECTS = [
    Library(
        "vtk",
        ships="ghost",
        idea="class and __dict__ stay behind as a ghost, if there is anything to keep",
        load=load,
        unmeasured=[
            (NO_EVENT, "Callbacks"),
            ("looking for ghosts takes time in proportion to their number", "GC/objs=100000 Hold/objs=200000 Memory"),
            ("the adapter does what a first wrap would have to do", "WrapFirst"),
        ],
        note="the adapter's MyClassRef and methods are Python code",
        refuses={
            "returned NULL without setting an exception": "an exception raised by a constructor becomes a SystemError"
        },
        differs=[
            ("crashed", "S3 S7 S10 F3 F4 F7 G3 G3[two] G4 G8 G10 G12 L4 C1", SLOTS),
            ("breaks", "X1 X5", SLOTS),
            ("crashed", "F5", "a wrapper that dies while an exception is on its way crashes"),
            ("crashed", "W7", "a weak reference's callback gets the dying wrapper"),
            ("breaks", "S6 F10", "a wrapper that dies keeps a reference to its class"),
            ("breaks", "N1", "in a subinterpreter its modules do not find each other's classes"),
            ("breaks", "F9", "an exception raised by a constructor becomes a SystemError"),
            ("breaks", "G6 G14", "gc does not see what native code holds"),
            ("breaks", "G13", "gc does not see that a ghost keeps its class"),
            (
                "crashed|hung",
                "G11",
                "its own collector walks the whole chain of native references at every step; it dies of a shorter chain",
            ),
            ("n/a", "S8 S9 S9[bound] F12 G9 G9[two] G9[list] G14[callback] L5 X2 X3 X6 D1", NO_EVENT),
            ("n/a", "T2 T3 T4 T5 L2 X4", NO_THREAD),
        ],
    ),
]
