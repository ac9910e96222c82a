/* The methods of MyClass. Each begins by asking for the native object, which is
 * a load for most strategies and a checked look-up for some. */
#include "methods.h"

#include "_cgo_export.h"

static inline pp_header *
header_of(PyObject *self)
{
    PP_ACCESS();
    return pp_native(self);
}

static inline void
done(PyObject *self, pp_header *h)
{
    pp_done(PP_WRAPPER(self)->strategy, h);
}

PyDoc_STRVAR(id_doc, "id($self, /)\n--\n\n"
                     "The number of the native object: an int from 1, unique for the life of the\n"
                     "process and never reused.");

static PyObject *
wrapper_id(PyObject *self, PyObject *unused)
{
    pp_header *h = header_of(self);
    uint64_t id;

    if (h == NULL)
        return NULL;
    id = h->id;
    done(self, h);
    return PyLong_FromUnsignedLongLong(id);
}

/* The text that Go makes of a native object; kind 0: the message alone. */
static PyObject *
text_of(PyObject *self, int kind)
{
    pp_header *h = header_of(self);
    char small[256], *text = small;
    PyObject *result;
    int64_t size;

    if (h == NULL)
        return NULL;
    size = ppGoText(pp_handle(h), kind, text, sizeof small);

    while (size > (int64_t)sizeof small) {
        int64_t room = size;
        text = PyMem_Malloc(room);
        if (text == NULL) {
            done(self, h);
            return PyErr_NoMemory();
        }
        size = ppGoText(pp_handle(h), kind, text, room);
        if (size <= room)
            break;
        PyMem_Free(text); /* another thread has made it longer meanwhile */
    }
    done(self, h);
    result = PyUnicode_DecodeUTF8(text, size, "replace");
    if (text != small)
        PyMem_Free(text);
    return result;
}

PyDoc_STRVAR(message_doc,
             "message($self, /)\n--\n\n"
             "The text the native object carries, as a str. The method's body is in Go.");

static PyObject *
wrapper_message(PyObject *self, PyObject *unused)
{
    return text_of(self, 0);
}

PyDoc_STRVAR(print_message_doc,
             "print_message($self, /)\n--\n\n"
             "Write the native object's number and message, and a newline, to sys.stdout.");

static PyObject *
wrapper_print_message(PyObject *self, PyObject *unused)
{
    PyObject *text = text_of(self, 1), *out;
    int failed;

    if (text == NULL)
        return NULL;
    out = PySys_GetObject("stdout");
    if (out == NULL || out == Py_None) { /* as print() does */
        Py_DECREF(text);
        Py_RETURN_NONE;
    }
    Py_INCREF(out);
    failed = PyFile_WriteObject(text, out, Py_PRINT_RAW);
    Py_DECREF(out);
    Py_DECREF(text);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(on_event_doc,
             "on_event($self, event, /)\n--\n\n"
             "Called by native code when an event reaches the object (MyClassRef.emit).\n"
             "Takes and returns an int. This one returns the event unchanged; override it in\n"
             "a subclass or on an instance.");

static PyObject *
wrapper_on_event(PyObject *self, PyObject *event)
{
    if (!PyLong_Check(event)) {
        PyErr_Format(PyExc_TypeError, "on_event: event must be an int, not '%.200s'",
                     Py_TYPE(event)->tp_name);
        return NULL;
    }
    Py_INCREF(event);
    return event;
}

PyDoc_STRVAR(set_callback_doc,
             "set_callback($self, callback, /)\n--\n\n"
             "Have the native object hold callback and call it with each event, in place of\n"
             "on_event. It takes and returns an int. None takes it away. The native object owns\n"
             "it until then or until it dies; gc sees it where only the wrapper keeps the native\n"
             "object. Raises TypeError for anything that is not callable.");

PyDoc_STRVAR(append_doc,
             "append($self, child, /)\n--\n\n"
             "Add a native edge from this object to child, a MyClass of the same strategy.\n"
             "The edge owns a native reference to child. The same child may be appended more\n"
             "than once. Raises TypeError for anything else.");

static PyObject *
wrapper_append(PyObject *self, PyObject *child)
{
    pp_header *from = header_of(self), *to;
    const pp_strategy *strategy = PP_WRAPPER(self)->strategy;

    if (from == NULL)
        return NULL;
    to = pp_counts_natively(strategy) ? pp_unwrap(strategy, child) : NULL;
    if (to) {
        strategy->retain(to); /* the edge's: only an attached thread may take the second */
        if (strategy->edges)  /* before another thread can remove the edge */
            strategy->edges->made(from, to);
        pp_give_to_go(to);
        ppGoAppend(pp_handle(from), pp_handle(to));
        pp_done(strategy, to);
    }
    pp_done(strategy, from);
    if (to == NULL)
        return NULL;
    pp_drain(strategy);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(remove_doc,
             "remove($self, child, /)\n--\n\n"
             "Remove the first native edge to child and release its native reference.\n"
             "Raises ValueError without such an edge, TypeError if child is not a MyClass of the\n"
             "same strategy.");

static PyObject *
wrapper_remove(PyObject *self, PyObject *child)
{
    pp_header *from = header_of(self), *to;
    const pp_strategy *strategy = PP_WRAPPER(self)->strategy;
    bool removed = false;

    if (from == NULL)
        return NULL;
    to = pp_unwrap(strategy, child);
    if (to) {
        lt_scope scope;
        bool begun = lt_begin(&strategy->state->queue, &scope);

        strategy->retain(from); /* Go code needs a reference beside the wrapper's */
        pp_give_to_go(from);
        removed = ppGoRemove(pp_handle(from), pp_handle(to));
        strategy->release(from);
        if (begun)
            lt_end(&scope);
        if (!removed)
            PyErr_Format(PyExc_ValueError, "native object %llu has no edge to native object %llu",
                         (unsigned long long)from->id, (unsigned long long)to->id);
        pp_done(strategy, to);
    }
    pp_done(strategy, from);
    if (!removed)
        return NULL;
    pp_drain(strategy);
    Py_RETURN_NONE;
}

void
pp_remove_edges(const pp_strategy *strategy, pp_header *from)
{
    lt_scope scope;
    bool begun = lt_begin(&strategy->state->queue, &scope);

    pp_call_go(ppGoRemoveAll, pp_handle(from));
    if (begun)
        lt_end(&scope);
}

PyDoc_STRVAR(children_doc,
             "children($self, /)\n--\n\n"
             "The wrappers of the objects this one has native edges to, in order, as a new\n"
             "list; one entry an edge.");

static PyObject *
wrapper_children(PyObject *self, PyObject *unused)
{
    pp_header *h = header_of(self), *small[32], **found = small;
    const pp_strategy *strategy = PP_WRAPPER(self)->strategy;
    int64_t n, room = 32;
    PyObject *list;

    if (h == NULL)
        return NULL;
    /* Go retains what it returns, so the edges may change while we wrap. */
    while ((n = ppGoChildren(pp_handle(h), found, room)) > room) {
        if (found != small)
            PyMem_Free(found);
        room = n;
        found = PyMem_New(pp_header *, room);
        if (found == NULL) {
            done(self, h);
            return PyErr_NoMemory();
        }
    }
    done(self, h);
    list = PyList_New(n);
    for (int64_t i = 0; i < n; i++) {
        PyObject *child = list ? strategy->wrap(found[i]) : NULL;
        if (child)
            PyList_SET_ITEM(list, i, child);
        else
            Py_CLEAR(list);
        strategy->release(found[i]);
    }
    if (found != small)
        PyMem_Free(found);
    pp_drain(strategy);
    return list;
}

PyDoc_STRVAR(reduce_doc,
             "__reduce_ex__($self, protocol, /)\n--\n\n"
             "Raise TypeError: a wrapper is tied to one native object and cannot be pickled\n"
             "or copied.");

static PyObject *
wrapper_reduce(PyObject *self, PyObject *unused)
{
    PyErr_Format(PyExc_TypeError,
                 "cannot pickle or copy '%.200s' object: it is tied to one native object; make a "
                 "new one and copy what you need into it",
                 Py_TYPE(self)->tp_name);
    return NULL;
}

static PyMethodDef common[] = {
    {"id", wrapper_id, METH_NOARGS, id_doc},
    {"message", wrapper_message, METH_NOARGS, message_doc},
    {"print_message", wrapper_print_message, METH_NOARGS, print_message_doc},
    {"on_event", wrapper_on_event, METH_O, on_event_doc},
    {"set_callback", pp_wrapper_set_callback, METH_O, set_callback_doc},
    {"append", wrapper_append, METH_O, append_doc},
    {"remove", wrapper_remove, METH_O, remove_doc},
    {"children", wrapper_children, METH_NOARGS, children_doc},
    {"__reduce_ex__", wrapper_reduce, METH_O, reduce_doc},
    {"__reduce__", wrapper_reduce, METH_NOARGS,
     PyDoc_STR("__reduce__($self, /)\n--\n\nRaise TypeError, as __reduce_ex__ does.")},
};

PyMethodDef *
pp_wrapper_methods(const PyMethodDef *more)
{
    size_t own = 0, n = sizeof common / sizeof *common;
    PyMethodDef *all;

    while (more && more[own].ml_name)
        own++;
    all = PyMem_RawCalloc(n + own + 1, sizeof *all);
    if (all == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(all, common, sizeof common);
    if (own)
        memcpy(all + n, more, own * sizeof *all);
    return all;
}
