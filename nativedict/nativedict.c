/* Class and dict live with the native object. In Python the idea would be:
 *
 *     class Data:                                 # one a native object, from its first wrap on
 *         def __init__(self, cls): self.cls, self.dict = cls, {}
 *
 *     def wrap(native):
 *         if native.wrapper:
 *             return native.wrapper
 *         if not native.data:
 *             native.data = Data(MyClass)
 *         return native.data.cls.__view__(native, native.data.dict)
 *
 * A wrapper is a view: it shows the data's dict as its own. The data owns the
 * native reference that stands for Python's side, wrapper or no wrapper. */
#include "../internal/wrapper/wrapper.h"

/* pp_header.state: what the wrapper field points to. */
enum {
    VIEW = 0, /* the live wrapper, borrowed; or nothing */
    DATA = 1, /* no wrapper is alive: the data, so that the field stays set */
};

/* In pp_header.extra. */
typedef struct {
    PyTypeObject *type; /* owned */
    PyObject *dict;     /* owned; the wrapper owns another reference. NULL if there was no memory */
} data;

#define DATA_OF(h) ((data *)(h)->extra)

/* A wrapper of a fresh object, or the first of a native one, takes its native
 * reference over for the data. */
static void
nativedict_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    data *d = DATA_OF(h);

    PP_HEADER(self) = h;
    pp_set_wrapper(h, self);
    h->state = VIEW;
    if (d == NULL && (d = h->extra = PyMem_RawCalloc(1, sizeof *d))) {
        Py_INCREF(Py_TYPE(self));
        d->type = Py_TYPE(self);
        bool on = pp_gc_pause();
        d->dict = PyDict_New();
        pp_gc_resume(on);
        if (d->dict == NULL)
            PyErr_Clear();
    }
    if (d) {
        Py_XINCREF(d->dict);
        PP_WRAPPER(self)->dict = d->dict;
    }
}

static void nativedict_dying(pp_side *, PyObject *);

/* native -> Python: the live wrapper, or a new view. A wrapper without references
 * is being torn down; the new one takes its place. */
static PyObject *
nativedict_wrap(pp_side *side, pp_header *h)
{
    PyObject *self;
    data *d;

    if (h->state == VIEW && h->wrapper && Py_REFCNT(h->wrapper) > 0) {
        Py_INCREF(h->wrapper);
        return h->wrapper;
    }
    if (h->state == VIEW && h->wrapper)
        nativedict_dying(side, h->wrapper); /* what was assigned to it is not lost */
    d = DATA_OF(h);
    if (d == NULL)
        return pp_new_wrapper(side, h);
    self = pp_alloc(d->type);
    if (self == NULL)
        return NULL;
    PP_WRAPPER(self)->side = side;
    side->wrappers_created++;
    nativedict_adopt(side, self, h);
    return self;
}

/* The data goes, and with it the native reference that it owns. */
static void
free_data(pp_side *side, pp_header *h)
{
    data *d = DATA_OF(h);

    pp_set_wrapper(h, NULL);
    h->state = VIEW;
    h->extra = NULL;
    if (d) {
        Py_XDECREF(d->dict);
        Py_DECREF(d->type);
        PyMem_RawFree(d);
    }
    pp_release(side, h);
}

/* Before weak references are cleared: callbacks that wrap again must not find
 * the dying wrapper. What was assigned to __class__ or __dict__ goes to the
 * data, which from now on answers for the native reference: whoever lets go last may
 * do so before the wrapper is gone. */
static void
nativedict_dying(pp_side *side, PyObject *self)
{
    pp_header *h = PP_HEADER(self);
    data *d = h ? DATA_OF(h) : NULL;
    PyTypeObject *old_type;
    PyObject *old;

    if (h == NULL || h->state != VIEW || h->wrapper != self)
        return;
    if (d == NULL || pp_refs(h) == 1) { /* nobody else holds the object: see nativedict_drop */
        pp_set_wrapper(h, NULL);
        return;
    }
    PP_HEADER(self) = NULL;
    pp_set_wrapper(h, (PyObject *)d);
    h->state = DATA;
    old = d->dict;
    old_type = d->type;
    Py_XINCREF(PP_WRAPPER(self)->dict);
    d->dict = PP_WRAPPER(self)->dict;
    Py_INCREF(Py_TYPE(self));
    d->type = Py_TYPE(self);
    Py_XDECREF(old); /* may run code; all is in place by now */
    Py_DECREF(old_type);
}

/* The wrapper is gone, and the native reference still ours: nobody else held the
 * object, or there was no memory for the data. */
static void
nativedict_drop(pp_side *side, PyObject *self)
{
    pp_header *h = PP_HEADER(self);
    if (h && pp_refs(h) == 1)
        free_data(side, h);
    else if (h)
        pp_release(side, h);
}

static void
nativedict_last(pp_side *side, pp_header *h)
{
    if (h->state == DATA)
        free_data(side, h);
}

/* tp_traverse: the dict is the wrapper's and the data's, and so is the type. When
 * nobody but Python holds the object, both references are shown to gc, so that
 * cycles through the dict are garbage. While native code holds it the data's are
 * not, nor is the wrapper's to its type, which the data may have yet to take. */
static int
nativedict_traverse(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = PP_HEADER(self);

    Py_VISIT(PP_WRAPPER(self)->dict);
    if (h && pp_refs(h) > 1)
        return 0;
    Py_VISIT(Py_TYPE(self));
    if (h && h->wrapper == self && DATA_OF(h)) {
        Py_VISIT(DATA_OF(h)->type);
        Py_VISIT(DATA_OF(h)->dict);
    }
    return pp_visit_callback(self, visit, arg);
}

static int
nativedict_clear(PyObject *self)
{
    pp_header *h = PP_HEADER(self);

    if (h && pp_refs(h) > 1)
        return 0; /* the attributes are the native object's, which lives */
    Py_CLEAR(PP_WRAPPER(self)->dict);
    if (h && h->wrapper == self && DATA_OF(h))
        Py_CLEAR(DATA_OF(h)->dict);
    pp_clear_callback(self);
    return 0;
}

/* A holder's tp_traverse: data without a wrapper, kept by this holder alone. */
static int
nativedict_visit(pp_side *side, PyObject *holder, pp_header *h, visitproc visit, void *arg)
{
    if (h->state == DATA && DATA_OF(h) && h->holders == 1 && pp_refs(h) == 2) {
        Py_VISIT(DATA_OF(h)->type);
        Py_VISIT(DATA_OF(h)->dict);
    }
    return 0;
}

pp_side pp_nativedict = {
    .name = "nativedict",
    .wrap = nativedict_wrap,
    .adopt = nativedict_adopt,
    .last = nativedict_last,
    .visit = nativedict_visit,
    .dying = nativedict_dying,
    .drop = nativedict_drop,
    .traverse = nativedict_traverse,
    .clear = nativedict_clear,
};
