"""PyGObject. The GObjects are its own; native code of ours holds them by g_object_ref."""

from . import Library, adopt, native


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


SUBJECTS = [
    Library(
        "pygobject",
        ships="toggleref",
        idea="a toggle reference, once the wrapper has a __dict__",
        load=load,
    ),
]
