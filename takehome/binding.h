/* binding.h: the Python classes of the native library, over any scheme.
 *
 *     MyClass      the wrapper of a node: id, message, edges, callback
 *     MyClassRef   a holder: a native reference whose owner gc can traverse
 *     module       new_native, live_objects, stats, ...
 *
 * Define before including this file: NAME, the module's name, and SCHEME(name), for these
 * functions of the scheme
 *
 *     new, adopt, live, wrap, retain, release    for attached threads
 *     dealloc, traverse, clear                   slots of MyClass
 *     holder_made, holder_gone, visit            for MyClassRef
 *
 * and these:
 *
 *     void retain_unattached(node *), release_unattached(node *)
 *                                   for threads that may be unattached
 *     void release_queued(lt_slot *)
 *                                   the queue's release; NULL if nothing is handed over
 *     EDGE_MADE(from, to), EDGE_GONE(from, to), MORE_GETSET
 *                                   optional: what the scheme does with edges, and entries
 *                                   of MyClass's tp_getset
 *
 * Everything here is right without the GIL, too: the library has a lock for what a node
 * contains, the scheme one for each slot, and MyClassRef one for its reference. */
#ifndef BINDING_H
#define BINDING_H

#ifndef EDGE_MADE
#define EDGE_MADE(from, to) ((void)0)
#define EDGE_GONE(from, to) ((void)0)
#endif
#ifndef MORE_GETSET
#define MORE_GETSET
#endif

static PyTypeObject *MyClass, *MyClassRef; /* owned, of the main interpreter */

/* ---- MyClass: life -------------------------------------------------------------------- */

/* self takes over a reference to n. false: another thread was first, and self has no node. */
static bool
attach(PyObject *self, node *n)
{
    ((wrapper *)self)->native = n;
    if (!SCHEME(adopt)(self, n)) {
        ((wrapper *)self)->native = NULL;
        return false;
    }
    COUNT(wrappers_created);
    return true;
}

/* tp_new makes the node, so that a subclass whose __init__ raises, or does not call super()'s,
 * is whole all the same. Arguments are __init__'s. */
static PyObject *
MyClass_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *self;
    node *n;

    lt_drain(&queue);
    self = SCHEME(new)(type);
    if (self == NULL)
        return NULL;
    n = node_new();
    if (n == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    attach(self, n); /* true: no other thread knows n */
    return self;
}

/* A wrapper of a node that has none. */
static PyObject *
SCHEME(make)(node *n)
{
    PyObject *self = lt_new_quietly(MyClass);

    if (self == NULL)
        return NULL;
    SCHEME(retain)(n);
    if (attach(self, n))
        return self;
    Py_DECREF(self);
    SCHEME(release)(n);
    return SCHEME(wrap)(n);
}

/* The node of a MyClass, borrowed. NULL with TypeError for anything else, with ReferenceError
 * for an instance that object.__new__ made. */
static node *
unwrap(PyObject *op)
{
    if (!PyObject_TypeCheck(op, MyClass))
        PyErr_Format(PyExc_TypeError, "expected %s, not '%.200s'", MyClass->tp_name,
                     Py_TYPE(op)->tp_name);
    else if (node_of(op) == NULL)
        PyErr_Format(PyExc_ReferenceError, "this '%.200s' has no native object",
                     Py_TYPE(op)->tp_name);
    else
        return node_of(op);
    return NULL;
}

/* message: a str or None. 0, or -1 with an exception. */
static int
set_message(node *n, PyObject *message)
{
    Py_ssize_t size;
    const char *text;

    if (message == Py_None)
        return 0;
    if (!PyUnicode_Check(message)) {
        PyErr_Format(PyExc_TypeError, "message must be a str or None, not '%.200s'",
                     Py_TYPE(message)->tp_name);
        return -1;
    }
    text = PyUnicode_AsUTF8AndSize(message, &size);
    if (text == NULL)
        return -1;
    if (node_set_message(n, text, (size_t)size) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int
MyClass_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    PyObject *message = Py_None;
    node *n;

    if (PyTuple_GET_SIZE(args) == 0 && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0))
        return 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:MyClass", names, &message))
        return -1;
    n = unwrap(self);
    return n ? set_message(n, message) : -1;
}

static PyObject *
MyClass_repr(PyObject *self)
{
    PyObject *module, *name = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__qualname__");
    PyObject *result = NULL;

    if (name == NULL)
        return NULL;
    module = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__module__");
    if (module && node_of(self))
        result = PyUnicode_FromFormat("<%S.%S id=%llu>", module, name,
                                      (unsigned long long)node_of(self)->id);
    else if (module)
        result = PyUnicode_FromFormat("<%S.%S, without a native object>", module, name);
    Py_DECREF(name);
    Py_XDECREF(module);
    return result;
}

/* ---- MyClass: methods ------------------------------------------------------------------- */

static PyObject *
MyClass_id(PyObject *self, PyObject *unused)
{
    node *n = unwrap(self);
    return n ? PyLong_FromUnsignedLongLong(n->id) : NULL;
}

static PyObject *
MyClass_message(PyObject *self, PyObject *unused)
{
    node *n = unwrap(self);
    PyObject *result;
    size_t size;
    char *text;

    if (n == NULL)
        return NULL;
    text = node_copy_message(n, &size);
    if (text == NULL)
        return PyErr_NoMemory();
    result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace");
    free(text);
    return result;
}

static PyObject *
MyClass_print_message(PyObject *self, PyObject *unused)
{
    PyObject *message = MyClass_message(self, NULL);

    if (message == NULL)
        return NULL;
    PySys_FormatStdout("%llu: %U\n", (unsigned long long)node_of(self)->id, message);
    Py_DECREF(message);
    Py_RETURN_NONE;
}

static PyObject *
MyClass_append(PyObject *self, PyObject *child)
{
    node *to = unwrap(child), *from = to ? unwrap(self) : NULL;

    if (from == NULL)
        return NULL;
    SCHEME(retain)(to);
    EDGE_MADE(from, to); /* first: another thread may remove the edge as soon as it is there */
    if (node_append(from, to) < 0) {
        EDGE_GONE(from, to);
        SCHEME(release)(to);
        return PyErr_NoMemory();
    }
    lt_drain(&queue);
    Py_RETURN_NONE;
}

static PyObject *
MyClass_remove(PyObject *self, PyObject *child)
{
    node *to = unwrap(child), *from = to ? unwrap(self) : NULL;

    if (from == NULL)
        return NULL;
    if (!node_remove(from, to))
        return PyErr_Format(PyExc_ValueError,
                            "native object %llu has no edge to native object %llu",
                            (unsigned long long)from->id, (unsigned long long)to->id);
    EDGE_GONE(from, to);
    SCHEME(release)(to);
    lt_drain(&queue);
    Py_RETURN_NONE;
}

static void
retain(node *n)
{
    SCHEME(retain)(n);
}

/* A list of wrappers. A wrap runs any code, which may change the edges: so the ends are copied
 * and retained before the first. */
static PyObject *
MyClass_children(PyObject *self, PyObject *unused)
{
    node *n = unwrap(self), **ends;
    PyObject *list;
    size_t count;

    if (n == NULL)
        return NULL;
    ends = node_copy_edges(n, &count, retain);
    if (ends == NULL)
        return PyErr_NoMemory();
    list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; i < count; i++) {
        PyObject *child = list ? SCHEME(wrap)(ends[i]) : NULL;
        if (child)
            PyList_SET_ITEM(list, (Py_ssize_t)i, child);
        else
            Py_CLEAR(list);
        SCHEME(release)(ends[i]);
    }
    free(ends);
    lt_drain(&queue);
    return list;
}

static PyObject *
MyClass_on_event(PyObject *self, PyObject *event)
{
    if (!PyLong_Check(event))
        return PyErr_Format(PyExc_TypeError, "on_event: event must be an int, not '%.200s'",
                            Py_TYPE(event)->tp_name);
    Py_INCREF(event);
    return event;
}

/* The node owns a reference to callback, and drops it when it dies, on whatever thread. */
static PyObject *
MyClass_set_callback(PyObject *self, PyObject *callback)
{
    node *n = unwrap(self);

    if (n == NULL)
        return NULL;
    if (callback != Py_None && !PyCallable_Check(callback))
        return PyErr_Format(PyExc_TypeError, "callback must be callable or None, not '%.200s'",
                            Py_TYPE(callback)->tp_name);
    if (callback == Py_None)
        callback = NULL;
    Py_XINCREF(callback);
    node_set_data(n, callback);
    Py_RETURN_NONE;
}

static PyObject *
no_copy(PyObject *self, PyObject *unused)
{
    return PyErr_Format(PyExc_TypeError,
                        "cannot pickle or copy '%.200s': it is for one native object",
                        Py_TYPE(self)->tp_name);
}

static PyMethodDef MyClass_methods[] = {
    {"id", MyClass_id, METH_NOARGS, PyDoc_STR("id()\n--\n\nThe native object's number.")},
    {"message", MyClass_message, METH_NOARGS, NULL},
    {"print_message", MyClass_print_message, METH_NOARGS, NULL},
    {"append", MyClass_append, METH_O, PyDoc_STR("append(child)\n--\n\nAdd a native edge.")},
    {"remove", MyClass_remove, METH_O, PyDoc_STR("remove(child)\n--\n\nRemove a native edge.")},
    {"children", MyClass_children, METH_NOARGS,
     PyDoc_STR("children()\n--\n\nThe ends of the edges.")},
    {"on_event", MyClass_on_event, METH_O,
     PyDoc_STR("on_event(event)\n--\n\nNative code calls it.")},
    {"set_callback", MyClass_set_callback, METH_O,
     PyDoc_STR(
         "set_callback(callback)\n--\n\nA function for native code to call in place of on_event.")},
    {"__reduce_ex__", no_copy, METH_O, NULL},
    {"__reduce__", no_copy, METH_NOARGS, NULL},
    {0},
};

static PyMemberDef MyClass_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(wrapper, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(wrapper, weakrefs), READONLY, NULL},
    {0},
};

static PyGetSetDef MyClass_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    MORE_GETSET{0},
};

static PyType_Slot MyClass_slots[] = {
    {Py_tp_doc, (void *)"MyClass(message=None)\n--\n\nThe wrapper of a native object."},
    {Py_tp_new, MyClass_new},
    {Py_tp_init, MyClass_init},
    {Py_tp_repr, MyClass_repr},
    {Py_tp_dealloc, SCHEME(dealloc)},
    {Py_tp_traverse, SCHEME(traverse)},
    {Py_tp_clear, SCHEME(clear)},
    {Py_tp_methods, MyClass_methods},
    {Py_tp_members, MyClass_members},
    {Py_tp_getset, MyClass_getset},
    {0, NULL},
};

static PyType_Spec MyClass_spec = {
    .name = NAME ".MyClass",
    .basicsize = sizeof(wrapper),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = MyClass_slots,
};

/* ---- what the library calls ---------------------------------------------------------------- */

/* One reference that an edge owns. An attached thread destroys a node with a wrapper; any thread
 * one without. */
static void
release_anywhere(node *n)
{
    if (lt_attached())
        SCHEME(release)(n);
    else
        release_unattached(n);
}

static void
drop_attached(void *object, void *unused)
{
    Py_DECREF((PyObject *)object);
}

/* A callback of a node that dies. Without memory for a call it leaks. */
static void
drop_anywhere(void *object)
{
    if (lt_attached())
        Py_DECREF((PyObject *)object); /* runs any code */
    else
        (void)lt_call_later(&queue, drop_attached, object, NULL);
}

/* A new reference to the callback, or NULL. Taken with the lock: another thread may replace it. */
static PyObject *
callback_of(node *n)
{
    PyObject *callback;

    pthread_mutex_lock(&node_lock);
    callback = (PyObject *)n->data;
    Py_XINCREF(callback);
    pthread_mutex_unlock(&node_lock);
    return callback;
}

/* The callback, or the wrapper's on_event. On any thread; an exception is the caller's, or is
 * reported where the caller is unattached and so no Python code. */
static int
on_event(node *n, int64_t event, int64_t *answer)
{
    bool attached = lt_attached();
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *target = callback_of(n), *result = NULL;
    bool failed;

    if (target)
        result = PyObject_CallFunction(target, "L", (long long)event);
    else if ((target = SCHEME(wrap)(n)))
        result = PyObject_CallMethod(target, "on_event", "L", (long long)event);
    Py_XDECREF(target);
    if (result && !PyLong_Check(result)) {
        PyErr_Format(PyExc_TypeError,
                     "on_event, or the callback in its place, must return an int, not '%.200s'",
                     Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    *answer = result ? PyLong_AsLongLong(result) : -1;
    failed = *answer == -1 && PyErr_Occurred();
    Py_XDECREF(result);
    if (failed && !attached)
        PyErr_WriteUnraisable(NULL);
    PyGILState_Release(state);
    return failed ? -1 : 0;
}

#include "holder.h"
#include "module.h"

#endif
