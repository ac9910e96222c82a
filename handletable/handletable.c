/* An opaque, generation-checked handle per wrapper. In Python the idea would be:
 *
 *     def wrap(native):
 *         native.retain()
 *         return MyClass(handle=native.handle)
 *
 *     class MyClass:
 *         def id(self):                          # and every other use
 *             native = table.get(self.handle)    # compares the generation
 *             if native is None:
 *                 raise ReferenceError
 *             return native.id
 *         def __eq__(self, other): return self.handle == other.handle
 *         def __hash__(self): return hash(self.handle)
 *
 * No C code of this strategy ever follows a pointer that a wrapper carries. */
#include "../internal/wrapper/wrapper.h"

#include "_cgo_export.h"

/* Set in the stored handle once close() has released the native reference. Numbers of entries
 * have 28 bits, so bit 31 is never part of a handle: see handletable.go. */
#define CLOSED (UINT64_C(1) << 31)

static pp_state state;

/* The handle, with CLOSED. Another thread may close the wrapper at any time. */
static inline uint64_t
stored(PyObject *self)
{
    return __atomic_load_n(&PP_WRAPPER(self)->handle, __ATOMIC_RELAXED);
}

#define HANDLE(op) (stored(op) & ~CLOSED)

/* native -> Python: a new wrapper, with a native reference of its own. */
static PyObject *
handletable_wrap(pp_header *h)
{
    return pp_new_wrapper(&state, h);
}

/* The wrapper takes over the caller's native reference. */
static bool
handletable_adopt(PyObject *self, pp_header *h)
{
    PP_WRAPPER(self)->handle = pp_handle(h);
    return true;
}

static void
handletable_retain(pp_header *h)
{
    pp_inc(h);
}

static void
handletable_release(pp_header *h)
{
    if (pp_dec(h) == 0)
        pp_finish(&state, h);
}

static void
handletable_release_slot(lt_slot *slot)
{
    handletable_release(pp_header_of_slot(slot));
}

/* Python -> native. The generation is compared, and a native reference taken for the duration of the use,
 * because another thread may close the wrapper meanwhile. With the GIL not between the two: the
 * wrapper's own reference keeps the object alive. Without it Go's table takes the reference. */
static pp_header *
handletable_unwrap(PyObject *self)
{
    uint64_t handle = stored(self);
    pp_header *h = NULL;

#ifdef Py_GIL_DISABLED
    if (!(handle & CLOSED))
        h = ppHandletableAcquire(state.index, handle);
#else
    if (!(handle & CLOSED) && (h = pp_find(handle)))
        pp_inc(h);
#endif
    if (h == NULL)
        PyErr_Format(PyExc_ReferenceError, "handle %llu %s", (unsigned long long)(handle & ~CLOSED),
                     handle & CLOSED ? "has been closed" : "is stale: its native object is gone");
    return h;
}

/* Take the wrapper's own native reference, once; NULL if it has none. */
static pp_header *
take(PyObject *self)
{
    uint64_t handle = __atomic_fetch_or(&PP_WRAPPER(self)->handle, CLOSED, __ATOMIC_ACQ_REL);

    return handle & CLOSED ? NULL : pp_find(handle);
}

/* ---- slots of MyClass ------------------------------------------------------------ */

static void
handletable_drop(PyObject *self)
{
    pp_header *h = take(self);

    if (h)
        handletable_release(h);
    PP_EVENT(&state, wrappers_freed);
}

static void
handletable_dealloc(PyObject *self)
{
    lt_die_as_base(self, handletable_dealloc, handletable_drop);
}

static int
handletable_traverse(PyObject *self, visitproc visit, void *arg)
{
    return lt_traverse_as_base(self, visit, arg);
}

static int
handletable_clear(PyObject *self)
{
    lt_clear_as_base(self);
    return 0;
}

/* tp_richcompare, tp_hash: by handle, closed or not. */
static PyObject *
handletable_compare(PyObject *a, PyObject *b, int op)
{
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(b, state.wrapper_type))
        Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong((HANDLE(a) == HANDLE(b)) == (op == Py_EQ));
}

static Py_hash_t
handletable_hash(PyObject *self)
{
    uint64_t handle = HANDLE(self);
    Py_hash_t hash = (Py_hash_t)(handle ^ handle >> 29);
    return hash == -1 ? -2 : hash;
}

PyDoc_STRVAR(handle_doc,
             "handle($self, /)\n--\n\n"
             "The handle as an int. It names the native object for as long as that lives, and\n"
             "nothing ever after.");

static PyObject *
handletable_handle(PyObject *self, PyObject *unused)
{
    pp_header *h = pp_native(self);

    if (h) { /* the object will not be reused under the same handle */
        pp_show(h);
        pp_done(&pp_handletable, h);
    }
    else
        PyErr_Clear(); /* closed */
    return PyLong_FromUnsignedLongLong(HANDLE(self));
}

PyDoc_STRVAR(close_doc,
             "close($self, /)\n--\n\n"
             "Give this wrapper's native reference back now. Every later use of the wrapper\n"
             "raises ReferenceError; it still compares and hashes as before.");

static PyObject *
handletable_close(PyObject *self, PyObject *unused)
{
    pp_header *h = take(self);

    if (h) {
        pp_show(h); /* the closed wrapper must not compare equal to another object's */
        handletable_release(h);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(from_handle_doc,
             "from_handle(handle, /)\n--\n\n"
             "A wrapper for the native object that an int from handle() names. Raises\n"
             "ReferenceError if that object is gone or the number was never a handle of this\n"
             "strategy, TypeError if it is not an int.");

static PyObject *
handletable_from_handle(PyObject *unused, PyObject *arg)
{
    unsigned long long handle;
    PyObject *self;
    pp_header *h;

    if (!PyLong_Check(arg)) {
        PyErr_Format(PyExc_TypeError, "from_handle: handle must be an int, not '%.200s'",
                     Py_TYPE(arg)->tp_name);
        return NULL;
    }
    handle = PyLong_AsUnsignedLongLong(arg);
    if (PyErr_Occurred()) {
        PyErr_SetString(PyExc_ReferenceError, "a handle is an int from 0 up to 64 bits long");
        return NULL;
    }
    if ((h = ppHandletableAcquire(state.index, handle))) {
        pp_show(h); /* as in handle(): Python code has the number */
        self = handletable_wrap(h);
        handletable_release(h);
        return self;
    }
    PyErr_Format(PyExc_ReferenceError,
                 "%R is not the handle of a live native object of this strategy", arg);
    return NULL;
}

static PyMethodDef methods[] = {
    {"handle", handletable_handle, METH_NOARGS, handle_doc},
    {"close", handletable_close, METH_NOARGS, close_doc},
    {"from_handle", handletable_from_handle, METH_O | METH_STATIC, from_handle_doc},
    {NULL},
};

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, handletable_dealloc},
    {Py_tp_traverse, handletable_traverse},
    {Py_tp_clear, handletable_clear},
    {Py_tp_richcompare, handletable_compare},
    {Py_tp_hash, handletable_hash},
    {Py_tp_methods, methods},
    {0, NULL},
};

static const pp_lookup by_handle = {handletable_unwrap};

const pp_strategy pp_handletable = {
    .name = "handletable",
    .state = &state,
    .wrap = handletable_wrap,
    .new_instance = lt_new,
    .adopt = handletable_adopt,
    .retain = handletable_retain,
    .release = handletable_release,
    .release_slot = handletable_release_slot,
    .slots = slots,
    .lookup = &by_handle,
};
