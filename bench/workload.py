"""What the Go and the Python benchmarks both do in Python.

m is a strategy's module throughout, or the floor's.
"""

import gc
import random
import sys
import threading
import time
import weakref

NODES, FANOUT = 1000, 10  # the tree
BLOCKERS = 512


def weakrefable(m):
    """Whether m's wrappers can be weakly referenced at all."""
    try:
        weakref.ref(m.MyClass())
    except TypeError:
        return False
    return True


def probe(m, deaths=3):
    """Measure what a wrapper that dies and comes back keeps: 1 kept, 0 lost.

    Returns identity and weakref after one death, and after several in a row: what
    is kept once only is not kept.

    An address proves nothing by itself: memory is reused. So the memory of the
    dead wrapper, if it was freed, is taken by others before it is asked for
    again, and the object that comes back must carry something that was put on
    it before, an attribute or a weak reference.
    """
    obj = m.MyClass()
    ref = m.MyClassRef(obj)
    address, mark = id(obj), object()
    try:
        weak = weakref.ref(obj)
    except TypeError:
        weak = None
    try:
        obj.mark = mark
    except AttributeError:
        pass
    found = []
    for _ in range(deaths):
        del obj
        blockers = [m.MyClass() for _ in range(BLOCKERS)]
        obj = ref.get()
        kept = weak is not None and weak() is obj
        same = id(obj) == address and (kept or getattr(obj, "mark", None) is mark)
        found.append((int(same), int(kept)))
        del blockers
    return (*found[0], *map(min, zip(*found)))


def dead(m):
    """A native object held by a MyClassRef, whose wrapper has come and gone.

    Returns the reference and the address that the wrapper had.
    """
    obj = m.MyClass()
    return m.MyClassRef(obj), id(obj)


def hold(m, n):
    """n of them, without the addresses."""
    return [m.MyClassRef(m.MyClass()) for _ in range(n)]


def replacements(objs, n):
    """Which of objs objects are replaced, one after the other: the same each time."""
    return random.Random(1).choices(range(objs), k=n)


# ---- the tree -----------------------------------------------------------------


def tree(m):
    """A tree of NODES native objects, each with up to FANOUT children.

    Returns the MyClassRef that holds the root; the native edges hold the rest.
    """
    refs = [m.new_native() for _ in range(NODES)]
    for i in range(1, NODES):
        refs[(i - 1) // FANOUT].get().append(refs[i].get())
    return refs[0]


def store(root):
    """Visit every node, store an attribute on its wrapper, drop it."""
    pending, n = [root.get()], 0
    while pending:
        node = pending.pop()
        node.mark = n
        n += 1
        pending.extend(node.children())
    return n


def read(root):
    """Visit every node again and count the attributes that are still there."""
    pending, kept = [root.get()], 0
    while pending:
        node = pending.pop()
        if getattr(node, "mark", None) is not None:
            kept += 1
        pending.extend(node.children())
    return kept


def walk(root):
    """Store, then read. Nanoseconds, visits, and how many attributes were kept."""
    start = time.perf_counter_ns()
    visits = store(root)
    kept = read(root)
    return time.perf_counter_ns() - start, visits, kept


# ---- threads --------------------------------------------------------------------

SWITCH_INTERVAL = 1e-4


def contend(ref, threads, total):
    """Wrap and drop one native object total times, from several threads at once.

    Returns the nanoseconds from the first start to the last end. Threads give
    the GIL up every SWITCH_INTERVAL, fifty times as often as by default, so that
    even a short run has them meet inside the strategy.
    """
    each, wrong = total // threads, []
    ready = threading.Barrier(threads + 1)
    spans = []
    number = ref.get().id()

    def work():
        get = ref.get
        ready.wait()
        start = time.perf_counter_ns()
        for _ in range(each):
            get()
        spans.append((start, time.perf_counter_ns()))
        if get().id() != number:
            wrong.append(1)

    crew = [threading.Thread(target=work) for _ in range(threads)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        for thread in crew:
            thread.start()
        ready.wait()
        for thread in crew:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if wrong or len(spans) != threads:
        raise AssertionError("a thread failed, or wrapped another native object")
    return max(end for _, end in spans) - min(start for start, _ in spans)


# ---- callbacks ------------------------------------------------------------------


def listener(m):
    """An instance of a Python subclass that overrides on_event."""

    class Listener(m.MyClass):
        def __init__(self):
            super().__init__()
            self.total = 0

        def on_event(self, event):
            self.total += event
            return event + 1

    return Listener()


# ---- the collector ---------------------------------------------------------------


def collect():
    """One full collection, in nanoseconds."""
    start = time.perf_counter_ns()
    gc.collect()
    return time.perf_counter_ns() - start
