"""JPype. Native objects are Java's, and so is their end: Java's garbage collector decides."""

import time
import types

from . import Library, native
from .deferred import Deferred
from .reasons import COPY, UNSEEN


def available():
    """jpype, and the path of the Java classes; ImportError if something is missing."""
    import jpype

    path = native("jpype_classes").PATH
    try:
        jpype.getDefaultJVMPath()
    except jpype.JVMNotFoundException as e:
        raise ImportError(f"{e}; on Debian or Ubuntu: apt-get install default-jdk-headless") from None
    return jpype, path


def load(customize):
    """customize(jpype) returns a function that emits, and members of the module."""
    jpype, path = available()

    def start():
        jpype.startJVM("-XX:+UseSerialGC", classpath=[path], interrupt=False)
        Ref, Native = jpype.JClass("MyClassRef"), jpype.JClass("Native")
        emit, members = customize(jpype)

        @jpype.JImplementationFor("MyClassRef")
        class Holder:
            def get(self):
                obj = self.held()
                if obj is None:
                    raise ReferenceError("this MyClassRef has released its native object")
                return obj

            def emit(self, event):
                return emit(self.get(), event)

            def release_from_goroutine(self, *, locked=False):
                Ref.releaseOnThreads([self], 1, True, locked)

            def wrap_from_goroutines(self, goroutines=4, times=1000):
                def wrap():
                    self.get()

                Ref.runOnThreads(wrap, goroutines, times)

            def __repr__(self):
                return f"<MyClassRef of {self.held() or 'what it has released'}>"

        def settle():
            alive = None
            for _ in range(100):  # of a chain through both collectors one link dies each time
                if alive == (alive := Native.live_objects()):
                    break
                for _ in range(3):
                    Native.collect()
                    time.sleep(0.01)  # for JPype's thread, which drops what Java's collector has found dead

        return types.SimpleNamespace(
            **members,
            MyClassRef=Ref,
            release_from_goroutines=lambda refs, goroutines=8, wait=True: Ref.releaseOnThreads(
                refs, goroutines, wait, False
            ),
            synchronize=Native.synchronize,
            live_objects=Native.live_objects,
            settle=settle,
        )

    return Deferred(start)


def bound(jpype):
    """Java objects as they are, with the methods that a customizer adds."""

    @jpype.JImplementationFor("MyClass")
    class Added:
        def message(self):
            return str(self.text())

        def print_message(self):
            print(self.text())

        def remove(self, child):
            if not self.removeEdge(child):
                raise ValueError("there is no edge to this native object")

        def children(self):
            return list(self.edges())

    MyClass, born = jpype.JClass("MyClass"), jpype.JClass("MyClassRef").born
    return MyClass.emit, {"MyClass": MyClass, "new_native": lambda message="": born(message)}


def implemented(jpype):
    """A Python class that implements a Java interface: Java code refers to its instances."""
    Proxied = jpype.JClass("Proxied")

    @jpype.JImplements(Proxied, deferred=True)
    class MyClass:
        def __init__(self, message=""):
            if not isinstance(message, str):
                raise TypeError(f"message must be a str, not {type(message).__name__}")
            self._state = Proxied.State(message)

        @jpype.JOverride
        def on_event(self, event):
            return event

        @jpype.JOverride
        def state(self):
            return self._state

        def id(self):
            return self._state.self.id

        def message(self):
            return str(self._state.self.message)

        def print_message(self):
            print(self.message())

        def set_callback(self, callback):
            self._state.callback = callback

        def append(self, child):
            self._state.children.add(child)

        def remove(self, child):
            if not Proxied.removeEdge(self._state, child):
                raise ValueError("there is no edge to this native object")

        def children(self):
            return list(self._state.children)

    return Proxied.emit, {"MyClass": MyClass}


NO_CLASSES = "a Java class cannot be extended in Python"
NO_ATTRIBUTES = "a Java object takes no attributes from Python"
NO_BIRTH = "Java code does not make instances of a class that is written in Python"
PROXY = "what is given to Java as a callback is a proxy, which refers to the function"
UNCOUNTED = "a Java virtual machine does not run under valgrind"

SUBJECTS = [
    Library(
        "jpype",
        ships="naive",
        idea="a new Python object for every Java reference that comes back",
        load=lambda: load(bound),
        uncounted=UNCOUNTED,
        unmeasured=[(NO_ATTRIBUTES, "Hold Tree"), (NO_CLASSES, "Callbacks CreateSubclass")],
        refuses={"cannot be extended": NO_CLASSES, "Field '": NO_ATTRIBUTES},
        differs=[
            ("holds", "I5 I8 I10", "== and hash are Java's equals and hashCode"),
            ("n/a", "I2 I3 I4 I7 S1 S2[replaced] W1[proxy] W7 G1 G1[two] G2 G4[payload] G5 G6 G6[self]", NO_ATTRIBUTES),
            ("n/a", "G7 G9 G9[two] G14 T1 T2 T4 L2", NO_ATTRIBUTES),
            ("breaks", "G9[list] G14[callback]", UNSEEN),
            ("breaks", "L5", PROXY),
            ("n/a", "I9 S3 S4 S5 S6 S7 S8 S9 S10 W3 W6 F1 F1[gc] F2 F3 F4 F5 F6 F7 F8 F9 F10 F11", NO_CLASSES),
            ("n/a", "S9[bound] F11[edge] F12 G3 G3[two] G4 G8 G10 G11 G12 G13 T3 T5 L1 L4 D2 C1", NO_CLASSES),
            ("breaks", "N1 N2 X1 X4", NO_ATTRIBUTES),
            ("breaks", "X2 X3 X5", NO_CLASSES),
            ("breaks", "D1", "None is taken for null, which the Java library refuses with an exception of its own"),
        ],
    ),
    Library(
        "jpype-proxy",
        ships="gcowned",
        idea="a Python class implements a Java interface; while Java refers to an instance, so does JPype",
        load=lambda: load(implemented),
        uncounted=UNCOUNTED,
        unmeasured=[(NO_BIRTH, "WrapFirst Tree")],
        note="the adapter's methods are Python code",
        refuses={
            "no attribute '_state'": "the native object is made in __init__, and before or without it every use is refused"
        },
        differs=[
            ("holds", "W4 F1[gc]", "while Java refers to a wrapper, so does JPype, which gc does not see"),
            ("breaks", "S7", "an abstract class can be instantiated"),
            ("breaks", "F10", "a class that is assigned in __del__ keeps a reference"),
            ("breaks", "G9 G9[list] G9[two] G14[callback]", UNSEEN),
            (
                "hung|breaks",
                "G11",
                "of a chain through both garbage collectors one link dies with each of Java's collections",
            ),
            ("breaks", "F11[edge]", "Java's garbage collector decides when a wrapper dies"),
            ("holds|breaks", "L1", "Java's heap grows before its collector runs"),
            ("breaks", "L5", PROXY),
            ("breaks", "N1", "the virtual machine starts once in a process"),
            ("breaks", "X1 X3", "the virtual machine ends before the last __del__ runs"),
            ("hung|breaks", "X5", "the virtual machine does not survive a fork"),
            ("breaks", "C1", COPY),
        ],
    ),
]
