/* intrusive.pml: intrusive/intrusive.h, with lt_die_as_base of lifetime/lifetime.h. Without the
 * GIL the wrapper is biased to its maker's thread, and thread 0 may end. Options: kit.pml, and
 *
 *   -DUNBIASED  the wrapper's count is one atomic integer, without the GIL too
 *   -DNO_GIFTS  attached threads pass no Python reference to each other
 *   -DDRIFT=n  the thread that is never attached does not take the delta below -n. Python's
 *              count and the delta drift apart without bound if attached threads retain while
 *              a release waits; the text asks them to drain first, and the model has that rule
 *              for each entry, but a drain takes time. */
#if !defined(GIL) && !defined(UNBIASED)
#define BIASED
#endif
#ifndef DRIFT
#define DRIFT 1
#endif
#include "kit.pml"

/* The word: plain count, or delta. kit.pml's refs is not used. */
bool INTRUSIVE_COUNTED, INTRUSIVE_QUEUED;
short word;

#define DRAINED !pushed
#define LOAD assert(!n_freed); now = word; now_counted = INTRUSIVE_COUNTED; now_queued = INTRUSIVE_QUEUED
#ifdef SEED_ADOPT_NO_LOCK
#define ADOPT_LOCK skip
#define ADOPT_UNLOCK skip
#else
#define ADOPT_LOCK lt_lock()
#define ADOPT_UNLOCK lt_unlock()
#endif
#define SAME (now == word && now_counted == INTRUSIVE_COUNTED && now_queued == INTRUSIVE_QUEUED)

/* Brings Python's count up to date. */
inline intrusive_update()
{
    atomic { LOAD };
    do
    :: atomic { added < now -> Py_INCREF(); added++ }
    :: else ->
        atomic {
            assert(!n_freed);
            if
            :: now == 0 -> break
            :: now != 0 && SAME -> word = 0; break
            :: else -> LOAD
            fi
        }
    od;
    do
    :: added > now -> Py_DECREF(yes); assert(!yes); added--
    :: else -> break
    od;
    atomic { added = 0; now = 0; now_counted = false; now_queued = false }
}

/* The rejected order: the delta is taken out before it is added. */
inline update_late()
{
    atomic { assert(!n_freed); now = word; word = 0 };
    do
    :: atomic { now > 0 -> Py_INCREF(); now-- }
    :: now < 0 -> Py_DECREF(yes); assert(!yes); now++
    :: else -> break
    od
}

active [2] proctype attached()
{
    short now, added;
    bool now_counted, now_queued;
    bool yes, self, dying, again; /* dying: in intrusive_drop; again: lost in intrusive_adopt */
#ifdef BIASED
    bool queue_it;
#endif

end_loop:
    do
    :: START(pushed && left[_pid] == 0, pushed = false; goto lt_drain_slice)
    :: START(left[_pid] > 0, left[_pid]--; goto intrusive_release_queued)
    :: START(DRAINED && native[_pid] > 0 && python[_pid] == 0, goto intrusive_wrap)
    :: START(DRAINED && python[_pid] > 0, python[_pid]--; goto decref)
    :: START(DRAINED && native[_pid] < NATIVE && (native[_pid] > 0 || python[_pid] > 0), goto intrusive_retain)
    :: START(DRAINED && native[_pid] > 0, native[_pid]--; goto intrusive_release)
#ifdef WEAK
    :: START(DRAINED && w_made && !weak_cleared && python[_pid] == 0, lt_try_incref(yes); python[_pid] = yes; END)
#endif
#ifdef BIASED
    :: BEGIN(to_merge[_pid], to_merge[_pid] = false; MERGE(yes); if :: yes -> goto intrusive_dealloc :: else -> END fi)
    :: atomic { _pid == 0 && native[0] + python[0] + left[0] == 0 && started && MERGED -> exited[0] = true; goto ended }
#endif
    :: atomic { native[_pid] > 0 && native[N] < UNATTACHED -> native[_pid]--; native[N]++ }
#ifndef NO_GIFTS
    :: atomic { python[_pid] > 0 && python[1 - _pid] == 0 && RUNS(1 - _pid) -> python[_pid]--; python[1 - _pid]++ }
#endif
    od;

intrusive_wrap:
    atomic {
        assert(!n_freed);
        if
        :: wrapper -> goto intrusive_live
        :: else -> again = true; goto intrusive_retain
        fi
    };
intrusive_live:
    atomic { Py_INCREF(); python[_pid]++; END };

intrusive_retain:
    atomic { LOAD };
    do
    :: atomic {
           assert(!n_freed);
           if
           :: now_counted -> assert(wrapper); Py_INCREF(); break
#ifdef SEED_RETAIN_ADDS
           :: !now_counted -> word++; break
#else
           :: !now_counted && SAME -> word++; break
#endif
           :: else -> LOAD
           fi }
    od;
    atomic {
        now = 0; now_counted = false; now_queued = false;
        if
        :: again -> goto intrusive_adopt
        :: else -> native[_pid]++; END
        fi
    };

intrusive_adopt:
    atomic { ADOPT_LOCK };
    atomic {
        if
        :: wrapper -> goto lost
        :: else
        fi
    };
    atomic { assert(!w_made); w_made = true; W_NEW; wrapper = true };
    atomic { LOAD };
    do
#ifndef SEED_COUNTED_BEFORE_INCREF
    :: atomic { added < now - 1 -> Py_INCREF(); added++ }
    :: else ->
#else
    ::
#endif
        atomic {
            assert(!n_freed);
            if
            :: SAME -> INTRUSIVE_COUNTED = true; word = 0; break
            :: else -> LOAD
            fi
        }
    od;
#ifdef SEED_COUNTED_BEFORE_INCREF
    do
    :: atomic { added < now - 1 -> Py_INCREF(); added++ }
    :: else -> break
    od;
#endif
    atomic { ADOPT_UNLOCK };
    do
    :: added > now - 1 -> Py_DECREF(yes); assert(!yes); added--
    :: else -> break
    od;
    atomic { added = 0; now_counted = false; now_queued = false; again = false; python[_pid]++; END };

lost:
    atomic { ADOPT_UNLOCK };

intrusive_release:
#ifdef SEED_SUBTRACTION
    atomic { assert(!n_freed); now_counted = INTRUSIVE_COUNTED };
    if
    :: atomic { !now_counted -> assert(!n_freed); word--; now = word + 1; goto plain_released }
    :: else
    fi;
#else
    atomic { LOAD };
    do
    :: now_counted -> break
    :: atomic { else -> assert(!n_freed);
           if
           :: SAME -> word--; goto plain_released
           :: else -> LOAD
           fi }
    od;
#endif
#ifdef SEED_CAS_BEFORE_INCREF
    update_late();
#else
#ifndef SEED_NO_UPDATE
    intrusive_update();
#endif
#endif
    atomic { now = 0; now_counted = false; now_queued = false };
    goto decref;

plain_released:
    atomic {
        now_counted = false; now_queued = false;
        if
        :: now == 1 && !INTRUSIVE_COUNTED -> now = 0; goto intrusive_free
        :: else
        fi;
        if
        :: again -> again = false; now = 0; goto intrusive_wrap
        :: else -> END
        fi
    };

intrusive_free:
    atomic { lt_quiet() };
    atomic {
        assert(word == 0); FREE;
        if
        :: dying -> w_freed = true
        :: else
        fi;
        END
    };

decref:
    Py_DECREF(yes);
    if
    :: atomic { !yes && again -> again = false; goto intrusive_wrap }
    :: atomic { !yes && !again -> END }
    :: else -> yes = false
    fi;

intrusive_dealloc:
    /* lt_die_as_base */
    yes = false;
#ifdef DEL
    if
    :: atomic { !finalized -> finalized = true; lt_resurrect(); python[_pid]++; END } /* what follows is __del__'s */
    :: else
    fi;
#endif
    atomic { assert(!w_dead && !again); w_dead = true; weak_cleared = true };
#ifdef GIL
    DETACHED(true); /* lt_clear_as_base */
#endif
    /* intrusive_drop */
    atomic { assert(!n_freed); wrapper = false; dying = true };
    atomic { assert(INTRUSIVE_COUNTED && !INTRUSIVE_QUEUED && word == 0 && handed_over == 0);
        INTRUSIVE_COUNTED = false; word = 1; goto intrusive_release };

lt_drain_slice:
    atomic { assert(!n_freed); left[_pid] = handed_over; handed_over = 0; END };

intrusive_release_queued:
#ifndef SEED_QUEUED_CLEARED_LATE
    atomic { assert(!n_freed); INTRUSIVE_QUEUED = false; goto intrusive_release };
#else
    atomic { goto intrusive_release };
#endif
#ifdef BIASED
ended:
    skip
#endif
}

active proctype unattached()
{
    short now;
    bool now_counted, now_queued;

    atomic {
        if
        :: word = 1; native[N] = 1
        :: word = 3; native[0] = 1; native[1] = 1; native[N] = 1
        :: INTRUSIVE_COUNTED = true; python[0] = 1; w_made = true; wrapper = true; W_NEW
#ifdef BIASED
           ; ob_tid = 1
#endif
        fi;
        started = true
    };
end_loop:
    do
    :: atomic { native[N] > 0 && native[N] < UNATTACHED -> assert(!n_freed); word++; native[N]++ } /* intrusive_retain_unattached */
    :: atomic { native[N] > 0 && word > -DRIFT -> native[N]--; busy[N] = true; goto intrusive_release_unattached }
    :: atomic { native[N] > 0 && native[0] < NATIVE && RUNS(0) -> native[N]--; native[0]++ }
    :: atomic { native[N] > 0 && native[1] < NATIVE -> native[N]--; native[1]++ }
    od;

intrusive_release_unattached:
    atomic { LOAD };
    do
    :: atomic {
           assert(!n_freed);
           if
           :: SAME && now_counted && !now_queued -> INTRUSIVE_QUEUED = true; goto hand_over
           :: SAME && (!now_counted || now_queued) -> word--; break
           :: else -> LOAD
           fi }
    od;
    if
    :: now == 1 && !now_counted -> goto free
    :: else -> goto done
    fi;
free:
    atomic { lt_quiet() };
    atomic { assert(word == 0); FREE; goto done };
hand_over:
    lt_hand_over();
done:
    atomic { busy[N] = false; now = 0; now_counted = false; now_queued = false; goto end_loop }
}

active proctype at_rest()
{
end_loop:
    atomic { started && NOBODY_RUNS && NOBODY_HOLDS && !pushed && handed_over == 0 && NOTHING_TO_MERGE ->
        assert(n_freed && (!w_made || w_freed)) }
}
