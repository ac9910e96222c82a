"""The kit's promises about references handed over by unattached threads. See test_kit.py."""

import contextlib
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref

from kit_helpers import (
    AT_ONCE,
    DRAINED,
    DRAINING,
    FILLED,
    FREE_THREADED,
    HANDED_OVER,
    KEEPING,
    KINDS,
    REFS,
    REQUESTED,
    THREAD,
    WRAPPED,
    Log,
    by_hand,
    check_all,
    drain_all,
    kit,
    live,
    main,
    make,
    refused,
    settle,
    settled,
    subclass,
)

NO_THREAD, STARTING, RUNNING, DISARMED = range(4)  # THREAD of kit.queued()


@by_hand()
def test_last_reference_beside_the_wrapper_waits_for_an_attached_thread():
    for base in KINDS:
        log = []
        w = make(subclass(base, lambda self: log.append("del")), d=1)
        handles = [kit.retain(w) for _ in range(3)]
        kit.threads("r", handles[:2], 1, True)
        assert kit.look(w)[REFS] == 2 and not kit.queued()[FILLED]  # the first two are released at once
        if base in KEEPING:
            del w
        kit.threads("r", handles[2:], 1, True)
        if base in KEEPING:
            assert kit.look(handles[2])[REFS:WRAPPED] == (2, base is kit.Preserve, 0, 1) and log == []
            w = None
        drain_all()
        del w
        assert log == ["del"] and live() == 0 and not kit.queued()[FILLED]


def test_only_owner_destroys_unattached():
    for base in KINDS:
        kit.threads("r", [kit.born(base) for _ in range(100)], 4, True)
        assert live() == 0 and not kit.queued()[FILLED]


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
        drain_all()
        assert kit.look(held)[REFS] == 2 and kit.wrap(held) is r() and r().d == 1
        kit.release(held)
        assert r() is None


def test_references_from_many_threads_are_dropped_once_and_without_a_drain():
    for base in KINDS:
        most, deaths = 0, []
        cls = subclass(base, lambda self: deaths.append(1))
        drained = kit.queued()[DRAINED]
        for _ in range(20):
            objects = [cls() for _ in range(200)]
            handles = [kit.retain(w) for w in objects for _ in range(5)]
            random.Random(1).shuffle(handles)
            del objects
            kit.threads("r", handles, 8, False)
            most = max(most, live())
            settle(until=0)  # memory is bounded by what is alive: the link is in the object
        assert len(deaths) == 4000 and most <= 200
        # Of each object's references the last at most waits, beside those that raced with it.
        assert kit.queued()[DRAINED] - drained <= 4000 * 5


@by_hand()
def test_every_reference_handed_over_is_released():
    for base in KINDS:
        for n in 2, 3, 1000, 70_000:
            w = base()
            handles = [kit.retain(w) for _ in range(n)]
            drained = kit.queued()[DRAINED]
            kit.threads("h", handles, 4, True)
            assert kit.look(w)[REFS] == n + 1 and kit.look(w)[HANDED_OVER] == n
            drain_all()
            assert kit.look(w)[:1] == (1,) and kit.look(w)[HANDED_OVER] == 0
            assert kit.queued()[DRAINED] - drained == n
            del w
            assert live() == 0


@by_hand()
def test_holders_are_counted_beside_what_is_handed_over():
    for base in KEEPING:
        w = base()
        holders = [kit.Holder(w) for _ in range(1000)]
        kit.threads("h", [kit.retain(w) for _ in range(1000)], 4, True)
        assert kit.look(w)[REFS:WRAPPED] == (2001, 0, 1000, 1000)
        drain_all()
        assert kit.look(w)[REFS:WRAPPED] == (1001, 0, 1000, 0)
        del holders[1:]
        assert kit.look(w)[REFS:WRAPPED] == (2, 0, 1, 0)


@by_hand()
def test_queue_takes_the_oldest_first_and_what_is_added_meanwhile():
    log = Log()
    handles = []

    def finalize(self):
        log.append(self.number)
        if self.number < 5:
            w = make(cls, number=self.number + 100)
            kit.threads("r", [kit.retain(w)], 1, True)
            kit.drain()  # the outer drain goes on with it
            assert kit.queued()[DRAINING]

    cls = subclass(kit.Preserve, finalize)
    for i in range(10):
        handles.append(kit.retain(make(cls, number=i)))
    kit.threads("r", handles, 1, True)
    drain_all()
    assert log == [*range(10), *range(100, 105)], log


def test_a_chain_of_edges_dies_through_the_queue():
    for base in KINDS:
        for wrapped in False, True:
            for end in "r", "release":
                previous = None
                n = 200_000 if base in (*AT_ONCE, kit.Mapped) else 10_000
                for _ in range(n):
                    w = base() if wrapped else None
                    held = kit.retain(w) if wrapped else kit.born(base)
                    if previous:
                        kit.edge(held, previous)
                    previous = held
                w = None
                assert live() == n
                if end == "r":
                    kit.threads("r", [previous], 1, False)
                else:
                    kit.release(previous)
                settle(until=0)


@by_hand()
def test_what_a_slice_leaves_is_older_than_what_comes_meanwhile():
    log, n = [], 40

    def finalize(self):
        log.append(self.number)
        time.sleep(0.001)
        if self.number < n:  # comes while others wait
            handles = [kit.retain(make(cls, number=self.number + n))]
            kit.threads("r", handles, 1, True)

    cls = subclass(kit.Preserve, finalize)
    kit.threads("r", [kit.retain(make(cls, number=i)) for i in range(n)], 1, True)
    kit.drain()
    assert 0 < len(log) < n and kit.queued()[FILLED], log  # a slice is over
    drain_all()
    assert log == list(range(2 * n)), log


def test_a_thread_that_waits_for_the_gil_gets_it_after_a_slice():
    """Counted in releases, of which a slice has 16: those between two turns of this thread."""
    if FREE_THREADED:
        return "threads do not wait for a GIL"
    clock, attempts, n = time.perf_counter, [], 4000

    def finalize(self):
        end = clock() + 1e-4
        while clock() < end:
            pass

    cls = subclass(kit.Preserve, finalize)
    while len(attempts) < 5 and min(attempts, default=99) > 30:  # other programs may be in the way
        turns, last = 0, 0
        kit.threads("r", [kit.retain(cls()) for _ in range(n)], 1, False)
        while not settled():
            drained = kit.queued()[DRAINED]
            turns += drained != last
            last = drained
        attempts.append(n / max(turns, 1))
    assert min(attempts) <= 30, attempts


def leaving(left, ran):
    """A class whose __del__ leaves a call to the queue's thread, and notes in left whether it was left."""
    return subclass(
        kit.Preserve,
        lambda self: left.append(kit.leave(lambda: ran.append((threading.get_ident(), len(left))))),
    )


def test_a_drain_by_an_entering_thread_leaves_work_to_the_queues_thread_and_ends():
    left, ran, mine = [], [], threading.get_ident()
    cls = leaving(left, ran)
    kit.threads("r", [kit.retain(cls())], 1, False)  # starts the thread
    settle()
    assert kit.queued()[THREAD] == RUNNING
    left.clear()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10)  # with the GIL, the queue's thread cannot drain before this one
    try:
        for _ in range(100_000):
            kit.threads("r", [kit.retain(cls()) for _ in range(3)], 1, True)
            kit.drain()
            if True in left:
                break
        assert True in left, "the queue's thread was always first"
        if not FREE_THREADED:
            assert left == [True] and kit.queued()[FILLED], left
    finally:
        sys.setswitchinterval(interval)
    settle(until=0)
    assert len(ran) == left.count(True)
    # Without the GIL a drain takes what the one before has left.
    assert FREE_THREADED or all(thread != mine for thread, _ in ran)


def test_nothing_is_left_elsewhere():
    left, ran = [], []
    cls = leaving(left, ran)
    assert not kit.leave(None)  # no drain
    for hold in False, True:
        w = cls()
        held = kit.retain(w) if hold else None
        del w
        if hold:
            kit.release(held)  # an attached thread's own
    with by_hand():
        kit.threads("r", [kit.retain(cls())], 1, True)
        kit.drain()  # there is no queue's thread
    kit.threads("r", [kit.retain(cls())], 1, False)
    settle(until=0)  # the queue's thread
    with by_hand():
        kit.threads("r", [kit.retain(cls())], 1, True)
        assert kit.drain_until(20_000_000)  # a thread that waits for all of it
    assert left == [False] * 5 and ran == []


@by_hand()
def test_the_order_of_many():
    """More than a thread reverses without detaching."""
    calls, n = [], 50_000
    kit.log_to([], calls)
    kit.threads("c", list(range(1, n + 1)), 1, True)
    drain_all()
    assert calls == list(range(1, n + 1))


@by_hand()
def test_calls_and_references_in_the_order_in_which_they_were_handed_over():
    calls = []
    kit.log_to([], calls)
    kit.threads("c", list(range(1, 1001)), 1, True)
    assert calls == []
    drain_all()
    assert calls == list(range(1, 1001))
    w = make(subclass(kit.Preserve, lambda self: calls.append("del")))
    held = kit.retain(w)
    del w
    calls.clear()
    kit.threads("r", [held], 1, True)
    kit.threads("c", [7], 1, True)
    drain_all()
    assert calls == ["del", 7]


def test_calls_of_many_threads_run_once_and_in_each_ones_order():
    calls = []
    kit.log_to([], calls)
    kit.threads("c", list(range(4000)), 4, False)
    settle()
    assert sorted(calls) == list(range(4000))
    for thread in range(4):
        mine = [c for c in calls if c % 4 == thread]
        assert mine == sorted(mine)


def test_disarmed_queue_has_no_thread_and_loses_nothing():
    with by_hand():
        kit.threads("r", [kit.retain(kit.Preserve()) for _ in range(10)], 2, False)
        time.sleep(0.1)
        assert kit.queued()[FILLED:DRAINING] == (1, 1) and live() == 10
        drain_all()
        assert live() == 0


@by_hand()
def test_drain_keeps_the_exception_that_is_set():
    seen = []
    w = subclass(kit.Preserve, lambda self: seen.append(sys.exc_info()[1] or {}.get(0)))()
    kit.threads("r", [kit.retain(w)], 1, True)
    del w
    assert refused(KeyError, kit.drain_raising, "mine") == "'mine'"
    assert seen == [None] and live() == 0


def elsewhere(call):
    """The result of call on a thread that is not the main one."""
    got = []
    thread = threading.Thread(target=lambda: got.append(call()))
    thread.start()
    thread.join()
    return got[0]


@by_hand()
def test_any_entering_thread_drains():
    for base in AT_ONCE:
        threads = []
        w = subclass(base, lambda self: threads.append(threading.get_ident()))()
        kit.threads("r", [kit.retain(w)], 1, True)
        del w
        assert threads == []
        me = elsewhere(lambda: (kit.drain(), threading.get_ident())[1])
        assert threads == [me] and settled()


def test_something_drains_though_no_thread_enters():
    for base in AT_ONCE:
        done, threads = threading.Event(), []

        def finalize(self):
            threads.append(threading.get_ident())
            done.set()

        w = subclass(base, finalize)()
        handles = [kit.retain(w)]
        del w
        kit.threads("r", handles, 1, False)
        assert done.wait(20) and threads[0] not in (threading.get_ident(), 0)


def test_a_drain_by_an_entering_thread_is_bounded():
    n, threads = 400, []

    def finalize(self):
        threads.append(threading.get_ident())
        time.sleep(0.002)

    cls = subclass(kit.Preserve, finalize)
    with by_hand():  # nothing is released yet
        kit.threads("r", [kit.retain(cls()) for _ in range(n)], 1, True)
    begun = time.monotonic()
    kit.drain()
    mine, took = threads.count(threading.get_ident()), time.monotonic() - begun
    assert 0 < mine < n / 4 and took < n * 0.002 / 2, (mine, took)
    settle()  # the queue's thread takes the rest
    assert len(threads) == n and live() == 0


def test_no_request_is_lost():
    for drainer in "the queue's thread", "both", "an entering thread":
        stop = threading.Event()

        def drain():
            while not stop.is_set():
                kit.drain()

        thread = threading.Thread(target=drain)
        with by_hand() if drainer == "an entering thread" else contextlib.nullcontext():
            if drainer != "the queue's thread":
                thread.start()
            try:
                sent, ran = kit.ping(2_000_000)
                assert sent == ran > 0, (drainer, sent, ran)
            finally:
                stop.set()
                if drainer != "the queue's thread":
                    thread.join()


def test_next_push_starts_the_thread_that_could_not_be_started():
    with by_hand():
        pass
    kit.refuse(1)
    kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
    time.sleep(0.05)
    assert kit.queued()[FILLED] and kit.queued()[THREAD] == NO_THREAD
    kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
    settle()
    assert kit.queued()[THREAD] == RUNNING and live() == 0
    with by_hand():
        pass
    kit.refuse(1)
    kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
    kit.drain()  # no thread is needed for this
    assert live() == 0


def test_del_on_the_queues_thread_is_ordinary_code():
    for base in AT_ONCE:
        log, done = [], threading.Event()

        def finalize(self):
            log.append((self.number, threading.get_ident(), kit.queued()[DRAINING]))
            if self.number == 1:
                log.append(signal.pthread_sigmask(signal.SIG_BLOCK, []) >= {signal.SIGINT, signal.SIGTERM})
                w = make(cls, number=2)
                handles = [kit.retain(w)]
                del w
                kit.threads("r", handles, 1, False)  # detaches
                kit.drain()  # the outer drain goes on with it
                assert [entry[0] for entry in log if entry is not True] == [1]
                gc.collect()
                unraised.append(1)
                raise KeyError("mine")
            done.set()

        cls, unraised, before = subclass(base, finalize), [], sys.unraisablehook
        sys.unraisablehook = lambda u: unraised.append(u.exc_type)
        try:
            w = make(cls, number=1)
            handles = [kit.retain(w)]
            del w
            kit.threads("r", handles, 1, False)
            assert done.wait(20)
        finally:
            sys.unraisablehook = before
        (one, thread, draining), blocked, (two, same, _) = log
        assert (one, two, blocked, thread == same, draining) == (1, 2, True, True, 1)
        assert thread != threading.get_ident() and unraised == [1, KeyError]
        settle()


def slow_death(log):
    """A wrapper dies on the queue's thread, which takes 0.3 s. Returns when that has begun."""
    entered = threading.Event()

    def finalize(self):
        entered.set()
        time.sleep(0.3)
        log.append("del")

    w = subclass(kit.Preserve, finalize)()
    handles = [kit.retain(w)]
    w = None
    kit.threads("r", handles, 1, False)
    assert entered.wait(20)


def test_disarm_waits_for_the_thread():
    log, others = [], []
    slow_death(log)
    begun = time.monotonic()
    try:
        kit.disarm(True)
        log.append("disarmed")
        assert time.monotonic() - begun < 4, "it waited attached"
        assert log == ["del", "disarmed"] and kit.queued()[THREAD] == DISARMED
    finally:
        kit.disarm(False)
    # One that a __del__ of the queue's thread calls does not wait for itself.
    w = subclass(kit.Preserve, lambda self: (kit.disarm(True), others.append(time.monotonic())))()
    handles = [kit.retain(w)]
    w = None
    begun = time.monotonic()
    kit.threads("r", handles, 1, False)
    settle()
    try:
        assert others[0] - begun < 2
    finally:
        time.sleep(0.05)  # for the thread to end
        kit.disarm(False)


def test_disarm_gives_up_at_exit():
    script = """
import sys, time
sys.path.insert(0, sys.argv[1])
import threading
from kit_helpers import kit, subclass
entered = threading.Event()
w = subclass(kit.Preserve, lambda self: (entered.set(), time.sleep(60)))()
handles = [kit.retain(w)]
del w
kit.threads("r", handles, 1, False)
assert entered.wait(20)
"""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script, os.path.dirname(os.path.abspath(__file__))], timeout=50)
    assert done.returncode == 0 and 4 < time.monotonic() - begun < 40


def test_child_of_a_fork_drains_and_starts_a_thread_of_its_own():
    if not hasattr(os, "fork"):
        return "no fork"
    log = []
    slow_death(log)  # the queue's thread is in a __del__ while the process is forked
    kit.threads("r", [kit.retain(kit.Preserve())], 1, True)  # what waits is the child's, too
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        bad = 0
        try:
            kit.after_fork_in_child()
            before = kit.state()[0]
            if kit.queued()[THREAD] == NO_THREAD and kit.queued()[REQUESTED] == kit.queued()[FILLED] == 1:
                bad |= 1
            kit.threads("r", [kit.retain(kit.Preserve())], 1, False)  # no thread enters
            end = time.monotonic() + 10
            while not settled() and time.monotonic() < end:
                time.sleep(0.001)
            if settled() and kit.queued()[THREAD] == RUNNING and kit.state()[0] == before - 1:
                bad |= 2
            if kit.drain_until(10_000_000) and not log:
                bad |= 4
            kit.disarm(True)
        finally:
            os._exit(bad)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 7, code
    settle()
    assert log == ["del"]


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

    with by_hand():
        thread = threading.Thread(target=drain_elsewhere)
        try:
            thread.start()
            assert entered.wait(20)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                child = os.fork()
            if child == 0:
                before = kit.state()[0]
                kit.after_fork_in_child()
                kit.threads("r", [kit.retain(kit.Preserve())], 1, False)
                waits = kit.queued()[FILLED]
                kit.drain()
                os._exit(waits + 2 * (kit.state()[0] == before) + 4 * kit.drain_until(1_000_000))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert code == 7, code
        finally:
            leave.set()
            thread.join()


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
