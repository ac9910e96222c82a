"""A reference model of what strategies promise, and operations that hold a real one to it.

The model is plain Python without lifetime tricks: from the references between objects
it derives which native objects and wrappers are alive, and their attributes. Where strategies
differ, the subject's declaration decides what the model expects.

An operation is (name, i, j, k): three numbers that choose among what there is, so that
any sequence of them can be run, cut and run again.

Re-entrance: an Event is user code that runs inside a death, a collection, a drain or an
emit, and calls the API again, on the same native object or another. The model is changed in
step with it (World.fired). What the model cannot predict exactly:

  * which wrapper is destroyed first of several that are dropped together (limbo): until the
    operation is over, other wrappers of these are only looked at, not held to the model;
  * inside a collection: objects in a cycle are half cleared, so events there do not keep
    what they wrap, and release nothing;
  * what CPython's trashcan puts off (puts_off): deep in deallocations a tuple or a traceback, on
    3.10 any frame, is not destroyed when it is dropped. If it refers to self of a __del__, the
    wrapper is alive until the outermost deallocation has returned, and wrap returns it. The
    model does that, too, so such a wrapper is in limbo until then;
  * finalizer (vague): its events are held to the invariants alone: exactly once, right ids,
    balance.
"""

import gc
import itertools
import random
import threading
import weakref

from lifetimes.subject import NotApplicable

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
        self.dying = []  # events that a destruction of its wrapper, or of what was kept of one, runs

    def held(self, world):
        return self.holders + sum(n.edges.count(self) for n in world.natives if n.alive)

    def owned(self):
        """Whether what is being destroyed still owns its reference. The dict goes before that does."""
        return any(e.kind == "dict" or not e.w.passed_on for e in self.dying)


class Wrapper:
    """A wrapper as it should be."""

    def __init__(self, native, cls, attributes=None):
        self.native, self.cls = native, cls
        self.attributes, self.slot = {} if attributes is None else attributes, None
        self.variables = 0  # of ours
        self.cycle = False  # it refers to itself
        self.captured = False  # the native object's callback refers to it
        self.dead = False
        self.passed_on = False  # what is kept of it has taken over its reference
        self.vague = False  # the declaration does not say what is left of it
        self.weak_vague = False  # ... of its weak references
        self.ref = None  # a weak reference to the real one, of some
        self.finalized = False  # its __del__ has run, which happens once
        self.limbo = False  # dropped together with others: perhaps destroyed already
        self.entered = 0  # its __del__ runs at the moment
        self.event = None  # what its __del__ does


class Event:
    """User code that runs when a wrapper dies, once. kind says what runs it."""

    KINDS = ("del", "weakref", "finalize", "slot", "dict")

    def __init__(self, world, w, kind, seed):
        self.world, self.w, self.kind, self.seed, self.fired = world, w, kind, seed, False
        self.ref = None  # keeps a weak reference alive, for its callback

    def __call__(self, _=None):
        self.world.fired(self)


class Bomb:
    """Fires its event when it dies."""

    def __init__(self, event):
        self.event = event

    def __del__(self):
        self.event()


def puts_off():
    """Whether CPython's trashcan puts off now what is dropped, or would a few levels deeper.

    Up to 3.12 it does so from 50 levels on. Later ones do when the C stack is nearly full."""
    probe = set()
    ref = weakref.ref(probe)
    nest = (probe,)
    for _ in range(10):
        nest = (nest,)
    del probe, nest
    return ref() is not None


class World:
    def __init__(self, subject):
        self.s = s = subject
        broken = subject.broken
        self.one = not broken("I1")  # one wrapper at a time
        self.keeps = not broken("I3") and not broken("I2")  # native code keeps the wrapper
        self.keeps_cycles = not broken("G1")
        self.gc_safe = not broken("W4")
        self.keeps_dict = not broken("S1")
        self.keeps_class = not broken("S4")
        self.vague = not broken("I2") and broken("I3")  # keeps it once
        self.prompt = not broken("F11")
        self.edges_seen = not broken("G8")
        self.captures = not broken("G9") and self.one
        self.natives, self.variables, self.holders, self.weak = [], [], [], []
        self.deaths = {}  # number of a native object: how often __del__ ran
        self.expected_deaths = {}
        self.count = itertools.count(1)
        self.settle()
        self.base = s.live_objects()
        self.base_wrappers = self.wrappers()
        self.events, self.errors = [], []  # Events that have not fired; what went wrong inside one
        self.inside = 0  # events that run at the moment
        self.firing = 0  # of those the ones that a destruction runs
        self.deep = False  # something may have been put off since a destruction was last over
        self.put_off = []  # Wrappers in limbo for that reason
        self.reentered = self.settled = 0  # API calls inside events; those of them before settle() last ran
        self.condemned = (0, ())  # a collection's number, and what found_by_gc gave in it
        self.armed = True
        self.on_event = None  # called with the wrapper, by on_event of Plain

        class Plain(s.MyClass):
            def on_event(this, n):
                if self.on_event:
                    self.on_event(this)
                return n + 100

        class Other(Plain):
            pass

        class Slotted(s.MyClass):
            __slots__ = ("s", "bomb")

        class Slotted2(Slotted):
            __slots__ = ("t",)

        class Deleted(s.MyClass):
            def __del__(this):
                self.deaths[this.id()] = self.deaths.get(this.id(), 0) + 1
                self.deleted_by_python(this)

        self.classes = [s.MyClass, Plain, Other, Slotted, Slotted2, Deleted]
        self.listening, self.slotted, self.deleted = (Plain, Other), (Slotted, Slotted2), Deleted

    # ---- the model ----------------------------------------------------------------

    def wrap(self, native):
        """What a wrap should give: a wrapper that is there, or is made. It has a variable at once, so that
        an event of a collection that starts now does not take it for dropped; then add() or let_go()."""
        if self.one and native.wrappers:
            native.wrappers[-1].variables += 1
            return native.wrappers[-1]
        cls, attributes = native.kept or (self.s.MyClass, None)
        if native.kept is None or not self.keeps_class:
            cls = self.s.MyClass
        w = Wrapper(native, cls, attributes if self.keeps_dict else None)
        w.vague = self.vague
        w.variables = 1
        native.wrappers.append(w)
        native.kept = None
        return w

    def dies(self, w):
        w.dead = True
        native = w.native
        native.wrappers.remove(w)
        if not self.keeps and (self.keeps_dict or self.keeps_class) and native.held(self):
            native.kept = (w.cls, w.attributes)
            w.passed_on = True
        if w.cls is self.deleted and not w.finalized:
            self.finalizes(w)

    def finalizes(self, w):
        w.finalized = True
        self.expected_deaths[w.native.number] = self.expected_deaths.get(w.native.number, 0) + 1

    def let_go(self, w):
        """A variable less. Perhaps no Python reference is left: then a wrapper that is kept once may have
        been kept already."""
        w.variables -= 1
        if self.vague and not w.variables:
            w.vague = w.weak_vague = True

    def follow(self, collect=False):
        """Destroy what has no reference, and check it. collect: gc runs, too."""
        if not self.firing:  # what was put off has been destroyed
            for w in self.put_off:
                w.limbo = False
            self.put_off, self.deep = [], False
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
                    if w.dead or w.limbo or w.entered or w.event and not w.event.fired:
                        continue  # dies when its event has said what becomes of it; dead: by a collection meanwhile
                    strong = (
                        w.variables
                        or (w.cycle or w.captured)
                        and not collect
                        or (w.cycle and held and self.keeps_cycles)
                    )
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
                if not held and not native.wrappers and not native.owned():
                    native.alive = False
                    died = changed = True
        self.natives = [n for n in self.natives if n.alive]
        return died

    def unreachable(self):
        """Natives that only cycles of native edges keep, where gc sees those."""
        if not self.edges_seen:
            return []
        pending = [
            n
            for n in self.natives
            if n.holders or n.owned() or any(w.variables or w.limbo or w.entered for w in n.wrappers)
        ]
        seen = set(pending)
        while pending:
            new = set(pending.pop().edges) - seen
            seen |= new
            pending += new
        return [n for n in self.natives if n.alive and n not in seen]

    def garbage(self):
        """Whether there is something that only gc can free."""
        return bool(self.unreachable()) or any(
            not w.variables and (w.cycle or w.captured) for n in self.natives for w in n.wrappers
        )

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
        """real is in one of our variables, which w counts already, and must be w."""
        self.same(real, w)
        self.variables.append((real, w))

    def room(self, i):
        """Make room for one more variable."""
        if len(self.variables) >= MOST:
            self.op_drop(i, 0, 0)

    def attributes(self, real):
        return {k: v for k, v in real.__dict__.items() if k not in ("me", "bomb")}

    def learn(self, real, w):
        """What is left of it."""
        w.cls, w.attributes = type(real), self.attributes(real)
        if "bomb" in real.__dict__:
            real.__dict__["bomb"].event.carrier = w.attributes

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
            self.learn(real, w)
            n.gutted = False
        if w.vague:
            self.learn(real, w)
            w.vague = False
            w.slot, w.cycle = getattr(real, "s", None), real.__dict__.get("me") is real
        self.expect(type(real) is w.cls, f"a {type(real).__name__}, not a {w.cls.__name__}")
        attributes = self.attributes(real)
        self.expect(attributes == w.attributes, f"attributes {attributes}, not {w.attributes}")
        self.expect(getattr(real, "s", None) == w.slot, f"slot {getattr(real, 's', None)}, not {w.slot}")
        self.expect(real.message() == n.message, "another message")

    def after(self, garbage=False):
        """What follows from the last operation, in the model and in the subject."""
        died, waiting = False, None
        while not self.prompt and self.events and waiting != len(self.events):
            waiting = len(self.events)
            self.settle()  # events fire before the model is followed
            died |= self.follow()
        died |= self.follow()
        if garbage and self.garbage():
            self.op_collect(2, 0, 0)
            return
        if not self.prompt and (died or self.reentered != self.settled):
            self.settled, before = self.reentered, None
            while before != self.s.live_objects():  # one link of a chain each time
                before = self.s.live_objects()
                self.settle()
        if self.vague:
            gc.collect()
            gc.collect()  # what came back from the first may be garbage now
        self.check()

    def check(self):
        self.check_events()
        alive = self.s.live_objects() - self.base
        if not (self.vague and self.reentered):  # close() sees the balance
            self.expect(alive == len(self.natives), f"{alive} native objects are alive, not {len(self.natives)}")
        if not self.vague:
            real, model = self.wrappers() - self.base_wrappers, sum(len(n.wrappers) for n in self.natives)
            self.expect(real == model, f"{real} wrappers are alive, not {model}")
        if not self.vague and self.gc_safe:
            self.expect(self.deaths == self.expected_deaths, f"__del__ ran {self.deaths}, not {self.expected_deaths}")

    # ---- re-entrance ------------------------------------------------------------------

    def deleted_by_python(self, this):
        """__del__ of this runs."""
        number, found = this.id(), self.found_by_gc()
        for event in [e for e in self.events if e.kind == "del" and e.w.native.number == number][:1]:
            self.fired(event, this)
            return
        # gc runs every __del__ before it looks what one of them has made reachable again.
        for w in [w for w in found if w.native.number == number and not w.finalized and not w.dead][:1]:
            self.finalizes(w)

    def found_by_gc(self):
        """Wrappers with __del__ that the running collection may find unreachable, as of before its first event."""
        if not collections.running or self.vague:
            return ()
        if self.condemned[0] != collections.number:
            natives = self.unreachable()
            found = [
                w
                for n in self.natives
                for w in n.wrappers
                if w.cls is self.deleted and not w.variables and (w.cycle or w.captured or n in natives)
            ]
            self.condemned = (collections.number, found)
        return self.condemned[1]

    def fired(self, event, this=None):
        """Python runs an event: this is the wrapper, in a __del__. What is wrong is found by check()."""
        try:
            self.fire(event, this)
        except BaseException as e:
            self.errors.append(f"in a {event.kind} event of {event.w.native.number}: {type(e).__name__}: {e}")
            e.__traceback__ = None

    def fire(self, event, this):
        self.expect(not event.fired, "it ran twice")
        self.found_by_gc()
        event.fired = True
        self.events.remove(event)
        w, n = event.w, event.w.native
        if this is not None:
            self.finalizes(w)
        if not self.armed:
            return
        by_gc = collections.running
        self.firing += 1
        self.deep = self.deep or puts_off()
        if this is None:
            n.dying.append(event)
        else:
            w.entered += 1
            if by_gc:  # which has cleared the weak references of all that it is about to clear
                self.weak_of(n)
        try:
            if not by_gc:
                self.dies_of(event, this)
            self.act(w, this, random.Random(event.seed), by_gc)
        finally:
            if this is None:
                n.dying.remove(event)
            else:
                w.entered -= 1
                if self.deep and not w.dead:
                    w.limbo = True
                    self.put_off.append(w)
            try:
                self.follow()
            finally:
                self.firing -= 1

    def dies_of(self, event, this):
        """An event shows that a wrapper is being destroyed: may it, now?"""
        w, n = event.w, event.w.native
        going = [v for v in n.wrappers if v.attributes is event.carrier] if event.kind == "dict" else [w]
        # What a collection inside a drain destroys releases its edges when the collection is over.
        known = not self.below_limbo(n) and not self.garbage()
        for v in going:
            v.limbo = False
        self.follow()
        if self.vague:
            return
        if event.kind == "dict" and n.kept and n.kept[1] is event.carrier:
            self.expect(not n.held(self) or not known, "a value in the dict was destroyed, which native code keeps")
        for v in going:
            if v.dead:
                continue
            self.expect(not v.variables, "it ran while Python held the wrapper")
            self.expect(not (self.keeps and n.held(self)) or not known, "it ran while native code held the wrapper")
            if this is None:
                self.dies(v)

    def weak_of(self, native):
        """The declaration does not say what is left of weak references to native and all below it."""
        seen, pending = {native}, [native]
        while pending:
            n = pending.pop()
            for v in n.wrappers:
                v.weak_vague = True
            pending += set(n.edges) - seen
            seen |= set(n.edges)

    def check_events(self):
        if self.errors:
            raise Mismatch(self.errors[0])
        for event in () if self.vague else self.events:
            w, n = event.w, event.w.native
            if event.kind == "del":
                alive = w.variables or w.cycle or w.captured or self.keeps and n.held(self)
            elif event.kind == "dict":
                alive = (
                    n.gutted
                    or any(v.attributes is event.carrier for v in n.wrappers)
                    or (n.alive and self.keeps_dict and n.kept and n.kept[1] is event.carrier)
                )
            else:
                alive = not w.dead
            self.expect(alive, f"a {event.kind} event of native object {n.number} did not run")

    def act(self, w, this, r, by_gc=False, more=()):
        """User code inside an event: one to three calls of the API."""
        self.inside += 1
        try:
            for _ in range(r.randint(1, 3)):
                self.reentered += 1
                getattr(self, "re_" + r.choice([*REENTRANT, *more]))(w, this, r, by_gc)
        finally:
            self.inside -= 1

    def in_limbo(self, n):
        return any(v.limbo for v in n.wrappers)

    def below_limbo(self, native):
        """Whether a native edge leads to it from an object in limbo, or it is in limbo itself."""
        seen, pending = {native}, [native]
        while pending:
            n = pending.pop()
            if self.in_limbo(n):
                return True
            above = {m for m in self.natives if n in m.edges} - seen
            pending += above
            seen |= above
        return False

    def choose_holder(self, w, r):
        """A holder, of the same native object if it has one, more often than not."""
        same = [e for e in self.holders if e[1] is w.native] if r.random() < 0.7 else []
        return r.choice(same or self.holders) if same or self.holders else None

    def choose_variable(self, w, this, r):
        if this is not None and r.random() < 0.6:
            return this, w
        return r.choice(self.variables) if self.variables else (this, w if this is not None else None)

    def re_get(self, w, this, r, by_gc):
        entry = self.choose_holder(w, r)
        if entry is None:
            return
        ref, n = entry
        if by_gc or self.in_limbo(n) or len(self.variables) >= 2 * MOST:
            self.re_peek(w, this, r, by_gc, entry)
            return
        real = ref.get()
        self.add(real, self.wrap(n))

    def re_peek(self, w, this, r, by_gc, entry=None):
        """Wrap, and drop that."""
        ref, n = entry or self.choose_holder(w, r) or (None, None)
        if ref is None:
            return
        unclear = by_gc or self.in_limbo(n)
        if (
            unclear
            and any(v.cls is self.deleted for v in n.wrappers)
            or unclear
            and n.kept
            and n.kept[0] is self.deleted
        ):
            return  # whether its __del__ runs once more cannot be told
        real = ref.get()
        self.expect(real.id() == n.number, "another native object")
        if unclear:
            return
        v = self.wrap(n)
        self.same(real, v)
        self.let_go(v)
        del real
        self.follow()

    def re_release(self, w, this, r, by_gc):
        entry = None if by_gc else self.choose_holder(w, r)
        if entry is None:
            return
        self.holders.remove(entry)
        entry[1].holders -= 1
        if r.random() < 0.5 or self.deep:  # else entry may be put off, and keep the MyClassRef
            entry[0].release()
        del entry
        self.follow()

    def re_hold(self, w, this, r, by_gc):
        real, v = self.choose_variable(w, this, r)
        if v is not None and len(self.holders) < 2 * MOST:
            self.holders.append((self.s.MyClassRef(real), v.native))
            v.native.holders += 1

    def re_keep(self, w, this, r, by_gc):
        """__del__ keeps the wrapper."""
        if this is not None and len(self.variables) < 2 * MOST:
            self.variables.append((this, w))
            w.variables += 1

    def re_set(self, w, this, r, by_gc):
        real, v = self.choose_variable(w, this, r)
        if v is not None:
            value = next(self.count)
            real.x9 = v.attributes["x9"] = value

    def re_weakref(self, w, this, r, by_gc):
        real, v = self.choose_variable(w, this, r)
        if v is not None and not by_gc:
            self.weak.append((weakref.ref(real), v))

    def re_append(self, w, this, r, by_gc):
        (real, v), (child, c) = self.choose_variable(w, this, r), self.choose_variable(w, this, r)
        if v is None or by_gc or len(v.native.edges) > 5:
            return
        if not self.edges_seen and v.native.number >= c.native.number:
            return
        v.native.edges.append(c.native)
        real.append(child)

    def re_remove(self, w, this, r, by_gc):
        (real, v), (child, c) = self.choose_variable(w, this, r), self.choose_variable(w, this, r)
        if v is None or by_gc:
            return
        self.remove(real, v, child, c)
        self.follow()

    def re_emit(self, w, this, r, by_gc):
        ref, n = self.choose_holder(w, r) or (None, None)
        if ref is None or by_gc or self.in_limbo(n):
            return
        self.emit(ref, n, r.randrange(60))

    def re_collect(self, w, this, r, by_gc):
        if not self.garbage():
            gc.collect()

    def re_create(self, w, this, r, by_gc):
        """The memory of what has just died is used again."""
        numbers = {self.s.MyClass().id() for _ in range(40)} | {o.id() for o in [self.s.MyClass("m") for _ in range(9)]}
        self.expect(len(numbers) == 49 and not numbers & {n.number for n in self.natives}, "a number came twice")

    def re_reclass(self, w, this, r, by_gc):
        real, v = self.choose_variable(w, this, r)
        if v is not None and v.cls in self.listening and not v.vague:
            real.__class__ = v.cls = self.listening[v.cls is self.listening[0]]

    def re_drop(self, w, this, r, by_gc):
        """Not in a destructor: the operation under way may refer to any variable. Nor the last reference
        to what only gc destroys: where native code does not keep that, the next wrap gives it, or, if gc has
        run at an allocation in between, a new one."""
        if self.variables:
            i = r.randrange(len(self.variables))
            v = self.variables[i][1]
            if v.variables == 1 and (v.cycle or v.captured):
                return
            real, v = self.variables.pop(i)
            self.let_go(v)
            del real
            self.follow()

    # ---- operations -------------------------------------------------------------------

    def op_create(self, i, j, k):
        self.room(j)
        cls = self.pick(self.classes, i)
        message = f"m{j}" if j % 3 == 0 else ""
        real = cls(message) if message else cls()
        n = Native(real.id(), message)
        self.expect(all(n.number != o.number for o in self.natives), f"number {n.number} came twice")
        w = Wrapper(n, cls)
        w.variables = 1
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
        if ref is None or w.weak_vague or self.vague and self.reentered:
            return
        self.follow()
        real = ref()
        self.expect((real is None) == w.dead, f"a weak reference is {'dead' if real is None else 'alive'}")
        if real is not None:
            w.variables += 1
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
        self.remove(*parent, *child)
        self.after(True)

    def remove(self, parent, parent_w, child, child_w):
        edges, child_n = parent_w.native.edges, child_w.native
        there = child_n in edges
        if there:
            edges.remove(child_n)  # before, because the removal may run events
        try:
            parent.remove(child)
        except ValueError as e:
            e.__traceback__ = None
            self.expect(not there, "an edge is not there")
        else:
            self.expect(there, "an edge exists that was never made")

    def op_children(self, i, j, k):
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None:
            return
        children, edges = real.children(), w.native.edges
        self.expect([c.id() for c in children] == [n.number for n in edges], "other children")
        given = [(c, self.wrap(n)) for c, n in zip(children, edges)]
        for c, known in given:
            self.same(c, known)
        del children
        while given:
            c, known = given.pop()
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
            w.weak_vague = w.finalized = True  # gc may clear its weak references and run its __del__
        self.let_go(w)
        if not self.keeps and not w.variables:
            w.native.gutted = True
        self.op_collect(2, 0, 0)

    def op_collect(self, i, j, k):
        # A young collection may leave garbage, so run it only without garbage.
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
        self.emit(r, n, j)
        self.after(True)

    def emit(self, r, n, event):
        callback = n.callback
        answer = r.emit(event)
        if callback:
            self.expect(answer == event + callback, "the callback was not called")
            return
        w = self.wrap(n)
        if not w.vague and not n.gutted and not (self.vague and self.reentered):
            want = event + 100 if w.cls in self.listening else event
            self.expect(answer == want, f"on_event answered {answer}, not {want}")
        self.let_go(w)
        self.follow()

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
        """Threads wrap and drop while a goroutine releases another reference."""
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

    # ---- operations with re-entrance ----------------------------------------------------

    def op_arm(self, i, j, k):
        """From now on user code runs when a wrapper dies."""
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None or w.vague or len(self.events) > 8:
            return
        kind = Event.KINDS[j % 5]
        if kind == "slot" and w.cls not in self.slotted or kind == "del" and (w.cls is not self.deleted or w.finalized):
            kind = "dict"
        if (
            kind == "dict"
            and "bomb" in real.__dict__
            or kind == "slot"
            and hasattr(real, "bomb")
            or kind == "del"
            and w.event
        ):
            kind = "weakref"
        event = Event(self, w, kind, i * 3600 + j * 60 + k)
        event.carrier = w.attributes
        self.events.append(event)
        if kind == "del":
            w.event = event
        elif kind == "weakref":
            event.ref = weakref.ref(real, event)
        elif kind == "finalize":
            weakref.finalize(real, event).atexit = False
        elif kind == "slot":
            real.bomb = Bomb(event)
        else:
            real.__dict__["bomb"] = Bomb(event)  # of a class with slots, too

    def op_armed(self, i, j, k):
        """A new object with an event, which native code holds or not."""
        self.room(j)
        kind = j % 5
        self.op_create(5 if kind == 0 else 3 + k % 2 if kind == 3 else i, j, k)
        last = len(self.variables) - 1
        self.op_arm(last, kind, k)
        if k % 2:
            self.op_hold(last, j, 0)

    def op_nest(self, i, j, k):
        """Wrappers die together, deep in containers, where CPython's trashcan puts deaths off."""
        nest, dropped = [], []
        for _ in range(1 + j % 4):
            if not self.variables:
                break
            real, w = self.variables.pop(i % len(self.variables))
            self.let_go(w)
            dropped.append(w)
            nest = [real, nest]
            for _ in range(k):
                nest = [nest]
        real = None
        for w in dropped:
            w.limbo = not w.variables
        del nest
        for w in dropped:
            w.limbo = False
        self.after(True)

    def op_reemit(self, i, j, k):
        """Native code calls user code, which calls the API."""
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None or w.vague or w.native.callback or len(self.holders) > MOST:
            return
        r = random.Random(i * 3600 + j * 60 + k)
        ref, n = self.s.MyClassRef(real), w.native
        n.holders += 1
        self.holders.append((ref, n))
        by_method = w.cls in self.listening and self.one

        def inside(this):
            self.on_event = None
            w.variables += 1
            try:
                self.act(w, this, r, more=["drop"])
            except BaseException as e:
                self.errors.append(f"in an emit: {type(e).__name__}: {e}")
                e.__traceback__ = None
            self.let_go(w)

        if by_method:
            self.on_event = inside
        else:
            real.set_callback(lambda event: (inside(real), event)[1])
        if by_method:
            del real
            self.expect(ref.emit(j) == j + 100, "on_event was not called")
        else:
            self.expect(ref.emit(j) == j, "the callback was not called")
            real.set_callback(None)
            del real, inside
        del ref  # the code inside may have dropped the other reference to it, instead of a release()
        self.after(True)

    def op_ambient(self, i, j, k):
        """A collection runs user code inside a call: up to 3.11 inside the C code that allocates."""
        real, w = self.pick(self.variables, i) or (None, None)
        if w is None or self.vague:
            return
        n = w.native
        ref, other = self.s.MyClassRef(real), self.s.MyClassRef(real)
        wrong = []

        class Garbage:
            def __del__(this):
                try:
                    if k % 3 == 0:
                        other.release()
                    elif other.get().id() != n.number:
                        wrong.append("another native object")
                    if k % 3 == 2:
                        self.s.MyClassRef(other.get())
                except BaseException as e:
                    wrong.append(repr(e))

        threshold = gc.get_threshold()
        calls = (
            ref.get,
            lambda: self.s.MyClassRef(real),
            lambda: ref.emit(j),
            real.children,
            lambda: self.s.MyClass("m"),
            lambda: setattr(real, "__class__", w.cls),
            ref.release_from_goroutine,
            lambda: repr(real),
            lambda: weakref.ref(real, print),
            lambda: self.s.new_native("m").get(),
        )
        call = calls[j % len(calls)]
        junk = Garbage()
        junk.me = junk
        del junk
        gc.set_threshold(1)
        try:
            result = call()
        finally:
            gc.set_threshold(*threshold)
        if call == ref.get:
            self.expect(result.id() == n.number and (not self.one or result is real), "another object")
        gc.collect()
        del call, calls, result, ref, other
        self.expect(not wrong, f"inside a collection: {wrong}")
        self.same(real, w)
        del real
        self.after(True)

    def close(self):
        """Release everything; then no object must be left."""
        self.armed = False
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
        self.expect(not self.events, f"{len(self.events)} events did not run")
        self.expect(not self.natives, f"{len(self.natives)} native objects are left in the model")
        self.expect(self.s.live_objects() == self.base, "native objects are left")
        self.expect(self.wrappers() == self.base_wrappers, "wrappers are left")


class Collections:
    """Whether gc runs at the moment, and the number of its collections."""

    def __init__(self):
        self.running, self.number = False, 0
        gc.callbacks.append(self)

    def __call__(self, phase, info):
        self.running = phase == "start"
        self.number += self.running


collections = Collections()
REENTRANT = tuple(name[3:] for name in dir(World) if name.startswith("re_") and name != "re_drop")
OPERATIONS = tuple(name[3:] for name in dir(World) if name.startswith("op_"))


# What a sequence is made of that is to have many events.
EVENTFUL = (
    "armed",
    "armed",
    "armed",
    "arm",
    "nest",
    "reemit",
    "ambient",
    "drop",
    "drop",
    "release",
    "release",
    "get",
    "hold",
    "junk",
    "cycle",
    "append",
    "remove",
    "emit",
    "reclass",
    "upgrade",
    "weakref",
    "set",
    "race",
)


def run(subject, operations):
    """Run a sequence of operations. Raises Mismatch where the subject and the model part. Returns
    the number of API calls inside events."""
    world = World(subject)
    for name, i, j, k in operations:
        getattr(world, f"op_{name}")(i, j, k)
    world.close()
    return world.reentered
