/* lifetime/lifetime.h: the rules by which CPython's objects live and die, for code that
 * replaces tp_dealloc, tp_traverse and tp_clear. CPython 3.10 to 3.15, C11 or C++17.
 *
 * A scheme's header (preserve.h, toggleref.h and so on) is written with these functions. An
 * extension includes this file, or slot.h alone, before its native type, and the scheme's
 * header after the accessors.
 *
 * What the kit asks of the native class (lt_check_class reports a violation):
 *   - it is made by PyType_FromModuleAndSpec, so that it differs from a Python class;
 *   - it has Py_TPFLAGS_HAVE_GC, and its instances are made by tp_alloc;
 *   - it has members __dictoffset__ and __weaklistoffset__, so that a Python subclass adds
 *     neither and all instances keep both at the same place;
 *   - every native class derived from it lists the same tp_dealloc, tp_traverse, tp_clear.
 *
 * Every function needs the GIL unless it says otherwise. */
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

/* ---- resurrection ----------------------------------------------------------- */

/* Inside tp_dealloc: give self, whose count is 0, one reference. The caller owns it.
 * A build with Py_REF_DEBUG has to count the reference in its total. A free-threaded build
 * keeps the count in three fields, owned by one thread (what _PyObject_ResurrectStart
 * does). */
static inline void
lt_resurrect(PyObject *self)
{
#if defined(Py_GIL_DISABLED)
    self->ob_tid = _Py_ThreadId();
    self->ob_ref_local = 1;
    self->ob_ref_shared = 0;
#elif defined(Py_REF_DEBUG)
    _Py_NewReference(self);
#else
    Py_SET_REFCNT(self, 1);
#endif
}

/* From 3.14 on _Py_Dealloc may put an object on the trashcan before it calls tp_dealloc.
 * Such a wrapper has a count of 0 and its scheme does not know yet. Before 3.14 the
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

/* Have CPython empty this thread's trashcan, which calls tp_dealloc of what is in it. Runs
 * any Python code: look for the wrapper anew. 0, or -1 with MemoryError. */
static inline int
lt_empty_trashcan(void)
{
    /* _Py_Dealloc empties it after the death of a gc object, if the C stack has room. The
     * function that does so is private. */
    PyObject *container = PyList_New(0);

    Py_XDECREF(container);
    return container ? 0 : -1;
}

/* The wrapper is still in the trashcan: of another thread, or the C stack is too deep. A
 * second wrapper would break identity, and this one cannot be returned. */
static inline PyObject *
lt_still_in_trashcan(void)
{
    PyErr_SetString(PyExc_RecursionError,
                    "the wrapper waits for its destruction, and cannot be returned meanwhile");
    return NULL;
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
            type->tp_dealloc = native->tp_dealloc;
            type->tp_traverse = native->tp_traverse;
            type->tp_clear = native->tp_clear;
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

/* Whether type is what the kit asks of a native class. 0, or -1 with SystemError. */
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
    return *(PyObject **)((char *)self + Py_TYPE(self)->tp_weaklistoffset) != NULL;
}

/* CPython keeps a Python class's __slots__ as its tp_members. Its own subtype_traverse
 * cannot be called in their place: it looks for itself in tp_traverse to find the native
 * class, and lt_own has replaced it. */
static inline PyObject **
lt_member(PyObject *self, PyMemberDef *member)
{
    return member->type == LT_OBJECT_EX && !(member->flags & LT_READONLY)
               ? (PyObject **)((char *)self + member->offset)
               : NULL;
}

/* The first class of self that has the native class's slots. lt_own gives them to every class;
 * but an instance can get a class that it has not seen (object's own __class__ setter), and
 * the slots of that are visited and cleared by CPython's subtype_traverse and
 * subtype_dealloc, which then call the native class's. */
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
    return lt_visit_slots(self, visit, arg);
}

/* tp_clear of the same. Runs any code. */
static inline void
lt_clear(PyObject *self)
{
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

/* Inside tp_dealloc: whether self has been here before and then waited in the trashcan. It
 * is past its __del__ then, even if its class has got one meanwhile. lt_die alone untracks
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
    int depth;          /* of __del__ on this thread; at least 1 while waiting objects are dropped */
    size_t n, room;
    PyObject **waiting; /* each owns a reference */
} lt_finalizing;

/* Whether self, whose count is 0, waits from now on. Without memory it does not. */
static inline bool
lt_wait(PyObject *self)
{
    if (lt_finalizing.n == lt_finalizing.room) {
        size_t room = lt_finalizing.room ? 2 * lt_finalizing.room : 64;
        PyObject **more =
            (PyObject **)PyMem_RawRealloc(lt_finalizing.waiting, room * sizeof *more);
        if (more == NULL)
            return false;
        lt_finalizing.waiting = more;
        lt_finalizing.room = room;
    }
    lt_resurrect(self);
    lt_finalizing.waiting[lt_finalizing.n++] = self;
    return true;
}

/* Inside tp_dealloc: run __del__, if it has not run. Whether self lives on, or waits. */
static inline bool
lt_finalize(PyObject *self)
{
    int result;

    if (lt_finalizing.depth >= LT_DEPTH && !PyObject_GC_IsFinalized(self) && lt_wait(self))
        return true;
    lt_finalizing.depth++;
    result = PyObject_CallFinalizerFromDealloc(self);
    lt_finalizing.depth--;
    return result < 0;
}

/* After the death of an object that had a __del__: drop those that wait, one after the other. */
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
 * dies: everything that CPython's subtype_dealloc does, in its order.
 *
 *   dealloc  the tp_dealloc that calls this, for the trashcan
 *   keep     after __del__: whether self lives on, with a reference that keep has given it
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
    PyObject_GC_UnTrack(self); /* what follows runs code, and gc must not see self half dead */
    dying(self);
    Py_TRASHCAN_BEGIN(self, dealloc)
    if (lt_has_weakrefs(self))
        PyObject_ClearWeakRefs(self);
    lt_clear(self);
    drop(self);
    /* Read only now: __del__ may have assigned __class__. */
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
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
    Py_TRASHCAN_BEGIN(self, dealloc)
    if (lt_has_weakrefs(self))
        PyObject_ClearWeakRefs(self);
    lt_clear_as_base(self);
    drop(self);
    PyTypeObject *type = Py_TYPE(self); /* see lt_die */
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
    if (finalized)
        lt_drop_waiting();
}

#endif
