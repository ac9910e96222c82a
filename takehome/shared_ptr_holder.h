/* shared_ptr_holder.h: MyClassRef, one shared_ptr that Python code can make and drop; and what
 * native code does with one on unattached threads. Included by shared_ptr_binding.h. */
#ifndef SHARED_PTR_HOLDER_H
#define SHARED_PTR_HOLDER_H

struct holder {
    PyObject_HEAD
    Bond *bond; /* borrowed from object; NULL once released. Locked */
    Ptr object; /* locked */
    lt_word lock;
};

static holder *
HOLDER(PyObject *self)
{
    return reinterpret_cast<holder *>(self);
}

/* A new MyClassRef, which takes over object. Nothing runs between tp_alloc and the
 * constructor. */
static PyObject *
hold(Bond *b, Ptr object)
{
    PyObject *self = MyClassRef->tp_alloc(MyClassRef, 0);

    if (self) {
        new (&HOLDER(self)->object) Ptr(std::move(object));
        HOLDER(self)->bond = b;
        toggleref_holder_made(b);
    }
    return self;
}

/* Take the shared_ptr out of the holder. Null if it is released. */
static Ptr
take(PyObject *self)
{
    lt_lock_word(&HOLDER(self)->lock);
    Bond *b = std::exchange(HOLDER(self)->bond, nullptr);
    Ptr object = std::move(HOLDER(self)->object);
    lt_unlock_word(&HOLDER(self)->lock);

    if (b)
        toggleref_holder_gone(b);
    return object;
}

/* A copy: without the GIL another thread may release the holder at any time. */
static Ptr
held(PyObject *self)
{
    lt_lock_word(&HOLDER(self)->lock);
    Ptr object = HOLDER(self)->object;
    lt_unlock_word(&HOLDER(self)->lock);

    if (object)
        return object;
    PyErr_SetString(PyExc_ReferenceError,
                    "this MyClassRef has been released; it no longer holds a native object");
    throw PythonError();
}

static PyObject *
MyClassRef_new(PyTypeObject *, PyObject *args, PyObject *kwargs)
{
    PyObject *op;
    Bond *b;

    if (kwargs && PyDict_GET_SIZE(kwargs))
        return PyErr_Format(PyExc_TypeError, "MyClassRef() takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O:MyClassRef", &op))
        return nullptr;
    lt_drain(&queue);
    b = unwrap(op);
    return b ? guarded([&] { return hold(b, share(b)); }) : nullptr;
}

static int
MyClassRef_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return HOLDER(self)->bond ? toggleref_visit(HOLDER(self)->bond, self, visit, arg) : 0;
}

static int
MyClassRef_clear(PyObject *self)
{
    take(self);
    return 0;
}

static void
MyClassRef_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    MyClassRef_clear(self);
    HOLDER(self)->object.~Ptr();
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
MyClassRef_repr(PyObject *self)
{
    lt_lock_word(&HOLDER(self)->lock);
    auto id =
        HOLDER(self)->object ? static_cast<unsigned long long>(HOLDER(self)->object->id()) : 0;
    lt_unlock_word(&HOLDER(self)->lock);

    return id ? PyUnicode_FromFormat("<%s to id=%llu>", Py_TYPE(self)->tp_name, id)
              : PyUnicode_FromFormat("<%s, released>", Py_TYPE(self)->tp_name);
}

static PyObject *
MyClassRef_get(PyObject *self, PyObject *)
{
    lt_drain(&queue);
    return guarded([&] { return wrap(held(self)); });
}

static PyObject *
MyClassRef_release(PyObject *self, PyObject *)
{
    MyClassRef_clear(self);
    lt_drain(&queue);
    return none();
}

static PyObject *
MyClassRef_emit(PyObject *self, PyObject *arg)
{
    return guarded([&]() -> PyObject * {
        Ptr object = held(self); // on_event may release this very holder
        if (!PyLong_Check(arg))
            return PyErr_Format(PyExc_TypeError, "emit: event must be an int, not '%.200s'",
                                Py_TYPE(arg)->tp_name);
        std::int64_t event = PyLong_AsLongLong(arg);
        if (event == -1 && PyErr_Occurred())
            return nullptr;
        return PyLong_FromLongLong(object->emit(event));
    });
}

/* ---- unattached threads ------------------------------------------------------------------------ */

/* Wait until everything that has been handed over is released, by whatever thread; not for ever:
 * a __del__ may wait for something. */
static void
settle_queue()
{
    lt_drain_until(&queue, 1000000);
}

/* Run work on n threads at once; on this one where the system gives no thread. */
template <class F>
static void
run(int n, F work, bool wait = true)
{
    std::vector<std::thread> threads;

    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < n; i++) {
        try {
            threads.reserve(threads.size() + 1);
            threads.emplace_back(work);
        } catch (const std::exception &) {
            work();
        }
    }
    for (std::thread &thread : threads)
        wait ? thread.join() : thread.detach();
    Py_END_ALLOW_THREADS
    if (wait)
        settle_queue();
    else
        lt_drain(&queue);
}

/* shared_ptrs for threads to drop, each one once. */
struct Drops {
    std::vector<Ptr> objects;
    std::atomic<std::size_t> next{0};

    void some()
    {
        for (std::size_t i; (i = next++) < objects.size();)
            objects[i] = nullptr;
    }
};

static PyObject *
MyClassRef_release_from_goroutine(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char name[] = "locked", *names[] = {name, nullptr};
    int locked = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:release_from_goroutine", names, &locked))
        return nullptr;
    return guarded([&] {
        Ptr last = take(self);
        run(1, [&] {
            std::unique_lock<std::mutex> guard(shapes::lock, std::defer_lock);
            if (locked)
                guard.lock();
            last = nullptr;
        });
        return none();
    });
}

static PyObject *
MyClassRef_wrap_from_goroutines(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char goroutines[] = "goroutines", often[] = "times",
                *names[] = {goroutines, often, nullptr};
    int threads = 4, times = 1000;
    std::atomic<int> failed{0};

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ii:wrap_from_goroutines", names, &threads,
                                     &times))
        return nullptr;
    if (threads < 1 || threads > 1000 || times < 0)
        return PyErr_Format(
            PyExc_ValueError,
            "goroutines must be from 1 to 1000 and times not negative, not %d and %d", threads,
            times);
    return guarded([&]() -> PyObject * {
        Ptr object = held(self);
        run(threads, [&] {
            for (int i = 0; i < times; i++) {
                PyGILState_STATE state = PyGILState_Ensure();
                PyObject *wrapped = wrap(object);
                if (wrapped == nullptr) {
                    PyErr_Clear();
                    failed++;
                }
                Py_XDECREF(wrapped);
                PyGILState_Release(state);
                Ptr another = object;
            }
        });
        return failed ? PyErr_Format(PyExc_RuntimeError, "%d of the wraps failed", failed.load())
                      : none();
    });
}

/* Dropped when the process exits and the interpreter is gone: see module_exec. Never destroyed. */
struct Lates {
    std::mutex lock;
    std::vector<Ptr> objects;
};
static Lates &lates = *new Lates;

static PyObject *
MyClassRef_release_after_python(PyObject *self, PyObject *)
{
    return guarded([&] {
        std::lock_guard<std::mutex> guard(lates.lock);
        lates.objects.reserve(lates.objects.size() + 1);
        lates.objects.push_back(take(self)); // the last reference is not among what this drops
        return none();
    });
}

template <class F>
static PyCFunction
with_keywords(F function)
{
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

static PyMethodDef MyClassRef_methods[] = {
    {"get", MyClassRef_get, METH_NOARGS, nullptr},
    {"release", MyClassRef_release, METH_NOARGS, nullptr},
    {"emit", MyClassRef_emit, METH_O, nullptr},
    {"release_from_goroutine", with_keywords(MyClassRef_release_from_goroutine),
     METH_VARARGS | METH_KEYWORDS, nullptr},
    {"wrap_from_goroutines", with_keywords(MyClassRef_wrap_from_goroutines),
     METH_VARARGS | METH_KEYWORDS, nullptr},
    {"release_after_python", MyClassRef_release_after_python, METH_NOARGS, nullptr},
    {"__reduce_ex__", no_copy, METH_O, nullptr},
    {"__reduce__", no_copy, METH_NOARGS, nullptr},
    {},
};

static PyType_Slot MyClassRef_slots[] = {
    slot(Py_tp_new, MyClassRef_new),
    slot(Py_tp_repr, MyClassRef_repr),
    slot(Py_tp_dealloc, MyClassRef_dealloc),
    slot(Py_tp_traverse, MyClassRef_traverse),
    slot(Py_tp_clear, MyClassRef_clear),
    slot(Py_tp_methods, MyClassRef_methods),
    {},
};

static PyType_Spec MyClassRef_spec = {
    "shared_ptr.MyClassRef", sizeof(holder), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, MyClassRef_slots};

#endif
