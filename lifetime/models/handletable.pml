/* handletable.pml: the pin of handletable/handletable.c (unwrap, take) with
 * native/object.go (Acquire, release, destroy) and internal/slots (Get, Delete, Put). One entry
 * of the table, whose object is destroyed and whose header another object then has. Thread 0
 * uses the first wrapper and both attached threads close it; a thread that is never attached
 * holds and releases one reference, and makes the next object. With the GIL the text looks into the
 * header alone, which has its handle.
 *
 *   -DGIL  one thread at a time is attached; a use may let others run */
#ifdef GIL
bool gil;
#define ATTACH !gil -> gil = true
#define DETACH gil = false
#define OTHERS if :: atomic { DETACH }; atomic { ATTACH } :: skip fi
#else
#define ATTACH true
#define DETACH skip
#define OTHERS skip
#endif

byte gen = 1;           /* of the table's entry; odd while it is taken */
byte owner = 1;         /* the object that the header belongs to */
byte refs = 2;          /* in the header: the wrapper's and the unattached thread's */
bool header[3] = true;        /* the object has its header: Object.header != nil */
bool mu[3];             /* Object.mu */
bool closed;            /* CLOSED, in the wrapper's handle */
bool destroyed[3];
byte rest[3] = 2;        /* references not yet released, for the assertion at the end */

/* Object.destroy and freeHeader, by the thread that took the count to 0. */
inline finish(o)
{
    atomic { !mu[o] -> mu[o] = true };
    atomic { assert(header[o] && !destroyed[o]); header[o] = false; destroyed[o] = true };
    atomic { mu[o] = false };
    atomic { assert(gen == o * 2 - 1); gen++ } /* Delete: the header may be another object's now */
}

/* pp_dec; release of native/object.go has the same effect. */
inline handletable_release(o)
{
    atomic { assert(owner == o && refs > 0 && !destroyed[o]); refs--; rest[o]--; zero = (refs == 0) };
    if
    :: atomic { zero -> zero = false }; finish(o)
    :: else
    fi
}

inline take()
{
#ifdef SEED_CLOSED_TWICE
    atomic { was = closed };
    atomic { closed = true };
#else
    atomic { was = closed; closed = true };
#endif
    if
    :: was -> was = false
    :: else ->
        atomic { assert(gen == 1) }; /* pp_find: the wrapper's own reference keeps it */
        handletable_release(1)
    fi
}

/* handletable_unwrap, a use, and pp_done. */
inline use()
{
    if
    :: closed -> skip
    :: else ->
#ifndef SEED_NO_GENERATION
        atomic { if :: gen == 1 -> found = 1 :: else -> found = 0 fi }; /* Table.Get, pp_find */
#else
        atomic { found = (gen + 1) / 2 };
#endif
        if
        :: found == 0 -> skip
        :: else ->
#ifdef SEED_BORROWED
            pinned = header[found];
#elif defined(GIL)
            /* pp_find, pp_inc: the wrapper's reference is there until an attached thread closes it */
            atomic { assert(found == 1 && owner == 1 && refs > 0); refs++; rest[1]++; pinned = true };
#else
            /* Acquire */
#ifndef SEED_NO_MU
            atomic { !mu[found] -> mu[found] = true };
#endif
            atomic { pinned = header[found] };
            if
            :: !pinned -> skip
            :: else ->
                do
                :: atomic { now = refs };
                    if
#ifndef SEED_FROM_ZERO
                    :: now == 0 -> pinned = false; break
#endif
                    :: atomic { else ->
                           if
                           :: refs == now -> assert(owner == found); refs++; rest[found]++; break
                           :: else
                           fi }
                    fi
                od
            fi;
            now = 0;
#ifndef SEED_NO_MU
            atomic { mu[found] = false };
#endif
#endif
            if
            :: !pinned -> skip
            :: else ->
                OTHERS;
                assert(found == 1 && owner == 1 && refs > 0 && !destroyed[1]); /* used */
#ifndef SEED_BORROWED
                handletable_release(1);
#endif
                pinned = false
            fi
        fi;
        found = 0
    fi
}

active [2] proctype attached()
{
    byte now, found;
    bool was, zero, pinned;

    do
    :: atomic { ATTACH }; use(); atomic { DETACH }
    :: atomic { ATTACH }; take(); atomic { DETACH }
    :: closed -> break
    od
}

active proctype unattached()
{
    bool zero;

    handletable_release(1);
    /* The next object has the entry and its header. */
    atomic { gen == 2 -> owner = 2; refs = 1; rest[2] = 1; header[2] = true; gen = 3 };
    handletable_release(2)
}

active proctype at_rest()
{
end_waiting:
    timeout;
    assert(destroyed[1] && destroyed[2] && rest[1] == 0 && rest[2] == 0 && gen == 4)
}
