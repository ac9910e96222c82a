/* kit.pml: what the models of the schemes share. One native object, two threads that are
 * attached (0 and 1) and one that never is (2); gifts pass references between them.
 *
 *   -DGIL     one thread at a time is attached; without it, two at once and slots have locks
 *   -DBIASED  CPython's biased counts (3.13): set by the models whose wrappers have them
 *   -DWEAK    there is a weak reference to the wrapper
 *   -DDEL     the wrapper has a __del__, which may do whatever the client loop does
 *   -DBIT     the count has a has-wrapper bit: native/object.go, release
 *   -DNATIVE=n -DUNATTACHED=n   native references of an attached thread, of the other one */
#define N 2
#ifndef NATIVE
#define NATIVE 1
#endif
#ifndef UNATTACHED
#define UNATTACHED 2
#endif

/* The native object: its count and slot. */
byte refs;
bool wrapper, has_wrapper; /* slot.wrapper; the bit in the count */
bool locked;               /* LT_LOCKED */
byte handed_over;
bool pushed;               /* the slot is in the queue */
bool n_freed;

/* The wrapper. */
bool w_made, w_dead, w_freed; /* w_dead: its tp_dealloc has decided that it dies */
bool weak_cleared, finalized;

/* References held by each thread. */
byte native[3], python[2], left[2]; /* left: references that a drain has taken */
bool busy[3];                       /* not at the head of its loop */
bool started;

/* Each step is an atomic sequence with one access that other threads can see; a goto ends it. */
#ifdef GIL
bool gil;
#define ATTACHABLE (!gil)
#define attach() gil = true
#define detach() gil = false
#define lt_lock() assert(!n_freed)
#define lt_unlock() skip
#define lt_quiet() skip
#else
#define ATTACHABLE true
#define attach() skip
#define detach() skip
#define lt_lock() !locked -> assert(!n_freed); locked = true
#define lt_unlock() assert(!n_freed); locked = false
#ifdef SEED_NO_QUIET
#define lt_quiet() assert(!n_freed)
#else
#define lt_quiet() !locked -> assert(!n_freed)
#endif
#endif
/* Other threads' turn: with the GIL, where any code may run. */
#define DETACHED(until) atomic { detach() }; atomic { ATTACHABLE && (until) -> attach() }

/* Between two operations a thread merges what is in its queue first, as the bytecode loop does. */
#define START(condition, what) BEGIN(MERGED && (condition), what)
#define BEGIN(condition, what) atomic { started && ATTACHABLE && (condition) -> attach(); busy[_pid] = true; what }
#define END busy[_pid] = false; detach(); yes = false; self = false; now = 0; goto end_loop

#ifndef BIASED

#define RUNS(thread) true
#define MERGED true
#define NOTHING_TO_MERGE true
byte count; /* of the wrapper: ob_refcnt, or ob_ref_shared of an unbiased one */

#define W_NEW count = 1
#define W_ZERO (count == 0)
#define lt_resurrect() assert(count == 0 && !w_freed); count = 1
#define Py_INCREF() assert(count > 0 && !w_freed); count++
#define Py_DECREF(zero) atomic { assert(count > 0 && !w_freed); count--; zero = (count == 0) }
#define lt_try_incref(done) assert(!w_freed); if :: count > 0 -> count++; done = true :: else -> done = false fi

#else

/* ob_tid (thread + 1), ob_ref_local, ob_ref_shared's count and flag. */
#define FLAG_NONE 0
#define FLAG_WEAK 1
#define FLAG_QUEUED 2
#define FLAG_MERGED 3
byte ob_tid, ob_ref_local, flag;
short ob_ref_shared;
bool to_merge[2], exited[2]; /* the object is in the thread's queue; the thread has ended */
#define RUNS(thread) !exited[thread]
#define MERGED (!to_merge[_pid])
#define NOTHING_TO_MERGE (!to_merge[0] && !to_merge[1])

#ifdef WEAK
#define FLAG_AT_BIRTH FLAG_WEAK
#else
#define FLAG_AT_BIRTH FLAG_NONE
#endif
#define W_NEW ob_tid = _pid + 1; ob_ref_local = 1; ob_ref_shared = 0; flag = FLAG_AT_BIRTH
#define W_ZERO (ob_ref_local + ob_ref_shared - (to_merge[0] || to_merge[1]) == 0)
/* CPython's, before __del__: biased towards this thread, the flag erased. */
#define lt_resurrect() assert(!w_freed); ob_tid = _pid + 1; ob_ref_local = 1; ob_ref_shared = 0; flag = FLAG_NONE
#define Py_INCREF() assert(!w_dead && !w_freed); if :: ob_tid == _pid + 1 -> ob_ref_local++ :: else -> ob_ref_shared++ fi
#define lt_try_incref(done) assert(!w_freed); if :: ob_tid == _pid + 1 -> ob_ref_local++; done = true :: ob_tid != _pid + 1 && ob_ref_shared == 0 && (flag == FLAG_NONE || flag == FLAG_MERGED) -> done = false :: else -> ob_ref_shared++; done = true fi
#define MERGE(zero) ob_ref_shared = ob_ref_local + ob_ref_shared - 1; ob_ref_local = 0; ob_tid = 0; flag = FLAG_MERGED; zero = (ob_ref_shared == 0)

inline Py_DECREF(zero)
{
    if
    :: d_step { ob_tid == _pid + 1 -> assert(ob_ref_local > 0 && !w_dead && !w_freed); ob_ref_local--; zero = false };
        if
        :: ob_ref_local > 0 -> skip
        :: else -> /* _Py_MergeZeroLocalRefcount */
            if
            :: d_step { ob_ref_shared == 0 && flag == FLAG_NONE -> zero = true }
            :: else -> ob_tid = 0; d_step { flag = FLAG_MERGED; zero = (ob_ref_shared == 0) }
            fi
        fi
    :: d_step { ob_tid != _pid + 1 -> assert(!w_dead && !w_freed); /* _Py_DecRefShared */
            zero = false;
            if
            :: ob_ref_shared == 0 && (flag == FLAG_NONE || flag == FLAG_WEAK) -> flag = FLAG_QUEUED; queue_it = true
            :: else -> ob_ref_shared--; zero = (ob_ref_shared == 0 && flag == FLAG_MERGED)
            fi };
        if
        :: queue_it ->
            d_step { /* _Py_brc_queue_object */
                queue_it = false;
                if
                :: ob_tid == 0 -> MERGE(zero)
                :: ob_tid > 0 && exited[ob_tid - 1] -> MERGE(zero)
                :: else -> to_merge[ob_tid - 1] = true
                fi }
        :: else
        fi
    fi
}

#endif

/* lt_hand_over, in the two steps that others can see. */
inline lt_hand_over()
{
    atomic {
        assert(!n_freed);
        handed_over++;
        if
        :: handed_over > 1 -> goto done
        :: else
        fi
    };
    atomic { assert(!n_freed && !pushed); pushed = true; goto done };
}

#define FREE assert(!n_freed && refs == 0 && !wrapper && handed_over == 0 && !locked); n_freed = true

#define NOBODY_HOLDS (native[0] + native[1] + native[N] + python[0] + python[1] + left[0] + left[1] == 0)
#define NOBODY_RUNS (!busy[0] && !busy[1] && !busy[N])
