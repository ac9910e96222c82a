"""Asks one question about one product, in a process of its own, which may crash or hang:

    python ask.py LIBRARY.py QUESTION

prints the answer as its last line. A product is a file with make(cls), put(obj) and get(holder): an object, the
container that its native side holds it in, and the object that comes out again. `Class` is what Python code can
subclass, or None. collect(), if there is one, runs the product's own garbage collector.
"""

import atexit
import gc
import importlib.util
import sys
import threading
import time
import weakref

REFUSALS = (AttributeError, TypeError, NotImplementedError)
CHAIN, CHAIN_SECONDS, THREADS, THREAD_SECONDS = 50_000, 5, 4, 2


class Refused(Exception):
    """The product does not let Python code do it. The message says what."""


class Value:
    """What an attribute refers to; a weak reference tells whether it has been freed."""


def subclass(product, namespace=None):
    if product.Class is None:
        raise Refused("no subclass")
    try:
        return type("Subclass", (product.Class,), {**getattr(product, "NAMESPACE", {}), **(namespace or {})})
    except REFUSALS:
        raise Refused("no subclass") from None


def make(product, cls):
    try:
        obj = product.make(cls)
    except REFUSALS:
        raise Refused("no instance of a subclass") from None
    if cls is not product.Class and type(obj) is not cls:
        raise Refused("no instance of a subclass")
    return obj


def accepts(product, what):
    """The class of which an instance accepts what(obj), and a note: the product's own, or else a subclass."""
    for choose, note in (lambda: product.Class, ""), (lambda: subclass(product), " (in a subclass)"):
        try:
            cls = choose()
            what(make(product, cls))
            return cls, note
        except (*REFUSALS, Refused):
            continue
    raise Refused("refused")


def set_value(obj):
    obj.attached_value = Value()  # no class of a product has such a name
    return weakref.ref(obj.attached_value)


def collect(product):
    for _ in range(5):
        gc.collect()
        getattr(product, "collect", gc.collect)()


def fate(before, after):
    """In words, from whether it was there while the first wrapper lived and after that wrapper had gone."""
    return "kept" if before and after else "lost" if before else "lost at once"


def alive(product):
    obj = make(product, product.Class)
    holder = product.put(obj)
    return "same object" if product.get(holder) is obj else "another object"


def dropped(product):
    try:
        cls, note = accepts(product, weakref.ref)
    except Refused:
        return "cannot be told"
    obj = make(product, cls)
    ref, holder = weakref.ref(obj), product.put(obj)
    del obj
    again = product.get(holder)
    return ("same object" if ref() is again else "another object") + note


def attributes(product):
    cls, note = accepts(product, set_value)
    obj = make(product, cls)
    set_value(obj)
    holder = product.put(obj)
    before = hasattr(product.get(holder), "attached_value")
    del obj
    return fate(before, hasattr(product.get(holder), "attached_value")) + note


def subclasses(product):
    cls = subclass(product)
    obj = make(product, cls)
    holder = product.put(obj)
    before = type(product.get(holder)) is cls
    del obj
    return fate(before, type(product.get(holder)) is cls)


def slots(product):
    cls = subclass(product, {"__slots__": ("attached_extra",)})
    obj = make(product, cls)
    obj.attached_extra = Value()
    holder = product.put(obj)
    before = hasattr(product.get(holder), "attached_extra")
    del obj
    return fate(before, hasattr(product.get(holder), "attached_extra"))


def weak(product):
    cls, note = accepts(product, weakref.ref)
    obj = make(product, cls)
    ref, holder = weakref.ref(obj), product.put(obj)
    del obj
    dead = ref() is None
    again = product.get(holder)
    if dead and ref() is again:
        return "dead, then alive" + note
    return ("dies" if dead else "alive") + note


def kept(product, cls):
    """Whether an attribute is still there when only the holder has the object; and whether it is freed after."""
    obj = make(product, cls)
    ref, holder = set_value(obj), product.put(obj)
    del obj
    is_kept = ref() is not None
    del holder
    collect(product)
    return is_kept, ref() is None


def cycles(product):
    cls, _ = accepts(product, set_value)
    is_kept, is_freed = kept(product, cls)
    if not is_freed:
        return "leaks without a cycle"
    obj = make(product, cls)
    ref, holder = set_value(obj), product.put(obj)
    obj.attached_holder = holder
    if not is_kept:
        return "none: nothing is kept"
    del obj, holder
    collect(product)
    return "collected" if ref() is None else "leaks"


def chains(product):
    cls, _ = accepts(product, set_value)
    if not kept(product, cls)[0]:
        return "none: nothing is kept"
    obj = make(product, cls)
    ref, length, end = set_value(obj), 1, time.monotonic() + CHAIN_SECONDS
    while length < CHAIN and time.monotonic() < end:
        holder, obj = product.put(obj), make(product, cls)
        obj.attached_holder, length = holder, length + 1
    print(f"with {length:,}", flush=True)
    del obj, holder
    collect(product)
    return f"freed, {length:,} long" if ref() is None else "not freed"


def with_value(product):
    """A function that makes an object, with a value in an attribute where the product accepts one."""
    try:
        cls, _ = accepts(product, set_value)
    except Refused:
        return lambda: make(product, product.Class)

    def made():
        obj = make(product, cls)
        set_value(obj)
        return obj

    return made


def threads(product):
    made, wrong, end = with_value(product), [], time.monotonic() + THREAD_SECONDS

    def is_kept():
        obj = made()
        holder = product.put(obj)
        del obj
        return hasattr(product.get(holder), "attached_value")

    expected = is_kept()

    def work():
        try:
            while time.monotonic() < end:
                if is_kept() != expected:
                    wrong.append("another answer than with one")
        except Exception as error:
            wrong.append(type(error).__name__)

    workers = [threading.Thread(target=work) for _ in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return wrong[0] if wrong else "as with one"


def leave(product):
    obj = with_value(product)()
    holder = product.put(obj)
    atexit.register(lambda: print(type(product.get(holder)).__name__, "at exit\nclean", flush=True))
    sys.modules[__name__].holder = holder  # until the interpreter is torn down
    return "leaving"


QUESTIONS = {
    "alive": alive,
    "dropped": dropped,
    "attributes": attributes,
    "subclass": subclasses,
    "slots": slots,
    "weak": weak,
    "cycle": cycles,
    "chain": chains,
    "threads": threads,
    "exit": leave,
}


def load(path):
    spec = importlib.util.spec_from_file_location("product", path)
    product = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(product)
    return product


if __name__ == "__main__":
    try:
        print(QUESTIONS[sys.argv[2]](load(sys.argv[1])), flush=True)
    except Refused as refused:
        print(refused, flush=True)
