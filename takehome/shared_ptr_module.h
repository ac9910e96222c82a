/* shared_ptr_module.h: the module's functions, its end, and what a fork does. Included by
 * shared_ptr_binding.h. */
#ifndef SHARED_PTR_MODULE_H
#define SHARED_PTR_MODULE_H

static PyObject *
new_native(PyObject *, PyObject *args, PyObject *kwargs)
{
    static char first[] = "message", second[] = "kind", *names[] = {first, second, nullptr};
    PyObject *message = Py_None;
    const char *kind = "MyClass";

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$s:new_native", names, &message, &kind))
        return nullptr;
    lt_drain(&queue);
    return guarded([&] {
        Ptr object = std::string(kind) == "Circle"   ? make<shapes::Circle>()
                     : std::string(kind) == "Square" ? make<shapes::Square>()
                                                     : make<Shape>();
        Bond *b = bond_of(object.get());
        set_message(b, message);
        return hold(b, object);
    });
}

/* What this binding cannot wrap: TypeError. */
static PyObject *
wrap_foreign(PyObject *, PyObject *)
{
    return guarded([] { return wrap(std::make_shared<Shape>()); });
}

static PyObject *
live_objects(PyObject *, PyObject *)
{
    settle_queue();
    return PyLong_FromLongLong(Shape::live);
}

static PyObject *
release_from_goroutines(PyObject *, PyObject *args, PyObject *kwargs)
{
    static char first[] = "refs", second[] = "goroutines", third[] = "wait";
    static char *names[] = {first, second, third, nullptr};
    PyObject *refs, *list, *result;
    int threads = 8, wait = 1;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|ip:release_from_goroutines", names, &refs,
                                     &threads, &wait))
        return nullptr;
    if (threads < 1 || threads > 1000)
        return PyErr_Format(PyExc_ValueError, "goroutines must be from 1 to 1000, not %d", threads);
    list = PySequence_List(refs);
    if (list == nullptr)
        return nullptr;
    result = guarded([&]() -> PyObject * {
        auto drops = std::make_shared<Drops>();
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
            if (!Py_IS_TYPE(PyList_GET_ITEM(list, i), MyClassRef))
                return PyErr_Format(PyExc_TypeError, "refs[%zd]: expected %s, not '%.200s'", i,
                                    MyClassRef->tp_name,
                                    Py_TYPE(PyList_GET_ITEM(list, i))->tp_name);
        drops->objects.reserve(static_cast<std::size_t>(PyList_GET_SIZE(list)));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
            drops->objects.push_back(take(PyList_GET_ITEM(list, i)));
        run(threads, [drops] { drops->some(); }, wait);
        return none();
    });
    Py_DECREF(list);
    return result;
}

/* The thread stays attached meanwhile. A thread that holds the lock never attaches. */
static PyObject *
synchronize(PyObject *, PyObject *)
{
    std::lock_guard<std::mutex> guard(shapes::lock);
    return none();
}

static PyObject *
settle(PyObject *, PyObject *)
{
    do
        settle_queue();
    while (!lt_queue_empty(&queue)); /* handed over by what was released */
    return none();
}

static PyObject *
stats(PyObject *, PyObject *)
{
    settle_queue();
    return Py_BuildValue("{sLsLsLsLsL}", "wrappers_created", wrappers_created.load(),
                         "wrappers_freed", wrappers_freed.load(), "flips", 0LL, "resurrections",
                         0LL, "drained", static_cast<long long>(queue.drained.load()));
}

static PyMethodDef functions[] = {
    {"new_native", with_keywords(new_native), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"wrap_foreign", wrap_foreign, METH_NOARGS, nullptr},
    {"live_objects", live_objects, METH_NOARGS, nullptr},
    {"release_from_goroutines", with_keywords(release_from_goroutines),
     METH_VARARGS | METH_KEYWORDS, nullptr},
    {"synchronize", synchronize, METH_NOARGS, nullptr},
    {"settle", settle, METH_NOARGS, nullptr},
    {"stats", stats, METH_NOARGS, nullptr},
    {},
};

static PyObject *
at_exit(PyObject *, PyObject *)
{
    lt_disarm(&queue);
    return none();
}

static PyMethodDef at_exit_def = {"at_exit", at_exit, METH_NOARGS, nullptr};

/* Python's atexit, and the locks and the queue across a fork. */
static bool
watch()
{
    PyObject *module = PyImport_ImportModule("atexit"),
             *function = PyCFunction_New(&at_exit_def, nullptr);
    PyObject *done =
        module && function ? PyObject_CallMethod(module, "register", "O", function) : nullptr;

    Py_XDECREF(module);
    Py_XDECREF(function);
    Py_XDECREF(done);
    if (done == nullptr)
        return false;
    if (std::atexit([] { lates.objects.clear(); }) ||
        pthread_atfork(
            [] { shapes::lock.lock(), bonds.lock.lock(); },
            [] { bonds.lock.unlock(), shapes::lock.unlock(); },
            [] { bonds.lock.unlock(), shapes::lock.unlock(), lt_after_fork_in_child(&queue); })) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}

static PyTypeObject *
make_class(PyObject *module, PyType_Spec *spec, PyTypeObject *base)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, reinterpret_cast<PyObject *>(base));

    if (type == nullptr && !PyErr_Occurred()) /* CPython 3.11, without memory for a name */
        PyErr_NoMemory();
    return reinterpret_cast<PyTypeObject *>(type);
}

/* Py_mod_exec. A second import in one interpreter gets the same classes. */
static int
module_exec(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "shared_ptr is for the main interpreter only");
        return -1;
    }
    queue.release = release_queued;
    if (MyClassRef == nullptr &&
        (!(MyClass = make_class(module, &MyClass_spec, nullptr)) || lt_check_class(MyClass) < 0 ||
         !(Circle = make_class(module, &Circle_spec, MyClass)) ||
         !(Square = make_class(module, &Square_spec, MyClass)) || !watch() ||
         !(MyClassRef = make_class(module, &MyClassRef_spec, nullptr))))
        return -1;
    for (PyTypeObject *type : {MyClass, Circle, Square, MyClassRef})
        if (PyModule_AddType(module, type) < 0)
            return -1;
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, reinterpret_cast<void *>(module_exec)},
#ifdef Py_mod_gil /* from 3.13 on */
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {},
};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "shared_ptr", nullptr, 0,      functions,
                                 module_slots,          nullptr,      nullptr, nullptr};

PyMODINIT_FUNC
PyInit_shared_ptr()
{
    return PyModuleDef_Init(&definition);
}

#endif
