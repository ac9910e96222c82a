"""L: is anything lost?"""

import gc
import os

from harness import QUICK, NotApplicable, prop


def resident():
    """Bytes of memory that the process occupies."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        raise NotApplicable("needs /proc") from None


@prop("L1", "1,000,000 flips are flat", child=True)
def test_a_million_flips_are_flat(s):
    """1,000,000 deaths and wraps leave memory and counters where they were."""

    class Sub(s.MyClass):
        pass

    holders = []
    for cls in (s.MyClass, Sub):
        a = cls()
        a.x = [1]
        holders.append(s.MyClassRef(a))
    del a

    def rounds(n):
        for h in holders:
            get = h.get
            for _ in range(n):
                get()
        gc.collect()

    rounds(20_000)
    before, alive = resident(), s.live_objects()
    rounds(50_000 if QUICK else 500_000)
    grown = resident() - before
    assert grown < 4 << 20, f"grew by {grown} bytes"
    assert s.live_objects() == alive
    stats = s.stats()
    assert stats["flips"] - stats["resurrections"] in (0, len(holders))


@prop("L2", "all is given back")
def test_native_objects_and_wrappers_balance_to_zero(s):
    """Native objects and wrappers balance to zero, here and after every other test of the matrix."""
    s.settle()
    gc.collect()
    alive, before = s.live_objects(), s.stats()
    objects = [s.MyClass() for _ in range(100)]
    holders = [s.MyClassRef(a) for a in objects]
    for a, b in zip(objects, objects[1:]):
        a.append(b)
        a.x = b
    holders += [s.new_native() for _ in range(100)]
    del objects, a, b
    gc.collect()
    for h in holders:
        h.get().y = [1]
    del h
    gc.collect()
    for h in holders[::2]:
        h.release_from_goroutine()
    del h
    holders.clear()
    s.settle()
    gc.collect()
    assert s.live_objects() == alive
    after = s.stats()
    made = after["wrappers_created"] - before["wrappers_created"]
    assert made and made == after["wrappers_freed"] - before["wrappers_freed"]
