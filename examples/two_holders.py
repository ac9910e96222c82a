"""Two holders: repeated death and resurrection, until both have released the object."""

import sys

import pyobject_preservation as pp

m = pp.strategy(sys.argv[1] if len(sys.argv) > 1 else "preserve")


class Counted(m.MyClass):
    deaths = 0

    def __del__(self):
        Counted.deaths += 1


obj = Counted()
obj.visits = 0
first, second = m.MyClassRef(obj), m.MyClassRef(obj)
del obj

for holder in first, second, first, second:
    obj = holder.get()  # resurrected, if the strategy can
    obj.visits = getattr(obj, "visits", 0) + 1
    print(type(obj).__name__, "visit", obj.visits)
    del obj  # dead again

first.release()
print("one holder left: native objects alive", m.live_objects(), "- finalized", Counted.deaths)

second.release_from_goroutine()  # the last one, on a goroutine without the GIL
print("no holder left:  native objects alive", m.live_objects(), "- finalized", Counted.deaths)
