/* What a strategy is made of, and what it can ask of the scaffolding.
 *
 * A strategy fills in the first half of one static pp_side; the scaffolding
 * makes the Python classes from it (classes.c, holder.c), the module
 * (module.c), and connects it with its native.Library (binding.go).
 *
 * Unless said otherwise every function here needs the GIL. */
#ifndef PP_WRAPPER_H
#define PP_WRAPPER_H

#include "header.h"

typedef struct pp_side pp_side;
typedef struct pp_errand pp_errand;

/* An instance of MyClass or of a Python subclass of it. The class has room for
 * dict and weak references of its own, so that subclasses add none and one
 * layout fits all. */
typedef struct {
    PyObject_HEAD
    pp_side *side;
    union {
        pp_header *header; /* NULL until adopted: gc may look before that */
        uint64_t handle;   /* for strategies that keep no pointer */
    };
    PyObject *dict;
    PyObject *weakrefs;
} pp_wrapper;

#define PP_WRAPPER(op) ((pp_wrapper *)(op))
#define PP_HEADER(op) (PP_WRAPPER(op)->header)

struct pp_side {
    /* ---- the strategy's: constant ------------------------------------- */

    const char *name;

    /* native -> Python. A new reference to the wrapper of h. The caller holds
     * a native reference to h throughout. NULL with an exception. */
    PyObject *(*wrap)(pp_side *, pp_header *h);

    /* A wrapper just made takes over one native reference to h. It is the
     * wrapper of a fresh object (MyClass()) or one that wrap asked
     * pp_new_wrapper for. Cannot fail. */
    void (*adopt)(pp_side *, PyObject *wrapper, pp_header *h);

    /* Python -> native. Borrowed: good for as long as the wrapper is. NULL
     * with an exception. Left out: the wrapper's header field. */
    pp_header *(*unwrap)(pp_side *, PyObject *wrapper);

    /* The last native reference beside the wrapper's own has gone. Called only
     * for headers whose wrapper field is set. */
    void (*last)(pp_side *, pp_header *h);

    /* There is a native reference beside the wrapper's own again, after there
     * was none. Called only for headers whose wrapper field is set. */
    void (*first)(pp_side *, pp_header *h);

    /* Counted by Python (see header.h): take, or give back, a native reference.
     * Called only for headers of which pp_counted is true. */
    void (*counted_retain)(pp_side *, pp_header *h);
    void (*counted_release)(pp_side *, pp_header *h);

    /* Python code has made an edge, or one of an object flagged PP_MIRRORED has been
     * taken away. Its native reference is given back after edge_gone returns. */
    void (*edge_made)(pp_side *, pp_header *from, pp_header *to);
    void (*edge_gone)(pp_side *, pp_header *from, pp_header *to);

    /* Wait for what does not happen at once. Called without the GIL. */
    void (*settle)(pp_side *);

    /* A holder that gc can see has come, or is about to give its native
     * reference back; holders is counted already. */
    void (*holder_made)(pp_side *, pp_header *h);
    void (*holder_gone)(pp_side *, pp_header *h);

    /* The wrapper dies: called before its weak references are cleared. And,
     * once its dict is gone: give up its native reference. Used by
     * pp_plain_dealloc only. */
    void (*dying)(pp_side *, PyObject *wrapper);
    void (*drop)(pp_side *, PyObject *wrapper);

    /* A holder's contribution to tp_traverse: visit what gc should see through
     * the native object. Left out: nothing. Must not change any count. */
    int (*visit)(pp_side *, PyObject *holder, pp_header *h, visitproc, void *);

    /* Slots of MyClass. Left out: pp_plain_dealloc and so on. */
    destructor dealloc;
    traverseproc traverse;
    inquiry clear;
    destructor finalize;
    richcmpfunc richcompare;
    hashfunc hash;
    PyMethodDef *methods; /* beside the common ones */

    /* Whether dealloc, traverse and clear must also be those of every Python
     * subclass, in place of CPython's own for subclasses. */
    bool owns_subclasses;

    /* Whether a wrapper, once there is one, lives exactly as long as its native object. */
    bool inseparable;

    /* Builds the module by itself instead: only the floor does, which uses none
     * of the scaffolding. Adds MyClass, MyClassRef and functions. 0 or -1. */
    int (*bare)(pp_side *, PyObject *module);

    /* ---- the scaffolding's: set when the strategy is attached --------- */

    int index;                  /* which binding in Go */
    PyObject *module;           /* NULL until asked for; never freed */
    PyTypeObject *wrapper_type; /* MyClass */
    PyTypeObject *holder_type;  /* MyClassRef */

    /* References that goroutines could not drop: each entry owns one. A stack
     * pushed by anybody, emptied with the GIL. */
    _Atomic(pp_header *) queue;
    _Atomic int requested; /* a drain is on its way */
    int draining;          /* GIL */
    pp_side *watched;      /* the next of pp_watch_forks */

    /* What else goroutines left to be done with the GIL: edges that were removed, for
     * edge_gone, and Python references to drop. A stack like the queue. */
    _Atomic(pp_errand *) errands;

    /* Native objects made ahead of need, PP_STOCK at a time: entering Go costs as
     * much as all else that making an object takes. */
    pp_header *stock;       /* GIL; linked by next, each with one reference */
    /* And finished off as many at a time, if they are nothing but memory. */
    pp_header *dead;       /* GIL; linked by next, count 0, no body */
    int n_dead;            /* GIL */
    _Atomic int64_t idle;  /* how many in stock and dead together */

    /* Counters, GIL. All are totals since the module was made. */
    int64_t wrappers_created;
    int64_t wrappers_freed;
    int64_t flips;         /* ownership went from wrapper to native object */
    int64_t resurrections; /* the same PyObject was handed out again after it died */
    int64_t drained;       /* references of goroutines dropped with the GIL */
};

/* ---- for strategies ---------------------------------------------------- */

/* What follows from a release that left no reference, or the wrapper's own only. For
 * pp_release. */
void pp_release_slow(pp_side *, pp_header *h, int64_t left);

/* Take one more native reference. The caller holds one, or knows who does. */
static inline void
pp_retain(pp_side *side, pp_header *h)
{
    if (pp_counted(h)) {
        side->counted_retain(side, h);
        return;
    }
    int64_t had = atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    if (had == (PP_WATCHED | 1) && side->first)
        side->first(side, h);
}

static inline void
pp_release(pp_side *side, pp_header *h)
{
    if (pp_counted(h)) {
        side->counted_release(side, h);
        return;
    }
    int64_t left = (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) - 1) & ~PP_WATCHED;
    if (left <= 1)
        pp_release_slow(side, h, left);
}

/* A new native object without a message. Its one reference is the caller's. */
pp_header *pp_new_native(pp_side *);

/* The native object's count is zero: Go finishes it off. At once if it may have
 * edges to release, with others if not. */
void pp_finish(pp_side *, pp_header *h);

/* A new MyClass instance (not a subclass's) standing for h. Takes one native
 * reference for it. NULL with MemoryError. */
PyObject *pp_new_wrapper(pp_side *, pp_header *h);

/* Take every native edge from an object away. edge_gone is not called. */
void pp_remove_edges(pp_side *, pp_header *from);

/* Make an instance or a dict without running gc. Up to 3.11 an allocation may
 * collect, and so run any code, which may wrap or release the very object that we
 * are about to make a wrapper for. From 3.12 on gc waits for the interpreter. */
static inline bool
pp_gc_pause(void)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyGC_Disable();
#else
    return false;
#endif
}

static inline void
pp_gc_resume(bool was_on)
{
    if (was_on)
        PyGC_Enable();
}

static inline PyObject *
pp_alloc(PyTypeObject *type)
{
    bool on = pp_gc_pause();
    PyObject *self = type->tp_alloc(type, 0);
    pp_gc_resume(on);
    return self;
}

/* Drop what goroutines handed over. Cheap when there is nothing. */
void pp_drain_slow(pp_side *);

static inline void
pp_drain(pp_side *side)
{
    if (atomic_load_explicit(&side->queue, memory_order_relaxed) ||
        atomic_load_explicit(&side->errands, memory_order_relaxed))
        pp_drain_slow(side);
}

/* The header behind any Python object: the wrapper's own, or NULL with a
 * TypeError when it is no wrapper of this strategy, or with what the
 * strategy's unwrap says. */
pp_header *pp_unwrap(pp_side *, PyObject *op);

static inline pp_header *
pp_native(pp_side *side, PyObject *wrapper)
{
    return side->unwrap ? side->unwrap(side, wrapper) : PP_HEADER(wrapper);
}

/* Slots for strategies that do nothing special when a wrapper dies: weak
 * references are cleared, then the dict, then drop is called. Subclasses keep
 * CPython's own slots, which call these last. */
void pp_plain_dealloc(PyObject *);

/* The drop of those who have nothing else to give up than the native reference. There
 * is none where making the wrapper failed. */
static inline void
pp_drop_reference(pp_side *side, PyObject *wrapper)
{
    if (PP_HEADER(wrapper))
        pp_release(side, PP_HEADER(wrapper));
}
int pp_plain_traverse(PyObject *, visitproc, void *);
int pp_plain_clear(PyObject *);

/* Visit, or clear, the values in __slots__ of the Python subclasses of side's
 * MyClass that op is an instance of: what CPython's own subclass slots would
 * do, for strategies that replace those. */
int pp_visit_slots(pp_side *, PyObject *op, visitproc, void *);
void pp_clear_slots(pp_side *, PyObject *op);

/* Visit, or clear, the Python function that the native object holds, if that is the
 * wrapper's to show: for strategies that do not use the plain slots. */
int pp_visit_callback(PyObject *op, visitproc visit, void *arg);
void pp_clear_callback(PyObject *op);

/* ---- between the files of the scaffolding ------------------------------ */

#define PP_STOCK 32
int64_t pp_idle(pp_side *); /* no GIL needed */

/* The strategy's module: a new reference, kept by the side as well. */
PyObject *pp_module(pp_side *, const char *package);
PyTypeObject *pp_make_wrapper_type(pp_side *, PyObject *module, const char *module_name);
PyTypeObject *pp_make_holder_type(pp_side *, PyObject *module, const char *module_name);

/* "left.right", never freed: CPython 3.10 keeps a type's name by pointer. NULL
 * with MemoryError. */
char *pp_join(const char *left, const char *right);

/* A new MyClassRef that owns one native reference to h. Steals it, also on
 * failure. */
PyObject *pp_new_holder(pp_side *, pp_header *h);

/* Deliver an event to the wrapper's on_event, as native code does, with or
 * without the GIL. 0, or -1 when on_event failed: a caller that has the GIL finds
 * the exception pending, one that has not gets its text, to be freed. */
int pp_dispatch(pp_side *, pp_header *h, int64_t event, int64_t *answer, char **error);

/* Hand one native reference over to be dropped soon by a thread with the GIL.
 * Needs no GIL, and never waits for it. */
void pp_push(pp_side *, pp_header *h);

/* The same for a removed edge: takes over a reference to both ends. */
void pp_unlink(pp_side *, pp_header *from, pp_header *to);

/* How many references an object counted by Python has, roughly: without the GIL the
 * wrapper's count may change meanwhile. */
int64_t pp_count(pp_header *);

/* The interpreter is going away: nobody is asked to drain any more. */
void pp_disarm(void);

/* A holder: an instance of MyClassRef. */
typedef struct {
    PyObject_HEAD
    pp_side *side;
    pp_header *header; /* owns one native reference; NULL once released */
} pp_holder;

#define PP_HOLDER(op) ((pp_holder *)(op))

/* Notice when this process is forked, and end then what threads that are no more had
 * begun in side, if there is one. */
void pp_watch_forks(pp_side *);
int pp_forked(void);

/* Have a Python reference dropped by whoever has the GIL next. */
void pp_drop_later(pp_side *, PyObject *);

#endif
