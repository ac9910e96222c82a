"""PyGObject. The GObjects are its own; native code of ours holds them by g_object_ref."""

from . import Library, adopt, native
from .reasons import METACLASS, NO_GIL_LEFT, UNSEEN


def load():
    from gi.repository import GObject

    module = native("gobject_object")

    class MyClass(GObject.Object):
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            GObject.Object.__init__(self)
            module.attach(self)
            return self

        def __init__(self, message=""):
            module.set_message(self, message)

    # Of GObject.Object, because that is what one born in native code is.
    return adopt(module, MyClass, GObject.Object)


NO_DICT = "the toggle reference is taken when the wrapper gets a __dict__; one without attributes dies"

SUBJECTS = [
    Library(
        "pygobject",
        ships="toggleref",
        idea="a toggle reference, once the wrapper has a __dict__",
        load=load,
        differs=[
            ("breaks", "W1 W2 W4 W5", NO_DICT),
            ("breaks", "F1 F1[gc] F2", NO_DICT),
            ("crashed", "W7", "a weak reference's callback gets the dying wrapper"),
            (
                "crashed",
                "S3 G3 G3[two]",
                "a wrapper with __slots__ is freed although native code holds the object, slots and all",
            ),
            (
                "breaks",
                "S5 S6",
                "a class other than the one it was made with is not kept, and its reference count moves",
            ),
            ("breaks", "S7", METACLASS),
            ("breaks", "G6 G6[self] G14", "gc does not see the toggle reference"),
            ("breaks", "G9 G9[two] G9[list] G14[callback]", UNSEEN),
            ("hung", "N1", "using it in a subinterpreter never returns"),
            ("breaks", "X2 X3", NO_GIL_LEFT),
            ("breaks", "C1", "copying is refused in words that do not say why"),
        ],
    ),
]
