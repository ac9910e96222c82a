/* kit_test.c: the module that test_kit.py tests the kit with. C11 and C++17.
 *
 * Python-side code names a node by its wrapper or by a handle, an int: the node's address. A
 * handle from retain() or born() is one native reference. */
#include "node.h"

#include <pthread.h>
#include <sched.h>

/* ---- a holder that gc can traverse ------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    node *native;
    lt_word lock; /* of native: two threads may clear */
} holder;

static int
holder_clear(PyObject *self)
{
    node *n;

    lt_lock_word(&((holder *)self)->lock);
    n = ((holder *)self)->native;
    ((holder *)self)->native = NULL;
    lt_unlock_word(&((holder *)self)->lock);
    if (n) {
        if (n->scheme == PRESERVE)
            preserve_holder_gone(n);
        else if (n->scheme == TOGGLE)
            toggleref_holder_gone(n);
        DISPATCH(n, release);
    }
    return 0;
}

static int
holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    node *n = ((holder *)self)->native;

    Py_VISIT(Py_TYPE(self));
    return n == NULL               ? 0
           : n->scheme == PRESERVE ? preserve_visit(n, self, visit, arg)
           : n->scheme == TOGGLE   ? toggleref_visit(n, self, visit, arg)
                                   : 0;
}

static void
holder_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    holder_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
holder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *object, *self;
    node *n;

    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O", &object) || (n = node_arg(object)) == NULL ||
        (self = type->tp_alloc(type, 0)) == NULL)
        return NULL;
    DISPATCH(n, retain);
    if (n->scheme == PRESERVE)
        preserve_holder_made(n);
    else if (n->scheme == TOGGLE)
        toggleref_holder_made(n);
    ((holder *)self)->native = n;
    return self;
}

static PyType_Slot holder_slots[] = {{Py_tp_new, (void *)holder_new},
                                     {Py_tp_dealloc, (void *)holder_dealloc},
                                     {Py_tp_traverse, (void *)holder_traverse},
                                     {Py_tp_clear, (void *)holder_clear},
                                     {0, NULL}};

/* ---- the module's functions -------------------------------------------------------- */

#define UNUSED __attribute__((unused))
#define FUNCTION(name) static PyObject *name(PyObject *module UNUSED, PyObject *arg UNUSED)

FUNCTION(retain)
{
    node *n = node_arg(arg);

    if (n == NULL)
        return NULL;
    DISPATCH(n, retain);
    return PyLong_FromVoidPtr(n);
}

FUNCTION(release)
{
    node *n = node_arg(arg);

    if (n == NULL)
        return NULL;
    DISPATCH(n, release);
    Py_RETURN_NONE;
}

static
#ifdef __cplusplus
    thread_local
#else
    _Thread_local
#endif
    int wrapping; /* this thread is in a wrap */

FUNCTION(wrap)
{
    node *n = node_arg(arg);
    PyObject *result;

    if (n == NULL)
        return NULL;
    wrapping++;
    result = DISPATCH(n, wrap);
    wrapping--;
    return result;
}

static int
scheme_of(PyObject *cls)
{
    for (int i = 0; i < 3; i++)
        if (PyType_Check(cls) && PyType_IsSubtype((PyTypeObject *)cls, classes[i]))
            return i;
    PyErr_SetString(PyExc_TypeError, "not a wrapper class");
    return -1;
}

/* A handle of a node that has no wrapper. */
FUNCTION(born)
{
    int scheme = scheme_of(arg);

    return scheme < 0 ? NULL : PyLong_FromVoidPtr(node_new(scheme));
}

/* A wrapper without a node, as a tp_new that fails leaves behind. */
FUNCTION(bare)
{
    int scheme = scheme_of(arg);
    PyTypeObject *type = (PyTypeObject *)arg;

    return scheme < 0           ? NULL
           : scheme == PRESERVE ? preserve_new(type)
           : scheme == TOGGLE   ? toggleref_new(type)
                                : mapped_new(type);
}

/* edge(a, b): a takes over one native reference to b. */
FUNCTION(edge)
{
    PyObject *from, *to;
    node *a, *b, **edges;

    if (!PyArg_ParseTuple(arg, "OO", &from, &to) || (a = node_arg(from)) == NULL ||
        (b = node_arg(to)) == NULL)
        return NULL;
    edges = (node **)realloc(a->edges, (a->n_edges + 1) * sizeof *edges);
    if (edges == NULL)
        return PyErr_NoMemory();
    a->edges = edges;
    a->edges[a->n_edges++] = b;
    Py_RETURN_NONE;
}

/* (references, state, holders, references handed over, whether there is a wrapper) */
FUNCTION(look)
{
    node *n = node_arg(arg);

    if (n == NULL)
        return NULL;
    return Py_BuildValue("(LIIIO)", (long long)LT_STD(atomic_load)(&n->refs), lt_state(&n->slot),
                         (unsigned)lt_holders(&n->slot),
                         (unsigned)LT_STD(atomic_load)(&n->slot.handed_over),
                         lt_wrapper(&n->slot) ? Py_True : Py_False);
}

FUNCTION(keep_once)
{
    node *n = node_arg(arg);

    if (n == NULL)
        return NULL;
    n->keep_once = true;
    Py_RETURN_NONE;
}

FUNCTION(take_kept)
{
    PyObject *result = kept ? kept : Py_NewRef(Py_None);

    kept = NULL;
    return result;
}

/* (keep, dying, drop): calls of Mapped's hooks so far. */
FUNCTION(hooks)
{
    return Py_BuildValue("(iii)", LT_STD(atomic_load)(&n_keep), LT_STD(atomic_load)(&n_dying),
                         LT_STD(atomic_load)(&n_drop));
}

static void
value_gone(PyObject *capsule)
{
    char *name = (char *)PyCapsule_GetPointer(capsule, NULL);

    log_death(name);
    free(name);
}

/* An object that gc does not know and whose death is logged as arg, a str. */
FUNCTION(value)
{
    const char *name = PyUnicode_AsUTF8(arg);
    char *copy = name ? (char *)malloc(strlen(name) + 1) : NULL;

    return copy ? PyCapsule_New(strcpy(copy, name), NULL, value_gone) : NULL;
}

/* tp_clear, as gc calls it. */
FUNCTION(clear)
{
    Py_TYPE(arg)->tp_clear(arg);
    Py_RETURN_NONE;
}

/* (nodes, broken promises, whether this thread is in a wrap) */
FUNCTION(state)
{
    return Py_BuildValue("(LLi)", (long long)LT_STD(atomic_load)(&live),
                         (long long)LT_STD(atomic_load)(&errors), wrapping);
}

/* Lists that get the deaths of nodes (by attached threads) and values, and each call's number. */
FUNCTION(log_to)
{
    PyObject *frees, *calls;

    if (!PyArg_ParseTuple(arg, "O!O!", &PyList_Type, &frees, &PyList_Type, &calls))
        return NULL;
    Py_INCREF(frees);
    Py_XSETREF(free_log, frees);
    Py_INCREF(calls);
    Py_XSETREF(call_log, calls);
    Py_RETURN_NONE;
}

/* ---- classes ------------------------------------------------------------------------ */

FUNCTION(own)
{
    lt_own((PyTypeObject *)arg);
    return PyBool_FromLong(lt_python_made((PyTypeObject *)arg));
}

FUNCTION(native_class)
{
    PyTypeObject *type = lt_native_class((PyTypeObject *)arg);

    Py_INCREF(type);
    return (PyObject *)type;
}

/* check(bits, base): make a class by a spec and report what lt_check_class says of it. Bits:
 * 1 no gc, 2 no members, 4 no module, 8 no slots of its own (gc is inherited then). */
FUNCTION(check)
{
    int bits, result;
    PyObject *base, *bases, *type;
    PyType_Slot slots[8] = {{0, NULL}};
    PyType_Spec spec = {"kit_test.Checked", sizeof(wrapper), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    int n = 0;

    if (!PyArg_ParseTuple(arg, "iO", &bits, &base))
        return NULL;
    if (!(bits & 9))
        spec.flags |= Py_TPFLAGS_HAVE_GC;
    for (PyType_Slot *s = preserve_slots; !(bits & 8) && s->slot; s++)
        if (s->slot != Py_tp_getset && !(bits & 2 && s->slot == Py_tp_members) &&
            !(bits & 1 && (s->slot == Py_tp_traverse || s->slot == Py_tp_clear)))
            slots[n++] = *s;
    if ((bases = PyTuple_Pack(1, base)) == NULL)
        return NULL;
    type = PyType_FromModuleAndSpec(bits & 4 ? NULL : module, &spec, bases);
    Py_DECREF(bases);
    if (type == NULL)
        return NULL;
    result = lt_check_class((PyTypeObject *)type);
    if (result == 0)
        return type;
    Py_DECREF(type);
    return NULL;
}

FUNCTION(suspended)
{
    bool was = lt_gc_suspend();
    int now = PyGC_IsEnabled();

    lt_gc_resume(was);
    return PyBool_FromLong(now);
}

/* ---- the queue ------------------------------------------------------------------------ */

static void
run_call(void *expected, void *number)
{
    PyObject *n = PyLong_FromVoidPtr(number);

    expect(lt_attached() && expected == &queue);
    expect(n && call_log && PyList_Append(call_log, n) == 0);
    Py_XDECREF(n);
}

typedef struct {
    char what;
    node **nodes;
    size_t first, step, n;
    pthread_t thread;
} job;

static void *
work(void *argument)
{
    job *j = (job *)argument;

    expect(!lt_attached());
    for (size_t i = j->first; i < j->n; i += j->step) {
        node *n = j->nodes[i];
        if (j->what == 'r' && lt_release_unattached(&queue, &n->slot, &n->refs) == 0)
            node_free(n);
        else if (j->what == 'h')
            lt_hand_over(&queue, &n->slot);
        else if (j->what == 'c')
            expect(lt_call_later(&queue, run_call, &queue, n) == 0);
    }
    return NULL;
}

/* threads(what, handles, n, attached): n unattached threads go through handles, each taking
 * every n-th: 'r' releases, 'h' hands over, 'c' calls later. If attached, this thread stays
 * attached meanwhile. */
FUNCTION(threads)
{
    int what, n, attached;
    PyObject *handles;
    Py_ssize_t size;
    node **nodes;
    job *jobs;

    if (!PyArg_ParseTuple(arg, "CO!ip", &what, &PyList_Type, &handles, &n, &attached))
        return NULL;
    size = PyList_GET_SIZE(handles);
    nodes = (node **)calloc((size_t)size + 1, sizeof *nodes);
    jobs = (job *)calloc((size_t)n, sizeof *jobs);
    for (Py_ssize_t i = 0; nodes && i < size; i++)
        nodes[i] = (node *)PyLong_AsVoidPtr(PyList_GET_ITEM(handles, i));
    for (int i = 0; nodes && jobs && i < n; i++) {
        jobs[i].what = (char)what;
        jobs[i].nodes = nodes;
        jobs[i].first = (size_t)i;
        jobs[i].step = (size_t)n;
        jobs[i].n = (size_t)size;
        expect(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) == 0);
    }
    PyThreadState *suspended_state = attached ? NULL : PyEval_SaveThread();
    expect(attached == lt_attached());
    for (int i = 0; nodes && jobs && i < n; i++)
        pthread_join(jobs[i].thread, NULL);
    if (suspended_state)
        PyEval_RestoreThread(suspended_state);
    free(nodes);
    free(jobs);
    Py_RETURN_NONE;
}

FUNCTION(drain)
{
    lt_drain(&queue);
    Py_RETURN_NONE;
}

/* Drain while a KeyError(arg) is set, and raise that. */
FUNCTION(drain_raising)
{
    PyErr_SetObject(PyExc_KeyError, arg);
    lt_drain(&queue);
    return NULL;
}

/* Wait, detached, until everything that was handed over has been released; arg: microseconds. */
FUNCTION(drain_until)
{
    long us = PyLong_AsLong(arg);

    return us == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(lt_drain_until(&queue, us));
}

/* disarm(True); disarm(False) is for tests, when the queue's thread has ended. */
FUNCTION(disarm)
{
    int disarmed = LT_DISARMED;

    if (PyObject_IsTrue(arg))
        lt_disarm(&queue);
    else
        LT_STD(atomic_compare_exchange_strong)(&queue.thread, &disarmed, (int)LT_NO_THREAD);
    Py_RETURN_NONE;
}

/* The next arg starts of the queue's thread fail. */
FUNCTION(refuse)
{
    LT_STD(atomic_store)(&refuse_threads, (int)PyLong_AsLong(arg));
    Py_RETURN_NONE;
}

/* ping(microseconds): for this long an unattached thread hands a call over, waits for it to be run,
 * and so on. This thread is detached meanwhile and drains nothing. (calls handed over, calls that
 * were run, each within 10 seconds) */
static void
count_call(void *count, void *unused)
{
    (void)unused;
    LT_STD(atomic_fetch_add)((LT_ATOMIC(long) *)count, 1);
}

typedef struct {
    LT_ATOMIC(long) count;
    long n, microseconds;
} ping_job;

static void *
send_pings(void *argument)
{
    ping_job *job = (ping_job *)argument;
    int64_t now = lt_microseconds(), end = now + job->microseconds;

    for (job->n = 0; now < end && LT_STD(atomic_load)(&job->count) == job->n; job->n++) {
        int64_t late = now + 10000000;

        expect(lt_call_later(&queue, count_call, &job->count, NULL) == 0);
        while (LT_STD(atomic_load)(&job->count) <= job->n && (now = lt_microseconds()) < late)
            sched_yield();
    }
    return NULL;
}

FUNCTION(ping)
{
    static ping_job job; /* static: a call may be run after the end */
    pthread_t thread;

    job.microseconds = PyLong_AsLong(arg);
    LT_STD(atomic_store)(&job.count, 0);
    Py_BEGIN_ALLOW_THREADS
    expect(pthread_create(&thread, NULL, send_pings, &job) == 0);
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(ll)", job.n, LT_STD(atomic_load)(&job.count));
}

static void
call_python(void *callable, void *unused)
{
    PyObject *result = PyObject_CallNoArgs((PyObject *)callable);

    (void)unused;
    expect(result != NULL);
    Py_XDECREF(result);
    Py_DECREF((PyObject *)callable);
}

/* Leave a call of arg to the queue's thread. Whether it was left. */
FUNCTION(leave)
{
    bool left;

    Py_INCREF(arg);
    left = lt_leave(&queue, call_python, arg, NULL);
    if (!left)
        Py_DECREF(arg);
    return PyBool_FromLong(left);
}

FUNCTION(after_fork_in_child)
{
    lt_after_fork_in_child(&queue);
    Py_RETURN_NONE;
}

/* (whether it holds anything, requested, whether this thread drains, references and calls drained
 * and pushed so far, the state of its thread) */
FUNCTION(queued)
{
    bool filled = !lt_queue_empty(&queue);
    /* In this order: they are equal only if nothing was on its way. */
    long long drained = LT_STD(atomic_load)(&queue.drained),
              pushed = LT_STD(atomic_load)(&queue.pushed);

    return Py_BuildValue("(iiiLLi)", filled, LT_STD(atomic_load)(&queue.requested),
                         lt_scope_of(&queue) != NULL, drained, pushed,
                         LT_STD(atomic_load)(&queue.thread));
}

static PyMethodDef functions[] = {
#define ONE(name) {#name, name, METH_O, NULL}
#define NONE(name) {#name, name, METH_NOARGS, NULL}
#define MANY(name) {#name, name, METH_VARARGS, NULL}
    ONE(retain),
    ONE(release),
    ONE(wrap),
    ONE(born),
    ONE(bare),
    MANY(edge),
    ONE(look),
    ONE(keep_once),
    NONE(take_kept),
    NONE(hooks),
    ONE(value),
    ONE(clear),
    NONE(state),
    MANY(log_to),
    ONE(own),
    ONE(native_class),
    MANY(check),
    NONE(suspended),
    MANY(threads),
    NONE(drain),
    ONE(drain_raising),
    ONE(drain_until),
    ONE(disarm),
    ONE(refuse),
    ONE(ping),
    ONE(leave),
    NONE(queued),
    NONE(after_fork_in_child),
    {NULL, NULL, 0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "kit_test", NULL, -1, functions, NULL, NULL, NULL, NULL};

static PyTypeObject *
add_class(PyObject *module, const char *name, int size, PyType_Slot *slots)
{
    PyType_Spec spec = {name, size, 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);

    return type && PyModule_AddType(module, (PyTypeObject *)type) == 0 ? (PyTypeObject *)type
                                                                       : NULL;
}

PyMODINIT_FUNC
PyInit_kit_test(void)
{
    PyObject *module = PyModule_Create(&definition);

    queue.release = release_slot;
#ifdef Py_GIL_DISABLED
    if (module)
        PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    if (module == NULL ||
        !(classes[PRESERVE] =
              add_class(module, "kit_test.Preserve", sizeof(wrapper), preserve_slots)) ||
        !(classes[TOGGLE] =
              add_class(module, "kit_test.Toggle", sizeof(wrapper), toggleref_slots)) ||
        !(classes[MAPPED] = add_class(module, "kit_test.Mapped", sizeof(wrapper), mapped_slots)) ||
        !add_class(module, "kit_test.Holder", sizeof(holder), holder_slots))
        return NULL;
    for (int i = 0; i < 3; i++)
        if (lt_check_class(classes[i]) < 0)
            return NULL;
    return module;
}
