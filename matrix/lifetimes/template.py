"""How the tests of lifetimes reach mylib.

    pytest --lifetimes lifetimes_adapter.py

MyClass, hold and get are needed; delete or complete the rest. A property that asks for a method that is not
here is not applicable, and the table says so by the method's name.
"""

import itertools

import lifetimes

# import mylib
#
# For a library that must not be imported into pytest's own process, import it in load() instead:
#
#     def load(self):
#         import mylib
#         self.MyClass = mylib.Thing
#         return super().load()


class Thing:
    """Stands in for the class of wrappers of your library: mylib.Thing."""

    numbers = itertools.count(1)

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self.number = next(cls.numbers)
        return self

    def __init__(self, message=""):
        pass


class MyLib(lifetimes.Adapter):
    """a line on how mylib does it, for the report"""

    name = "mylib"

    # The strategy that your library ships, if you know it: naive, preserve, instancemap, toggleref, ...
    # pytest --lifetimes-bench measures it beside your library.
    ships = None

    # {part of an exception's message: why that is an answer, and no bug}
    refuses = {}

    # The class of wrappers. MyClass() makes a native object and its wrapper; subclasses must be possible.
    # If your class needs arguments, make MyClass a subclass that supplies them.
    MyClass = Thing

    native = {}  # stands in for what native code holds

    def hold(self, obj):
        """Have native code hold obj's native object (put it into a container, make it a child, ...); return
        what get() needs to find it there. Return no wrapper: that would hold the Python object."""
        held = next(Thing.numbers)
        self.native[held] = obj
        return held

    def get(self, held):
        """What native code gives Python for it: mylib.container[held]."""
        return self.native[held]

    def release(self, held):
        """Have native code release it: del mylib.container[held]."""
        del self.native[held]

    # def new_native(self, message=""):
    #     """Have native code make an object, for which there is no wrapper as yet; return as hold() does."""

    # def live_objects(self):
    #     """How many native objects are alive. With it leaks are breaks."""

    def id(self, obj):
        """The native object's number or address. Half of the properties ask for it."""
        return obj.number

    # What native objects know of each other: native references that Python makes and removes.
    # def append(self, obj, child):
    # def remove(self, obj, child):     # ValueError if it is not there
    # def children(self, obj):

    # Native code that calls Python: a method on_event(self, n) of the wrapper, or a function in its place.
    # def emit(self, held, event):      # returns what on_event answered
    # def set_callback(self, obj, function):

    # Threads that Python does not know ("goroutines", in the names of the properties).
    # def release_from_goroutine(self, held, locked=False):
    # def release_from_goroutines(self, helds, threads=8, wait=True):
    # def wrap_from_goroutines(self, held, threads, times):
    # def release_after_python(self, held):
    # def synchronize(self):
    # def settle(self):                 # wait for what releases do later
