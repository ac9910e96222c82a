/* MyClass: the class every strategy gives its wrappers.
 *
 *     class MyClass:
 *         def __new__(cls, *args, **kwargs):     # a native object, owned by the wrapper
 *         def __init__(self, message=None):
 *         def id(self): ...                      # and so on, see methods.c
 *
 * The native object is made in __new__, so that an instance is complete even
 * if a subclass's __init__ raises or does not call super().__init__(). */
#include "methods.h"

#include "_cgo_export.h"

/* ---- creation ----------------------------------------------------------- */

/* The strategy of MyClass or a subclass. The module of MyClass knows it. */
static const pp_strategy *
strategy_of(PyTypeObject *type)
{
    return *(const pp_strategy **)PyType_GetModuleState(lt_native_class(type));
}

/* A native object with one reference, and its wrapper. */
static PyObject *
new_pair(const pp_strategy *strategy, PyTypeObject *type)
{
    PyObject *self;
    pp_header *h;

    pp_drain(strategy);
    self = strategy->new_instance(type);
    if (self == NULL)
        return NULL;
    h = pp_new_native(strategy->state);
    PP_WRAPPER(self)->strategy = strategy;
    PP_HEADER(self) = h;
    PP_EVENT(strategy->state, wrappers_created);
    strategy->adopt(self, h); /* no other thread knows h */
    return self;
}

/* tp_new. __init__ checks the arguments, because a subclass may take any. */
static PyObject *
wrapper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    return new_pair(strategy_of(type), type);
}

static int wrapper_init(PyObject *self, PyObject *args, PyObject *kwargs);

/* tp_vectorcall of MyClass, which Python classes do not inherit: MyClass() without tuples. Any
 * other call, and a call after an assignment to MyClass.__new__ or __init__, is type's own. */
static PyObject *
wrapper_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyTypeObject *type = (PyTypeObject *)callable;
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    PyObject *tuple, *dict = NULL, *self = NULL;

    if (n == 0 && kwnames == NULL && type->tp_new == wrapper_new && type->tp_init == wrapper_init)
        return new_pair(*(const pp_strategy **)PyType_GetModuleState(type), type);
    tuple = PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple && i < n; i++) {
        Py_INCREF(args[i]);
        PyTuple_SET_ITEM(tuple, i, args[i]);
    }
    if (tuple && kwnames && (dict = PyDict_New()) != NULL)
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++)
            if (PyDict_SetItem(dict, PyTuple_GET_ITEM(kwnames, i), args[n + i]) < 0) {
                Py_CLEAR(dict);
                break;
            }
    if (tuple && (kwnames == NULL || dict))
        self = PyType_Type.tp_call(callable, tuple, dict);
    Py_XDECREF(tuple);
    Py_XDECREF(dict);
    return self;
}

PyObject *
pp_alloc_wrapper(pp_state *state, PyTypeObject *type)
{
    PyObject *self = lt_new_quietly(type ? type : state->wrapper_type);

    if (self) {
        PP_WRAPPER(self)->strategy = state->strategy;
        PP_EVENT(state, wrappers_created);
    }
    return self;
}

PyObject *
pp_new_wrapper(pp_state *state, pp_header *h)
{
    PyObject *self = pp_alloc_wrapper(state, NULL);

    if (self == NULL)
        return NULL;
    state->strategy->retain(h);
    PP_HEADER(self) = h;
    if (state->strategy->adopt(self, h))
        return self;
    /* Another thread was first. */
    PP_HEADER(self) = NULL;
    PP_ADD(pp_local_of(state)->wrappers_created, -1);
    Py_DECREF(self);
    state->strategy->release(h);
    return state->strategy->wrap(h);
}

pp_header *
pp_native_slow(PyObject *self)
{
    const pp_strategy *strategy = PP_WRAPPER(self)->strategy;

    if (strategy && strategy->lookup)
        return strategy->lookup->unwrap(self);
    PyErr_Format(PyExc_ReferenceError, "this '%.200s' has no native object: %s",
                 Py_TYPE(self)->tp_name,
                 strategy ? "it is being destroyed" : "it was made without MyClass.__new__");
    return NULL;
}

pp_header *
pp_unwrap(const pp_strategy *strategy, PyObject *op)
{
    PyTypeObject *type = strategy->state->wrapper_type;

    if (!PyObject_TypeCheck(op, type)) {
        PyErr_Format(PyExc_TypeError, "expected %s, not '%.200s'", type->tp_name,
                     Py_TYPE(op)->tp_name);
        return NULL;
    }
    return strategy->lookup ? strategy->lookup->unwrap(op) : pp_native(op);
}

/* tp_init: MyClass(message=None). */
static int
wrapper_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    PyObject *message = Py_None;
    pp_header *h;
    int result;

    if (PyTuple_GET_SIZE(args) == 0 && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0))
        return 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:MyClass", names, &message))
        return -1;
    h = pp_native(self);
    if (h == NULL)
        return -1;
    result = pp_set_message(h, message);
    pp_done(PP_WRAPPER(self)->strategy, h);
    return result;
}

void
pp_done_slow(const pp_strategy *strategy, pp_header *h)
{
    pp_release_keeping_error(strategy, h);
}

int
pp_set_message(pp_header *h, PyObject *message)
{
    Py_ssize_t size;
    const char *text;

    if (message == NULL || message == Py_None)
        return 0;
    if (!PyUnicode_Check(message)) {
        PyErr_Format(PyExc_TypeError, "message must be a str or None, not '%.200s'",
                     Py_TYPE(message)->tp_name);
        return -1;
    }
    text = PyUnicode_AsUTF8AndSize(message, &size);
    if (text == NULL)
        return -1;
    ppGoSetMessage(pp_handle(h), (char *)text, size);
    return 0;
}

/* ---- the class ----------------------------------------------------------- */

static PyObject *
wrapper_repr(PyObject *self)
{
    PyObject *type = (PyObject *)Py_TYPE(self);
    PyObject *module = PyObject_GetAttrString(type, "__module__");
    PyObject *name = module ? PyObject_GetAttrString(type, "__qualname__") : NULL;
    pp_header *h = name ? pp_native(self) : NULL;
    PyObject *result = NULL;

    if (h) {
        result = PyUnicode_FromFormat("<%S.%S id=%llu>", module, name, (unsigned long long)h->id);
        pp_done(PP_WRAPPER(self)->strategy, h);
    }
    else if (name && PyErr_ExceptionMatches(PyExc_ReferenceError)) {
        /* Never raises for an instance without a native object: repr is for debugging. */
        PyErr_Clear();
        result = PyUnicode_FromFormat("<%S.%S, its native object is gone>", module, name);
    }
    Py_XDECREF(name);
    Py_XDECREF(module);
    return result;
}

static PyMemberDef wrapper_members[] = {
    {"__dictoffset__", Py_T_PYSSIZET, offsetof(pp_wrapper, dict), Py_READONLY, NULL},
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(pp_wrapper, weakrefs), Py_READONLY, NULL},
    {NULL},
};

static PyGetSetDef dict_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};

PyGetSetDef pp_class_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"__class__", lt_get_class, lt_set_class, NULL, NULL},
    {NULL},
};

PyDoc_STRVAR(wrapper_doc,
             "MyClass(message=None)\n--\n\n"
             "A native object and its wrapper.\n"
             "\n"
             "MyClass() makes a new native object that carries message. The wrapper owns one\n"
             "native reference to it. The strategy decides what happens when the wrapper dies\n"
             "while native code still holds the object: see the module's GUARANTEES.\n"
             "\n"
             "May be subclassed, has a __dict__ and can be weakly referenced. Cannot be\n"
             "pickled or copied. Raises TypeError if message is neither a str nor None.");

/* The strategy's own value for a slot of MyClass; NULL: it has none. */
static void *
own_slot(const pp_strategy *strategy, int id)
{
    for (const PyType_Slot *slot = strategy->slots; slot->slot; slot++)
        if (slot->slot == id)
            return slot->pfunc;
    return NULL;
}

PyTypeObject *
pp_make_wrapper_type(const pp_strategy *strategy, PyObject *module, const char *module_name)
{
    PyMethodDef *methods = pp_wrapper_methods(own_slot(strategy, Py_tp_methods));
    PyType_Slot slots[24];
    PyType_Spec spec = {
        .basicsize = sizeof(pp_wrapper),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyTypeObject *type;
    int n = 0;

#define SLOT(id, value) slots[n++] = (PyType_Slot){id, (void *)(value)}
    SLOT(Py_tp_doc, wrapper_doc);
    SLOT(Py_tp_new, wrapper_new);
    SLOT(Py_tp_init, wrapper_init);
    SLOT(Py_tp_repr, wrapper_repr);
    SLOT(Py_tp_methods, methods);
    SLOT(Py_tp_members, wrapper_members);
    if (!own_slot(strategy, Py_tp_getset))
        SLOT(Py_tp_getset, dict_getset);
    for (const PyType_Slot *slot = strategy->slots; slot->slot; slot++)
        if (slot->slot != Py_tp_methods)
            SLOT(slot->slot, slot->pfunc);
    SLOT(0, NULL);
#undef SLOT
    if (methods == NULL || (spec.name = pp_join(module_name, "MyClass")) == NULL)
        return NULL;
    type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type && lt_check_class(type) < 0)
        Py_CLEAR(type);
    if (type)
        type->tp_vectorcall = wrapper_vectorcall;
    return type;
}
