"""Plain death: only Python holds the object, so wrapper and native object die at once."""

import sys
import weakref

import pyobject_preservation as pp

m = pp.strategy(sys.argv[1] if len(sys.argv) > 1 else "preserve")


class Mortal(m.MyClass):
    def __del__(self):
        print("__del__: native object still says", repr(self.message()))


obj = Mortal("goodbye")
watch = weakref.ref(obj, lambda _: print("weak reference: cleared"))
print("native objects alive:", m.live_objects())

del obj
print("native objects alive:", m.live_objects())
