"""One scheme under threads: stress.py [--seconds N] [--python-threads N] [--native-threads N]

stress_test, which run.py builds, is on the path. Python threads, each replaced after a while, and
native threads put, get and take the same few objects; one more thread runs gc. Afterwards
everything is released. Exits 1 if identity, an attribute or a class was lost, an object was
destroyed twice, early or never, or an exception went astray."""

import argparse
import atexit
import faulthandler
import gc
import random
import sys
import threading
import time
import weakref

import stress_test as native

faulthandler.enable()
atexit.register(native.disarm)
CELLS, KEEPS = native.CELLS, native.KEEPS
wrong, operations = [], []


class Sub(native.MyClass):
    __slots__ = ("slot",)


class Dies(Sub):
    __slots__ = ()

    def __del__(self):
        self.died()


def complain(what, *values):
    if len(wrong) < 20:
        wrong.append((what, *map(str, values)))


def check(w):
    """w is what native code gave back."""
    if w is None:
        return
    native.same(w)
    number = w.id()
    if type(w) is native.MyClass:  # born in native code, or, of a scheme that loses them, made anew
        return
    if not isinstance(w, Sub) or w.tag != number or (KEEPS and w.slot != (number,)):
        complain("attribute", type(w), number)


def make(choose):
    w = choose.choice((Sub, Sub, Dies))()
    w.tag = w.id()
    w.slot = (w.tag,)
    return w


def work(seed, n):
    """A short-lived thread."""
    choose = random.Random(seed)
    mine, refs, holders = None, [], []
    for _ in range(n):
        what, cell = choose.randrange(16), choose.randrange(CELLS)
        try:
            if what < 5:
                mine = native.get(cell)
                check(mine)
            elif what < 7:
                mine = make(choose)
                native.put(cell, mine)
            elif what == 7:
                native.put(cell, native.get(choose.randrange(CELLS)))
            elif what == 8:
                native.put(cell, None)
                mine = None
            elif what == 9:
                native.born(cell)
            elif what == 10:
                other = native.get(cell)
                if other is not None:
                    refs.append(weakref.ref(other))
                other = None
                del refs[:-8]
                w = refs[0]() if refs else None
                if w is not None:
                    check(w)
                w = None
            elif what == 11 and mine is not None:
                holders.append(native.Holder(mine))
                del holders[:-8]
            elif what == 12 and holders:
                shared[cell] = holders[-1]  # for other threads to get and release
                holder = shared[choose.randrange(CELLS)]
                if holder is not None:
                    check(holder.get())
                    if choose.random() < 0.3:
                        holder.release()
            elif what == 13 and mine is not None:
                child = native.get(cell)
                if child is not None and child.id() < mine.id():  # no cycles of edges
                    mine.append(child)
                child = None
                if choose.random() < 0.5:
                    check(mine.pop())
            elif what >= 14 and isinstance(mine, Sub) and native.CYCLES:
                # A cycle that gc finds, by itself or through a holder. preserve loses one with both.
                if mine.id() % 2:
                    mine.cycle = mine
                else:
                    mine.__dict__.setdefault("holder", native.Holder(mine))
                if what == 15:
                    native.put(cell, mine)
                mine = None
        except ReferenceError:
            pass  # an object that another thread is destroying, of a scheme where that can be seen
        except AttributeError as e:
            complain("attribute", e)
    operations.append(n)


def collect():
    while not stop.is_set():
        gc.collect(random.randrange(3))
        stop.wait(0.01)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--python-threads", type=int, default=4)
    parser.add_argument("--native-threads", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    global shared, stop
    shared, stop = [None] * CELLS, threading.Event()
    before = sys.unraisablehook
    sys.unraisablehook = lambda u: complain("exception", repr(u.exc_value), u.object)
    threading.excepthook = lambda e: complain("exception", repr(e.exc_value))
    begun, seed, threads = time.monotonic(), args.seed, []
    native.start(args.native_threads)
    collector = threading.Thread(target=collect)
    collector.start()
    while time.monotonic() - begun < args.seconds:
        threads = [t for t in threads if t.is_alive()]
        while len(threads) < args.python_threads:
            seed += 1
            threads.append(threading.Thread(target=work, args=(seed, 1000)))
            threads[-1].start()
        time.sleep(0.02)
    for t in threads:
        t.join()
    stop.set()
    collector.join()
    native.stop()
    took = time.monotonic() - begun
    shared = None
    for _ in range(20):  # a chain takes one collection a link
        if not native.settle():
            complain("the queue is not empty")
        gc.collect()
        if native.counts()[:2] == (0, 0):
            break
    sys.unraisablehook = before
    objects, wrappers, births, native_operations = native.counts()
    problems = {name: n for name, n in native.problems().items() if n}
    print(
        f"{sum(operations)} operations of Python threads, {native_operations} of native threads, {births} objects, "
        f"{took:.0f} s; left: {objects} objects, {wrappers} wrappers; problems: {problems or 'none'}",
        flush=True,
    )
    for what in wrong:
        print(*what)
    return bool(wrong or problems or objects or wrappers)


if __name__ == "__main__":
    sys.exit(main())
