/* minimal_toggleref.c: a complete extension module whose native code owns a Python reference
 * to the wrapper while it holds the native object.
 *
 *     cc -O2 -shared -fPIC $(python3-config --includes) minimal_toggleref.c \
 *         -o minimal_toggleref$(python3-config --extension-suffix)
 *
 *     >>> from minimal_toggleref import MyClass, MyClassRef
 *     >>> a = MyClass(); a.x = 1
 *     >>> ref = MyClassRef(a)     # native code holds the native object
 *     >>> del a                   # the wrapper lives on: native code owns a reference to it
 *     >>> ref.get().x             # the same PyObject
 *     1
 *
 * With and without the GIL. All native code here runs on attached threads. complete_toggleref.c
 * has unattached threads, native edges, callbacks, exit and fork. */
#include "../lifetime/lifetime.h"

/* ---- the native object: any library's, with a count of its own ----------------------- */

typedef struct node {
    _Atomic int64_t refs; /* native references; a wrapper owns one of them */
    lt_slot slot;         /* for the wrapper; zero at birth */
    long long id;
} node;

/* A new node with one reference, which the caller owns. */
static node *
node_new(void)
{
    static _Atomic(long long) last_id;
    node *n = calloc(1, sizeof *n);
    if (n == NULL)
        return (node *)PyErr_NoMemory();
    n->refs = 1;
    n->id = ++last_id;
    return n;
}

/* ---- what toggleref.h asks for ---------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    node *native; /* owns a reference; NULL until tp_new is done */
    PyObject *dict, *weakrefs;
} wrapper;

typedef struct node toggleref_native;
static inline node *
toggleref_of(PyObject *self)
{
    return ((wrapper *)self)->native;
}
static inline lt_slot *
toggleref_slot(node *n)
{
    return &n->slot;
}
static inline int64_t
toggleref_refs(node *n)
{
    return n->refs;
}
static inline int64_t
toggleref_inc(node *n)
{
    return ++n->refs;
}
static inline int64_t
toggleref_dec(node *n)
{
    return --n->refs;
}
static inline void
toggleref_free(node *n)
{
    free(n);
}
static PyObject *toggleref_make(node *n);
#include "../toggleref/toggleref.h"

/* ---- MyClass: the wrapper -------------------------------------------------------------- */

static PyTypeObject *MyClass, *MyClassRef;

/* tp_new makes the node, so that a subclass's __init__ need not call super()'s. */
static PyObject *
MyClass_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *self = toggleref_new(type);
    if (self && (((wrapper *)self)->native = node_new()))
        toggleref_adopt(self, toggleref_of(self)); /* with node_new's reference; true */
    else
        Py_CLEAR(self);
    return self;
}

/* The first wrapper of a node that was born in native code. Without the GIL another thread may
 * be making it at the same time; then adopt says no, and ours is dropped. */
static PyObject *
toggleref_make(node *n)
{
    PyObject *self = lt_new_quietly(MyClass);
    if (self == NULL)
        return NULL;
    toggleref_retain(n);
    ((wrapper *)self)->native = n;
    if (toggleref_adopt(self, n))
        return self;
    ((wrapper *)self)->native = NULL;
    Py_DECREF(self);
    toggleref_release(n); /* the caller has another */
    return toggleref_wrap(n);
}

/* The node of a MyClass, borrowed. An instance that object.__new__ made has none. */
static node *
unwrap(PyObject *op)
{
    if (PyObject_TypeCheck(op, MyClass) && toggleref_of(op))
        return toggleref_of(op);
    PyErr_Format(PyExc_TypeError, "'%.200s' has no native object", Py_TYPE(op)->tp_name);
    return NULL;
}

static PyObject *
MyClass_id(PyObject *self, PyObject *unused)
{
    node *n = unwrap(self);
    return n ? PyLong_FromLongLong(n->id) : NULL;
}

static PyMethodDef MyClass_methods[] = {{"id", MyClass_id, METH_NOARGS, NULL}, {0}};
static PyMemberDef MyClass_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(wrapper, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(wrapper, weakrefs), READONLY, NULL},
    {0}};
static PyGetSetDef MyClass_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL}, {0}};
static PyType_Slot MyClass_slots[] = {{Py_tp_new, MyClass_new},
                                      {Py_tp_dealloc, toggleref_dealloc},
                                      {Py_tp_traverse, toggleref_traverse},
                                      {Py_tp_clear, toggleref_clear},
                                      {Py_tp_methods, MyClass_methods},
                                      {Py_tp_members, MyClass_members},
                                      {Py_tp_getset, MyClass_getset},
                                      {0, NULL}};
static PyType_Spec MyClass_spec = {"minimal_toggleref.MyClass", sizeof(wrapper), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                                   MyClass_slots};

/* ---- MyClassRef: a holder, a native reference whose owner gc can traverse -------------- */

typedef struct {
    PyObject_HEAD
    node *native; /* owns a reference; NULL after release() */
    lt_word lock; /* of native: without the GIL another thread may release() at any time */
} holder;

/* The holder's node and a reference for the caller, another one or its own; or NULL. */
static node *
held(PyObject *self, bool take)
{
    holder *h = (holder *)self;
    lt_lock_word(&h->lock);
    node *n = h->native;
    if (take)
        h->native = NULL;
    else if (n)
        toggleref_retain(n);
    lt_unlock_word(&h->lock);
    return n;
}

static PyObject *
hold(node *n)
{
    PyObject *self = MyClassRef->tp_alloc(MyClassRef, 0);
    if (self) {
        toggleref_retain(n);
        toggleref_holder_made(n);
        ((holder *)self)->native = n;
    }
    return self;
}

static PyObject *
MyClassRef_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *op;
    node *n = PyArg_ParseTuple(args, "O:MyClassRef", &op) ? unwrap(op) : NULL;
    return n ? hold(n) : NULL;
}

/* It shows gc its Python reference to the wrapper: a cycle through the two is garbage. */
static int
MyClassRef_traverse(PyObject *self, visitproc visit, void *arg)
{
    node *n = ((holder *)self)->native;
    Py_VISIT(Py_TYPE(self));
    return n ? toggleref_visit(n, self, visit, arg) : 0;
}

static int
MyClassRef_clear(PyObject *self)
{
    node *n = held(self, true); /* first: a release runs any Python code */
    if (n) {
        toggleref_holder_gone(n);
        toggleref_release(n);
    }
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
MyClassRef_get(PyObject *self, PyObject *unused)
{
    node *n = held(self, false);
    PyObject *result, *type, *value, *tb;
    if (n == NULL)
        return PyErr_Format(PyExc_ReferenceError, "it has been released");
    result = toggleref_wrap(n);
    PyErr_Fetch(&type, &value, &tb); /* a release runs any Python code */
    toggleref_release(n);
    PyErr_Restore(type, value, tb);
    return result;
}

static PyObject *
MyClassRef_release(PyObject *self, PyObject *unused)
{
    MyClassRef_clear(self);
    Py_RETURN_NONE;
}

static PyMethodDef MyClassRef_methods[] = {{"get", MyClassRef_get, METH_NOARGS, NULL},
                                           {"release", MyClassRef_release, METH_NOARGS, NULL},
                                           {0}};
static PyType_Slot MyClassRef_slots[] = {
    {Py_tp_new, MyClassRef_new},           {Py_tp_dealloc, MyClassRef_dealloc},
    {Py_tp_traverse, MyClassRef_traverse}, {Py_tp_clear, MyClassRef_clear},
    {Py_tp_methods, MyClassRef_methods},   {0, NULL}};
static PyType_Spec MyClassRef_spec = {"minimal_toggleref.MyClassRef", sizeof(holder), 0,
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, MyClassRef_slots};

/* ---- the module: of the main interpreter, as it keeps its classes in static variables -- */

static PyObject *
new_native(PyObject *module, PyObject *unused)
{
    node *n = node_new();
    PyObject *ref = n ? hold(n) : NULL;
    if (n)
        toggleref_release(n);
    return ref;
}

static PyMethodDef functions[] = {{"new_native", new_native, METH_NOARGS, NULL}, {0}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "minimal_toggleref", .m_size = -1,
                                 .m_methods = functions};

PyMODINIT_FUNC
PyInit_minimal_toggleref(void)
{
    PyObject *m = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
    if (m)
        PyUnstable_Module_SetGIL(m, Py_MOD_GIL_NOT_USED);
#endif
    if (m && (!(MyClass = (PyTypeObject *)PyType_FromModuleAndSpec(m, &MyClass_spec, NULL)) ||
              !(MyClassRef = (PyTypeObject *)PyType_FromModuleAndSpec(m, &MyClassRef_spec, NULL)) ||
              PyModule_AddType(m, MyClass) < 0 || PyModule_AddType(m, MyClassRef) < 0))
        Py_CLEAR(m);
    return m;
}
