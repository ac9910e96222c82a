/* MyClassRef: a Python object that owns one native reference. It represents
 * native code.
 *
 *     class MyClassRef:
 *         def __new__(cls, obj):   # obj: a MyClass of the same strategy
 *         def get(self): ...
 *         def release(self): ...
 */
#include "methods.h"

#include "_cgo_export.h"

PyObject *
pp_new_holder(const pp_strategy *strategy, pp_header *h)
{
    pp_holder *self = PyObject_GC_New(pp_holder, strategy->state->holder_type);
    if (self == NULL) {
        strategy->release(h);
        return NULL;
    }
    self->strategy = strategy;
    self->header = h;
#ifdef Py_GIL_DISABLED
    atomic_init(&self->lock, 0);
#endif
    if (strategy->holders)
        strategy->holders->made(h);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

void
pp_release_keeping_error(const pp_strategy *strategy, pp_header *h)
{
    PyObject *type, *value, *tb;

    PyErr_Fetch(&type, &value, &tb);
    strategy->release(h);
    PyErr_Restore(type, value, tb);
}

/* tp_vectorcall, and tp_new for explicit calls: MyClassRef(obj, /). */
static PyObject *
holder_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    const pp_strategy *strategy =
        *(const pp_strategy **)PyType_GetModuleState((PyTypeObject *)type);
    pp_header *h;

    if (kwnames && PyTuple_GET_SIZE(kwnames)) {
        PyErr_SetString(PyExc_TypeError, "MyClassRef() takes no keyword arguments");
        return NULL;
    }
    if (PyVectorcall_NARGS(nargsf) != 1) {
        PyErr_Format(PyExc_TypeError,
                     "MyClassRef() takes exactly one argument, a MyClass (%zd given)",
                     PyVectorcall_NARGS(nargsf));
        return NULL;
    }
    PP_ACCESS();
    pp_drain(strategy);
    h = pp_unwrap(strategy, args[0]);
    if (h == NULL)
        return NULL;
    if (!strategy->lookup) /* else the look-up has taken it */
        strategy->retain(h);
    return pp_new_holder(strategy, h);
}

static PyObject *
holder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *names = kwargs ? PySequence_Tuple(kwargs) : NULL, *result;

    if (kwargs && names == NULL)
        return NULL;
    result = holder_vectorcall((PyObject *)type, ((PyTupleObject *)args)->ob_item,
                               PyTuple_GET_SIZE(args), names);
    Py_XDECREF(names);
    return result;
}

/* Take the native reference out of the holder. */
pp_header *
pp_take_from_holder(pp_holder *self)
{
    pp_header *h;

    pp_lock_holder((PyObject *)self);
    h = self->header;
    self->header = NULL;
    pp_unlock_holder((PyObject *)self);
    if (h && self->strategy->holders)
        self->strategy->holders->gone(h);
    return h;
}

/* tp_dealloc: release the native reference. Untracked first: what follows may
 * run any Python code. */
static void
holder_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    pp_header *h;

    PyObject_GC_UnTrack(self);
    h = pp_take_from_holder(PP_HOLDER(self));
    PyObject_GC_Del(self);
    Py_DECREF(type);
    if (h)
        strategy->release(h);
}

/* tp_traverse: the type, and what the strategy lets gc see through the native
 * object. */
static int
holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;

    Py_VISIT(Py_TYPE(self));
    if (strategy->visit && PP_HOLDER(self)->header)
        return strategy->visit(PP_HOLDER(self)->header, self, visit, arg);
    return 0;
}

/* tp_clear: the reference that tp_traverse showed. */
static int
holder_clear(PyObject *self)
{
    pp_header *h = pp_take_from_holder(PP_HOLDER(self));
    if (h)
        PP_HOLDER(self)->strategy->release(h);
    return 0;
}

static PyObject *
released(void)
{
    PyErr_SetString(PyExc_ReferenceError,
                    "this MyClassRef has been released; it no longer holds a native object");
    return NULL;
}

pp_header *
pp_retain_held(PyObject *self)
{
    pp_header *h;

    PP_ACCESS();
    pp_lock_holder(self);
    h = PP_HOLDER(self)->header;
    if (h)
        PP_HOLDER(self)->strategy->retain(h);
    pp_unlock_holder(self);
    return h ? h : (pp_header *)released();
}

static PyObject *
holder_repr(PyObject *self)
{
    pp_header *h;
    uint64_t id;

    pp_lock_holder(self);
    h = PP_HOLDER(self)->header;
    id = h ? h->id : 0;
    pp_unlock_holder(self);
    if (h == NULL)
        return PyUnicode_FromFormat("<%s, released>", Py_TYPE(self)->tp_name);
    return PyUnicode_FromFormat("<%s to id=%llu>", Py_TYPE(self)->tp_name, (unsigned long long)id);
}

PyDoc_STRVAR(get_doc,
             "get($self, /)\n--\n\n"
             "Wrap: the Python object for the native object held. Whether it is the same as\n"
             "before depends on the strategy. Raises ReferenceError after release().");

#ifdef Py_GIL_DISABLED
/* Another thread may release the holder at any time. A live wrapper is returned with the holder
 * locked; before it makes one it takes a native reference. */
static PyObject *
holder_get(PyObject *self, PyObject *unused)
{
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    PyObject *wrapper = NULL;
    pp_header *h;

    PP_ACCESS();
    pp_drain(strategy);
    pp_lock_holder(self);
    h = PP_HOLDER(self)->header;
    if (h && strategy->live)
        wrapper = strategy->live(h);
    if (h && !wrapper)
        strategy->retain(h);
    pp_unlock_holder(self);
    if (h == NULL)
        return released();
    if (wrapper == NULL) {
        wrapper = strategy->wrap(h);
        pp_release_keeping_error(strategy, h);
    }
    return wrapper;
}
#else
/* Apart, so that holder_get needs no stack frame. */
__attribute__((noinline, cold)) static PyObject *
get_after_drain(PyObject *self)
{
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    pp_header *h;

    pp_drain(strategy); /* may release the holder */
    h = PP_HOLDER(self)->header;
    return h ? strategy->wrap(h) : released();
}

static PyObject *
holder_get(PyObject *self, PyObject *unused)
{
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    pp_header *h;

    PP_ACCESS();
    h = PP_HOLDER(self)->header;
    if (h == NULL || lt_drain_requested(&strategy->state->queue))
        return get_after_drain(self);
    return strategy->wrap(h);
}
#endif

PyDoc_STRVAR(release_doc,
             "release($self, /)\n--\n\n"
             "Release the native reference now. May be called again, to no effect; get() and\n"
             "emit() raise ReferenceError from then on.");

static PyObject *
holder_release(PyObject *self, PyObject *unused)
{
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    pp_header *h = pp_take_from_holder(PP_HOLDER(self));

    if (h)
        strategy->release(h);
    pp_drain(strategy);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(release_from_goroutine_doc,
             "release_from_goroutine($self, /, *, locked=False)\n--\n\n"
             "Like release(), but a goroutine releases the native reference that does\n"
             "not hold the GIL. Other Python threads run meanwhile. Returns when it is done.\n"
             "The release itself is complete, too, unless that takes longer than a second.\n"
             "\n"
             "locked: the goroutine holds a lock of the native library meanwhile, the one that\n"
             "synchronize() takes. Raises RuntimeError in a forked process.");

PyDoc_STRVAR(wrap_from_goroutines_doc,
             "wrap_from_goroutines($self, /, goroutines=4, times=1000)\n--\n\n"
             "Have native code use the object on goroutines, all at the same time: each takes a\n"
             "native reference, and times over wraps the object with the GIL, drops the wrapper,\n"
             "and takes and releases another reference without the GIL. Returns when all are\n"
             "done. Raises RuntimeError in a forked process.");

PyDoc_STRVAR(release_after_python_doc,
             "release_after_python($self, /)\n--\n\n"
             "Like release(), but native code releases the reference when the process exits,\n"
             "after the interpreter has gone.");

PyDoc_STRVAR(emit_doc,
             "emit($self, event, /)\n--\n\n"
             "Have native code deliver event, an int of 64 bits, to the object: Go calls the\n"
             "wrapper's on_event, as a native callback would, and its answer is returned.\n"
             "Raises whatever on_event raises, and ReferenceError after release().");

static PyObject *
holder_emit(PyObject *self, PyObject *arg)
{
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    int64_t event, answer;
    pp_header *h;
    int failed;

    if (!PyLong_Check(arg)) {
        PyErr_Format(PyExc_TypeError, "emit: event must be an int, not '%.200s'",
                     Py_TYPE(arg)->tp_name);
        return NULL;
    }
    event = PyLong_AsLongLong(arg);
    if (event == -1 && PyErr_Occurred())
        return NULL;
    h = pp_retain_held(self); /* on_event may release this very holder */
    if (h == NULL)
        return NULL;
    failed = ppGoEmit(pp_handle(h), event, &answer);
    pp_release_keeping_error(strategy, h);
    return failed ? NULL : PyLong_FromLongLong(answer);
}

static PyObject *
call_on_event(const pp_strategy *strategy, PyObject *self, int64_t event)
{
    PyObject *arguments[] = {self, PyLong_FromLongLong(event)}, *result;

    if (arguments[1] == NULL)
        return NULL;
    result = PyObject_VectorcallMethod(strategy->state->on_event, arguments, 2, NULL);
    Py_DECREF(arguments[1]);
    return result;
}

static int
dispatch(const pp_strategy *strategy, pp_header *h, int64_t event, int64_t *answer)
{
    PyObject *self = pp_callback(h), *result;
    long long value;

    if (self) /* our reference, for the call: the callback may replace itself */
        result = PyObject_CallFunction(self, "L", (long long)event);
    else {
        self = strategy->wrap(h);
        if (self == NULL)
            return -1;
        result = call_on_event(strategy, self, event);
    }
    Py_DECREF(self);
    if (result == NULL)
        return -1;
    if (!PyLong_Check(result)) {
        PyErr_Format(PyExc_TypeError,
                     "on_event, or the callback in its place, must return an int, not '%.200s'",
                     Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return -1;
    }
    value = PyLong_AsLongLong(result);
    Py_DECREF(result);
    *answer = value;
    return value == -1 && PyErr_Occurred() ? -1 : 0;
}

pp_answer
pp_dispatch(uintptr_t strategy, uintptr_t header, int64_t event)
{
    pp_answer a = {event, 0, NULL}; /* as in a library that has been disarmed */
    int attached = lt_attached();
    pp_gil gil = pp_gil_take();

    if (gil == 0)
        return a;
    a.failed = pp_enter_handler();
    if (!a.failed) {
        a.failed = dispatch((const pp_strategy *)strategy, (pp_header *)header, event, &a.answer);
        pp_leave_handler();
    }
    if (a.failed && !attached)
        a.error = pp_take_error();
    pp_gil_give(gil);
    return a;
}

static PyObject *
holder_reduce(PyObject *self, PyObject *unused)
{
    PyErr_Format(PyExc_TypeError,
                 "cannot pickle or copy '%.200s' object: it is one native reference; make another "
                 "with MyClassRef(ref.get())",
                 Py_TYPE(self)->tp_name);
    return NULL;
}

PyDoc_STRVAR(reduce_doc, "__reduce_ex__($self, protocol, /)\n--\n\n"
                         "Raise TypeError: a native reference cannot be pickled or copied.");

static PyMethodDef holder_methods[] = {
    {"get", holder_get, METH_NOARGS, get_doc},
    {"release", holder_release, METH_NOARGS, release_doc},
    {"release_from_goroutine", (PyCFunction)(void (*)(void))pp_holder_release_from_goroutine,
     METH_VARARGS | METH_KEYWORDS, release_from_goroutine_doc},
    {"wrap_from_goroutines", (PyCFunction)(void (*)(void))pp_holder_wrap_from_goroutines,
     METH_VARARGS | METH_KEYWORDS, wrap_from_goroutines_doc},
    {"release_after_python", pp_holder_release_after_python, METH_NOARGS, release_after_python_doc},
    {"emit", holder_emit, METH_O, emit_doc},
    {"__reduce_ex__", holder_reduce, METH_O, reduce_doc},
    {"__reduce__", holder_reduce, METH_NOARGS,
     PyDoc_STR("__reduce__($self, /)\n--\n\nRaise TypeError, as __reduce_ex__ does.")},
    {NULL},
};

PyDoc_STRVAR(holder_doc,
             "MyClassRef(obj, /)\n--\n\n"
             "A native reference, held by native code, to the native object of obj, a MyClass.\n"
             "It keeps the native object alive, not the wrapper.\n"
             "\n"
             "The reference is released by release(), or when the MyClassRef dies. Cannot\n"
             "be subclassed, pickled or copied. Raises TypeError for anything but a MyClass of\n"
             "the same strategy.");

PyTypeObject *
pp_make_holder_type(const pp_strategy *strategy, PyObject *module, const char *module_name)
{
    PyType_Slot slots[] = {
        {Py_tp_doc, (void *)holder_doc}, {Py_tp_new, holder_new},
        {Py_tp_dealloc, holder_dealloc}, {Py_tp_traverse, holder_traverse},
        {Py_tp_clear, holder_clear},     {Py_tp_repr, holder_repr},
        {Py_tp_methods, holder_methods}, {0, NULL},
    };
    PyType_Spec spec = {
        .basicsize = sizeof(pp_holder),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    PyTypeObject *type;

    spec.name = pp_join(module_name, "MyClassRef");
    if (spec.name == NULL)
        return NULL;
    type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type)
        type->tp_vectorcall = holder_vectorcall;
    return type;
}
