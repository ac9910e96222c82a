"""The kit's promises about references given up by threads without the GIL. See test_kit.py."""
import os
import random
import sys
import threading
import time
import warnings
import weakref

from kit_helpers import (HANDED_OVER, KEEPING, KINDS, REFS, WRAPPED, Log, by_hand, check_all, kit, live, main, make,
                         refused, settle, subclass)


@by_hand()
def test_last_reference_beside_the_wrapper_waits_for_the_gil():
    for base in KINDS:
        log = []
        w = make(subclass(base, lambda self: log.append("del")), d=1)
        handles = [kit.retain(w) for _ in range(3)]
        kit.threads("r", handles[:2], 1, True)
        assert kit.look(w)[REFS] == 2 and kit.queued()[0] == 0  # the first two are released at once
        if base in KEEPING:
            del w
        kit.threads("r", handles[2:], 1, True)
        if base in KEEPING:
            assert kit.look(handles[2])[REFS:WRAPPED] == (2, base is kit.Preserve, 0, 1) and log == []
            w = None
        kit.drain()
        del w
        assert log == ["del"] and live() == 0 and not kit.queued()[0]


def test_only_owner_destroys_without_the_gil():
    for base in KINDS:
        kit.threads("r", [kit.born(base) for _ in range(100)], 4, True)
        assert live() == 0 and not kit.queued()[0]


@by_hand()
def test_wrapped_while_its_release_waits():
    for base in KEEPING:
        w = make(base, d=1)
        held = kit.retain(w)
        r = weakref.ref(w)
        del w
        again = kit.retain(held)
        kit.threads("r", [again, again][:1], 1, True)
        kit.threads("r", [held], 1, True)
        w = r()
        assert kit.look(w)[REFS] == 2 and kit.wrap(w) is w
        held = kit.retain(w)
        del w
        kit.drain()
        assert kit.look(held)[REFS] == 2 and kit.wrap(held) is r() and r().d == 1
        kit.release(held)
        assert r() is None


def test_references_from_many_threads_are_dropped_once_and_without_a_drain():
    for base in KINDS:
        most, deaths = 0, []
        cls = subclass(base, lambda self: deaths.append(1))
        drained = kit.queued()[3]
        for _ in range(20):
            objects = [cls() for _ in range(200)]
            handles = [kit.retain(w) for w in objects for _ in range(5)]
            random.Random(1).shuffle(handles)
            del objects
            kit.threads("r", handles, 8, False)
            most = max(most, live())
            settle()
            assert live() == 0  # memory is bounded by what is alive: the link is in the object
        assert len(deaths) == 4000 and most <= 200
        # Of each object's references the last at most waits, beside those that raced with it.
        assert kit.queued()[3] - drained <= 4000 * 5


@by_hand()
def test_every_reference_handed_over_is_released():
    for base in KINDS:
        for n in 2, 3, 1000, 70_000:
            w = base()
            handles = [kit.retain(w) for _ in range(n)]
            drained = kit.queued()[3]
            kit.threads("h", handles, 4, True)
            assert kit.look(w)[REFS] == n + 1 and kit.look(w)[HANDED_OVER] == n
            kit.drain()
            assert kit.look(w)[:1] == (1,) and kit.look(w)[HANDED_OVER] == 0
            assert kit.queued()[3] - drained == n
            del w
            assert live() == 0


@by_hand()
def test_holders_are_counted_beside_what_is_handed_over():
    for base in KEEPING:
        w = base()
        holders = [kit.Holder(w) for _ in range(1000)]
        kit.threads("h", [kit.retain(w) for _ in range(1000)], 4, True)
        assert kit.look(w)[REFS:WRAPPED] == (2001, 0, 1000, 1000)
        kit.drain()
        assert kit.look(w)[REFS:WRAPPED] == (1001, 0, 1000, 0)
        del holders[1:]
        assert kit.look(w)[REFS:WRAPPED] == (2, 0, 1, 0)


@by_hand()
def test_queue_takes_the_oldest_first_and_what_is_added_meanwhile():
    log = Log()
    handles, more = [], []

    def finalize(self):
        log.append(self.number)
        if self.number < 5:
            w = make(cls, number=self.number + 100)
            kit.threads("r", [kit.retain(w)], 1, True)
            kit.drain()  # the outer drain goes on with it
            assert kit.queued()[2]

    cls = subclass(kit.Preserve, finalize)
    for i in range(10):
        handles.append(kit.retain(make(cls, number=i)))
    kit.threads("r", handles, 1, True)
    kit.drain()
    assert log == [*range(10), *range(100, 105)], log


def test_a_chain_of_edges_dies_through_the_queue():
    for base in KINDS:
        for wrapped in False, True:
            for end in "r", "release":
                previous = None
                for _ in range(200_000):
                    w = base() if wrapped else None
                    held = kit.retain(w) if wrapped else kit.born(base)
                    if previous:
                        kit.edge(held, previous)
                    previous = held
                w = None
                assert live() == 200_000
                if end == "r":
                    kit.threads("r", [previous], 1, False)
                else:
                    kit.release(previous)
                settle()
                assert live() == 0


@by_hand()
def test_calls_run_in_order_before_later_references():
    calls = []
    kit.log_to([], calls)
    kit.threads("c", list(range(1, 1001)), 1, True)
    assert calls == []
    kit.drain()
    assert calls == list(range(1, 1001))
    w = make(subclass(kit.Preserve, lambda self: calls.append("del")))
    held = kit.retain(w)
    del w
    calls.clear()
    kit.threads("r", [held], 1, True)
    kit.threads("c", [7], 1, True)
    kit.drain()
    assert calls == [7, "del"]


def test_calls_of_many_threads_run_once_and_in_each_ones_order():
    calls = []
    kit.log_to([], calls)
    kit.threads("c", list(range(4000)), 4, False)
    settle()
    assert sorted(calls) == list(range(4000))
    for thread in range(4):
        mine = [c for c in calls if c % 4 == thread]
        assert mine == sorted(mine)


def test_disarmed_queue_requests_nothing_and_loses_nothing():
    with by_hand():
        kit.threads("r", [kit.retain(kit.Preserve()) for _ in range(10)], 2, False)
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            pass
        assert kit.queued()[:2] == (1, 0) and live() == 10
        kit.drain()
        assert live() == 0


@by_hand()
def test_drain_keeps_the_exception_that_is_set():
    seen = []
    w = subclass(kit.Preserve, lambda self: seen.append(sys.exc_info()[1] or {}.get(0)))()
    kit.threads("r", [kit.retain(w)], 1, True)
    del w
    assert refused(KeyError, kit.drain_raising, "mine") == "'mine'"
    assert seen == [None] and live() == 0


def test_pending_calls_drain_when_the_list_of_them_was_full():
    # Each round asks anew, so a request that found CPython's list full is not the last one.
    for _ in range(200):
        kit.threads("r", [kit.retain(kit.Preserve()) for _ in range(2)], 2, False)
    kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
    settle()
    assert live() == 0


def test_child_of_a_fork_drains_though_the_drainer_is_gone():
    if not hasattr(os, "fork"):
        return "no fork"
    entered, leave = threading.Event(), threading.Event()

    def finalize(self):
        entered.set()
        leave.wait(20)

    def drain_elsewhere():
        w = subclass(kit.Preserve, finalize)()
        kit.threads("r", [kit.retain(w)], 1, True)
        w = None
        kit.drain()

    kit.disarm(True)  # the main thread is not to drain by a pending call
    thread = threading.Thread(target=drain_elsewhere)
    try:
        thread.start()
        assert entered.wait(20) and kit.queued()[2]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            before = kit.state()[0]
            kit.disarm(False)
            kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                pass
            stuck = kit.queued()[:3] == (1, 1, 1)
            kit.after_fork_in_child()
            kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
            end += 20
            while kit.queued()[0] and time.monotonic() < end:
                pass
            os._exit(stuck + 2 * (kit.state()[0] == before))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == 3, code
    finally:
        leave.set()
        thread.join()
        kit.disarm(False)


def test_python_threads_and_native_threads_at_once():
    for base in KEEPING:
        cls, wrong = subclass(base), []

        def work(seed):
            choose = random.Random(seed)
            for _ in range(30):
                w = make(cls, b=seed, d=[seed])
                address, handles = id(w), [kit.retain(w) for _ in range(choose.randrange(2, 20))]
                del w
                for _ in range(10):
                    kept = handles[0]
                    if len(handles) > 1 and choose.random() < 0.7:
                        kit.threads("r", [handles.pop()], 1, choose.random() < 0.5)
                    w = kit.wrap(kept)
                    if (id(w), w.b, w.d) != (address, seed, [seed]) or kit.wrap(w) is not w:
                        wrong.append(w)
                    if choose.random() < 0.3:
                        handles.append(kit.retain(w))
                    del w
                kit.threads("r", handles, 3, choose.random() < 0.5)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        finally:
            sys.setswitchinterval(interval)
        settle()
        assert not wrong and live() == 0


check_all(globals())
if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
