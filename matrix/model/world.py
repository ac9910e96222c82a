"""A reference model of what strategies promise, and operations that hold a real one to it.

The model is plain Python without any lifetime tricks: it says which native objects and
wrappers are alive and what is on them, from who refers to whom. Where strategies
differ, the subject's declaration decides what the model expects.

An operation is (name, i, j, k): three numbers that choose among what there is, so that
any sequence of them can be run, cut and run again.
"""

import gc
import itertools
import threading
import weakref

from subjects import NotApplicable

MOST = 12  # objects in Python's hands, and as many in native hands


class Mismatch(AssertionError):
    """The subject did not do what the model says."""


class Native:
    """A native object as it should be."""

    def __init__(self, number, message):
        self.number, self.message = number, message
        self.edges = []  # Natives, in order; one entry an edge
        self.holders = 0
        self.callback = 0  # what is added to an event; 0: none
        self.alive = True
        self.wrappers = []  # alive; more than one where I1 breaks
        self.kept = None  # (class, attributes) that outlive the wrapper, where they do
        self.gutted = False  # gc broke up a wrapper that something would have been kept of

    def held(self, world):
        return self.holders + sum(n.edges.count(self) for n in world.natives if n.alive)


class Wrapper:
    """A wrapper as it should be."""

    def __init__(self, native, cls, attributes=None):
        self.native, self.cls = native, cls
        self.attributes, self.slot = {} if attributes is None else attributes, None
        self.variables = 0  # of ours
        self.cycle = False  # it refers to itself
        self.captured = False  # the native object's callback refers to it
        self.dead = False
        self.vague = False  # the declaration does not say what is left of it
        self.weak_vague = False  # ... of its weak references
        self.ref = None  # a weak reference to the real one, of some


class World:
    def __init__(self, subject):
        self.s = s = subject
        breaks = subject.breaks
        self.one = "I1" not in breaks  # one wrapper at a time
        self.keeps = "I3" not in breaks and "I2" not in breaks  # native code keeps the wrapper
        self.keeps_cycles = "G1" not in breaks
        self.gc_safe = "W4" not in breaks
        self.keeps_dict = "S1" not in breaks
        self.keeps_class = "S4" not in breaks
        self.vague = "I2" not in breaks and "I3" in breaks  # keeps it once
        self.prompt = "F11" not in breaks
        self.edges_seen = "G8" not in breaks
        self.captures = "G9" not in breaks and self.one
        self.natives, self.variables, self.holders, self.weak = [], [], [], []
        self.deaths = {}  # number of a native object: how often __del__ ran
        self.expected_deaths = {}
        self.count = itertools.count(1)
        self.settle()
        self.base = s.live_objects()
        self.base_wrappers = self.wrappers()

        class Plain(s.MyClass):
            def on_event(self, n):
                return n + 100

        class Other(Plain):
            pass

        class Slotted(s.MyClass):
            __slots__ = ("s",)

        class Slotted2(Slotted):
            __slots__ = ("t",)

        class Deleted(s.MyClass):
            def __del__(this):
                self.deaths[this.id()] = self.deaths.get(this.id(), 0) + 1

        self.classes = [s.MyClass, Plain, Other, Slotted, Slotted2, Deleted]
        self.listening, self.slotted, self.deleted = (Plain, Other), (Slotted, Slotted2), Deleted

    # ---- the model ----------------------------------------------------------------

    def wrap(self, native):
        """What a wrap should give: a wrapper that is there, or is made."""
        if self.one and native.wrappers:
            return native.wrappers[-1]
        cls, attributes = native.kept or (self.s.MyClass, None)
        if native.kept is None or not self.keeps_class:
            cls = self.s.MyClass
        w = Wrapper(native, cls, attributes if self.keeps_dict else None)
        w.vague = self.vague
        native.wrappers.append(w)
        native.kept = None
        return w

    def dies(self, w):
        w.dead = True
        native = w.native
        native.wrappers.remove(w)
        if not self.keeps and (self.keeps_dict or self.keeps_class) and native.held(self):
            native.kept = (w.cls, w.attributes)
        if w.cls is self.deleted:
            self.expected_deaths[native.number] = self.expected_deaths.get(native.number, 0) + 1

    def let_go(self, w):
        """Perhaps nobody in Python has it any more: what is kept once may have been kept already."""
        if self.vague and not w.variables:
            w.vague = w.weak_vague = True

    def follow(self, collect=False):
        """Let die what has to, and see that it does. collect: gc runs, too."""
        died, changed = False, True
        for native in self.unreachable() if collect else ():
            for w in list(native.wrappers):
                self.dies(w)
            native.alive, died = False, True
        while changed:
            changed = False
            for native in self.natives:
                if not native.alive:
                    continue
                held = native.held(self)
                for w in list(native.wrappers):
                    strong = w.variables or (w.cycle or w.captured) and not collect or (
                        w.cycle and held and self.keeps_cycles)
                    if not (strong or self.keeps and held):
                        if w.captured:
                            if held:  # the callback refers to it and stays
                                continue
                            native.callback = 0
                        if w.cycle and not self.keeps:
                            w.attributes = dict(w.attributes)
                            native.gutted = True
                        self.dies(w)
                        died = changed = True
                if not held and not native.wrappers:
                    native.alive = False
                    died = changed = True
        self.natives = [n for n in self.natives if n.alive]
        return died

    def unreachable(self):
        """Natives that only cycles of native edges keep, where gc sees those."""
        if not self.edges_seen:
            return []
        pending = [n for n in self.natives if n.holders or any(w.variables for w in n.wrappers)]
        seen = set(pending)
        while pending:
            new = set(pending.pop().edges) - seen
            seen |= new
            pending += new
        return [n for n in self.natives if n.alive and n not in seen]

    def garbage(self):
        """Whether there is something that only gc can free."""
        return bool(self.unreachable()) or any(
            not w.variables and (w.cycle or w.captured) for n in self.natives for w in n.wrappers)

    # ---- helpers --------------------------------------------------------------------

    def settle(self):
        self.s.settle()

    def wrappers(self):
        try:
            stats = self.s.stats()
        except NotApplicable:
            return 0
        return stats["wrappers_created"] - stats["wrappers_freed"]

    def expect(self, truth, text):
        if not truth:
            raise Mismatch(text)

    def pick(self, things, i):
        return things[i % len(things)] if things else None

    def add(self, real, w):
        """real is in one of our variables from now on, and must be w."""
        self.same(real, w)
        self.variables.append((real, w))
        w.variables += 1

    def room(self, i):
        """See to it that there is room for one more variable."""
        if len(self.variables) >= MOST:
            self.op_drop(i, 0, 0)

    def attributes(self, real):
        return {k: v for k, v in real.__dict__.items() if k != "me"}

    def same(self, real, w):
        """real must be w, as it should be."""
        n = w.native
        self.expect(real.id() == n.number, f"native object {real.id()} for {n.number}")
        for other, v in self.variables:
            if v is w:
                self.expect(other is real, f"two wrappers for native object {n.number}")
        if w.ref is not None and not w.weak_vague:
            self.expect(w.ref() is real, f"native object {n.number} has another wrapper than before")
        if n.gutted and not self.keeps:
            w.cls, w.attributes = type(real), self.attributes(real)
            n.gutted = False
        if w.vague:
            w.cls, w.attributes, w.vague = type(real), self.attributes(real), False
            w.slot, w.cycle = getattr(real, "s", None), real.__dict__.get("me") is real
        self.expect(type(real) is w.cls, f"a {type(real).__name__}, not a {w.cls.__name__}")
        attributes = self.attributes(real)
        self.expect(attributes == w.attributes, f"attributes {attributes}, not {w.attributes}")
        self.expect(getattr(real, "s", None) == w.slot, f"slot {getattr(real, 's', None)}, not {w.slot}")
        self.expect(real.message() == n.message, "another message")

    def after(self, garbage=False):
        """What follows from the last operation, in the model and in the subject."""
        died = self.follow()
        if garbage and self.garbage():
            self.op_collect(2, 0, 0)
            return
        if died and not self.prompt:
            self.settle()
        if self.vague:
            gc.collect()
            gc.collect()  # what came back from the first may be garbage now
        self.check()

    def check(self):
        alive = self.s.live_objects() - self.base
        self.expect(alive == len(self.natives), f"{alive} native objects are alive, not {len(self.natives)}")
        if not self.vague:
            real, model = self.wrappers() - self.base_wrappers, sum(len(n.wrappers) for n in self.natives)
            self.expect(real == model, f"{real} wrappers are alive, not {model}")
        if not self.vague and self.gc_safe:
            self.expect(self.deaths == self.expected_deaths, f"__del__ ran {self.deaths}, not {self.expected_deaths}")

    # ---- operations -------------------------------------------------------------------

    def op_create(self, i, j, k):
        self.room(j)
        cls = self.pick(self.classes, i)
        message = f"m{j}" if j % 3 == 0 else ""
        real = cls(message) if message else cls()
        n = Native(real.id(), message)
        self.expect(all(n.number != o.number for o in self.natives), f"number {n.number} came twice")
        w = Wrapper(n, cls)
        n.wrappers.append(w)
        self.natives.append(n)
        if k % 2:
            w.ref = weakref.ref(real)
        self.add(real, w)
        self.after()

    def op_native(self, i, j, k):
        self.room(i)
        r = self.s.new_native(f"m{j}" if j % 3 == 0 else None)
        real = r.get()
        n = Native(real.id(), f"m{j}" if j % 3 == 0 else "")
        self.natives.append(n)
        n.holders += 1
        self.holders.append((r, n))
        w = self.wrap(n)
        self.add(real, w)
        del real
        self.after()

    def op_set(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None:
            return
        name, value = f"x{j % 4}", next(self.count)
        if j % 5 == 0 and name in w.attributes:
            delattr(real, name)
            del w.attributes[name]
        elif j % 5 == 1 and w.cls in self.slotted:
            real.s = w.slot = value
        else:
            setattr(real, name, value)
            w.attributes[name] = value

    def op_hold(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None:
            return
        if len(self.holders) >= MOST:
            self.op_release(j, 0, 0)
            return
        self.holders.append((self.s.MyClassRef(real), w.native))
        w.native.holders += 1

    def op_get(self, i, j, k):
        self.room(j)
        r, n = self.pick(self.holders, i) or (None, None)
        if r is None:
            return
        real = r.get()
        self.add(real, self.wrap(n))
        del real
        self.after(True)

    def op_drop(self, i, j, k):
        if not self.variables:
            return
        real, w = self.variables.pop(i % len(self.variables))
        w.variables -= 1
        self.let_go(w)
        del real
        self.after(True)

    def op_release(self, i, j, k):
        if not self.holders:
            return
        r, n = self.holders.pop(i % len(self.holders))
        n.holders -= 1
        if j % 3 == 0:
            r.release()
        elif j % 3 == 1:
            r.release_from_goroutine()
        else:
            del r
            r = None
        self.after(True)
        if r is not None:
            try:
                r.get()
            except ReferenceError as e:
                e.__traceback__ = None
            else:
                raise Mismatch("a released MyClassRef still gives an object")

    def op_weakref(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None:
            return
        self.weak.append((weakref.ref(real), w))
        del self.weak[: max(0, len(self.weak) - MOST)]

    def op_upgrade(self, i, j, k):
        self.room(j)
        ref, w = self.pick(self.weak, i) or (None, None)
        if ref is None or w.weak_vague:
            return
        real = ref()
        self.expect((real is None) == w.dead, f"a weak reference is {'dead' if real is None else 'alive'}")
        if real is not None:
            self.add(real, w)
            del real
            self.after(True)

    def op_append(self, i, j, k):
        parent, child = self.pick(self.variables, i), self.pick(self.variables, j)
        if not parent or len(parent[1].native.edges) > 5:
            return
        # Where cycles of native edges leak (G8): older to newer only.
        if not self.edges_seen and parent[1].native.number >= child[1].native.number:
            return
        parent[0].append(child[0])
        parent[1].native.edges.append(child[1].native)

    def op_remove(self, i, j, k):
        parent, child = self.pick(self.variables, i), self.pick(self.variables, j)
        if not parent:
            return
        edges, child_n = parent[1].native.edges, child[1].native
        try:
            parent[0].remove(child[0])
        except ValueError as e:
            e.__traceback__ = None
            self.expect(child_n not in edges, "an edge is not there")
        else:
            self.expect(child_n in edges, "an edge is there that nobody made")
            edges.remove(child_n)
        self.after(True)

    def op_children(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None:
            return
        children, edges = real.children(), w.native.edges
        self.expect([c.id() for c in children] == [n.number for n in edges], "other children")
        given = [(c, self.wrap(n)) for c, n in zip(children, edges)]
        for c, known in given:
            self.same(c, known)
            known.variables += 1
        del children
        while given:
            c, known = given.pop()
            known.variables -= 1
            self.let_go(known)
            del c
        self.after(True)

    def op_cycle(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None:
            return
        w.cycle = not w.cycle
        if w.cycle:
            real.me = real
        else:
            del real.me

    def op_junk(self, i, j, k):
        """A garbage cycle that refers to a wrapper takes its place in our variables."""
        if not self.variables:
            return
        real, w = self.variables.pop(i % len(self.variables))
        junk = [real]
        junk.append(junk)
        del real, junk
        if not self.gc_safe and w.native.held(self) and w.variables == 1:
            w.weak_vague = True
        w.variables -= 1
        self.let_go(w)
        if not self.keeps and not w.variables:
            w.native.gutted = True
        self.op_collect(2, 0, 0)

    def op_collect(self, i, j, k):
        # A young collection may leave garbage, so it is for when there is none.
        garbage = self.garbage()
        garbage = garbage or self.vague or not self.prompt
        gc.collect(2 if garbage else i % 3)
        self.follow(True)
        before = None
        while garbage and before != self.s.live_objects():
            # What dies may have kept something that is garbage itself only now.
            before = self.s.live_objects()
            self.settle()
            gc.collect()
            gc.collect()
            self.follow(True)
        self.check()

    def op_emit(self, i, j, k):
        r, n = self.pick(self.holders, i) or (None, None)
        if r is None:
            return
        answer, event = r.emit(j), j
        if n.callback:
            self.expect(answer == event + n.callback, "the callback was not called")
            return
        w = self.wrap(n)
        if not w.vague and not n.gutted:
            want = event + 100 if w.cls in self.listening else event
            self.expect(answer == want, f"on_event answered {answer}, not {want}")
        self.let_go(w)
        self.after(True)

    def op_callback(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None or any(v.captured for v in w.native.wrappers):
            return
        value = 1000 + next(self.count)
        if j % 3 == 0:
            real.set_callback(None)
            w.native.callback = 0
        elif j % 3 == 1 or not self.captures:
            real.set_callback(lambda n: n + value)
            w.native.callback = value
        else:
            real.set_callback(lambda n, real=real: n + value)
            w.native.callback, w.captured = value, True

    def op_uncapture(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is not None and w.captured:
            real.set_callback(None)
            w.native.callback, w.captured = 0, False

    def op_reclass(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None or w.cls not in self.listening:
            return
        w.cls = self.listening[w.cls is self.listening[0]]
        real.__class__ = w.cls

    def op_race(self, i, j, k):
        """Threads wrap and drop while a goroutine lets go of another reference."""
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None or self.vague:
            return
        r, h = self.s.MyClassRef(real), self.s.MyClassRef(real)
        number, wrong = w.native.number, []

        def churn():
            for _ in range(5):
                b = r.get()
                if b.id() != number or self.one and b is not real:
                    wrong.append(b.id())
                del b

        threads = [threading.Thread(target=churn) for _ in range(2)]
        for t in threads:
            t.start()
        h.release_from_goroutine()
        for t in threads:
            t.join()
        r.release_from_goroutine()
        self.expect(not wrong, "a thread got another object")
        self.same(real, w)
        self.after()

    def op_look(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is not None:
            self.same(real, w)

    def close(self):
        """Let go of everything; then everything must be gone."""
        for real, w in self.variables:
            if w.captured:
                real.set_callback(None)
                w.native.callback, w.captured = 0, False
            if w.cycle:
                real.me, w.cycle = None, False
                w.attributes = {}
                real.__dict__.clear()
        real = None
        while self.variables:
            self.op_drop(0, 0, 0)
        while self.holders:
            self.op_release(0, len(self.holders), 0)
        self.weak.clear()
        for _ in range(3):
            self.settle()
            gc.collect()
        self.follow(True)
        self.check()
        self.expect(not self.natives, f"{len(self.natives)} native objects are left in the model")
        self.expect(self.s.live_objects() == self.base, "native objects are left")
        self.expect(self.wrappers() == self.base_wrappers, "wrappers are left")


OPERATIONS = tuple(name[3:] for name in dir(World) if name.startswith("op_"))


def run(subject, operations):
    """Run a sequence of operations. Raises Mismatch where the subject and the model part."""
    world = World(subject)
    for name, i, j, k in operations:
        getattr(world, f"op_{name}")(i, j, k)
    world.close()
