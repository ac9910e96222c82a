/* A bare extension module: what each operation costs without lifetime work.
 * In Python:
 *
 *     class MyClass:                      # and a malloc'ed record with its number
 *         def id(self): return self.record.id
 *
 *     class MyClassRef:
 *         def __init__(self, obj): self.obj = obj
 *         def get(self): return self.obj
 *
 * Uses none of the scaffolding, so that a cost of the scaffolding shows in
 * every ratio. */
#include "../../internal/wrapper/wrapper.h"

static pp_state state;

/* Without the GIL each thread takes numbers a thousand at a time, and objects are counted in
 * several places: the floor's threads wait for each other nowhere. */
#ifdef Py_GIL_DISABLED
static _Atomic uint64_t last_block;
static _Thread_local uint64_t next_id, end_id;

static struct {
    _Atomic int64_t live;
    char apart[120];
} places[16];

static _Atomic int last_place;
static _Thread_local int place; /* from 1 */

static uint64_t
new_id(void)
{
    if (next_id == end_id) {
        next_id = atomic_fetch_add(&last_block, 1000) + 1;
        end_id = next_id + 1000;
    }
    return next_id++;
}

static void
count_live(int change)
{
    if (place == 0)
        place = atomic_fetch_add(&last_place, 1) % 16 + 1;
    atomic_fetch_add_explicit(&places[place - 1].live, change, memory_order_relaxed);
}

static int64_t
all_live(void)
{
    int64_t n = 0;

    for (int i = 0; i < 16; i++)
        n += atomic_load(&places[i].live);
    return n;
}
#else
static uint64_t last_id;
static int64_t live;

static uint64_t
new_id(void)
{
    return ++last_id;
}
static void
count_live(int change)
{
    live += change;
}
static int64_t
all_live(void)
{
    return live;
}
#endif

typedef struct {
    PyObject_HEAD
    pp_header *record; /* from malloc, of the size of a native object's header */
    PyObject *dict;
    PyObject *weakrefs;
} floor_object;

/* The record is where pp_holder has the header, for the loops that time it from C. */
typedef struct {
    PyObject_HEAD
    PyObject *obj; /* owned; NULL once released */
    pp_header *record;
#ifdef Py_GIL_DISABLED
    lt_word lock; /* of obj: any thread may release it at any time */
#endif
} floor_ref;

_Static_assert(offsetof(floor_ref, record) == offsetof(pp_holder, header), "the loops look there");

#define OBJECT(op) ((floor_object *)(op))
#define REF(op) ((floor_ref *)(op))

/* ---- MyClass --------------------------------------------------------------- */

static PyObject *
object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *self = type->tp_alloc(type, 0);
    pp_header *record = self ? malloc(sizeof *record) : NULL;

    if (record == NULL) {
        Py_XDECREF(self);
        return self ? PyErr_NoMemory() : NULL;
    }
    record->refs = 1;
    record->id = new_id();
    lt_set_wrapper(&record->slot, self);
    OBJECT(self)->record = record;
    count_live(1);
    return self;
}

static int
object_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return 0;
}

static PyObject *
object_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    if (kwnames || PyVectorcall_NARGS(nargsf)) {
        PyErr_SetString(PyExc_TypeError, "MyClass() takes no arguments");
        return NULL;
    }
    return object_new((PyTypeObject *)type, NULL, NULL);
}

static void
object_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, object_dealloc);
    if (OBJECT(self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    Py_CLEAR(OBJECT(self)->dict);
    if (OBJECT(self)->record) {
        free(OBJECT(self)->record);
        count_live(-1);
    }
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END;
}

static int
object_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(OBJECT(self)->dict);
    return 0;
}

static int
object_clear(PyObject *self)
{
    Py_CLEAR(OBJECT(self)->dict);
    return 0;
}

static PyObject *
object_id(PyObject *self, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(OBJECT(self)->record->id);
}

static PyObject *
object_on_event(PyObject *self, PyObject *event)
{
    Py_INCREF(event);
    return event;
}

static PyMethodDef object_methods[] = {
    {"id", object_id, METH_NOARGS, "id($self, /)\n--\n\nThe object's number."},
    {"on_event", object_on_event, METH_O,
     "on_event($self, event, /)\n--\n\nReturn event; may be overridden."},
    {NULL},
};

static PyMemberDef object_members[] = {
    {"__dictoffset__", Py_T_PYSSIZET, offsetof(floor_object, dict), Py_READONLY, NULL},
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(floor_object, weakrefs), Py_READONLY, NULL},
    {NULL},
};

static PyGetSetDef object_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};

/* ---- MyClassRef -------------------------------------------------------------- */

static PyObject *
new_ref(PyObject *obj)
{
    floor_ref *self = PyObject_GC_New(floor_ref, state.holder_type);
    if (self) {
        Py_INCREF(obj);
        self->obj = obj;
        self->record = OBJECT(obj)->record;
#ifdef Py_GIL_DISABLED
        atomic_init(&self->lock, 0);
#endif
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

static PyObject *
ref_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    if (kwnames || PyVectorcall_NARGS(nargsf) != 1 ||
        !PyObject_TypeCheck(args[0], state.wrapper_type)) {
        PyErr_SetString(PyExc_TypeError, "MyClassRef() takes one MyClass");
        return NULL;
    }
    return new_ref(args[0]);
}

static PyObject *
ref_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    return ref_vectorcall((PyObject *)type, &PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args),
                          NULL);
}

static void
ref_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject *obj = REF(self)->obj;

    PyObject_GC_UnTrack(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
    Py_XDECREF(obj);
}

static int
ref_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(REF(self)->obj);
    return 0;
}

static int
ref_clear(PyObject *self)
{
    Py_CLEAR(REF(self)->obj);
    return 0;
}

#ifdef Py_GIL_DISABLED
#define LOCK(op) lt_lock_word(&REF(op)->lock)
#define UNLOCK(op) lt_unlock_word(&REF(op)->lock)
#else
#define LOCK(op) ((void)0)
#define UNLOCK(op) ((void)0)
#endif

static PyObject *
ref_get(PyObject *self, PyObject *unused)
{
    PyObject *obj;

    LOCK(self);
    obj = REF(self)->obj;
    Py_XINCREF(obj);
    UNLOCK(self);
    if (obj == NULL)
        PyErr_SetString(PyExc_ReferenceError, "this MyClassRef has been released");
    return obj;
}

static PyObject *
ref_release(PyObject *self, PyObject *unused)
{
    PyObject *obj;

    LOCK(self);
    obj = REF(self)->obj;
    REF(self)->obj = NULL;
    UNLOCK(self);
    Py_XDECREF(obj);
    Py_RETURN_NONE;
}

static PyObject *
ref_emit(PyObject *self, PyObject *event)
{
    long long number = PyLong_AsLongLong(event);
    PyObject *obj, *result;

    if (number == -1 && PyErr_Occurred())
        return NULL;
    obj = ref_get(self, NULL);
    if (obj == NULL)
        return NULL;
    result = PyObject_CallMethod(obj, "on_event", "L", number);
    Py_DECREF(obj);
    return result;
}

static PyMethodDef ref_methods[] = {
    {"get", ref_get, METH_NOARGS, "get($self, /)\n--\n\nThe object held."},
    {"release", ref_release, METH_NOARGS, "release($self, /)\n--\n\nRelease the object."},
    {"emit", ref_emit, METH_O, "emit($self, event, /)\n--\n\nCall the object's on_event from C."},
    {NULL},
};

/* ---- the module ----------------------------------------------------------------- */

static PyObject *
floor_live_objects(PyObject *module, PyObject *unused)
{
    return PyLong_FromLongLong(all_live());
}

static PyMethodDef functions[] = {
    {"live_objects", floor_live_objects, METH_NOARGS,
     "live_objects($module, /)\n--\n\nHow many objects are alive now."},
    {NULL},
};

/* Adds MyClass, MyClassRef and the functions. 0, or -1 with an exception. */
static int
fill(PyObject *module)
{
    PyType_Slot object_slots[] = {
        {Py_tp_doc, "MyClass()\n--\n\nAn object without lifetime work."},
        {Py_tp_new, object_new},
        {Py_tp_init, object_init},
        {Py_tp_dealloc, object_dealloc},
        {Py_tp_traverse, object_traverse},
        {Py_tp_clear, object_clear},
        {Py_tp_methods, object_methods},
        {Py_tp_members, object_members},
        {Py_tp_getset, object_getset},
        {0, NULL},
    };
    PyType_Slot ref_slots[] = {
        {Py_tp_doc, "MyClassRef(obj, /)\n--\n\nA Python reference to obj."},
        {Py_tp_new, ref_new},
        {Py_tp_dealloc, ref_dealloc},
        {Py_tp_traverse, ref_traverse},
        {Py_tp_clear, ref_clear},
        {Py_tp_methods, ref_methods},
        {0, NULL},
    };
    PyType_Spec object_spec = {
        .name = "pyobject_preservation.floor.MyClass",
        .basicsize = sizeof(floor_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = object_slots,
    };
    PyType_Spec ref_spec = {
        .name = "pyobject_preservation.floor.MyClassRef",
        .basicsize = sizeof(floor_ref),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = ref_slots,
    };

    state.wrapper_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &object_spec, NULL);
    state.holder_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &ref_spec, NULL);
    if (!state.wrapper_type || !state.holder_type)
        return -1;
    state.wrapper_type->tp_vectorcall = object_vectorcall;
    state.holder_type->tp_vectorcall = ref_vectorcall;
    if (PyModule_AddType(module, state.wrapper_type) < 0 ||
        PyModule_AddType(module, state.holder_type) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}

/* A new reference to the module, made the first time. NULL with an exception. */
PyObject *
pp_floor_module(void)
{
    static PyModuleDef def = {
        PyModuleDef_HEAD_INIT,
        .m_name = "pyobject_preservation.floor",
        .m_size = 0,
    };

    if (state.module == NULL) {
        PyObject *module = PyModule_Create(&def);
        if (module && fill(module) < 0)
            Py_CLEAR(module);
        state.module = module;
    }
    Py_XINCREF(state.module);
    return state.module;
}

/* ---- from C, for the loops -------------------------------------------------------- */

/* native -> Python: the wrapper is there. */
static PyObject *
floor_wrap(pp_header *h)
{
    PyObject *self = lt_wrapper(&h->slot);

    Py_INCREF(self);
    return self;
}

/* A native reference is a Python reference. */
static void
floor_retain(pp_header *h)
{
    Py_INCREF(lt_wrapper(&h->slot));
}

static void
floor_release(pp_header *h)
{
    Py_DECREF(lt_wrapper(&h->slot));
}

static pp_header *
floor_unwrap(PyObject *wrapper)
{
    Py_INCREF(wrapper);
    return OBJECT(wrapper)->record;
}

/* n times one more reference and one less, from a thread without the GIL: each takes it. */
void
pp_floor_retain_release(void *held, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        PyGILState_STATE gil = PyGILState_Ensure();
        floor_retain(held);
        PyGILState_Release(gil);
        gil = PyGILState_Ensure();
        floor_release(held);
        PyGILState_Release(gil);
    }
}

void
pp_floor_release(void **held, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        PyGILState_STATE gil = PyGILState_Ensure();
        floor_release(held[i]);
        PyGILState_Release(gil);
    }
}

static const pp_lookup lookup = {floor_unwrap};

const pp_strategy pp_floor = {
    .name = "floor",
    .state = &state,
    .wrap = floor_wrap,
    .retain = floor_retain,
    .release = floor_release,
    .lookup = &lookup,
};
