"""PySide6. Native code holds a QObject by being its parent."""

import itertools
import types

from . import Library, NotApplicable
from .reasons import COPY, METACLASS, OWNED_UNSEEN

NO_THREAD = "a QObject belongs to a thread, and may not be released on another one"
ONE_PARENT = "a QObject has one parent, and that is what holds it here"
NO_EVENT = "the adapter has no native code that calls a virtual method"
NO_BIRTH = "what makes a QObject in native code for Python hands out its wrapper at once"


def load():
    from PySide6.QtCore import SIGNAL, SLOT, QObject

    # Every object is connected to a signal that is never sent, and the signal knows
    # how many there are. A Python function connected to destroyed would tell as
    # well, in a time that grows with their number.
    ids, register, signal = itertools.count(1), QObject(), SIGNAL("objectNameChanged(QString)")

    class MyClass(QObject):
        def __new__(cls, *args, **kwargs):
            return super().__new__(cls)

        def __init__(self, message=""):
            if not isinstance(message, str):
                raise TypeError(f"message must be a str, not {type(message).__name__}")
            super().__init__()
            QObject.connect(register, signal, self, SLOT("deleteLater()"))
            self.setProperty("id", next(ids))
            self.setProperty("message", message)

        def id(self):
            return self.property("id")

        def message(self):
            return self.property("message")

        def print_message(self):
            print(self.message())

        def on_event(self, event):
            return event

        def set_callback(self, callback):
            raise NotApplicable(NO_EVENT)

        def children(self):
            return []

        def append(self, child):
            raise NotApplicable(ONE_PARENT)

        remove = append

    class MyClassRef:
        """Those of one object share its parent, which counts them."""

        __slots__ = ("parent",)

        def __init_subclass__(cls):
            raise TypeError("MyClassRef cannot be subclassed")

        def __init__(self, obj):
            self.parent = None
            if not isinstance(obj, MyClass):
                raise TypeError(f"a MyClass is wanted, not {type(obj).__name__}")
            parent = obj.parent()
            if parent is None:
                parent = QObject()
                obj.setParent(parent)
            parent.setProperty("count", (parent.property("count") or 0) + 1)
            self.parent = parent

        def get(self):
            if self.parent is None:
                raise ReferenceError("this MyClassRef has released its native object")
            return self.parent.children()[0]

        def release(self):
            parent, self.parent = self.parent, None
            if parent is not None:
                count = parent.property("count") - 1
                parent.setProperty("count", count)
                if count == 0:
                    parent.children()[0].setParent(None)

        __del__ = release

        def __repr__(self):
            return f"<MyClassRef of {self.parent or 'what it has released'}>"

        def release_from_goroutine(self, *args, **kwargs):
            raise NotApplicable(NO_THREAD)

        release_after_python = wrap_from_goroutines = release_from_goroutine

        def emit(self, event):
            raise NotApplicable(NO_EVENT)

    def new_native(message=""):
        raise NotApplicable(NO_BIRTH)

    return types.SimpleNamespace(
        MyClass=MyClass, MyClassRef=MyClassRef, new_native=new_native, live_objects=lambda: register.receivers(signal)
    )


SUBJECTS = [
    Library(
        "pyside6",
        ships="toggleref",
        idea="the parent's wrapper owns a Python reference to the child's",
        load=load,
        unmeasured=[
            (NO_EVENT, "Callbacks"),
            (NO_BIRTH, "WrapFirst Tree"),
            ("it would take minutes", "GC/objs=100000 Hold/objs=200000"),
        ],
        note="the adapter's MyClassRef and methods are Python code",
        refuses={
            "method of object's base class": "the native object is made in __init__, and a class that skips it gets this error"
        },
        differs=[
            ("n/a", "I4 I6 I7 I9 F5 T5 X4 D1", NO_BIRTH),
            ("n/a", "S8 S9 S9[bound] F12 G9 G9[two] G9[list] G14[callback] L5 X3 X6", NO_EVENT),
            ("n/a", "I10 W7 F6 F7 F11[edge] T7 G7 G8 G10 G11 L2 X1 X2 X5", ONE_PARENT),
            ("n/a", "T2 T3 T4", NO_THREAD),
            ("crashed", "S3 G3", "an instance of a class with __slots__ on two levels crashes when it dies"),
            ("crashed", "F10", "a __class__ assigned in __del__ crashes"),
            ("breaks", "G14", OWNED_UNSEEN),
            ("breaks", "N1", "using it in a subinterpreter crashes"),
            ("breaks", "S7", METACLASS),
            ("breaks", "C1", COPY),
        ],
    ),
]
