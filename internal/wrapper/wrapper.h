/* What a strategy consists of, and the scaffolding's functions for it.
 *
 * A strategy is a constant pp_strategy over a scheme's header (preserve/preserve.h and so on).
 * The scaffolding makes the Python classes from it (classes.c, holder.c) and the module
 * (module.c), and connects it with its native.Library (binding.go). What changes at run time
 * is in pp_state, which strategies do not write, except for the counters.
 *
 * Unless a comment says otherwise, every function needs an attached thread: the GIL, where there
 * is one. */
#ifndef PP_WRAPPER_H
#define PP_WRAPPER_H

#include "header.h"

typedef struct pp_strategy pp_strategy;
typedef struct pp_state pp_state;

/* An instance of MyClass or of a Python subclass. */
typedef struct {
    PyObject_HEAD
    const pp_strategy *strategy; /* NULL if it was made without MyClass.__new__ */
    union {
        pp_header *header; /* NULL before adopt: gc may traverse it before that */
        uint64_t handle;   /* for strategies that keep no pointer */
    };
    PyObject *dict;
    PyObject *weakrefs;
} pp_wrapper;

#define PP_WRAPPER(op) ((pp_wrapper *)(op))
#define PP_HEADER(op) (PP_WRAPPER(op)->header)

/* A holder: an instance of MyClassRef. */
typedef struct {
    PyObject_HEAD
    const pp_strategy *strategy;
    pp_header *header; /* owns one native reference; NULL once released. See pp_lock_holder */
#ifdef Py_GIL_DISABLED
    lt_word lock;
#endif
} pp_holder;

#define PP_HOLDER(op) ((pp_holder *)(op))

/* Between these the holder's header, and its native reference, do not change. For the rules
 * see lt_lock. */
static inline void
pp_lock_holder(PyObject *holder)
{
#ifdef Py_GIL_DISABLED
    lt_lock_word(&PP_HOLDER(holder)->lock);
#else
    (void)holder;
#endif
}

static inline void
pp_unlock_holder(PyObject *holder)
{
#ifdef Py_GIL_DISABLED
    lt_unlock_word(&PP_HOLDER(holder)->lock);
#else
    (void)holder;
#endif
}

/* ---- the table ---------------------------------------------------------------- */

/* For schemes that count the holders, which gc can traverse. */
typedef struct {
    void (*made)(pp_header *); /* a holder has its native reference */
    void (*gone)(pp_header *); /* it is about to release it */
} pp_holders;

/* Native edges that Python code makes. */
typedef struct {
    void (*made)(pp_header *from, pp_header *to);
    /* An edge was removed, by any thread; called by an attached one, later. Releases the edge's
     * reference to to and one more to from. Both are pp_header *, see lt_call_later. */
    void (*gone)(void *from, void *to);
} pp_edges;

/* Python -> native by a look-up that can fail: a new native reference, NULL with an
 * exception. */
typedef struct {
    pp_header *(*unwrap)(PyObject *wrapper);
} pp_lookup;

/* A count that Python keeps (native.CountedElsewhere). Any thread. */
typedef struct {
    int64_t (*count)(pp_header *);
    void (*release_unattached)(pp_header *);
} pp_counting;

struct pp_strategy {
    const char *name;
    pp_state *state;

    PyObject *(*wrap)(pp_header *); /* the scheme's X_wrap, and so on */
    PyObject *(*live)(pp_header *); /* wrap, if the wrapper is there: runs no code, and
                                                   does not detach. NULL: there never is one */
    PyObject *(*new_instance)(PyTypeObject *);
    bool (*adopt)(PyObject *self, pp_header *); /* PP_HEADER(self) is set */
    void (*retain)(pp_header *);
    void (*release)(pp_header *);
    void (*release_slot)(lt_slot *); /* release, for the queue. NULL: Go code cannot
                                                   hold references (the baseline) */
    bool queue_all;                  /* native.Hooks.QueueAll */
    bool needs_gil;                  /* refused on a free-threaded build without it */

    /* Of MyClass: tp_dealloc, tp_traverse, tp_clear at least. Methods are added to the common
     * ones. A strategy whose slots subclasses must have too lists pp_class_getset. */
    const PyType_Slot *slots;

    /* Called by a holder's tp_traverse: visits what gc should reach through the native
     * object. NULL: nothing. Must not change a count. */
    int (*visit)(pp_header *, PyObject *holder, visitproc, void *);

    /* Groups that few strategies have. NULL: none. */
    const pp_holders *holders;
    const pp_edges *edges;
    const pp_lookup *lookup;
    const pp_counting *counting;
    void (*quiesce)(void); /* wait for what does not happen at once. Detached */
};

extern PyGetSetDef pp_class_getset[]; /* __dict__, and __class__ by lt_set_class */

/* ---- the state: zero at start, filled in by the scaffolding ----------------------- */

/* What each thread has of a strategy; with the GIL there is one for all. Other threads read the
 * counters, which are therefore atomic; see PP_ADD. */
typedef struct pp_local {
    /* Spare native objects (native.Library.NewSpare), and destroyed ones that Go has not taken
     * back yet. Go makes PP_BATCH and takes back PP_BATCH at a time, because a call into Go
     * costs as much as the rest of making an object. Both lists are linked by next; counts are
     * 0. */
    lt_slot *spare;
    lt_slot *dead;
    _Atomic int n_spare;
    _Atomic int n_dead;
    uint64_t id, end_id; /* the next number for a new object; none is left if they are equal */

    /* Totals since the module was made. */
    _Atomic int64_t wrappers_created;
    _Atomic int64_t wrappers_freed;
    _Atomic int64_t flips;
    _Atomic int64_t resurrections;

    struct pp_local *next; /* of the state's; never freed, reused when its thread has ended */
    _Atomic int taken;
} pp_local;

#define PP_ADD(counter, n)                                                              \
    atomic_store_explicit(&(counter),                                                   \
                          atomic_load_explicit(&(counter), memory_order_relaxed) + (n), \
                          memory_order_relaxed)

struct pp_state {
    const pp_strategy *strategy;
    int index;                  /* of the binding in Go */
    PyObject *module;           /* NULL until it is asked for; never freed */
    PyTypeObject *wrapper_type; /* MyClass */
    PyTypeObject *holder_type;  /* MyClassRef */
    PyObject *on_event;         /* its name, interned */
    lt_queue queue;             /* what unattached threads have released */
    pp_state *next;             /* of all attached states */
    pp_local local;             /* with the GIL the only one */
    _Atomic(pp_local *) locals; /* without the GIL */
};

#ifdef Py_GIL_DISABLED
#define PP_MAX_STATES 32
extern _Thread_local pp_local *pp_locals[PP_MAX_STATES]; /* by pp_state.index */

pp_local *pp_new_local(pp_state *);
#endif

static inline pp_local *
pp_local_of(pp_state *state)
{
#ifdef Py_GIL_DISABLED
    pp_local *local = pp_locals[state->index];

    return local ? local : pp_new_local(state);
#else
    return &state->local;
#endif
}

/* Count an event of a scheme's header: PP_EVENT(&preserve_state, flips). */
#define PP_EVENT(state, what) PP_ADD(pp_local_of(state)->what, 1)

#define PP_BATCH 32
#define PP_SPARES 16384 /* at most: 832 KiB of headers, 512 KiB of Go objects */
#define PP_IDS 1024     /* reserved at a time */

/* ---- for strategies ---------------------------------------------------------------- */

/* The accessors that a scheme's header asks for, over pp_header, and the strategy's state.
 * Before the include; X is the scheme's name. */
#define PP_ACCESSORS(X)                                      \
    static pp_state X##_state;                               \
    typedef pp_header X##_native;                            \
    static inline pp_header *X##_of(PyObject *self)          \
    {                                                        \
        return PP_HEADER(self);                              \
    }                                                        \
    static inline void X##_set(PyObject *self, pp_header *h) \
    {                                                        \
        PP_HEADER(self) = h;                                 \
    }                                                        \
    static inline lt_slot *X##_slot(pp_header *h)            \
    {                                                        \
        return &h->slot;                                     \
    }                                                        \
    static inline int64_t X##_refs(pp_header *h)             \
    {                                                        \
        return pp_refs(h);                                   \
    }                                                        \
    static inline int64_t X##_inc(pp_header *h)              \
    {                                                        \
        return pp_inc(h);                                    \
    }                                                        \
    static inline int64_t X##_dec(pp_header *h)              \
    {                                                        \
        return pp_dec(h);                                    \
    }                                                        \
    static inline void X##_free(pp_header *h)                \
    {                                                        \
        pp_finish(&X##_state, h);                            \
    }                                                        \
    static inline PyObject *X##_make(pp_header *h)           \
    {                                                        \
        return pp_new_wrapper(&X##_state, h);                \
    }                                                        \
    static inline PyObject *X##_alloc(PyTypeObject *type)    \
    {                                                        \
        return pp_alloc_wrapper(&X##_state, type);           \
    }                                                        \
    static inline void X##_release(X##_native *);            \
    static inline void X##_release_slot(lt_slot *slot)       \
    {                                                        \
        X##_release(pp_header_of_slot(slot));                \
    }

/* A new native object without a message. Its one reference is the caller's. */
pp_header *pp_new_native(pp_state *);

/* The native object's count is zero. Go destroys it: at once if it may have edges, else with
 * the next batch. But an object that has not been shown, to which only C code has ever had a
 * pointer, becomes a spare one, and C code begins the next object with it. */
void pp_finish(pp_state *, pp_header *h);

/* An instance of type, NULL: of MyClass, without a native object. Runs no code. NULL with
 * MemoryError. */
PyObject *pp_alloc_wrapper(pp_state *, PyTypeObject *type);

/* A new MyClass instance for h, which owns one native reference. NULL with MemoryError. */
PyObject *pp_new_wrapper(pp_state *, pp_header *h);

/* Remove every native edge of an object. edges->gone is not called. */
void pp_remove_edges(const pp_strategy *, pp_header *from);

/* Release what unattached threads have handed over. */
static inline void
pp_drain(const pp_strategy *strategy)
{
    lt_drain(&strategy->state->queue);
}

/* The header behind any Python object: NULL with TypeError if it is not a wrapper of this
 * strategy, with ReferenceError if it has no native object, or with what the strategy's
 * unwrap says. Valid until pp_done: the wrapper's native reference keeps it, or one that the
 * look-up has taken. */
pp_header *pp_unwrap(const pp_strategy *, PyObject *op);

/* The same for a wrapper. */
pp_header *pp_native_slow(PyObject *wrapper);

static inline pp_header *
pp_native(PyObject *wrapper)
{
    const pp_strategy *strategy = PP_WRAPPER(wrapper)->strategy;

    if (strategy && !strategy->lookup && PP_HEADER(wrapper))
        return PP_HEADER(wrapper);
    return pp_native_slow(wrapper);
}

/* Ends the use of what pp_unwrap or pp_native has returned. Keeps a pending exception. */
void pp_done_slow(const pp_strategy *, pp_header *);

static inline void
pp_done(const pp_strategy *strategy, pp_header *h)
{
    if (strategy->lookup)
        pp_done_slow(strategy, h);
}

/* The native object of a wrapper, if it has a callback. Not of a strategy with a look-up. gc calls
 * this for every wrapper. */
static inline pp_header *
pp_with_callback(PyObject *self)
{
    pp_header *h = PP_HEADER(self);

    return h && pp_flag(h, PP_HAS_CALLBACK) ? h : NULL;
}

int pp_visit_callback_of(pp_header *, visitproc visit, void *arg);

/* Visit, or clear, the Python function that the native object of self holds: for schemes
 * where the wrapper lives as long as the native object, so that the wrapper's references are
 * the native object's. */
static inline int
pp_visit_callback(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = pp_with_callback(self);

    return h ? pp_visit_callback_of(h, visit, arg) : 0;
}

void pp_clear_callback(PyObject *self);

/* The same for other schemes: only while the wrapper's is the only native reference. */
static inline int
pp_visit_own_callback(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = pp_with_callback(self);

    return h && pp_refs(h) == 1 ? pp_visit_callback_of(h, visit, arg) : 0;
}

void pp_clear_own_callback(PyObject *self);

/* ---- between the files of the scaffolding ------------------------------------------- */

/* Connect a state with its strategy and with the binding of this index. */
void pp_attach(const pp_strategy *, int index);

int64_t pp_idle(pp_state *); /* the spare and dead objects of all threads. Any thread */

/* The spare and dead objects of this thread, with the GIL all, to be destroyed by the caller. */
lt_slot *pp_take_idle(pp_state *);

/* The state's counters, added up, in the order of pp_local. */
typedef struct {
    int64_t wrappers_created, wrappers_freed, flips, resurrections, drained, longest_slice;
} pp_totals;

pp_totals pp_total(pp_state *);

/* The strategy's module: a new reference; the state keeps another. NULL with an exception. */
PyObject *pp_module(const pp_strategy *, const char *package);
PyTypeObject *pp_make_wrapper_type(const pp_strategy *, PyObject *module, const char *module_name);
PyTypeObject *pp_make_holder_type(const pp_strategy *, PyObject *module, const char *module_name);

/* "left.right", never freed: CPython 3.10 keeps a type's name by pointer. NULL with
 * MemoryError. */
char *pp_join(const char *left, const char *right);

/* A new MyClassRef that owns one native reference to h. Steals it, also on failure. */
PyObject *pp_new_holder(const pp_strategy *, pp_header *h);

/* Deliver an event to the wrapper's on_event, attached or not. When on_event fails an attached
 * caller finds the exception pending, and another gets its text, to be freed. */
typedef struct {
    int64_t answer;
    int failed; /* 0 or -1 */
    char *error;
} pp_answer;
pp_answer pp_dispatch(uintptr_t strategy, uintptr_t header, int64_t event);

/* Release one native reference, for Go code, where the native library may not: the last
 * beside the wrapper's, or one that Python counts. Any thread; never blocks. */
void pp_release_unattached(const pp_strategy *, pp_header *h);

/* Call one of Go's functions below that may take long, and then calls pp_takes_long; that has no effect
 * elsewhere. true: the queue's thread will call ppGoRest(rest) instead of the caller. false: the
 * caller goes on, and has been detached until the function returns. */
void pp_call_go(void (*function)(uint64_t), uint64_t handle);
bool pp_takes_long(const pp_strategy *, uintptr_t rest);

/* A removed edge, for edges->gone; takes over a reference to both ends. Any thread. */
void pp_unlink(const pp_strategy *, pp_header *from, pp_header *to);

/* Have a Python reference released by an attached thread. Any thread. */
void pp_drop_later(const pp_strategy *, PyObject *);

/* Before finalization: request no more drains. */
void pp_disarm(void);

/* Install the fork handler. */
void pp_watch_forks(void);
int pp_forked(void);

#endif
