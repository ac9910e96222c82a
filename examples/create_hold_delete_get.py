"""Create, hold, delete, get again: the case that the whole suite is about."""

import sys
import weakref

import pyobject_preservation as pp

m = pp.strategy(sys.argv[1] if len(sys.argv) > 1 else "preserve")

obj = m.MyClass("hello")  # a native object and its wrapper
obj.color = "green"  # kept in the wrapper; native code knows nothing of it
ref = m.MyClassRef(obj)  # native code holds the native object
watch = weakref.ref(obj)

del obj  # the last Python reference goes, the native object stays
print("weak reference:", "valid" if watch() else "dead")

obj = ref.get()  # wrap it again
print("native object: ", obj.message())
print("attribute:     ", getattr(obj, "color", "lost"))
print("same wrapper:  ", obj is watch())
