/* toggleref.pml: toggleref/toggleref.h, with lt_die_as_base of lifetime/lifetime.h and
 * lt_release_unattached of lifetime/queue.h (with -DBIT: release of native/object.go). Without
 * the GIL the wrapper is biased to its maker's thread, and thread 0 may end. Options: kit.pml,
 * and
 *
 *   -DUNBIASED the wrapper's count is one atomic integer, without the GIL too
 *   -DHOLDERS  native references of attached threads are holders' */
#if !defined(GIL) && !defined(UNBIASED)
#define BIASED
#endif
#include "kit.pml"

#define toggleref_inc() assert(!n_freed && refs > 0); refs++; now = refs
#define toggleref_dec() assert(!n_freed && refs > 0); refs--; now = refs
#ifdef HOLDERS
byte holders;
#endif

#ifdef SEED_ADOPT_NO_LOCK
#define ADOPT_LOCK skip
#define ADOPT_UNLOCK skip
#else
#define ADOPT_LOCK lt_lock()
#define ADOPT_UNLOCK lt_unlock()
#endif
#ifdef SEED_RELEASE_NO_LOCK
#define RELEASE_LOCK skip
#define RELEASE_UNLOCK skip
#else
#define RELEASE_LOCK lt_lock()
#define RELEASE_UNLOCK lt_unlock()
#endif

active [2] proctype attached()
{
    byte now, n;
    bool yes, self, dying, again; /* dying: in toggleref_drop; again: lost in toggleref_adopt */
#ifdef BIASED
    bool queue_it;
#endif

end_loop:
    do
    :: START(native[_pid] > 0 && python[_pid] == 0, goto toggleref_wrap)
    :: START(python[_pid] > 0, python[_pid]--; goto decref)
    :: START(native[_pid] < NATIVE && (native[_pid] > 0 || python[_pid] > 0), goto toggleref_retain)
#ifdef HOLDERS
    :: START(native[_pid] > 0, goto toggleref_holder_gone)
    :: START(native[_pid] < NATIVE && native[N] > 0, native[N]--; goto toggleref_holder_made)
#else
    :: START(native[_pid] > 0, native[_pid]--; goto toggleref_release)
#endif
    :: START(left[_pid] > 0, left[_pid]--; goto toggleref_release)
    :: START(pushed && left[_pid] == 0, pushed = false; goto lt_drain_slice)
#ifdef WEAK
    :: START(w_made && !weak_cleared && python[_pid] == 0, lt_try_incref(yes); python[_pid] = yes; END)
#endif
#ifdef BIASED
    :: BEGIN(to_merge[_pid], to_merge[_pid] = false; MERGE(yes); if :: yes -> goto toggleref_dealloc :: else -> END fi)
    :: atomic { _pid == 0 && native[0] + python[0] + left[0] == 0 && started && MERGED -> exited[0] = true; goto ended }
#endif
#ifndef HOLDERS
    :: atomic { native[_pid] > 0 && native[N] < UNATTACHED -> native[_pid]--; native[N]++ }
#endif
    :: atomic { python[_pid] > 0 && python[1 - _pid] == 0 && RUNS(1 - _pid) ->
           python[_pid]--; python[1 - _pid]++ }
    od;

toggleref_wrap:
    atomic {
        assert(!n_freed);
        if
        :: wrapper -> goto toggleref_live
        :: else -> goto toggleref_make
        fi
    };
toggleref_live:
    atomic { Py_INCREF(); python[_pid]++; END };

toggleref_make:
    atomic { toggleref_inc() };
    /* toggleref_adopt */
    atomic { ADOPT_LOCK };
#ifndef SEED_ADOPT_NO_LOOK
    atomic {
        if
        :: wrapper -> again = true; goto lost
        :: else
        fi
    };
#endif
#ifndef SEED_PUBLISHED_BEFORE_INCREF
    atomic { assert(!w_made); w_made = true; W_NEW;
#ifndef SEED_NO_TOGGLE
#ifdef HOLDERS
        n = (holders -> holders : refs > 1);
#else
        n = (refs > 1);
#endif
        do
        :: n > 0 -> Py_INCREF(); n--
        :: else -> break
        od
#endif
    };
    atomic { wrapper = true }; /* TOGGLEREF_SET_WRAPPER */
#else
    atomic { assert(!w_made); w_made = true; W_NEW; wrapper = true };
    atomic { n = (refs > 1) };
    atomic { if :: n > 0 -> Py_INCREF(); n = 0 :: else fi };
#endif
#ifdef BIT
    atomic { has_wrapper = true };
#endif
    atomic { ADOPT_UNLOCK; python[_pid]++; END };

lost:
    atomic { ADOPT_UNLOCK; goto toggleref_release };

toggleref_retain:
#ifdef SEED_RETAIN_NO_LOCK
    atomic { assert(!n_freed); self = wrapper };
    atomic { toggleref_inc() };
    atomic { if :: now == 2 && self -> Py_INCREF() :: else fi; native[_pid]++; END };
#else
    atomic { lt_lock() };
    atomic { self = wrapper };
    atomic { toggleref_inc() };
    atomic { if :: now == 2 && self -> Py_INCREF() :: else fi };
#ifdef HOLDERS
    atomic { lt_unlock(); now = 0 };
toggleref_holder_made:
    atomic { lt_lock() };
    atomic { self = wrapper };
    atomic { holders++; if :: holders > 1 && self -> Py_INCREF() :: else fi };
#endif
    atomic { lt_unlock(); native[_pid]++; END };
#endif

#ifdef HOLDERS
toggleref_holder_gone:
    atomic { lt_lock() };
    atomic { self = wrapper };
    atomic { holders--; now = holders };
    atomic { lt_unlock() };
    if
    :: now > 0 && self -> Py_DECREF(yes); assert(!yes)
    :: else
    fi;
    atomic { native[_pid]--; now = 0; self = false;
        if
        :: goto toggleref_release
        :: native[N] < UNATTACHED -> native[N]++; END
        fi };
#endif

toggleref_release:
    atomic { RELEASE_LOCK };
#ifndef SEED_READ_AFTER_DEC
    atomic { assert(!n_freed); self = wrapper };
#endif
    atomic { toggleref_dec() };
#ifdef SEED_READ_AFTER_DEC
    atomic { assert(!n_freed); self = wrapper };
#endif
    atomic {
        RELEASE_UNLOCK;
        if
        :: now == 0 -> goto toggleref_free
        :: now == 1 && self -> now = 0; self = false; goto decref
        :: else
        fi;
        if
        :: again -> again = false; now = 0; self = false; goto toggleref_wrap
        :: else -> END
        fi
    };

toggleref_free:
    atomic { lt_quiet() };
    atomic {
        FREE;
        if
        :: dying -> w_freed = true
        :: else
        fi;
        END
    };

decref:
    Py_DECREF(yes);
    if
    :: atomic { !yes -> assert(!again); END }
    :: else -> yes = false
    fi;

toggleref_dealloc:
    /* lt_die_as_base */
    yes = false;
#ifdef DEL
    if
    :: atomic { !finalized -> finalized = true; lt_resurrect(); python[_pid]++; END } /* what follows is __del__'s */
    :: else
    fi;
#endif
    atomic { assert(!w_dead); w_dead = true; weak_cleared = true };
#ifdef GIL
    DETACHED(true); /* lt_clear_as_base */
#endif
    /* toggleref_drop */
    atomic { assert(!n_freed); wrapper = false; dying = true };
#ifdef BIT
    atomic { has_wrapper = false };
#endif
    goto toggleref_release;

lt_drain_slice:
    atomic { assert(!n_freed); left[_pid] = handed_over; handed_over = 0; END };
#ifdef BIASED
ended:
    skip
#endif
}

active proctype unattached()
{
    byte now;
    bool was;

    atomic {
        if
        :: refs = 1; native[N] = 1
        :: refs = 3; native[0] = 1; native[1] = 1; native[N] = 1
#ifdef HOLDERS
           ; holders = 2
#endif
        :: refs = 1; python[0] = 1; w_made = true; wrapper = true; W_NEW
#ifdef BIASED
           ; ob_tid = 1
#endif
#ifdef BIT
           ; has_wrapper = true
#endif
        fi;
        started = true
    };
end_loop:
    do
    :: atomic { native[N] > 0 && native[N] < UNATTACHED -> assert(!n_freed); refs++; native[N]++ }
    :: atomic { native[N] > 0 -> native[N]--; busy[N] = true; goto lt_release_unattached }
#ifndef HOLDERS
    :: atomic { native[N] > 0 && native[0] < NATIVE && RUNS(0) -> native[N]--; native[0]++ }
    :: atomic { native[N] > 0 && native[1] < NATIVE -> native[N]--; native[1]++ }
#endif
    od;

lt_release_unattached:
    atomic {
        assert(!n_freed); now = refs; was = has_wrapper;
#ifndef SEED_UNATTACHED_2_TO_1
        if
#ifdef BIT
        :: now == 2 && was -> goto hand_over
#else
        :: now == 2 -> goto hand_over
#endif
        :: else
        fi
#endif
    };
    atomic {
        assert(!n_freed);
        if
        :: refs == now && has_wrapper == was -> assert(now > 0); refs--
        :: else -> goto lt_release_unattached
        fi;
        if
        :: now == 1 -> goto free
        :: else -> goto done
        fi
    };
free:
    atomic { lt_quiet() };
    atomic { FREE; goto done };
hand_over:
    lt_hand_over();
done:
    atomic { busy[N] = false; now = 0; was = false; goto end_loop }
}

active proctype at_rest()
{
end_loop:
    do
    :: atomic { started && NOBODY_RUNS && NOBODY_HOLDS && !pushed && handed_over == 0 && NOTHING_TO_MERGE ->
           assert(n_freed && (!w_made || w_freed)); break }
    od
}
