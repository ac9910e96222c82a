/* module.h: the module's functions, its end, and what a fork does. Included by binding.h. */
#ifndef MODULE_H
#define MODULE_H

static PyObject *
new_native(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    PyObject *message = Py_None, *ref = NULL;
    node *n;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:new_native", names, &message))
        return NULL;
    lt_drain(&queue);
    n = node_new();
    if (n == NULL)
        return PyErr_NoMemory();
    if (set_message(n, message) == 0)
        ref = hold(n);
    SCHEME(release)(n); /* node_new's; the holder has one of its own */
    return ref;
}

static PyObject *
live_objects(PyObject *module, PyObject *unused)
{
    settle_queue();
    return PyLong_FromLongLong(atomic_load(&node_live));
}

static PyObject *
release_from_goroutines(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"refs", "goroutines", "wait", NULL};
    PyObject *refs, *list;
    int threads = 8, wait = 1;
    release_job *job = NULL;
    Py_ssize_t i, n;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|ip:release_from_goroutines", names, &refs,
                                     &threads, &wait))
        return NULL;
    if (threads < 1 || threads > 1000)
        return PyErr_Format(PyExc_ValueError, "goroutines must be from 1 to 1000, not %d", threads);
    list = PySequence_List(refs);
    if (list == NULL)
        return NULL;
    n = PyList_GET_SIZE(list);
    for (i = 0; i < n && Py_IS_TYPE(PyList_GET_ITEM(list, i), MyClassRef); i++)
        ;
    if (i < n)
        PyErr_Format(PyExc_TypeError, "refs[%zd]: expected %s, not '%.200s'", i,
                     MyClassRef->tp_name, Py_TYPE(PyList_GET_ITEM(list, i))->tp_name);
    else
        job = new_release_job((size_t)n, threads, false);
    for (i = 0; job && i < n; i++)
        if ((job->nodes[job->n] = take_node(PyList_GET_ITEM(list, i))))
            job->n++;
    Py_DECREF(list);
    if (job == NULL)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    library_run(threads, release_some, job, wait);
    Py_END_ALLOW_THREADS
    if (wait)
        settle_queue();
    else
        lt_drain(&queue);
    Py_RETURN_NONE;
}

/* The thread stays attached meanwhile, as in a native function that does not know of Python. A
 * thread that holds the lock never attaches. */
static PyObject *
synchronize(PyObject *module, PyObject *unused)
{
    library_take_lock();
    library_give_lock();
    Py_RETURN_NONE;
}

static PyObject *
settle(PyObject *module, PyObject *unused)
{
    do
        settle_queue();
    while (!lt_queue_empty(&queue)); /* handed over by what was released */
    Py_RETURN_NONE;
}

static PyObject *
get_stats(PyObject *module, PyObject *unused)
{
    settle_queue();
    return Py_BuildValue(
        "{sLsLsLsLsL}", "wrappers_created", atomic_load(&stats.wrappers_created), "wrappers_freed",
        atomic_load(&stats.wrappers_freed), "flips", atomic_load(&stats.flips), "resurrections",
        atomic_load(&stats.resurrections), "drained", (long long)atomic_load(&queue.drained));
}

static PyMethodDef functions[] = {
    {"new_native", (PyCFunction)(void (*)(void))new_native, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("A MyClassRef to a new native object that has no wrapper.")},
    {"live_objects", live_objects, METH_NOARGS, PyDoc_STR("How many native objects there are.")},
    {"release_from_goroutines", (PyCFunction)(void (*)(void))release_from_goroutines,
     METH_VARARGS | METH_KEYWORDS, PyDoc_STR("Release MyClassRefs on unattached threads.")},
    {"synchronize", synchronize, METH_NOARGS, PyDoc_STR("Take and release the library's lock.")},
    {"settle", settle, METH_NOARGS, PyDoc_STR("Wait until all that was handed over is released.")},
    {"stats", get_stats, METH_NOARGS, PyDoc_STR("Counters, as a new dict.")},
    {0},
};

/* ---- exit and fork -------------------------------------------------------------------------- */

/* Python's atexit. Unattached threads go on; what they hand over leaks with the process. Python
 * code may still run, and drains as always. */
static PyObject *
at_exit(PyObject *module, PyObject *unused)
{
    lt_disarm(&queue);
    Py_RETURN_NONE;
}

static PyMethodDef at_exit_def = {"at_exit", at_exit, METH_NOARGS, NULL};

static int
watch_exit(void)
{
    PyObject *module = PyImport_ImportModule("atexit"), *function, *result = NULL;

    if (module == NULL)
        return -1;
    function = PyCFunction_New(&at_exit_def, NULL);
    if (function)
        result = PyObject_CallMethod(module, "register", "O", function);
    Py_DECREF(module);
    Py_XDECREF(function);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* What other threads were releasing is lost, and leaks in the child. */
static void
in_child(void)
{
    lt_after_fork_in_child(&queue);
}

/* ---- the module ------------------------------------------------------------------------------ */

static PyTypeObject *
make_class(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);

    if (type == NULL && !PyErr_Occurred()) /* CPython 3.11, without memory for a name */
        PyErr_NoMemory();
    return (PyTypeObject *)type;
}

/* Once for the process: classes and hooks are static. */
static int
set_up(PyObject *module)
{
    static bool watching; /* not twice, if what follows fails at first */

    if (!watching && (library_watch_forks(in_child) || atexit(release_lates))) {
        PyErr_NoMemory();
        return -1;
    }
    watching = true;
    if (MyClass == NULL && (MyClass = make_class(module, &MyClass_spec)) == NULL)
        return -1;
    if (lt_check_class(MyClass) < 0 || watch_exit() < 0)
        return -1;
    queue.release = release_queued;
    node_hooks.release = release_anywhere;
    node_hooks.on_event = on_event;
    node_hooks.drop = drop_anywhere;
    MyClassRef = make_class(module, &MyClassRef_spec);
    if (MyClassRef == NULL)
        return -1;
    MyClassRef->tp_vectorcall = MyClassRef_vectorcall; /* no slot of a spec before 3.14 */
    return 0;
}

/* Py_mod_exec. A second import in one interpreter gets the same classes. */
static int
module_exec(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, NAME " is for the main interpreter only");
        return -1;
    }
    if (MyClassRef == NULL && set_up(module) < 0)
        return -1;
    return PyModule_AddType(module, MyClass) < 0 || PyModule_AddType(module, MyClassRef) < 0 ? -1
                                                                                             : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_gil /* from 3.13 on */
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = NAME,
    .m_methods = functions,
    .m_slots = module_slots,
};

#endif
