/* mirrored.pml: mirrored_visit of mirrored/mirrored.h over toggleref_all_visible, with release
 * of native/object.go and Hooks.QueueAll. Two objects and an edge 1 -> 2 with a mirror; a
 * holder of object 1 that only the wrapper of 1 refers to. gc's two passes, in any order of
 * the objects, and one thread that is never attached: no other attached thread runs, with the
 * GIL or without (the world is stopped), so one model serves both builds.
 *
 * The thread holds up to UNATTACHED references to object 1, and may walk the edge. */
#ifndef UNATTACHED
#define UNATTACHED 2
#endif

/* Object 1: wrapper, holder, and what the thread holds. Object 2: wrapper, edge, and so on. */
byte refs[3], holders[3];
bool state[3];          /* slot.state: what gc was told */
byte count[3];          /* Python references to the wrapper */
byte native[3];         /* the thread's */
short gc_refs[4];       /* of wrapper 1, wrapper 2, and the holder, which is 3 */
bool visited[4], reached[4];
bool begun, over;

#define toggleref_all_visible(n) (refs[n] == 1 + holders[n])

/* lt_set_state is called when gc subtracts; when it looks for what it can reach, arg is
 * another object. */
#ifdef SEED_NO_SNAPSHOT
#define mirrored_visit(n, subtracts) yes = toggleref_all_visible(n)
#else
#define mirrored_visit(n, subtracts) yes = toggleref_all_visible(n); if :: subtracts -> state[n] = yes :: else -> yes = yes || state[n] fi
#endif

active proctype gc()
{
    byte i, left;
    bool yes;

    atomic {
        /* Whether Python refers to each wrapper from outside. */
        if :: count[1] = 0 :: count[1] = 1 fi;
        if :: count[2] = 0 :: count[2] = 1 fi;
        select (i : 0 .. UNATTACHED);
        native[1] = i;
        if :: native[2] = 0 :: native[2] = 1 fi;
        refs[1] = 2 + native[1]; holders[1] = 1;
        refs[2] = 2 + native[2]; holders[2] = 1;
        gc_refs[1] = count[1] + 1; /* native code's: one for each holder */
        gc_refs[2] = count[2] + 1;
        gc_refs[3] = 1;            /* wrapper 1 refers to the holder */
        i = 0; begun = true
    };
    left = 3;
    do /* subtract */
    :: left == 0 -> break
    :: left > 0 ->
        if
        :: !visited[1] ->
            visited[1] = true;
            if
            :: atomic { mirrored_visit(2, true); if :: yes -> gc_refs[2]-- :: else fi }; gc_refs[3]--
            :: gc_refs[3]--; atomic { mirrored_visit(2, true); if :: yes -> gc_refs[2]-- :: else fi }
            fi
        :: !visited[2] -> visited[2] = true
        :: !visited[3] ->
            visited[3] = true;
            atomic { mirrored_visit(1, true); if :: yes -> gc_refs[1]-- :: else fi }
        fi;
        left--
    od;
    assert(gc_refs[1] >= 0 && gc_refs[2] >= 0 && gc_refs[3] >= 0);
    d_step {
        reached[1] = gc_refs[1] > 0; reached[2] = gc_refs[2] > 0; reached[3] = gc_refs[3] > 0;
        visited[1] = false; visited[2] = false; visited[3] = false
    };
    do /* reach */
    :: reached[1] && !visited[1] ->
        visited[1] = true;
        atomic { mirrored_visit(2, false); if :: yes -> reached[2] = true :: else fi };
        reached[3] = true
    :: reached[3] && !visited[3] ->
        visited[3] = true;
        atomic { mirrored_visit(1, false); if :: yes -> reached[1] = true :: else fi }
    :: else -> break
    od;
    over = true;
    /* An object in the garbage is neither held by nor reachable for the thread, and Python
     * does not refer to it. */
    assert(reached[1] || native[1] == 0 && count[1] == 0);
    assert(reached[2] || native[2] == 0 && count[2] == 0 && native[1] == 0);
    /* Without changes meanwhile gc collects what has no owner. */
#ifdef STILL
    assert(!reached[1] || native[1] + count[1] > 0);
    assert(!reached[2] || native[1] + native[2] + count[1] + count[2] > 0)
#endif
}

active proctype unattached()
{
    begun;
end_loop:
    do
#ifndef STILL
    :: atomic { native[1] > 0 && native[2] < 2 && refs[2] < 6 -> refs[2]++; native[2]++ } /* Children */
    :: atomic { native[1] > 0 && native[1] < UNATTACHED && refs[1] < 6 -> refs[1]++; native[1]++ }
    :: atomic { native[2] > 0 && native[2] < 2 && refs[2] < 6 -> refs[2]++; native[2]++ }
    /* Queued: the count stays until an attached thread drains, which is after the passes. */
    :: atomic { native[1] > 0 -> native[1]--;
#ifdef SEED_RELEASE_NOT_QUEUED
           if :: refs[1] == 2 -> skip :: else -> refs[1]-- fi
#else
           skip
#endif
       }
    :: atomic { native[2] > 0 -> native[2]--;
#ifdef SEED_RELEASE_NOT_QUEUED
           if :: refs[2] == 2 -> skip :: else -> refs[2]-- fi
#else
           skip
#endif
       }
#endif
    :: over -> break
    od
}
