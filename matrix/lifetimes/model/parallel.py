"""The reference model with concurrent threads, without the GIL on a free-threaded build.

Several threads do random operations on objects that they share. The order in which they
meet is the machine's; so the model does not follow every operation. It knows what must
hold at any time (a wrap gives an object of the right number, with what its owner wrote),
and at quiet points, when all threads wait, it compares everything: which native objects and
wrappers are alive, identity, attributes, weak references, edges, and how often __del__ ran.

Each object has an owner, the thread that made it. It alone writes the object's attribute and
edges, so that it knows what it must find.
"""

import gc
import itertools
import random
import sys
import threading
import weakref

from .world import Mismatch

THREADS = 4
QUIET = 4  # quiet points in a world
STEPS = 500  # operations of a thread between two of them
LENGTH = THREADS * QUIET * STEPS
SHARED = 6  # objects that all threads find
MOST = 8  # variables, and as many MyClassRefs, of a thread


class Thing:
    """A native object that threads share, as it should be."""

    def __init__(self, number, cls, owner, ref):
        self.number, self.cls, self.owner, self.ref = number, cls, owner, ref
        self.retired = False  # ref may have been released
        self.wrapped = cls is not None
        self.value = None  # of attribute x, as its owner knows it
        self.edges, self.ever = [], set()  # Things; numbers of all that there have ever been
        self.weak = None
        self.deaths = 0  # how often __del__ had run at the last quiet point
        self.added = 0  # by the callback to an event


class Parallel:
    """One world: its objects, and the threads that work on them."""

    def __init__(self, subject, seed):
        self.s = s = subject
        broken = subject.broken
        vague = broken("I3") and not broken("I2")  # keeps a wrapper once
        self.one = not broken("I1")
        self.keeps = not broken("I3") and not broken("I2")
        self.keeps_attribute = not broken("S1") and not vague
        self.keeps_class = not broken("S4") and not vague
        self.keeps_weak = not broken("W1") and not vague
        self.no_gap = self.keeps_weak and not broken("FT5")
        self.once = not broken("F2") and not vague
        self.gc_safe = not broken("W4")
        self.seed = seed
        self.deaths = []

        class Listening(s.MyClass):
            def on_event(self, n):
                return n + 100

        class Deleted(s.MyClass):
            def __del__(this):
                self.deaths.append(this.id())

        self.classes, self.listening, self.deleted = (s.MyClass, Listening, Deleted), Listening, Deleted
        self.collect()
        self.base, self.base_wrappers = s.live_objects(), self.wrappers()
        self.table, self.things = [None] * SHARED, []  # appended to by any thread
        self.lock = threading.Lock()  # for putting something else into the table
        self.mail = [Mail(self.gc_safe) for _ in range(THREADS)]  # what other threads have given
        self.hands = [Hand(self, i) for i in range(THREADS)]
        self.failed = []
        for k in range(SHARED):
            self.hands[k % THREADS].op_create(k)
        for hand in self.hands:
            hand.variables.clear()  # by the thread that has made them: see Mail

    def expect(self, truth, text):
        if not truth:
            raise Mismatch(f"world {self.seed}: {text}")

    def wrappers(self):
        stats = self.s.stats()
        return stats["wrappers_created"] - stats["wrappers_freed"]

    def collect(self):
        """Destroy everything that has no reference. gc also releases objects that wait for the thread that made them."""
        before = None
        while before != (before := (self.s.live_objects(), self.wrappers())):
            for _ in range(2):
                self.s.settle()
                gc.collect()

    def run(self):
        barrier = threading.Barrier(THREADS, self.quiet)

        def work(hand):
            try:
                for _ in range(QUIET):
                    hand.steps(STEPS)
                    barrier.wait()
            except threading.BrokenBarrierError:
                pass
            except BaseException as e:
                self.failed.append(e)
                barrier.abort()

        threads = [threading.Thread(target=work, args=(hand,)) for hand in self.hands]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if self.failed:
            raise self.failed[0]
        self.close()

    # ---- quiet points --------------------------------------------------------------

    def held(self):
        """[(real, Thing)] of all variables, and the Things that something refers to."""
        variables = [v for hand in self.hands for v in hand.variables]
        holders = [h for hand in self.hands for h in hand.holders]
        for box in self.mail:
            for given, thing in box.all():
                (holders if type(given) is self.s.MyClassRef else variables).append((given, thing))
        pending = [thing for _, thing in variables + holders] + [thing for thing in self.table if thing]
        alive = {}
        while pending:
            thing = pending.pop()
            if thing.number not in alive:
                alive[thing.number] = thing
                pending += thing.edges
        return variables, alive

    def quiet(self):
        """All threads wait: compare everything."""
        self.collect()
        variables, alive = self.held()
        found = self.s.live_objects() - self.base
        self.expect(found == len(alive), f"{found} native objects are alive, not {len(alive)}")
        known = {}
        for real, thing in variables:
            self.whole(real, thing, exact=True)
            if self.one:
                self.expect(known.setdefault(thing.number, real) is real, f"two wrappers for {thing.number}")
        found = self.wrappers() - self.base_wrappers
        want = {("wrapper", id(real)) for real, _ in variables}
        if self.keeps:
            want = {n for n, thing in alive.items() if thing.wrapped}
        if self.keeps or not self.keeps_vaguely:
            self.expect(found == len(want), f"{found} wrappers are alive, not {len(want)}")
        for thing in self.things:
            lives = thing.number in alive
            thing.deaths += self.deaths.count(thing.number)
            if thing.cls is self.deleted:
                if self.once:
                    self.expect(
                        thing.deaths == (not lives),
                        f"__del__ of {thing.number} ran {thing.deaths} times, and it is {'alive' if lives else 'dead'}",
                    )
                elif not lives:
                    self.expect(thing.deaths >= 1, f"__del__ of {thing.number} never ran")
            if thing.weak and self.keeps_weak:
                self.expect(
                    (thing.weak() is not None) == lives,
                    f"a weak reference to {thing.number} is {'alive' if not lives else 'dead'}, "
                    f"and the object {'alive' if lives else 'dead'}",
                )
                if thing.number in known:
                    self.expect(thing.weak() is known[thing.number], "a weak reference gives another wrapper")
        for thing in self.table:
            if not thing.wrapped:
                continue
            real = thing.ref.get()
            self.whole(real, thing, exact=True)
            if self.one and thing.number in known:
                self.expect(real is known[thing.number], f"get() gives another wrapper of {thing.number}")
            self.expect([c.id() for c in real.children()] == [c.number for c in thing.edges], "other children")
            del real
        self.things = [thing for thing in self.things if thing.number in alive]
        self.deaths.clear()
        known.clear()

    @property
    def keeps_vaguely(self):
        return self.s.broken("I3") and not self.s.broken("I2")

    def whole(self, real, thing, exact):
        """real is what thing should be; exact: its owner cannot be writing."""
        self.expect(real.id() == thing.number, f"native object {real.id()} for {thing.number}")
        cls = thing.cls or self.s.MyClass
        self.expect(
            type(real) is cls or not self.keeps_class and type(real) is self.s.MyClass,
            f"a {type(real).__name__}, not a {cls.__name__}",
        )
        if exact:
            x = getattr(real, "x", None)
            lost = x is None or not self.one and x <= thing.value  # written on another wrapper
            self.expect(
                x == thing.value or lost and not self.keeps_attribute, f"x of {thing.number} is {x}, not {thing.value}"
            )

    def close(self):
        for thing in self.table:
            thing.ref.release()
        self.table = []
        for hand in self.hands:
            hand.variables.clear()
            hand.holders.clear()
        for box in self.mail:
            box.clear()
        for thing in self.things:
            thing.edges = []
        self.collect()
        self.expect(self.s.live_objects() == self.base, f"{self.s.live_objects() - self.base} native objects are left")
        self.expect(self.wrappers() == self.base_wrappers, f"{self.wrappers() - self.base_wrappers} wrappers are left")
        if self.once:
            for thing in self.things:
                ran = thing.deaths + self.deaths.count(thing.number)
                self.expect(ran == (thing.cls is self.deleted), f"__del__ of {thing.number} ran {ran} times")


class Mail:
    """What threads have given to one of them: wrappers and MyClassRefs, and the Thing of each.

    A tuple that another thread drops than has made it waits for the latter, with a count of zero
    and with what it refers to. gc takes it for garbage, and wrappers that only it refers to with it,
    which is a garbage cycle around them by other means (W4). Where wrappers do not survive that
    they are given without a tuple.
    """

    def __init__(self, in_tuples):
        self.lock, self.given, self.things, self.in_tuples = threading.Lock(), [], [], in_tuples

    def put(self, given, thing):
        with self.lock:
            self.given.append((given,) if self.in_tuples else given)
            self.things.append(thing)

    def take(self):
        with self.lock:
            if not self.things:
                return None, None
            thing, given = self.things.pop(), self.given.pop()
            return given[0] if self.in_tuples else given, thing

    def all(self):
        return list(zip([g[0] for g in self.given] if self.in_tuples else self.given, self.things))

    def clear(self):
        self.given.clear()
        self.things.clear()


class Hand:
    """What one thread has and does."""

    def __init__(self, world, index):
        self.world, self.s, self.index = world, world.s, index
        self.random = random.Random(world.seed * THREADS + index)
        self.variables, self.holders = [], []
        self.count = itertools.count(1)

    def steps(self, n):
        operations = [getattr(self, name) for name in OPERATIONS]
        for operation in self.random.choices(operations, WEIGHTS, k=n):
            operation()

    def pick(self, things):
        return things[int(self.random.random() * len(things))] if things else (None, None)

    def keep(self, real, thing):
        """A variable more."""
        w = self.world
        w.whole(real, thing, thing.owner == self.index)
        if w.one:
            for other, t in self.variables:
                if t is thing:
                    w.expect(other is real, f"two wrappers for native object {thing.number}")
        self.variables.append((real, thing))
        if len(self.variables) > MOST:
            self.op_drop()

    # ---- operations ----------------------------------------------------------------

    def op_create(self, k=None):
        s, w = self.s, self.world
        cls = self.random.choice((*w.classes, None))
        if cls is None:
            r = s.new_native()
            real = r.get()
            thing = Thing(real.id(), None, self.index, r)
            thing.wrapped = True
            del real
        else:
            real = cls()
            thing = Thing(real.id(), cls, self.index, s.MyClassRef(real))
            if cls is not w.deleted:  # while __del__ runs a weak reference may bring it back, as anywhere
                thing.weak = weakref.ref(real)
            self.keep(real, thing)
            del real
        w.things.append(thing)
        k = self.random.randrange(SHARED) if k is None else k
        with w.lock:
            old, w.table[k] = w.table[k], thing
        if old:
            old.retired = True
            old.ref.release() if self.random.random() < 0.5 else old.ref.release_from_goroutine()

    def op_get(self):
        thing = self.random.choice(self.world.table)
        try:
            real = thing.ref.get()
        except ReferenceError as e:
            e.__traceback__ = None
            self.world.expect(thing.retired, "a MyClassRef has lost its object")
            return
        self.keep(real, thing)

    def op_drop(self):
        if self.variables:
            self.variables.pop(self.random.randrange(len(self.variables)))

    def op_hold(self):
        real, thing = self.pick(self.variables)
        if thing:
            self.holders.append((self.s.MyClassRef(real), thing))
            if len(self.holders) > MOST:
                self.op_release()

    def op_get_mine(self):
        r, thing = self.pick(self.holders)
        if thing:
            self.keep(r.get(), thing)

    def op_release(self):
        if not self.holders:
            return
        r, thing = self.holders.pop(self.random.randrange(len(self.holders)))
        how = self.random.random()
        if how < 0.1:
            r.release_from_goroutine()
        elif how < 0.5:
            r.release()

    def op_give(self):
        """To another thread, which drops what this one has made."""
        box = self.world.mail[self.random.randrange(THREADS)]
        mine = self.variables if self.random.random() < 0.5 else self.holders
        if mine and len(box.things) < MOST:
            box.put(*mine.pop())

    def op_take(self):
        given, thing = self.world.mail[self.index].take()
        if type(given) is self.s.MyClassRef:
            self.holders.append((given, thing))
        elif thing:
            self.keep(given, thing)

    def op_set(self):
        real, thing = self.pick(self.variables)
        if thing and thing.owner == self.index:
            self.world.whole(real, thing, True)
            real.x = thing.value = next(self.count)

    def op_look(self):
        real, thing = self.pick(self.variables)
        if thing:
            self.world.whole(real, thing, thing.owner == self.index)

    def op_upgrade(self):
        w = self.world
        thing = self.random.choice(w.table)
        if thing.weak is None:
            return
        real = thing.weak()
        if real is not None:
            self.keep(real, thing)
            return
        if w.no_gap:
            w.expect(thing.retired, "a weak reference is empty though native code holds the object")

    def op_append(self):
        (real, parent), (other, child) = self.pick(self.variables), self.pick(self.variables)
        # Older to newer only: a cycle of native edges leaks with most strategies (G8).
        if parent and parent.owner == self.index and parent.number < child.number and len(parent.edges) < 4:
            parent.ever.add(child.number)
            real.append(other)
            parent.edges.append(child)

    def op_remove(self):
        real, parent = self.pick(self.variables)
        if not parent or parent.owner != self.index or not parent.edges:
            return
        child = self.random.choice(parent.edges)
        for other in real.children():
            if other.id() == child.number:
                real.remove(other)
                parent.edges.remove(child)
                return
        raise Mismatch(f"world {self.world.seed}: an edge is lost")

    def op_children(self):
        real, parent = self.pick(self.variables)
        if not parent:
            return
        found = [c.id() for c in real.children()]
        if parent.owner == self.index:
            self.world.expect(found == [c.number for c in parent.edges], "other children")
        else:
            self.world.expect(parent.ever.issuperset(found), "a child that was never appended")

    def op_emit(self):
        r, thing = self.pick(self.holders)
        if not thing:
            return
        w = self.world
        answer = r.emit(7)
        if thing.owner == self.index:
            want = 7 + (thing.added or (100 if thing.cls is w.listening else 0))
            w.expect(answer == want or not w.keeps_class and answer == 7, f"an event's answer is {answer}, not {want}")

    def op_callback(self):
        real, thing = self.pick(self.variables)
        if thing and thing.owner == self.index:
            added = self.random.choice((0, 1000))
            real.set_callback((lambda n: n + 1000) if added else None)
            thing.added = added

    def op_goroutines(self):
        r, thing = self.pick(self.holders)
        if thing:
            r.wrap_from_goroutines(2, 3)

    def op_collect(self):
        gc.collect(0)


OPERATIONS = tuple(name for name in dir(Hand) if name.startswith("op_"))
RARE = {"op_collect": 0.02, "op_goroutines": 0.05, "op_create": 0.5}
WEIGHTS = [RARE.get(name, 1) for name in OPERATIONS]


def run(subject, seed):
    """A world: LENGTH operations. Raises Mismatch where the subject and the model part."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        Parallel(subject, seed).run()
    finally:
        sys.setswitchinterval(interval)
