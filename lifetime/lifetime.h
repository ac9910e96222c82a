/* lifetime/lifetime.h: CPython's rules of object lifetime, for code that replaces
 * tp_dealloc, tp_traverse and tp_clear. CPython 3.10 to 3.15, C11 or C++17.
 *
 * A scheme's header (preserve.h, toggleref.h and so on) is written with these functions. An
 * extension includes this file, or slot.h alone, before its native type, and the scheme's
 * header after the accessors.
 *
 * Requirements for the native class (lt_check_class reports a violation):
 *   - it is made by PyType_FromModuleAndSpec, so that it differs from a Python class;
 *   - it has Py_TPFLAGS_HAVE_GC, and its instances are made by tp_alloc;
 *   - it has members __dictoffset__ and __weaklistoffset__, so that a Python subclass adds
 *     neither and all instances keep both at the same place;
 *   - every native class derived from it lists the same tp_dealloc, tp_traverse, tp_clear.
 *
 * Every function needs an attached thread (the GIL, where there is one) unless it says
 * otherwise. */
#ifndef LT_LIFETIME_H
#define LT_LIFETIME_H

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>
#include <structmember.h>

#include "slot.h"

#if PY_VERSION_HEX < 0x030A0000
#error "CPython 3.10 or later is needed"
#endif

/* Py_T_OBJECT_EX and Py_READONLY are public from 3.12 on. */
#if PY_VERSION_HEX < 0x030C0000
#define LT_OBJECT_EX T_OBJECT_EX
#define LT_READONLY READONLY
#else
#define LT_OBJECT_EX Py_T_OBJECT_EX
#define LT_READONLY Py_READONLY
#endif

/* A function that is called rarely, so that its caller needs no stack frame for it. */
#define LT_COLD __attribute__((noinline, cold, unused))

/* ---- builds with and without the GIL ------------------------------------------ */

/* One text serves both builds. "Attached" means: the calling thread has a thread state that is
 * current. Only attached threads touch a Python object. With the GIL one thread at a time is
 * attached, so a sequence of steps that runs no Python code and releases no reference is
 * atomic, and lt_lock does nothing. Without the GIL lt_lock makes it atomic.
 *
 * Rules for code between lt_lock and lt_unlock: it does not release a Python reference, call
 * Python, or wait. Each of these may detach the thread, and gc would then stop it with the lock
 * held. A thread that waits for the lock is attached, so gc would wait for it for ever
 * (deadlock). For the same reason tp_traverse takes no lock: when it runs no attached thread
 * holds one. */
#ifdef Py_GIL_DISABLED
#define LT_ACQUIRE LT_STD(memory_order_acquire)
#define LT_RELEASE LT_STD(memory_order_release)
#else
#define LT_ACQUIRE LT_STD(memory_order_relaxed)
#define LT_RELEASE LT_STD(memory_order_relaxed)
#endif

#ifdef Py_GIL_DISABLED
#include <sched.h>
#include <time.h>

/* A lock that is held for a few instructions. Rejected: PyMutex, which detaches its waiters and
 * has to be a field of its own. */
static inline void
lt_spin(int *tries)
{
    if (++*tries < 64) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
    else
        sched_yield(); /* the system has suspended the owner */
}

static inline void
lt_lock_word(lt_word *word)
{
    int tries = 0;

    while (LT_STD(atomic_fetch_or_explicit)(word, LT_LOCKED, LT_STD(memory_order_acquire)) &
           LT_LOCKED)
        lt_spin(&tries);
}

/* The owner alone changes the other bits, and a thread that tries to lock sets a bit that is
 * set. So a store is enough. */
static inline void
lt_unlock_word(lt_word *word)
{
    uint32_t bits = LT_STD(atomic_load_explicit)(word, LT_STD(memory_order_relaxed));

    LT_STD(atomic_store_explicit)(word, bits & ~LT_LOCKED, LT_STD(memory_order_release));
}

/* Before memory that contains the slot is destroyed: wait until no thread is between its own
 * release of a reference and lt_unlock. The caller has taken the count to zero, so no other
 * thread will lock. Attached or not. */
static inline void
lt_quiet(lt_slot *slot)
{
    int tries = 0;

    while (LT_STD(atomic_load_explicit)(&slot->bits, LT_STD(memory_order_acquire)) & LT_LOCKED)
        lt_spin(&tries);
}
#else
static inline void
lt_lock_word(lt_word *word)
{
    (void)word;
}
static inline void
lt_unlock_word(lt_word *word)
{
    (void)word;
}
static inline void
lt_quiet(lt_slot *slot)
{
    (void)slot;
}
#endif

static inline void
lt_lock(lt_slot *slot)
{
    lt_lock_word(&slot->bits);
}
static inline void
lt_unlock(lt_slot *slot)
{
    lt_unlock_word(&slot->bits);
}

/* ---- the slot ------------------------------------------------------------------ */

static inline PyObject *
lt_wrapper(lt_slot *slot)
{
    return LT_STD(atomic_load_explicit)(&slot->wrapper, LT_ACQUIRE);
}

/* Publishes what the caller has written into the wrapper before. */
static inline void
lt_set_wrapper(lt_slot *slot, PyObject *self)
{
    LT_STD(atomic_store_explicit)(&slot->wrapper, self, LT_RELEASE);
}

static inline unsigned
lt_state(lt_slot *slot)
{
    return (LT_STD(atomic_load_explicit)(&slot->bits, LT_ACQUIRE) & LT_STATE_MASK) >>
           LT_STATE_SHIFT;
}

/* Locked. */
static inline void
lt_set_state(lt_slot *slot, unsigned state)
{
    uint32_t bits = LT_STD(atomic_load_explicit)(&slot->bits, LT_STD(memory_order_relaxed));

    LT_STD(atomic_store_explicit)(&slot->bits, (bits & ~LT_STATE_MASK) | state << LT_STATE_SHIFT,
                                  LT_RELEASE);
}

static inline uint32_t
lt_holders(lt_slot *slot)
{
    return LT_STD(atomic_load_explicit)(&slot->bits, LT_STD(memory_order_relaxed)) / LT_HOLDER;
}

/* One holder more, or less (change -1); the new number. Locked. */
static inline uint32_t
lt_add_holder(lt_slot *slot, int change)
{
    uint32_t bits = LT_STD(atomic_load_explicit)(&slot->bits, LT_STD(memory_order_relaxed)) +
                    (uint32_t)change * LT_HOLDER;

    LT_STD(atomic_store_explicit)(&slot->bits, bits, LT_STD(memory_order_relaxed));
    return bits / LT_HOLDER;
}

/* The same for schemes that do nothing else then. */
static inline void
lt_count_holder(lt_slot *slot, int change)
{
    lt_lock(slot);
    lt_add_holder(slot, change);
    lt_unlock(slot);
}

/* ---- references ------------------------------------------------------------------ */

/* A free-threaded build counts the references of the thread that made an object apart from
 * those of other threads (biased reference counting). When another thread releases the last
 * one, the object waits in a queue for its thread, with a count of zero and before tp_dealloc.
 * gc treats such an object as garbage: it runs __del__ and clears weak references even of a
 * wrapper that native code holds. A wrapper whose tp_dealloc decides about its life must
 * therefore be unbiased: all threads count in ob_ref_shared, and the thread that takes it to
 * zero calls tp_dealloc at once. Call it before the wrapper is published, when the caller has
 * the only reference. */
static inline void
lt_unbias(PyObject *self)
{
#ifdef Py_GIL_DISABLED
    __atomic_store_n(&self->ob_tid, (uintptr_t)0, __ATOMIC_RELAXED);
    __atomic_store_n(&self->ob_ref_local, (uint32_t)0, __ATOMIC_RELAXED);
    __atomic_store_n(&self->ob_ref_shared, _Py_REF_SHARED((Py_ssize_t)1, _Py_REF_MERGED),
                     __ATOMIC_RELEASE);
#else
    (void)self;
#endif
}

/* Inside tp_dealloc: give self, whose count is 0, one reference. The caller owns it. */
static inline void
lt_resurrect(PyObject *self)
{
#if defined(Py_GIL_DISABLED)
    lt_unbias(self);
#elif defined(Py_REF_DEBUG)
    _Py_NewReference(self); /* counts the reference in the total */
#else
    Py_SET_REFCNT(self, 1);
#endif
}

/* From 3.14 on _Py_Dealloc may put an object on the trashcan before it calls tp_dealloc.
 * Such a wrapper has a count of 0, and its scheme has not decided yet. Before 3.14 the
 * trashcan is entered inside tp_dealloc, see lt_die, and this is never true. */
static inline bool
lt_in_trashcan(PyObject *wrapper)
{
#if PY_VERSION_HEX >= 0x030E0000
    return Py_REFCNT(wrapper) == 0;
#else
    (void)wrapper;
    return false;
#endif
}

/* A new reference to wrapper, unless its count is zero: then it is being destroyed, or will be
 * resurrected, and the caller calls lt_retry and looks again. The wrapper is unbiased, and its
 * memory is valid throughout, because the caller holds a native reference that prevents its
 * destruction, or the lock that the scheme's dying takes. */
static inline bool
lt_try_incref(PyObject *wrapper)
{
#if !defined(Py_GIL_DISABLED)
    if (lt_in_trashcan(wrapper))
        return false;
    Py_INCREF(wrapper);
    return true;
#elif PY_VERSION_HEX >= 0x030E0000
    return PyUnstable_TryIncRef(wrapper);
#else
    Py_ssize_t shared = __atomic_load_n(&wrapper->ob_ref_shared, __ATOMIC_RELAXED);

    do {
        if (shared == 0 || shared == _Py_REF_MERGED)
            return false;
    } while (!__atomic_compare_exchange_n(&wrapper->ob_ref_shared, &shared,
                                          shared + _Py_REF_SHARED((Py_ssize_t)1, 0), true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
#endif
}

/* How often lt_retry waits 50 microseconds for another thread. */
#define LT_TRIES 20000

/* After lt_try_incref has failed, tries times before: let the wrapper's tp_dealloc run. Runs
 * any Python code, so read the native object's state again. 0, or -1 with an exception:
 * MemoryError, or RecursionError if the wrapper is in a trashcan that cannot be emptied now. A
 * second wrapper would break identity, and this one cannot be returned. */
static inline int
lt_retry(int tries)
{
#if PY_VERSION_HEX >= 0x030E0000
    if (tries == 0) {
        /* _Py_Dealloc empties this thread's trashcan after the death of a gc object, if the C
         * stack has room. Its function for that is private. */
        PyObject *container = PyList_New(0);

        Py_XDECREF(container);
        return container ? 0 : -1;
    }
#endif
#ifdef Py_GIL_DISABLED
    if (tries < LT_TRIES) {
        /* Another thread is between the last release and its decision. It may be suspended by
         * gc, which waits for this thread until it detaches. */
        struct timespec pause = {0, tries < 2 ? 0 : 50000};

        Py_BEGIN_ALLOW_THREADS
        nanosleep(&pause, NULL);
        Py_END_ALLOW_THREADS
        return 0;
    }
#else
    (void)tries;
#endif
    PyErr_SetString(PyExc_RecursionError,
                    "the wrapper waits for its destruction, and cannot be returned meanwhile");
    return -1;
}

/* ---- classes ---------------------------------------------------------------- */

/* Whether type was made by a class statement. PyType_FromModuleAndSpec sets ht_module. */
static inline bool
lt_python_made(PyTypeObject *type)
{
    return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) &&
           ((PyHeapTypeObject *)type)->ht_module == NULL;
}

/* The nearest class of an extension that type is or derives from. */
static inline PyTypeObject *
lt_native_class(PyTypeObject *type)
{
    while (lt_python_made(type))
        type = type->tp_base;
    return type;
}

/* Put the native class's tp_dealloc, tp_traverse and tp_clear into type and every Python
 * class between the two. CPython's own slots for Python classes run __del__, and clear
 * weak references, __slots__ and dict, before they call the native class's: too late to
 * keep any of it. Call it for each class before it has an instance (lt_new, lt_set_class):
 * a metaclass would conflict with users' metaclasses, and an __init_subclass__ that does
 * not call super()'s hides the classes below it.
 * The whole chain, because __class__ assignment compares tp_clear along it. */
static inline void
lt_own(PyTypeObject *type)
{
    PyTypeObject *native;

    if (!lt_python_made(type))
        return;
    native = lt_native_class(type);
    for (; type != native; type = type->tp_base)
        if (type->tp_dealloc != native->tp_dealloc) {
            /* tp_dealloc last: another thread that finds it makes instances at once. */
            type->tp_traverse = native->tp_traverse;
            type->tp_clear = native->tp_clear;
            type->tp_dealloc = native->tp_dealloc;
        }
}

/* A new instance of type, zeroed, with one reference that the caller owns. NULL with
 * TypeError for an abstract class, or MemoryError. For tp_new. */
static inline PyObject *
lt_new(PyTypeObject *type)
{
    if (PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT)) {
        /* object's tp_new refuses with the names of the methods that are missing. */
        PyObject *none = PyTuple_New(0);
        PyObject *self = none ? PyBaseObject_Type.tp_new(type, none, NULL) : NULL;
        Py_XDECREF(none);
        return self;
    }
    return type->tp_alloc(type, 0);
}

/* Suspend gc, and resume it. Up to 3.11 an allocation may start a collection, which runs
 * any code: that code could wrap or release the object a wrapper is just being made for.
 * From 3.12 on a collection waits for the bytecode loop, and these are no-ops. */
static inline bool
lt_gc_suspend(void)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyGC_Disable();
#else
    return false;
#endif
}

static inline void
lt_gc_resume(bool was_enabled)
{
    if (was_enabled)
        PyGC_Enable();
}

/* The same for a native object that is there already: runs no code. NULL with MemoryError. */
static inline PyObject *
lt_new_quietly(PyTypeObject *type)
{
    bool enabled = lt_gc_suspend();
    PyObject *self = type->tp_alloc(type, 0);

    lt_gc_resume(enabled);
    return self;
}

/* Release a new instance that has not become a wrapper, because another thread was first. It is an
 * instance of the native class then, so that no __del__ of a Python class sees it: its slots and
 * dict are empty, and it has no native object. */
static inline void
lt_discard(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self), *native = lt_native_class(type);

    if (type != native) {
        Py_INCREF(native);
        Py_SET_TYPE(self, native);
        Py_DECREF(type);
    }
    Py_DECREF(self);
}

/* Getter and setter of __class__, for tp_getset of a native class that owns its subclasses,
 * and of no other. The setter is object's own, after lt_own: CPython refuses an assignment
 * between classes whose slots differ. */
static inline PyObject *
lt_get_class(PyObject *self, void *closure)
{
    (void)closure;
    Py_INCREF(Py_TYPE(self));
    return (PyObject *)Py_TYPE(self);
}

static inline int
lt_set_class(PyObject *self, PyObject *cls, void *closure)
{
    PyObject *dict, *descriptor = NULL;
    int result = -1;

    (void)closure;
    if (cls && PyType_Check(cls) &&
        PyType_IsSubtype((PyTypeObject *)cls, lt_native_class(Py_TYPE(self))))
        lt_own((PyTypeObject *)cls);
    dict = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, "__dict__");
    if (dict)
        descriptor = PyMapping_GetItemString(dict, "__class__");
    if (descriptor)
        result = Py_TYPE(descriptor)->tp_descr_set(descriptor, self, cls);
    Py_XDECREF(dict);
    Py_XDECREF(descriptor);
    return result;
}

/* Check the requirements for a native class. 0, or -1 with SystemError. */
static inline int
lt_check_class(PyTypeObject *type)
{
    PyTypeObject *base = lt_native_class(type->tp_base);
    const char *wrong = NULL;

    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || lt_python_made(type))
        wrong = "must be made by PyType_FromModuleAndSpec";
    else if (!PyType_IS_GC(type))
        wrong = "must have Py_TPFLAGS_HAVE_GC";
    else if (type->tp_dictoffset <= 0 || type->tp_weaklistoffset <= 0)
        wrong = "must have members __dictoffset__ and __weaklistoffset__";
    else if (PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE) && base->tp_dictoffset > 0 &&
             (type->tp_dealloc != base->tp_dealloc || type->tp_traverse != base->tp_traverse ||
              type->tp_clear != base->tp_clear))
        wrong = "must list tp_dealloc, tp_traverse and tp_clear of its base";
    if (wrong)
        PyErr_Format(PyExc_SystemError, "%s %s", type->tp_name, wrong);
    return wrong ? -1 : 0;
}

/* ---- contents: type, dict, __slots__, weak references ------------------------ */

static inline PyObject **
lt_dict(PyObject *self)
{
    return (PyObject **)((char *)self + Py_TYPE(self)->tp_dictoffset);
}

static inline bool
lt_has_weakrefs(PyObject *self)
{
    PyObject **list = (PyObject **)((char *)self + Py_TYPE(self)->tp_weaklistoffset);

#ifdef Py_GIL_DISABLED /* another thread may be destroying a weak reference to self */
    return __atomic_load_n(list, __ATOMIC_ACQUIRE) != NULL;
#else
    return *list != NULL;
#endif
}

/* CPython keeps a Python class's __slots__ as its tp_members. Its own subtype_traverse
 * cannot be called in their place: it finds the native class by searching for itself in
 * tp_traverse, where lt_own has replaced it. */
static inline PyObject **
lt_member(PyObject *self, PyMemberDef *member)
{
    return member->type == LT_OBJECT_EX && !(member->flags & LT_READONLY)
               ? (PyObject **)((char *)self + member->offset)
               : NULL;
}

/* The first class of self that has the native class's slots. lt_own gives them to every class;
 * but object's own __class__ setter can give an instance a class without them. CPython's
 * subtype_traverse and subtype_dealloc visit and clear the __slots__ of that class, and then
 * call the native class's slots. */
static inline PyTypeObject *
lt_first_owned(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    destructor dealloc = lt_native_class(type)->tp_dealloc;

    while (type->tp_dealloc != dealloc)
        type = type->tp_base;
    return type;
}

/* Visit the values in __slots__ of the Python classes of self. Changes no count. */
static inline int
lt_visit_slots(PyObject *self, visitproc visit, void *arg)
{
    for (PyTypeObject *type = lt_first_owned(self); lt_python_made(type); type = type->tp_base)
        for (PyMemberDef *m = type->tp_members; m && m->name; m++) {
            PyObject **value = lt_member(self, m);
            if (value)
                Py_VISIT(*value);
        }
    return 0;
}

/* Clear them. Runs any code. */
static inline void
lt_clear_slots(PyObject *self)
{
    for (PyTypeObject *type = lt_first_owned(self); lt_python_made(type); type = type->tp_base)
        for (PyMemberDef *m = type->tp_members; m && m->name; m++) {
            PyObject **value = lt_member(self, m);
            if (value)
                Py_CLEAR(*value);
        }
}

/* tp_traverse of a class that owns its subclasses: type, dict and __slots__. */
static inline int
lt_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(*lt_dict(self));
    return lt_python_made(Py_TYPE(self)) ? lt_visit_slots(self, visit, arg) : 0;
}

/* tp_clear of the same. Runs any code. */
static inline void
lt_clear(PyObject *self)
{
    if (lt_python_made(Py_TYPE(self)))
        lt_clear_slots(self);
    Py_CLEAR(*lt_dict(self));
}

/* tp_traverse and tp_clear of a class whose subclasses keep CPython's slots, which visit
 * and clear the values in __slots__ themselves. */
static inline int
lt_traverse_as_base(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(*lt_dict(self));
    return 0;
}

static inline void
lt_clear_as_base(PyObject *self)
{
    Py_CLEAR(*lt_dict(self));
}

/* ---- death -------------------------------------------------------------------- */

static inline bool
lt_keep_never(PyObject *self)
{
    (void)self;
    return false;
}

static inline void
lt_dying_nothing(PyObject *self)
{
    (void)self;
}

/* Inside tp_dealloc: whether self was here before and then waited in the trashcan. Then
 * its __del__ is over, even if its class has been given one since. Only lt_die untracks
 * self. From 3.14 on self waits before tp_dealloc and not inside. */
static inline bool
lt_was_put_off(PyObject *self)
{
#if PY_VERSION_HEX < 0x030E0000
    return !PyObject_GC_IsTracked(self);
#else
    (void)self;
    return false;
#endif
}

/* __del__ may drop the next object of a chain, whose __del__ drops the next, and so on. At a
 * depth of LT_DEPTH such an object waits until the outermost __del__ has returned. It keeps a
 * reference meanwhile, unlike in CPython's trashcan: so wrap and weak references may return
 * it, and it is not destroyed if they have. */
#define LT_DEPTH 50

#ifdef __cplusplus
static thread_local
#else
static _Thread_local
#endif
    struct {
    int depth; /* of __del__ on this thread; at least 1 while waiting objects are dropped */
    size_t n, room;
    PyObject **waiting; /* each owns a reference */
} lt_finalizing;

/* Make self, whose count is 0, wait. false without memory. */
static inline bool
lt_wait(PyObject *self)
{
    if (lt_finalizing.n == lt_finalizing.room) {
        size_t room = lt_finalizing.room ? 2 * lt_finalizing.room : 64;
        PyObject **more = (PyObject **)PyMem_RawRealloc(lt_finalizing.waiting, room * sizeof *more);
        if (more == NULL)
            return false;
        lt_finalizing.waiting = more;
        lt_finalizing.room = room;
    }
    lt_resurrect(self);
    lt_finalizing.waiting[lt_finalizing.n++] = self;
    return true;
}

/* Inside tp_dealloc: run __del__, if it has not run. true if self lives on, waits, or is
 * destroyed already: the caller returns. */
static inline bool
lt_finalize(PyObject *self)
{
    bool lives;

    if (PyObject_GC_IsFinalized(self))
        return false;
    if (lt_finalizing.depth >= LT_DEPTH && lt_wait(self))
        return true;
    lt_finalizing.depth++;
#ifdef Py_GIL_DISABLED
    /* Rejected: PyObject_CallFinalizerFromDealloc, which biases self towards this thread: other
     * threads could not take a reference until __del__ returns. */
    lt_resurrect(self);
    PyObject_CallFinalizer(self);
    Py_DECREF(self); /* calls tp_dealloc again */
    lives = true;
#else
    lives = PyObject_CallFinalizerFromDealloc(self) < 0;
#endif
    lt_finalizing.depth--;
    return lives;
}

/* After the death of an object with a __del__: drop those that wait, one after the other. */
static inline void
lt_drop_waiting(void)
{
    if (lt_finalizing.depth || lt_finalizing.n == 0)
        return;
    lt_finalizing.depth = 1;
    while (lt_finalizing.n) {
        PyObject *next = lt_finalizing.waiting[--lt_finalizing.n];
        Py_DECREF(next);
    }
    PyMem_RawFree(lt_finalizing.waiting);
    lt_finalizing.waiting = NULL;
    lt_finalizing.room = 0;
    lt_finalizing.depth = 0;
}

/* tp_dealloc of a class that owns its subclasses, once the scheme has decided that self
 * dies. Does what CPython's subtype_dealloc does, in its order.
 *
 *   dealloc  the tp_dealloc that calls this, for the trashcan
 *   keep     after __del__: whether self lives on, with a reference that keep has given it.
 *            Without the GIL self's tp_dealloc is called again for this, and asks keep first
 *   dying    before weak references are cleared and before self may wait in the trashcan:
 *            from now on wrap must not return self. Called again when the trashcan
 *            continues; must then do nothing
 *   drop     after dict and __slots__ are cleared: release the native reference
 *
 * __del__ runs before the trashcan is entered, unlike in CPython. So self never waits in the
 * trashcan while wrap could still return it. */
static inline void
lt_die(PyObject *self, destructor dealloc, bool (*keep)(PyObject *), void (*dying)(PyObject *),
       void (*drop)(PyObject *))
{
    /* gc may have run __del__ already, as may a scheme whose own tp_finalize runs no Python. */
    bool finalized =
        Py_TYPE(self)->tp_finalize && !PyObject_GC_IsFinalized(self) && !lt_was_put_off(self);

    (void)dealloc; /* from 3.14 on Py_TRASHCAN_BEGIN is empty */
    if (finalized) {
        /* Tracked, in case __del__ makes self live on. */
        if (!PyObject_GC_IsTracked(self))
            PyObject_GC_Track(self);
        /* __del__ may store self, which is Python's then, or hand it to native code. */
        if (lt_finalize(self) || keep(self)) {
            lt_drop_waiting();
            return;
        }
    }
    /* What follows runs code, and gc must not traverse self half cleared. */
    PyObject_GC_UnTrack(self);
    dying(self);
    Py_TRASHCAN_BEGIN(self, dealloc);
    if (lt_has_weakrefs(self))
        PyObject_ClearWeakRefs(self);
    lt_clear(self);
    drop(self);
    /* Read after __del__, which may have assigned __class__. */
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END;
    if (finalized)
        lt_drop_waiting();
}

/* tp_dealloc of a class whose subclasses keep CPython's slots. For an instance of a Python
 * class subtype_dealloc has run __del__ and cleared __slots__, and calls this last. */
static inline void
lt_die_as_base(PyObject *self, destructor dealloc, void (*drop)(PyObject *))
{
    /* A __del__ that was assigned to the native class itself. */
    bool finalized = Py_TYPE(self)->tp_finalize && !lt_python_made(Py_TYPE(self));

    (void)dealloc;
    if (finalized && lt_finalize(self)) {
        lt_drop_waiting();
        return;
    }
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, dealloc);
    if (lt_has_weakrefs(self))
        PyObject_ClearWeakRefs(self);
    lt_clear_as_base(self);
    drop(self);
    PyTypeObject *type = Py_TYPE(self); /* see lt_die */
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END;
    if (finalized)
        lt_drop_waiting();
}

#endif
