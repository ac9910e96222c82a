/* An opaque, generation-checked handle per wrapper. In Python the idea would be:
 *
 *     def wrap(native):
 *         native.retain()
 *         return MyClass(handle=native.handle)
 *
 *     class MyClass:
 *         def id(self):                          # and every other use
 *             native = table.get(self.handle)    # checks the generation
 *             if native is None:
 *                 raise ReferenceError
 *             return native.id
 *         def __eq__(self, other): return self.handle == other.handle
 *         def __hash__(self): return hash(self.handle)
 *
 * No C code of this strategy ever follows a pointer that a wrapper carries. */
#include "../internal/wrapper/wrapper.h"

#include "_cgo_export.h"

/* Set in the stored handle once close() has given the native reference up. Slots
 * have fewer bits, so it can never be part of one: see handletable.go. */
#define CLOSED (UINT64_C(1) << 31)

#define HANDLE(op) (PP_WRAPPER(op)->handle & ~CLOSED)

/* native -> Python: a new wrapper, with a native reference of its own. */
static PyObject *
handletable_wrap(pp_side *side, pp_header *h)
{
    return pp_new_wrapper(side, h);
}

static void
handletable_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    PP_WRAPPER(self)->handle = h->handle;
}

/* Enter Go, which compares the generation. NULL if the handle is closed, stale, or not
 * there yet (0). */
static pp_header *
lookup(PyObject *self)
{
    uint64_t handle = PP_WRAPPER(self)->handle;
    return handle == 0 || handle & CLOSED ? NULL : ppHandletableFind(handle);
}

/* Python -> native. */
static pp_header *
handletable_unwrap(pp_side *side, PyObject *self)
{
    pp_header *h = lookup(self);

    if (h == NULL)
        PyErr_Format(PyExc_ReferenceError, "handle %llu %s", (unsigned long long)HANDLE(self),
                     PP_WRAPPER(self)->handle & CLOSED ? "has been closed"
                                                       : "is stale: its native object is gone");
    return h;
}

static void
handletable_drop(pp_side *side, PyObject *self)
{
    pp_header *h = lookup(self);
    if (h)
        pp_release(side, h);
}

/* tp_richcompare, tp_hash: by handle, closed or not. */
static PyObject *
handletable_compare(PyObject *a, PyObject *b, int op)
{
    extern pp_side pp_handletable;

    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(b, pp_handletable.wrapper_type))
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
    return PyLong_FromUnsignedLongLong(HANDLE(self));
}

PyDoc_STRVAR(close_doc,
"close($self, /)\n--\n\n"
"Give this wrapper's native reference back now. Every later use of the wrapper\n"
"raises ReferenceError; it still compares and hashes as before.");

static PyObject *
handletable_close(PyObject *self, PyObject *unused)
{
    pp_side *side = PP_WRAPPER(self)->side;
    pp_header *h = lookup(self);

    PP_WRAPPER(self)->handle |= CLOSED;
    if (h)
        pp_release(side, h);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(from_handle_doc,
"from_handle(handle, /)\n--\n\n"
"A wrapper for the native object that an int from handle() names. Raises\n"
"ReferenceError if that object is gone or the number was never a handle of this\n"
"strategy, TypeError if it is no int.");

static PyObject *
handletable_from_handle(PyObject *unused, PyObject *arg)
{
    extern pp_side pp_handletable;
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
    if ((h = ppHandletableAcquire(pp_handletable.index, handle))) {
        self = handletable_wrap(&pp_handletable, h);
        pp_release(&pp_handletable, h);
        return self;
    }
    PyErr_Format(PyExc_ReferenceError, "%R is no handle of a living native object of this strategy",
                 arg);
    return NULL;
}

static PyMethodDef methods[] = {
    {"handle", handletable_handle, METH_NOARGS, handle_doc},
    {"close", handletable_close, METH_NOARGS, close_doc},
    {"from_handle", handletable_from_handle, METH_O | METH_STATIC, from_handle_doc},
    {NULL},
};

pp_side pp_handletable = {
    .name = "handletable",
    .wrap = handletable_wrap,
    .adopt = handletable_adopt,
    .unwrap = handletable_unwrap,
    .drop = handletable_drop,
    .richcompare = handletable_compare,
    .hash = handletable_hash,
    .methods = methods,
};
