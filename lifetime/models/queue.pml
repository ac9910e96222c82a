/* queue.pml: lifetime/queue.h. Two threads that are never attached hand references of two
 * objects over, an attached thread enters the library, and the queue's thread is started by a
 * push. A release may hand another reference over, as an edge's does: that goes to the scope of
 * the thread (lt_begin, lt_end).
 *
 *   -DGIL          one thread at a time is attached
 *   -DDISARM       an attached thread calls lt_disarm at any time
 *   -DSTART_FAILS  the thread may not be started
 *   -DCALLS        one of the threads uses lt_call_later, once: slot 3, to which no reference is
 *                  ever handed over
 *   -DLEAVES       a release on the entering thread may lt_leave, once: slot 3, too
 *   -DPUSHES=n -DENTRIES=n -DEDGES=n   bounds */
#ifndef PUSHES
#define PUSHES 2  /* hand-overs by each of the two threads */
#endif
#ifndef ENTRIES
#define ENTRIES 2 /* entries of the attached thread */
#endif
#ifndef EDGES
#define EDGES 1   /* hand-overs by releases */
#endif

#define LT_NO_THREAD 0
#define LT_STARTING 1
#define LT_RUNNING 2
#define LT_DISARMED 3

/* lt_queue. A slot is 1 or 2, or the call, 3; 0 is NULL. */
byte slots, rest, thread;
bool requested, wake, woken;
byte next[4], handed_over[4];

#define ENTERING 2 /* its process */

byte owed[4];      /* references handed over and not released; calls not run */
bool called;
byte edges;        /* hand-overs by releases so far */
bool in_list[4];   /* in the queue, or in a drain's list */
bool begun, ended; /* the queue's thread */
#ifdef GIL
bool gil;
#define ATTACH atomic { !gil -> gil = true }
#define DETACH gil = false
#else
#define ATTACH skip
#define DETACH skip
#endif

inline lt_push(s)
{
    next[s] = slots;
    do
    :: d_step { slots == next[s] -> slots = s; assert(!in_list[s]); in_list[s] = true }; break
    :: d_step { slots != next[s] -> next[s] = slots }
    od
}

/* A lock that is released must be held. */
inline lt_wake()
{
    d_step { was = woken; woken = true };
    if
#ifndef SEED_WAKE_TWICE
    :: was -> skip
#endif
    :: else -> d_step { assert(!wake); wake = true }
    fi
}

/* From the start of the thread on the thread itself says that it runs. */
inline lt_request()
{
    d_step { was = requested; requested = true };
    if
    :: was && thread != LT_NO_THREAD -> skip
    :: else ->
        d_step {
            now = thread;
            if
            :: thread == LT_NO_THREAD -> thread = LT_STARTING
            :: else
            fi
        };
        if
        :: now == LT_NO_THREAD ->
            if
            :: begun = true;
#ifdef SEED_STARTER_SAYS_RUNNING
               thread = LT_RUNNING
#endif
#ifdef START_FAILS
            :: thread = LT_NO_THREAD
#endif
            fi
        :: now == LT_RUNNING -> lt_wake()
        :: else
        fi
    fi;
    d_step { was = 0; now = 0 }
}

#define LOCALS byte s, n, after, list, oldest; byte now; bool was, over, own[3]

inline lt_hand_over(slot)
{
    d_step { owed[slot]++; was = handed_over[slot] > 0; handed_over[slot]++ };
    if
    :: was -> was = false
    :: else ->
#ifdef SEED_REQUEST_BEFORE_PUSH
        lt_request();
        lt_push(slot)
#else
        lt_push(slot);
        lt_request()
#endif
    fi
}

/* lt_hand_over within a scope */
inline to_scope(slot)
{
    d_step {
        owed[slot]++;
        if :: handed_over[slot] == 0 -> own[slot] = true :: else fi;
        handed_over[slot]++
    }
}

inline release(slot)
{
    d_step { assert(owed[slot] > 0); owed[slot]-- };
    if /* __del__, or the death of the object, releases another reference */
    :: atomic { edges < EDGES -> edges++ };
        if
        :: to_scope(1)
        :: to_scope(2)
        fi
    :: skip
    fi;
#ifdef GIL
    if /* and detaches */
    :: DETACH; ATTACH
    :: skip
    fi
#endif
}

/* lt_handle */
inline lt_handle(slot)
{
#ifdef SEED_CLEARED_LATE
    n = handed_over[slot];
#else
    d_step { n = handed_over[slot]; handed_over[slot] = 0 };
#endif
    if
    :: n == 0 -> d_step { assert(slot == 3 && owed[3] == 1); owed[3] = 0 } /* a call */
    :: else ->
        do
        :: n == 0 -> break
        :: else -> n--; release(slot)
        od
    fi;
#ifdef SEED_CLEARED_LATE
    handed_over[slot] = 0;
#endif
}

/* The list is this thread's after the exchange: it is turned round in one step, and in the model
 * the thread does not detach for it. */
inline lt_take()
{
    if
    :: rest != 0 -> d_step { list = rest; rest = 0 }
    :: else
    fi;
    if
    :: list == 0 ->
        d_step {
            list = slots; slots = 0; oldest = 0;
            do
            :: list == 0 -> break
            :: else -> after = next[list]; next[list] = oldest; oldest = list; list = after
            od;
            list = oldest; oldest = 0; after = 0
        }
    :: else
    fi
}

inline lt_put_back()
{
    d_step { was = rest != 0; if :: rest == 0 -> rest = list; list = 0 :: else fi };
    do /* another thread has put its rest there */
    :: list == 0 -> break
    :: else ->
        s = list;
        list = next[s];
        in_list[s] = false;
        lt_push(s);
        s = 0
    od;
    was = false
}

/* Before the list. */
inline lt_take_scope()
{
#ifndef SEED_SCOPE_LEFT
    d_step {
        if :: own[2] -> own[2] = false; in_list[2] = true; next[2] = list; list = 2 :: else fi;
        if :: own[1] -> own[1] = false; in_list[1] = true; next[1] = list; list = 1 :: else fi
    }
#else
    skip
#endif
}

inline lt_drain_slice()
{
    over = false;
    do
    :: over -> break
    :: else ->
#ifndef SEED_REQUESTED_CLEARED_AFTER
        requested = false;
#endif
        lt_take();
#ifdef SEED_REQUESTED_CLEARED_AFTER
        requested = false;
#endif
        if
        :: list == 0 -> lt_take_scope()
        :: else
        fi;
        if
        :: list == 0 -> break
        :: else
        fi;
        do
        :: list == 0 || over -> break
        :: else ->
            s = list;
#ifndef SEED_NEXT_READ_LATE
            list = next[s];
#endif
            d_step { in_list[s] = false; next[s] = 0 };
            lt_handle(s);
            if
#ifdef LEAVES
            :: atomic { _pid == ENTERING && (thread == LT_STARTING || thread == LT_RUNNING) && !called -> called = true; owed[3] = 1 };
                lt_push(3);
                over = true
#endif
            :: over = true
            :: skip
            fi;
#ifdef SEED_NEXT_READ_LATE
            list = next[s];
#endif
            s = 0
        od
    od;
    lt_take_scope();
    if
    :: list != 0 -> lt_put_back()
    :: else
    fi;
    if
    :: over ->
#ifndef SEED_NO_REQUEST_AFTER_REST
        lt_request();
#endif
        over = false
    :: else
    fi
}

active [2] proctype unattached()
{
    LOCALS;
    byte pushes;

    do
    :: pushes < PUSHES ->
        pushes++;
        if
        :: lt_hand_over(1)
        :: lt_hand_over(2)
#ifdef CALLS
        :: atomic { _pid == 1 && !called -> called = true; owed[3] = 1 };
            lt_push(3); lt_request()
#endif
        fi
    :: break
    od
}

/* Enters the library: lt_drain. */
active proctype entering()
{
    LOCALS;
    byte entries;

    assert(_pid == ENTERING);
    do
    :: entries < ENTRIES ->
        entries++;
        ATTACH;
        if
        :: requested -> lt_drain_slice()
        :: else
        fi;
        DETACH
    :: break
    od
}

/* lt_run_thread */
active proctype queue_thread()
{
    LOCALS;

end_not_begun:
    begun;
#ifndef SEED_STARTER_SAYS_RUNNING
    thread = LT_RUNNING;
#endif
    do
    :: thread == LT_DISARMED -> break
    :: else ->
        requested = false;
        if
        :: slots != 0 -> skip
        :: else ->
            if
            :: rest != 0 -> skip
            :: else ->
#ifdef SEED_CLEARED_BEFORE_SLEEP
                woken = false;
#endif
end_asleep:
                atomic { wake -> wake = false };
#ifndef SEED_CLEARED_BEFORE_SLEEP
                woken = false;
#endif
                goto again
            fi
        fi;
        requested = true;
        ATTACH;
        lt_drain_slice();
        DETACH;
again:  skip
    od;
    ended = true
}

#ifdef DISARM
active proctype disarming()
{
    byte now;
    bool was;

    if
    :: skip
    :: goto done
    fi;
    now = LT_NO_THREAD;
    do /* attached, and does not detach while the thread starts */
    :: d_step { thread == now -> thread = LT_DISARMED }; break
    :: d_step { thread != now -> now = thread };
        if
        :: now == LT_DISARMED -> goto done
        :: now == LT_STARTING -> now = LT_NO_THREAD
        :: else
        fi
    od;
    if
    :: now == LT_RUNNING ->
        lt_wake();
        ended
    :: else
    fi;
done: skip
}
#endif

/* When no other process can run: the queue is empty, unless only an entering thread may
 * drain it; then such a thread does. */
active proctype at_rest()
{
end_waiting:
    timeout;
    if
    :: thread == LT_RUNNING ->
        assert(slots == 0 && rest == 0);
        assert(owed[1] == 0 && owed[2] == 0 && owed[3] == 0);
        assert(handed_over[1] == 0 && handed_over[2] == 0)
    :: else ->
        assert(owed[1] + owed[2] + owed[3] == 0 || requested)
    fi
}
