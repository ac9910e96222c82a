"""I: is it the same object?"""

import gc
import sys
import weakref

from lifetimes.harness import QUICK, prop, restoring_gc, restoring_switch_interval, together


@prop("I1", "one object while alive")
def test_two_wraps_while_a_wrapper_is_alive_give_one_object(s):
    """Wrapping a native object twice while a wrapper is alive gives one object."""
    a = s.MyClass()
    r, r2 = s.MyClassRef(a), s.MyClassRef(a)
    assert r.get() is a, "get() gave another object while the first was alive"
    assert r.get() is r2.get()


@prop("I2", "same PyObject after death")
def test_the_same_object_after_death(s):
    """The same PyObject comes back after Python dropped it, judged by what was on it and not by id()."""
    a = s.MyClass()
    token = a.token = object()
    r, w = s.MyClassRef(a), weakref.ref(a)
    del a
    b = r.get()
    assert getattr(b, "token", None) is token, "another object came back"
    assert w() is b, "another object came back, with the same attributes"


@prop("I3", "same after 1,000 deaths")
def test_the_same_object_after_a_thousand_deaths(s):
    """The same PyObject comes back after 1,000 deaths in a row."""
    a = s.MyClass()
    a.deaths = 0
    r, w = s.MyClassRef(a), weakref.ref(a)
    del a
    for n in range(1000):
        b = r.get()
        assert getattr(b, "deaths", None) == n, f"another object came back after death {n + 1}"
        assert w() is b, f"another object came back after death {n + 1}, with the same attributes"
        b.deaths += 1
        del b


@prop("I4", "reuse never mixes up")
def test_a_reused_address_or_handle_never_yields_somebody_elses_wrapper(s):
    """A native address, slot or handle that is reused never yields another object's wrapper (ABA)."""
    seen = set()
    for n in range(500):
        a = s.MyClass()
        a.tag = n
        seen.add(a.id())
        r = s.MyClassRef(a)
        del a
        r.get()
        r.release()
        born = s.new_native()
        b = born.get()
        assert not hasattr(b, "tag"), "a new native object came with an old wrapper"
        assert b.id() not in seen, "an id was used twice"
        seen.add(b.id())


@prop("I5", "dict key, set member")
def test_works_as_dict_key_and_set_member(s):
    """A wrapper works as a dict key and set member before, during and after being a zombie."""
    a = s.MyClass()
    r = s.MyClassRef(a)
    as_key, as_member, before = {a: "v"}, {a}, hash(a)
    assert as_key.get(r.get()) == "v", "the wrapper got from native code is not found as a key"
    assert r.get() in as_member
    as_key.clear()
    as_member.clear()
    del a
    takers = [s.MyClass() for _ in range(50)]  # of the address, which is what most hashes are
    b = r.get()
    del takers
    assert hash(b) == before, "the wrapper that came back is another key"
    as_key[b] = "w"
    del b
    assert as_key.get(r.get()) == "w"
    as_key.clear()
    r.release()


@prop("I7", "native-born identity")
def test_a_native_born_object_keeps_its_first_wrapper(s):
    """An object born in native code, wrapped, dropped and wrapped again gives the same object."""
    r = s.new_native()
    a = r.get()
    token = a.token = object()
    w = weakref.ref(a)
    del a
    b = r.get()
    assert getattr(b, "token", None) is token, "another object came back"
    assert w() is b, "another object came back, with the same attributes"


@prop("I10", "children in order, and equal")
def test_children_come_in_order_and_equal_the_wrappers_at_hand(s):
    """children() gives what was appended, in order and equal to the wrappers at hand, also after objects have moved to another parent and back."""
    p, q = s.MyClass(), s.MyClass()
    a, b, c, d = objects = [s.MyClass() for _ in range(4)]
    for child in objects:
        p.append(child)

    def move(child, old, new):
        new.append(child)
        old.remove(child)

    def check(parent, wanted):
        numbers = [child.id() for child in wanted]
        assert [child.id() for child in parent.children()] == numbers, "the order is lost"
        assert parent.children() == wanted, "the children are not equal to the wrappers at hand"
        return numbers

    check(p, [a, b, c, d])
    move(b, p, q)
    move(a, p, q)
    check(p, [c, d])
    check(q, [b, a])
    move(b, q, p)
    p.append(c)
    check(p, [c, d, b, c])
    p.remove(c)  # the first of two edges
    numbers = check(p, [d, b, c])
    objects.clear()
    del a, b, c, d, child
    assert [child.id() for child in p.children()] == numbers, "the order is lost with the wrappers"


@prop("I9", "gc in the middle of a wrap", child=True)
@restoring_gc
def test_gc_in_the_middle_of_a_wrap_never_mixes_objects_up(s):
    """Code that gc runs while a wrapper is being made may wrap or release the same object, and nothing is mixed up."""

    class Trash:
        def __init__(self, action):
            self.action, self.me = action, self

        def __del__(self):
            self.action()

    class Sub(s.MyClass):
        pass

    def native_born():
        return s.new_native()

    def dead_subclass():
        return s.MyClassRef(Sub())

    for make in (native_born, dead_subclass):
        for action in ("get", "release", "release and reuse"):
            for _ in range(4 if QUICK else 20):
                r, got, keep = make(), [], s.new_native()
                r.get()
                r2 = make()
                number = r2.get().id() if make is dead_subclass else None

                def act():
                    if action == "get":
                        got.append(r2.get())
                    else:
                        r2.release()
                        if action != "release":
                            got.extend(s.new_native().get() for _ in range(40))

                gc.collect()
                Trash(act)
                gc.set_threshold(1)
                try:
                    b = r2.get()
                except ReferenceError:
                    b = None  # released before
                gc.set_threshold(0)
                gc.collect()
                if b is not None:
                    assert number is None or b.id() == number, "a wrapper of another native object"
                    if action == "get":
                        assert [x.id() for x in got] == [b.id()]
                    else:
                        assert b.id() not in [x.id() for x in got]
                    again = s.MyClassRef(b)
                    assert again.get().id() == b.id()
                    del again
                del b, act
                got.clear()
                r.release(), r2.release(), keep.release()


@prop("I8", "== and hash follow native identity")
def test_equality_and_hash_follow_the_native_object(s):
    """a == b and hash(a) follow the native object, even where `is` is lost."""
    a, other = s.MyClass(), s.MyClass()
    r = s.MyClassRef(a)
    b = r.get()
    assert a == b and not (a != b), "two wrappers of one native object are not equal"  # noqa: SIM202
    assert hash(a) == hash(b)
    assert a != other and not (a == other)  # noqa: SIM201
    before = hash(a)
    del a, b
    takers = [s.MyClass() for _ in range(50)]  # of the address, which is what most hashes are
    after = hash(r.get())
    del takers
    assert after == before, "the wrapper that came back hashes anew"


@prop("I6", "raced first wrap", child=True)
@restoring_switch_interval
def test_a_first_wrap_raced_by_threads_gives_one_wrapper(s):
    """A native object that eight threads wrap for the first time at once gets one wrapper."""
    sys.setswitchinterval(1e-6)
    for _ in range(50 if QUICK else 300):
        r, got = s.new_native(), []
        together(*[lambda: got.append(r.get())] * 8)
        assert len(got) == 8
        assert all(b is got[0] for b in got), "two wrappers for one native object"
