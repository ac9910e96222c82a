/* What native code does with its objects on goroutines, which have no GIL; and when
 * there is no Python any more. */
#include "methods.h"

#include <pthread.h>

#include "_cgo_export.h"

/* ---- fork ------------------------------------------------------------------- */

static int forked; /* in the child: Go's other threads did not come along */
static pp_side *watched;

/* Whoever was draining, or had promised to, is not in the child. */
static void
in_child(void)
{
    forked = 1;
    for (pp_side *side = watched; side; side = side->watched) {
        side->draining = 0;
        atomic_store(&side->requested, 0);
    }
}

void
pp_watch_forks(pp_side *side)
{
    static int watching;

    if (!watching)
        watching = pthread_atfork(NULL, NULL, in_child) == 0;
    if (side) {
        side->watched = watched;
        watched = side;
    }
}

int
pp_forked(void)
{
    return forked;
}

int
pp_have_goroutines(void)
{
    if (forked)
        PyErr_SetString(PyExc_RuntimeError,
                        "this process was forked, and Go's threads did not come along: nothing can "
                        "be done on a goroutine here; start processes with 'spawn' instead");
    return !forked;
}

/* ---- one holder --------------------------------------------------------------- */

PyObject *
pp_holder_release_from_goroutine(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"locked", NULL};
    pp_side *side = PP_HOLDER(self)->side;
    int locked = 0;
    pp_header *h;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:release_from_goroutine", names, &locked) ||
        !pp_have_goroutines())
        return NULL;
    h = pp_let_go_holder(PP_HOLDER(self));
    if (h) {
        uint64_t handle = h->handle;
        Py_BEGIN_ALLOW_THREADS
        ppGoReleaseOnGoroutines(&handle, 1, 1, locked, 1);
        Py_END_ALLOW_THREADS
    }
    pp_drain(side);
    Py_RETURN_NONE;
}

PyObject *
pp_holder_wrap_from_goroutines(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"goroutines", "times", NULL};
    int goroutines = 4, times = 1000, failed = 0;
    pp_side *side = PP_HOLDER(self)->side;
    pp_header *h;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ii:wrap_from_goroutines", names, &goroutines,
                                     &times) ||
        !pp_have_goroutines())
        return NULL;
    if (goroutines < 1 || goroutines > 1000 || times < 0)
        return PyErr_Format(PyExc_ValueError,
                            "goroutines must be from 1 to 1000 and times not negative, not %d and %d",
                            goroutines, times);
    h = pp_held(self);
    if (h == NULL)
        return NULL;
    pp_retain(side, h); /* another thread may release this very holder */
    Py_BEGIN_ALLOW_THREADS
    failed = ppGoWrapOnGoroutines(side->index, h->handle, goroutines, times);
    Py_END_ALLOW_THREADS
    pp_release(side, h);
    pp_drain(side);
    if (failed)
        return PyErr_Format(PyExc_RuntimeError, "%d of the wraps failed", failed);
    Py_RETURN_NONE;
}

/* ---- many holders --------------------------------------------------------------- */

PyObject *
pp_module_release_from_goroutines(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"refs", "goroutines", "wait", NULL};
    pp_side *side = pp_module_side(module);
    PyObject *refs, *list;
    int goroutines = 8, wait = 1;
    Py_ssize_t n, held = 0;
    uint64_t *handles;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|ip:release_from_goroutines", names, &refs,
                                     &goroutines, &wait) ||
        !pp_have_goroutines())
        return NULL;
    if (goroutines < 1 || goroutines > 1000)
        return PyErr_Format(PyExc_ValueError, "goroutines must be from 1 to 1000, not %d", goroutines);
    list = PySequence_List(refs);
    if (list == NULL)
        return NULL;
    n = PyList_GET_SIZE(list);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!Py_IS_TYPE(PyList_GET_ITEM(list, i), side->holder_type)) {
            PyErr_Format(PyExc_TypeError, "refs[%zd]: expected %s, not '%.200s'", i,
                         side->holder_type->tp_name, Py_TYPE(PyList_GET_ITEM(list, i))->tp_name);
            Py_DECREF(list);
            return NULL;
        }
    handles = PyMem_RawMalloc((n ? n : 1) * sizeof *handles);
    if (handles == NULL) {
        Py_DECREF(list);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        pp_header *h = pp_let_go_holder(PP_HOLDER(PyList_GET_ITEM(list, i)));
        if (h)
            handles[held++] = h->handle;
    }
    Py_DECREF(list);
    Py_BEGIN_ALLOW_THREADS
    ppGoReleaseOnGoroutines(handles, held, goroutines, 0, wait);
    Py_END_ALLOW_THREADS
    PyMem_RawFree(handles);
    pp_drain(side);
    Py_RETURN_NONE;
}

PyObject *
pp_module_synchronize(PyObject *module, PyObject *unused)
{
    ppGoSynchronize();
    Py_RETURN_NONE;
}

/* ---- after Python ----------------------------------------------------------------- */

typedef struct late {
    uint64_t handle;
    struct late *next;
} late;

static late *after; /* GIL */

static void
release_late(void)
{
    for (late *l = after, *next; l; l = next) {
        next = l->next;
        ppGoRelease(l->handle);
        free(l);
    }
    after = NULL;
}

PyObject *
pp_holder_release_after_python(PyObject *self, PyObject *unused)
{
    static int registered;
    pp_header *h;
    late *l;

    /* C's own list of exit functions: they run when the interpreter is gone. */
    if (!registered && atexit(release_late))
        return PyErr_Format(PyExc_RuntimeError, "atexit() has no room for another function");
    registered = 1;
    l = malloc(sizeof *l);
    if (l == NULL)
        return PyErr_NoMemory();
    h = pp_let_go_holder(PP_HOLDER(self));
    if (h) {
        *l = (late){h->handle, after};
        after = l;
    }
    else
        free(l);
    Py_RETURN_NONE;
}
