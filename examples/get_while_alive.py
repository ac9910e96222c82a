"""Get while alive: native code wraps an object whose wrapper still lives."""

import sys

import pyobject_preservation as pp

m = pp.strategy(sys.argv[1] if len(sys.argv) > 1 else "preserve")

obj = m.MyClass("hello")
obj.color = "green"
ref = m.MyClassRef(obj)

again = ref.get()  # obj has never died
print("same wrapper:      ", again is obj)
print("same native object:", again.id() == obj.id())
print("equal:             ", again == obj)

again.color = "red"
print("color, seen by obj:", obj.color)
