/* Class and dict outlive the wrapper. In Python the idea would be:
 *
 *     class MyClass:
 *         def __dealloc__(self):
 *             if self.native.refs > 1 and (type(self) is not MyClass or self.__dict__):
 *                 self.native.ghost = type(self), self.__dict__
 *
 *     def wrap(native):
 *         if native.wrapper:
 *             return native.wrapper
 *         if native.ghost:
 *             cls, dict = take(native.ghost)
 *             return cls.__around__(native, dict)     # no __new__, no __init__
 *         return MyClass(native)
 *
 * VTK keeps its ghosts in a map that it sweeps whenever a ghost is made, which
 * makes N ghosts cost N² steps. Here a ghost hangs on its native object, and goes
 * when that goes. */
#include "../internal/wrapper/wrapper.h"

/* pp_header.state: what the wrapper field points to. */
enum {
    WRAPPER = 0, /* the live wrapper, borrowed; or nothing */
    GHOST = 1,   /* a ghost, which owns the native reference that its wrapper had */
};

typedef struct {
    PyTypeObject *type; /* owned */
    PyObject *dict;     /* owned; may be NULL */
} ghost;

#define GHOST_OF(h) ((ghost *)(h)->wrapper)

static void
ghost_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    PP_HEADER(self) = h;
    pp_set_wrapper(h, self);
    h->state = WRAPPER;
}

/* A new wrapper around what the old one left. */
static PyObject *
incarnate(pp_side *side, pp_header *h)
{
    ghost *g = GHOST_OF(h);
    PyObject *self = pp_alloc(g->type);

    if (self == NULL)
        return NULL; /* the ghost stays */
    PP_WRAPPER(self)->side = side;
    PP_WRAPPER(self)->dict = g->dict;
    side->wrappers_created++;
    ghost_adopt(side, self, h); /* with the ghost's native reference */
    Py_DECREF(g->type);         /* the instance has one of its own */
    PyMem_RawFree(g);
    return self;
}

static void ghost_dying(pp_side *, PyObject *);

/* native -> Python: the live wrapper, one around the ghost, or a new one. A
 * wrapper without references is being torn down, by CPython's slots for
 * subclasses: it becomes a ghost now. */
static PyObject *
ghost_wrap(pp_side *side, pp_header *h)
{
    if (h->state == GHOST)
        return incarnate(side, h);
    if (h->wrapper && Py_REFCNT(h->wrapper) > 0) {
        Py_INCREF(h->wrapper);
        return h->wrapper;
    }
    if (h->wrapper) {
        ghost_dying(side, h->wrapper);
        if (h->state == GHOST)
            return incarnate(side, h);
    }
    return pp_new_wrapper(side, h);
}

/* Before weak references are cleared: callbacks that wrap again must find the
 * ghost, not the dying wrapper. By now CPython has run __del__ and cleared the
 * slots of a subclass. */
static void
ghost_dying(pp_side *side, PyObject *self)
{
    pp_header *h = PP_HEADER(self);
    PyTypeObject *type = Py_TYPE(self);
    PyObject *dict = PP_WRAPPER(self)->dict;
    bool keep;
    ghost *g;

    if (h == NULL || h->wrapper != self || h->state != WRAPPER)
        return;
    keep = pp_refs(h) > 1 && (type != side->wrapper_type || (dict && PyDict_GET_SIZE(dict)));
    g = keep ? PyMem_RawMalloc(sizeof *g) : NULL;
    if (g == NULL) { /* nobody will ask, or there is nothing to keep */
        pp_set_wrapper(h, NULL);
        return;
    }
    Py_INCREF(type);
    *g = (ghost){type, dict};
    PP_WRAPPER(self)->dict = NULL;
    PP_HEADER(self) = NULL; /* its native reference is the ghost's */
    pp_set_wrapper(h, (PyObject *)g);
    h->state = GHOST;
}

/* Native code lets go: nobody will ask for the ghost again. */
static void
ghost_last(pp_side *side, pp_header *h)
{
    ghost *g = GHOST_OF(h);

    if (h->state != GHOST)
        return;
    pp_set_wrapper(h, NULL);
    h->state = WRAPPER;
    Py_XDECREF(g->dict);
    Py_DECREF(g->type);
    PyMem_RawFree(g);
    pp_release(side, h);
}

/* tp_traverse: the type only while nobody but Python holds the object. Otherwise
 * gc might break the type up together with the wrapper, and the ghost would keep
 * what is left of it. */
static int
ghost_traverse(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = PP_HEADER(self);

    if (h == NULL || pp_refs(h) == 1)
        Py_VISIT(Py_TYPE(self));
    Py_VISIT(PP_WRAPPER(self)->dict);
    return pp_visit_callback(self, visit, arg);
}

/* A holder's tp_traverse: a ghost that only this holder keeps is reached through
 * it, so that a cycle through the dict and the holder is garbage. */
static int
ghost_visit(pp_side *side, PyObject *holder, pp_header *h, visitproc visit, void *arg)
{
    if (h->state == GHOST && h->holders == 1 && pp_refs(h) == 2) {
        Py_VISIT(GHOST_OF(h)->type);
        Py_VISIT(GHOST_OF(h)->dict);
    }
    return 0;
}

pp_side pp_ghost = {
    .name = "ghost",
    .wrap = ghost_wrap,
    .adopt = ghost_adopt,
    .last = ghost_last,
    .visit = ghost_visit,
    .traverse = ghost_traverse,
    .dying = ghost_dying,
    .drop = pp_drop_reference,
};
