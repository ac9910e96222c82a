/* holder.h: MyClassRef, a native reference that Python code can make and release; and what
 * native code does with one on unattached threads. Included by binding.h. */
#ifndef HOLDER_H
#define HOLDER_H

typedef struct {
    PyObject_HEAD
    node *native; /* owns a reference; NULL once released. Locked */
    lt_word lock;
} holder;

#define HOLDER(op) ((holder *)(op))

/* For the rules see lt_lock. With the GIL both do nothing. */
#define LOCK(op) lt_lock_word(&HOLDER(op)->lock)
#define UNLOCK(op) lt_unlock_word(&HOLDER(op)->lock)

static PyObject *
released(void)
{
    return PyErr_Format(PyExc_ReferenceError,
                        "this MyClassRef has been released; it no longer holds a native object");
}

/* A new reference to the node. NULL with ReferenceError. Without the GIL another thread may
 * release the holder at any time, so its own reference must not be used. */
static node *
held_node(PyObject *self)
{
    node *n;

    LOCK(self);
    n = HOLDER(self)->native;
    if (n)
        SCHEME(retain)(n);
    UNLOCK(self);
    if (n == NULL)
        released();
    return n;
}

/* Release a reference of the caller's, and keep the exception that is set. */
static void
release_keeping_error(node *n)
{
    PyObject *type, *value, *tb;

    PyErr_Fetch(&type, &value, &tb);
    SCHEME(release)(n);
    PyErr_Restore(type, value, tb);
}

/* A new MyClassRef with a reference of its own. */
static PyObject *
hold(node *n)
{
    PyObject *self = MyClassRef->tp_alloc(MyClassRef, 0);

    if (self) {
        SCHEME(retain)(n);
        SCHEME(holder_made)(n);
        HOLDER(self)->native = n;
    }
    return self;
}

/* Take the native reference out of the holder, for the caller. NULL if it is released. */
static node *
take_node(PyObject *self)
{
    node *n;

    LOCK(self);
    n = HOLDER(self)->native;
    HOLDER(self)->native = NULL; /* first: what follows may run any Python code */
    UNLOCK(self);
    if (n)
        SCHEME(holder_gone)(n);
    return n;
}

static PyObject *
MyClassRef_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names)
{
    node *n;

    if (PyVectorcall_NARGS(nargsf) != 1 || (names && PyTuple_GET_SIZE(names)))
        return PyErr_Format(PyExc_TypeError,
                            "MyClassRef() takes one MyClass and no keyword arguments");
    lt_drain(&queue);
    n = unwrap(args[0]);
    return n ? hold(n) : NULL;
}

static PyObject *
MyClassRef_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (kwargs && PyDict_GET_SIZE(kwargs))
        return PyErr_Format(PyExc_TypeError,
                            "MyClassRef() takes one MyClass and no keyword arguments");
    return MyClassRef_vectorcall((PyObject *)type, ((PyTupleObject *)args)->ob_item,
                                 (size_t)PyTuple_GET_SIZE(args), NULL);
}

/* tp_traverse: what gc can reach through the native reference, which the scheme knows. */
static int
MyClassRef_traverse(PyObject *self, visitproc visit, void *arg)
{
    node *n = HOLDER(self)->native;

    Py_VISIT(Py_TYPE(self));
    return n ? SCHEME(visit)(n, self, visit, arg) : 0;
}

static int
MyClassRef_clear(PyObject *self)
{
    node *n = take_node(self);

    if (n)
        SCHEME(release)(n);
    return 0;
}

static void
MyClassRef_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    MyClassRef_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
MyClassRef_repr(PyObject *self)
{
    uint64_t id;

    LOCK(self);
    id = HOLDER(self)->native ? HOLDER(self)->native->id : 0;
    UNLOCK(self);
    return id ? PyUnicode_FromFormat("<%s to id=%llu>", Py_TYPE(self)->tp_name,
                                     (unsigned long long)id)
              : PyUnicode_FromFormat("<%s, released>", Py_TYPE(self)->tp_name);
}

/* Without the GIL a live wrapper is returned with the holder locked, which saves a retain
 * and a release. To make a wrapper, which may run code, this takes a reference of its own
 * first. */
static PyObject *
MyClassRef_get(PyObject *self, PyObject *unused)
{
#ifdef Py_GIL_DISABLED
    PyObject *result;
    node *n;

    lt_drain(&queue);
    LOCK(self);
    n = HOLDER(self)->native;
    result = n ? SCHEME(live)(n) : NULL;
    UNLOCK(self);
    if (result || (n = held_node(self)) == NULL)
        return result;
    result = SCHEME(wrap)(n);
    release_keeping_error(n);
    return result;
#else
    lt_drain(&queue);
    return HOLDER(self)->native ? SCHEME(wrap)(HOLDER(self)->native) : released();
#endif
}

static PyObject *
MyClassRef_release(PyObject *self, PyObject *unused)
{
    MyClassRef_clear(self);
    lt_drain(&queue);
    Py_RETURN_NONE;
}

static PyObject *
MyClassRef_emit(PyObject *self, PyObject *arg)
{
    PyObject *result;
    int64_t event, answer;
    node *n;

    if (!PyLong_Check(arg))
        return PyErr_Format(PyExc_TypeError, "emit: event must be an int, not '%.200s'",
                            Py_TYPE(arg)->tp_name);
    event = PyLong_AsLongLong(arg);
    if (event == -1 && PyErr_Occurred())
        return NULL;
    n = held_node(self); /* on_event may release this very holder */
    if (n == NULL)
        return NULL;
    result = node_emit(n, event, &answer) < 0 ? NULL : PyLong_FromLongLong(answer);
    release_keeping_error(n);
    return result;
}

/* ---- unattached threads ------------------------------------------------------------------- */

/* Wait until everything that has been handed over is released, by whatever thread; not for ever:
 * a __del__ may wait for something. */
static void
settle_queue(void)
{
    lt_drain_until(&queue, 1000000);
}

/* Nodes of which threads release one reference each. The last thread frees it. */
typedef struct {
    node **nodes;
    int64_t n;
    _Atomic int64_t next;
    _Atomic int users;
    bool locked;
} release_job;

static void *
release_some(void *arg)
{
    release_job *job = arg;
    bool locked = job->locked;
    int64_t i;

    if (locked)
        library_take_lock();
    while ((i = atomic_fetch_add(&job->next, 1)) < job->n)
        release_unattached(job->nodes[i]);
    if (locked)
        library_give_lock();
    if (atomic_fetch_sub(&job->users, 1) == 1) {
        free(job->nodes);
        free(job);
    }
    return NULL;
}

/* A job for at most n nodes. NULL with MemoryError. */
static release_job *
new_release_job(size_t n, int threads, bool locked)
{
    release_job *job = calloc(1, sizeof *job);

    if (job) {
        job->nodes = malloc((n ? n : 1) * sizeof *job->nodes);
        job->users = threads;
        job->locked = locked;
    }
    if (job == NULL || job->nodes == NULL) {
        free(job);
        PyErr_NoMemory();
        return NULL;
    }
    return job;
}

/* release_from_goroutine(*, locked=False): the suite's name. Here it is a POSIX thread. */
static PyObject *
MyClassRef_release_from_goroutine(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"locked", NULL};
    release_job *job;
    int locked = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:release_from_goroutine", names, &locked) ||
        (job = new_release_job(1, 1, locked)) == NULL)
        return NULL;
    if ((job->nodes[0] = take_node(self)))
        job->n = 1;
    Py_BEGIN_ALLOW_THREADS
    library_run(1, release_some, job, true);
    Py_END_ALLOW_THREADS
    settle_queue();
    Py_RETURN_NONE;
}

typedef struct {
    node *native;
    int times;
    _Atomic int failed;
} wrap_job;

/* A thread that Python does not know, with a native reference. */
static void *
wrap_often(void *arg)
{
    wrap_job *job = arg;

    for (int i = 0; i < job->times; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        PyObject *self = SCHEME(wrap)(job->native);
        if (self == NULL) {
            PyErr_Clear();
            job->failed++;
        }
        Py_XDECREF(self);
        PyGILState_Release(state);
        retain_unattached(job->native);
        release_unattached(job->native);
    }
    release_unattached(job->native);
    return NULL;
}

static PyObject *
MyClassRef_wrap_from_goroutines(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"goroutines", "times", NULL};
    int threads = 4, times = 1000;
    wrap_job job = {NULL, 0, 0};

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ii:wrap_from_goroutines", names, &threads,
                                     &times))
        return NULL;
    if (threads < 1 || threads > 1000 || times < 0)
        return PyErr_Format(
            PyExc_ValueError,
            "goroutines must be from 1 to 1000 and times not negative, not %d and %d", threads,
            times);
    if ((job.native = held_node(self)) == NULL)
        return NULL;
    job.times = times;
    /* Each thread gets its reference from here: an unattached thread can take one only from
     * another native reference. */
    for (int i = 0; i < threads; i++)
        SCHEME(retain)(job.native);
    Py_BEGIN_ALLOW_THREADS
    library_run(threads, wrap_often, &job, true);
    Py_END_ALLOW_THREADS
    SCHEME(release)(job.native);
    settle_queue();
    if (job.failed)
        return PyErr_Format(PyExc_RuntimeError, "%d of the wraps failed", job.failed);
    Py_RETURN_NONE;
}

/* ---- after Python ------------------------------------------------------------------------- */

typedef struct late {
    node *native;
    struct late *next;
} late;

static _Atomic(late *) lates;

/* In C's list of exit functions: the interpreter is gone. */
static void
release_lates(void)
{
    for (late *l = atomic_exchange(&lates, NULL), *next; l; l = next) {
        next = l->next;
        release_unattached(l->native);
        free(l);
    }
}

static PyObject *
MyClassRef_release_after_python(PyObject *self, PyObject *unused)
{
    late *l = malloc(sizeof *l);

    if (l == NULL)
        return PyErr_NoMemory();
    l->native = take_node(self);
    l->next = atomic_load(&lates);
    while (l->native && !atomic_compare_exchange_weak(&lates, &l->next, l))
        ;
    if (l->native == NULL)
        free(l);
    Py_RETURN_NONE;
}

/* ---- the class ------------------------------------------------------------------------------ */

static PyMethodDef MyClassRef_methods[] = {
    {"get", MyClassRef_get, METH_NOARGS,
     PyDoc_STR("get()\n--\n\nWrap: the MyClass of the native object.")},
    {"release", MyClassRef_release, METH_NOARGS,
     PyDoc_STR("release()\n--\n\nRelease the native reference now.")},
    {"emit", MyClassRef_emit, METH_O,
     PyDoc_STR("emit(event)\n--\n\nHave native code deliver an event.")},
    {"release_from_goroutine", (PyCFunction)(void (*)(void))MyClassRef_release_from_goroutine,
     METH_VARARGS | METH_KEYWORDS, PyDoc_STR("Release it on an unattached thread.")},
    {"wrap_from_goroutines", (PyCFunction)(void (*)(void))MyClassRef_wrap_from_goroutines,
     METH_VARARGS | METH_KEYWORDS, PyDoc_STR("Have threads wrap it, retain and release it.")},
    {"release_after_python", MyClassRef_release_after_python, METH_NOARGS,
     PyDoc_STR("Release it when the process exits, after the interpreter.")},
    {"__reduce_ex__", no_copy, METH_O, NULL},
    {"__reduce__", no_copy, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot MyClassRef_slots[] = {
    {Py_tp_doc, (void *)"MyClassRef(obj)\n--\n\nA native reference to a MyClass's native object."},
    {Py_tp_new, MyClassRef_new},
    {Py_tp_repr, MyClassRef_repr},
    {Py_tp_dealloc, MyClassRef_dealloc},
    {Py_tp_traverse, MyClassRef_traverse},
    {Py_tp_clear, MyClassRef_clear},
    {Py_tp_methods, MyClassRef_methods},
    {0, NULL},
};

static PyType_Spec MyClassRef_spec = {
    .name = NAME ".MyClassRef",
    .basicsize = sizeof(holder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = MyClassRef_slots,
};

#endif
