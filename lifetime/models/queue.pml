/* queue.pml: lifetime/queue.h. Two threads that are never attached hand references of two
 * objects over, an attached thread enters the library, and the queue's thread is started by a
 * push. A release may hand another reference over, as an edge's does.
 *
 *   -DGIL          one thread at a time is attached
 *   -DDISARM       an attached thread calls lt_disarm at any time
 *   -DSTART_FAILS  the thread may not be started
 *   -DCALLS        one of the threads uses lt_call_later, too
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

/* lt_queue. A slot is 1 or 2, and 0 is NULL. The links of calls are not modelled: they are
 * those of slots once more. */
byte slots, calls, thread, wake;
bool requested;
byte next[3], handed_over[3];

byte owed[3];      /* references handed over and not released */
byte owed_calls;
byte edges;        /* hand-overs by releases so far */
bool in_list[3];   /* in the queue, or in a drain's list */
bool begun, ended; /* the queue's thread */
#ifdef GIL
bool gil;
#define ATTACH atomic { !gil -> gil = true }
#define DETACH gil = false
#else
#define ATTACH skip
#define DETACH skip
#endif

inline lt_push_slot(s)
{
    next[s] = slots;
    do
    :: d_step { slots == next[s] -> slots = s; assert(!in_list[s]); in_list[s] = true }; break
    :: d_step { slots != next[s] -> next[s] = slots }
    od
}

/* From the start of the thread on the thread itself says that it runs. */
inline lt_request()
{
    d_step { was = requested; requested = true };
    if
    :: was -> skip
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
        :: now == LT_RUNNING -> d_step { if :: wake < 3 -> wake++ :: else fi }
        :: else
        fi
    fi;
    d_step { was = 0; now = 0 }
}

#define LOCALS byte s, n, after, list, oldest, taken; byte now; bool was, over

inline lt_hand_over(slot)
{
    d_step { owed[slot]++; was = handed_over[slot] > 0; handed_over[slot]++ };
    if
    :: was -> was = false
    :: else ->
#ifdef SEED_REQUEST_BEFORE_PUSH
        lt_request();
        lt_push_slot(slot)
#else
        lt_push_slot(slot);
        lt_request()
#endif
    fi
}

inline release(slot)
{
    d_step { assert(owed[slot] > 0); owed[slot]-- };
    if /* __del__, or the death of the object, gives up another reference */
    :: atomic { edges < EDGES -> edges++ };
        if
        :: lt_hand_over(1)
        :: lt_hand_over(2)
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

inline lt_drain_slice()
{
    over = false;
    do
    :: over -> break
    :: else ->
#ifndef SEED_REQUESTED_CLEARED_AFTER
        requested = false;
#endif
#ifdef CALLS
        d_step { taken = calls; calls = 0 };
#endif
        d_step { list = slots; slots = 0; oldest = 0 };
#ifdef SEED_REQUESTED_CLEARED_AFTER
        requested = false;
#endif
        d_step { /* the list is this thread's: lt_take_slots turns it round */
            do
            :: list == 0 -> break
            :: else -> after = next[list]; next[list] = oldest; oldest = list; list = after
            od;
            list = oldest; oldest = 0; after = 0
        };
        if
        :: list == 0 && taken == 0 -> break
        :: else
        fi;
#ifdef CALLS
        do
        :: taken > 0 && !over ->
            d_step { taken--; owed_calls-- };
            if :: over = true :: skip fi
        :: taken > 0 && over -> d_step { taken--; calls++ } /* lt_push_call */
        :: taken == 0 -> break
        od;
#endif
        do
        :: list == 0 || over -> break
        :: else ->
            s = list;
#ifndef SEED_NEXT_READ_LATE
            list = next[s];
#endif
            d_step { in_list[s] = false; next[s] = 0 };
#ifdef SEED_CLEARED_LATE
            n = handed_over[s];
#else
            d_step { n = handed_over[s]; handed_over[s] = 0 };
#endif
            do
            :: n == 0 -> break
            :: else -> n--; release(s); if :: over = true :: skip fi
            od;
#ifdef SEED_CLEARED_LATE
            handed_over[s] = 0;
#endif
#ifdef SEED_NEXT_READ_LATE
            list = next[s];
#endif
            s = 0
        od;
        do /* put the rest back */
        :: list == 0 -> break
        :: else ->
            s = list;
            list = next[s];
            in_list[s] = false;
            lt_push_slot(s);
            s = 0
        od
    od;
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
        :: _pid == 1 -> d_step { owed_calls++; calls++ }; lt_request()
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
            :: calls != 0 -> skip
            :: else ->
end_asleep:
                atomic { wake > 0 -> wake-- };
                goto again
            fi
        fi;
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
        wake++;
        ended
    :: else
    fi;
done: skip
}
#endif

/* When no other process can go on: nothing is left, unless nobody but an entering thread may
 * drain; then such a thread will. */
active proctype at_rest()
{
end_waiting:
    timeout;
    if
    :: thread == LT_RUNNING ->
        assert(slots == 0 && calls == 0);
        assert(owed[1] == 0 && owed[2] == 0 && owed_calls == 0);
        assert(handed_over[1] == 0 && handed_over[2] == 0)
    :: else ->
        assert(owed[1] + owed[2] + owed_calls == 0 || requested)
    fi
}
