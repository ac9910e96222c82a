/* preserve.pml: preserve/preserve.h, with lt_die of lifetime/lifetime.h and
 * lt_release_unattached of lifetime/queue.h (with -DBIT: release of native/object.go).
 * Options: kit.pml, and
 *
 *   -DATTACHED_REFS  with -DGIL -DBIT: the suite's biased count, internal/wrapper/header.h
 *   -DTRASHCAN  with -DGIL, as from 3.14 on: the wrapper may wait, with a count of 0, before
 *               tp_dealloc is called */
#ifdef SEED_BIASED
#define BIASED
#endif
#include "kit.pml"

#define PRESERVE_PYTHON_OWNS 0
#define PRESERVE_NATIVE_OWNS 1
#define PRESERVE_UNTRACKED 2
byte state = PRESERVE_PYTHON_OWNS;
bool untracked; /* gc does not track the wrapper */

#ifdef ATTACHED_REFS
byte attached_refs;
#define preserve_inc() assert(!n_freed && refs > 0); if :: wrapper -> attached_refs++ :: else -> refs++ fi
#define preserve_dec() assert(!n_freed && refs > 0); \
    if :: attached_refs > 0 -> attached_refs-- :: else -> refs-- fi; now = refs + attached_refs
#define preserve_refs (refs + attached_refs)
#ifdef SEED_NO_GIVE
#define pp_give_to_go() skip
#else
#define pp_give_to_go() if :: attached_refs > 0 -> refs++; attached_refs-- :: else fi
#endif
#else
#define preserve_inc() assert(!n_freed && refs > 0); refs++
#define preserve_dec() assert(!n_freed && refs > 0); refs--; now = refs
#define preserve_refs refs
#define pp_give_to_go() skip
#endif
#ifdef SEED_NO_TRACK
#define preserve_track() skip
#else
#define preserve_track() if :: state & PRESERVE_UNTRACKED -> state = PRESERVE_NATIVE_OWNS; untracked = false :: else fi
#endif
#define READ_SLOT assert(!n_freed); self = ((state & PRESERVE_NATIVE_OWNS) && wrapper)

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
    byte now;
    bool yes, self, dying, again; /* dying: in preserve_drop; again: lost in preserve_adopt */
#ifdef BIASED
    bool queue_it;
#endif

end_loop:
    do
    :: START(native[_pid] > 0 && python[_pid] == 0, goto preserve_wrap)
    :: START(python[_pid] > 0, python[_pid]--; goto decref)
    :: START(native[_pid] < NATIVE && (native[_pid] > 0 || python[_pid] > 0),
             preserve_inc(); native[_pid]++; END) /* preserve_retain */
    :: START(native[_pid] > 0, native[_pid]--; goto preserve_release)
    :: START(left[_pid] > 0, left[_pid]--; goto preserve_release)
    :: START(pushed && left[_pid] == 0, pushed = false; goto lt_drain_slice)
#ifdef WEAK
    :: START(w_made && !weak_cleared && python[_pid] == 0, lt_try_incref(yes); python[_pid] = yes; END)
#endif
#ifdef BIASED
    :: BEGIN(to_merge[_pid], to_merge[_pid] = false; MERGE(yes); if :: yes -> goto preserve_dealloc :: else -> END fi)
#endif
    :: atomic { native[_pid] > 0 && native[N] < UNATTACHED -> pp_give_to_go(); native[_pid]--; native[N]++ }
    :: atomic { python[_pid] > 0 && python[1 - _pid] == 0 -> python[_pid]--; python[1 - _pid]++ }
    od;

preserve_wrap:
    atomic {
        assert(!n_freed);
        if
        :: wrapper -> goto preserve_live
        :: else -> goto preserve_make
        fi
    };
preserve_live:
#ifdef SEED_PLAIN_INCREF_NATIVE
    atomic { assert(!n_freed); yes = (state == PRESERVE_NATIVE_OWNS) };
    if
    :: atomic { yes -> Py_INCREF(); python[_pid]++; END }
    :: else
    fi;
#endif
    atomic {
#ifdef SEED_PLAIN_INCREF
        Py_INCREF(); yes = true;
#else
        lt_try_incref(yes);
#endif
        if
        :: yes -> preserve_track(); python[_pid]++; END
        :: else
#if defined(GIL) && !defined(TRASHCAN)
            -> assert(false)
#endif
        fi
    };
    DETACHED(!wrapper || !W_ZERO); /* lt_retry */
    goto preserve_wrap;

preserve_make:
    atomic { preserve_inc() };
    /* preserve_adopt */
    atomic { ADOPT_LOCK };
#ifndef SEED_ADOPT_NO_LOOK
    atomic {
        if
        :: wrapper -> again = true; goto lost
        :: else
        fi
    };
#endif
    atomic { assert(!w_made); w_made = true; W_NEW; wrapper = true }; /* lt_unbias, PRESERVE_SET_WRAPPER */
#ifdef BIT
    atomic { has_wrapper = true };
#endif
    atomic { ADOPT_UNLOCK; python[_pid]++; END };

lost:
    atomic { ADOPT_UNLOCK };

preserve_release:
    atomic { RELEASE_LOCK };
#ifndef SEED_READ_AFTER_DEC
    atomic { READ_SLOT };
#endif
    atomic { preserve_dec() };
#ifdef SEED_READ_AFTER_DEC
    atomic { READ_SLOT };
#endif
    if
    :: atomic { now == 1 && self -> now = 0; self = false; preserve_track();
#ifdef SEED_STATE_AFTER_UNLOCK
            RELEASE_UNLOCK };
        atomic { state = PRESERVE_PYTHON_OWNS; goto decref }
#else
            state = PRESERVE_PYTHON_OWNS };
        atomic { RELEASE_UNLOCK; goto decref }
#endif
    :: atomic { else -> self = false; RELEASE_UNLOCK;
            if
            :: now == 0 -> goto preserve_free
            :: again -> again = false; now = 0; goto preserve_wrap
            :: else -> END
            fi }
    fi;

preserve_free:
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
    :: atomic { !yes -> END }
    :: else -> yes = false
    fi;
#ifdef TRASHCAN
    if
    :: DETACHED(true)
    :: skip
    fi;
#endif

preserve_dealloc:
    /* preserve_keep */
    atomic { lt_lock(); yes = false };
    if
    :: atomic { preserve_refs > 1 -> assert(!n_freed);
#ifdef SEED_NATIVE_BEFORE_RESURRECT
            state = PRESERVE_NATIVE_OWNS };
        atomic { lt_resurrect() };
        atomic { lt_unlock(); END }
#else
            lt_resurrect() };
#if defined(GIL) && !defined(WEAK) /* preserve_leaf, or not: with a weak reference it is not */
        if
        :: atomic { untracked = true; state = PRESERVE_NATIVE_OWNS | PRESERVE_UNTRACKED; lt_unlock(); END }
        :: skip
        fi;
#endif
#ifdef SEED_KEEP_STATE_AFTER_UNLOCK
        atomic { lt_unlock() };
        atomic { state = PRESERVE_NATIVE_OWNS; END }
#else
        atomic { state = PRESERVE_NATIVE_OWNS };
        atomic { lt_unlock(); END }
#endif
#endif
    :: atomic { else -> lt_unlock() }
    fi;
    /* lt_die */
#ifdef DEL
    if
    :: atomic { !finalized -> finalized = true; lt_resurrect(); python[_pid]++; END } /* lt_finalize: what follows is __del__'s */
    :: else
    fi;
#endif
    atomic { assert(W_ZERO); w_dead = true; weak_cleared = true };
#ifdef GIL
    DETACHED(true); /* lt_clear */
#endif
    /* preserve_drop */
    atomic { assert(!n_freed); wrapper = false; dying = true };
#ifdef ATTACHED_REFS
    atomic { assert(attached_refs == 0) };
#endif
#ifdef BIT
    atomic { has_wrapper = false };
#endif
    atomic { preserve_dec() };
    if
    :: now == 0 -> goto preserve_free
    :: atomic { else -> dying = false; END }
    fi;

lt_drain_slice:
    atomic { assert(!n_freed); left[_pid] = handed_over; handed_over = 0; END }
}

active proctype unattached()
{
    byte now;
    bool was;

    atomic {
        if
        :: refs = 1; native[N] = 1
        :: refs = 3; native[0] = 1; native[1] = 1; native[N] = 1
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
    :: atomic { native[N] > 0 && native[0] < NATIVE -> native[N]--; native[0]++ }
    :: atomic { native[N] > 0 && native[1] < NATIVE -> native[N]--; native[1]++ }
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
    :: d_step { w_made && !w_dead && !busy[0] && !busy[1] && W_ZERO -> assert(preserve_refs == 1) }
    :: d_step { untracked && !busy[0] && !busy[1] -> assert(!python[0] && !python[1] && !w_dead) } /* gc could not see its cycles */ /* gc */
    od
}
