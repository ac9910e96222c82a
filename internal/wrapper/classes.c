/* MyClass: the class every strategy gives its wrappers.
 *
 *     class MyClass:
 *         def __new__(cls, *args, **kwargs):     # a native object, owned by the wrapper
 *         def __init__(self, message=None):
 *         def __init_subclass__(cls, **kwargs):  # where the strategy owns subclasses' slots
 *         def id(self): ...                      # and so on, see methods.c
 *
 * The native object is made in __new__, so that a subclass whose __init__
 * raises, or never calls super().__init__(), has a whole object all the same. */
#include "methods.h"

#include "_cgo_export.h"

/* ---- creation ----------------------------------------------------------- */

/* The strategy of MyClass or a subclass. MyClass is the one class of the chain
 * whose base is object, and the one that knows its module. */
static pp_side *
side_of(PyTypeObject *type)
{
    while (type->tp_base != &PyBaseObject_Type)
        type = type->tp_base;
    return *(pp_side **)PyType_GetModuleState(type);
}

static void
own_subclass(pp_side *side, PyTypeObject *type)
{
    if (!side->owns_subclasses || type->tp_dealloc == side->dealloc)
        return;
    type->tp_dealloc = side->dealloc;
    type->tp_traverse = side->traverse;
    type->tp_clear = side->clear;
}

/* tp_new: a native object with one reference, and its wrapper. Arguments are
 * __init__'s business: a subclass may take any. */
static PyObject *
wrapper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    pp_side *side = side_of(type);
    PyObject *self;

    if (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) {
        /* object's tp_new refuses with the names of the methods that are missing. */
        PyObject *none = PyTuple_New(0);
        self = none ? PyBaseObject_Type.tp_new(type, none, NULL) : NULL;
        Py_XDECREF(none);
        return self;
    }
    pp_drain(side);
    /* A subclass whose __init_subclass__ did not call super()'s gets here with
     * CPython's own slots still in place. */
    own_subclass(side, type);
    self = type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    PP_WRAPPER(self)->side = side;
    side->wrappers_created++;
    side->adopt(side, self, pp_new_native(side));
    return self;
}

PyObject *
pp_new_wrapper(pp_side *side, pp_header *h)
{
    PyTypeObject *type = side->wrapper_type;
    PyObject *self = pp_alloc(type);
    if (self == NULL)
        return NULL;
    PP_WRAPPER(self)->side = side;
    pp_retain(side, h);
    side->wrappers_created++;
    side->adopt(side, self, h);
    return self;
}

pp_header *
pp_unwrap(pp_side *side, PyObject *op)
{
    if (!PyObject_TypeCheck(op, side->wrapper_type)) {
        PyErr_Format(PyExc_TypeError, "expected %s, not '%.200s'", side->wrapper_type->tp_name,
                     Py_TYPE(op)->tp_name);
        return NULL;
    }
    return pp_native(side, op);
}

/* tp_init: MyClass(message=None). */
static int
wrapper_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    PyObject *message = Py_None;
    pp_header *h;

    if (PyTuple_GET_SIZE(args) == 0 && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0))
        return 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:MyClass", names, &message))
        return -1;
    h = pp_native(PP_WRAPPER(self)->side, self);
    return h ? pp_set_message(h, message) : -1;
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
    ppGoSetMessage(h->handle, (char *)text, size);
    return 0;
}

/* __init_subclass__: give the new class the strategy's slots, then go on with
 * super().__init_subclass__(**kwargs). */
PyObject *
pp_wrapper_init_subclass(PyObject *cls, PyObject *args, PyObject *kwargs)
{
    pp_side *side = side_of((PyTypeObject *)cls);
    PyObject *super, *next, *result;

    own_subclass(side, (PyTypeObject *)cls);
    super = PyObject_CallFunctionObjArgs((PyObject *)&PySuper_Type, (PyObject *)side->wrapper_type,
                                         cls, NULL);
    if (super == NULL)
        return NULL;
    next = PyObject_GetAttrString(super, "__init_subclass__");
    Py_DECREF(super);
    if (next == NULL)
        return NULL;
    result = PyObject_Call(next, args, kwargs);
    Py_DECREF(next);
    return result;
}

/* ---- slots for strategies that do nothing special at death --------------- */

/* tp_dealloc, the order of death of any Python object: out of gc's sight, weak
 * references, dict, and only then what the object stood for, so that a weak
 * reference callback still finds the native object whole. CPython's own slot
 * for subclasses has run __del__ and cleared __slots__ before it calls this. */
void
pp_plain_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    pp_side *side = PP_WRAPPER(self)->side;
    destructor outermost = side && side->dealloc ? side->dealloc : pp_plain_dealloc;

    /* A __del__ that was assigned to MyClass itself; CPython's slot has run a subclass's. */
    if (side && type == side->wrapper_type && type->tp_finalize && !side->finalize &&
        PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    /* The trashcan is for the outermost tp_dealloc: CPython's own, in a
     * subclass, else the one that the class has. A plain name, because the
     * macro of 3.13 does not put its argument in parentheses. */
    Py_TRASHCAN_BEGIN(self, outermost)
    if (side && side->dying)
        side->dying(side, self);
    if (PP_WRAPPER(self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    Py_CLEAR(PP_WRAPPER(self)->dict);
    if (side) {
        side->drop(side, self);
        side->wrappers_freed++;
    }
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* tp_traverse: all that the wrapper refers to, its type included. */
int
pp_plain_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(PP_WRAPPER(self)->dict);
    return pp_visit_callback(self, visit, arg);
}

/* tp_clear: break cycles; the native object stays. */
int
pp_plain_clear(PyObject *self)
{
    Py_CLEAR(PP_WRAPPER(self)->dict);
    pp_clear_callback(self);
    return 0;
}

/* ---- what CPython's own subclass slots would do -------------------------- */

/* CPython keeps a class's __slots__ as its tp_members, one entry a slot.
 * Calling its own subtype_traverse instead is impossible: it looks for itself
 * in tp_traverse to find out where the subclass part of the object ends, and
 * does not find itself any more. */
int
pp_visit_slots(pp_side *side, PyObject *self, visitproc visit, void *arg)
{
    for (PyTypeObject *t = Py_TYPE(self); t != side->wrapper_type; t = t->tp_base)
        for (PyMemberDef *m = t->tp_members; m && m->name; m++)
            if (m->type == Py_T_OBJECT_EX && !(m->flags & Py_READONLY))
                Py_VISIT(*(PyObject **)((char *)self + m->offset));
    return 0;
}

void
pp_clear_slots(pp_side *side, PyObject *self)
{
    for (PyTypeObject *t = Py_TYPE(self); t != side->wrapper_type; t = t->tp_base)
        for (PyMemberDef *m = t->tp_members; m && m->name; m++)
            if (m->type == Py_T_OBJECT_EX && !(m->flags & Py_READONLY))
                Py_CLEAR(*(PyObject **)((char *)self + m->offset));
}

/* ---- the class ----------------------------------------------------------- */

static PyObject *
wrapper_repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__qualname__");
    PyObject *module = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__module__");
    PyObject *result = NULL;
    pp_header *h;

    if (name && module) {
        h = pp_native(PP_WRAPPER(self)->side, self);
        if (h)
            result = PyUnicode_FromFormat("<%S.%S id=%llu>", module, name, (unsigned long long)h->id);
        else if (PyErr_ExceptionMatches(PyExc_ReferenceError)) {
            /* repr is for looking at things, broken ones most of all. */
            PyErr_Clear();
            result = PyUnicode_FromFormat("<%S.%S, its native object is gone>", module, name);
        }
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

static PyObject *
wrapper_get_class(PyObject *self, void *unused)
{
    Py_INCREF(Py_TYPE(self));
    return (PyObject *)Py_TYPE(self);
}

/* obj.__class__ = cls: as object has it, but first cls gets the strategy's slots. It may
 * lack them if its __init_subclass__ did not call super()'s and it has no instance yet. */
static int
wrapper_set_class(PyObject *self, PyObject *cls, void *unused)
{
    pp_side *side = PP_WRAPPER(self)->side;
    PyObject *dict, *class = NULL;
    int failed = -1;

    if (side && cls && PyType_Check(cls) && PyType_IsSubtype((PyTypeObject *)cls, side->wrapper_type))
        own_subclass(side, (PyTypeObject *)cls);
    dict = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, "__dict__");
    if (dict)
        class = PyMapping_GetItemString(dict, "__class__");
    if (class)
        failed = Py_TYPE(class)->tp_descr_set(class, self, cls);
    Py_XDECREF(dict);
    Py_XDECREF(class);
    return failed;
}

static PyGetSetDef wrapper_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"__class__", wrapper_get_class, wrapper_set_class, NULL, NULL},
    {NULL},
};

PyDoc_STRVAR(wrapper_doc,
"MyClass(message=None)\n--\n\n"
"A native object and the wrapper that stands for it.\n"
"\n"
"MyClass() makes a new native object that carries message. The wrapper owns one\n"
"native reference to it. What happens when the wrapper dies while native code\n"
"still holds the object is the strategy's affair: see the module's GUARANTEES.\n"
"\n"
"May be subclassed, has a __dict__ and can be weakly referenced. Cannot be\n"
"pickled or copied. Raises TypeError if message is neither a str nor None.");

PyTypeObject *
pp_make_wrapper_type(pp_side *side, PyObject *module, const char *module_name)
{
    PyMethodDef *methods = pp_wrapper_methods(side);
    PyType_Slot slots[24];
    PyType_Spec spec = {
        .basicsize = sizeof(pp_wrapper),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    int n = 0;

#define SLOT(id, value) slots[n++] = (PyType_Slot){id, (void *)(value)}
    SLOT(Py_tp_doc, wrapper_doc);
    SLOT(Py_tp_new, wrapper_new);
    SLOT(Py_tp_init, wrapper_init);
    SLOT(Py_tp_dealloc, side->dealloc ? side->dealloc : pp_plain_dealloc);
    SLOT(Py_tp_traverse, side->traverse ? side->traverse : pp_plain_traverse);
    SLOT(Py_tp_clear, side->clear ? side->clear : pp_plain_clear);
    SLOT(Py_tp_repr, wrapper_repr);
    SLOT(Py_tp_methods, methods);
    SLOT(Py_tp_members, wrapper_members);
    SLOT(Py_tp_getset, wrapper_getset);
    if (side->finalize)
        SLOT(Py_tp_finalize, side->finalize);
    if (side->richcompare)
        SLOT(Py_tp_richcompare, side->richcompare);
    if (side->hash)
        SLOT(Py_tp_hash, side->hash);
    SLOT(0, NULL);
#undef SLOT
    if (methods == NULL || (spec.name = pp_join(module_name, "MyClass")) == NULL)
        return NULL;
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
}
