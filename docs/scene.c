/* scene: an extension without preservation, for docs/take-home.md to start from. A native
 * scene holds shapes. Python can make shapes, subclass them, put them into the scene and ask
 * for them again; but if it drops a shape meanwhile, it gets a new wrapper. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* ---- the native library ------------------------------------------------------------ */

typedef struct shape {
    long refs; /* native references; each wrapper owns one */
    double size;
} shape;

static void
shape_free(shape *s)
{
    free(s);
}

static void
shape_retain(shape *s)
{
    s->refs++;
}

static void
shape_release(shape *s)
{
    if (--s->refs == 0)
        shape_free(s);
}

static shape *scene[1000]; /* each entry owns a reference */
static int n_shapes;

/* ---- Shape: the wrapper -------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    shape *native;
} wrapper;

static PyTypeObject *Shape;

static shape *
shape_of(PyObject *self)
{
    return ((wrapper *)self)->native;
}

/* Shape(): a new native shape, whose reference the wrapper owns. */
static PyObject *
Shape_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *self = type->tp_alloc(type, 0);
    shape *s = self ? calloc(1, sizeof *s) : NULL;

    if (s == NULL) {
        Py_XDECREF(self);
        return PyErr_NoMemory();
    }
    s->refs = 1;
    ((wrapper *)self)->native = s;
    return self;
}

/* native -> Python. */
static PyObject *
wrap(shape *s)
{
    PyObject *self = Shape->tp_alloc(Shape, 0);

    if (self) {
        shape_retain(s);
        ((wrapper *)self)->native = s;
    }
    return self;
}

static void
Shape_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    if (shape_of(self))
        shape_release(shape_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
Shape_grow(PyObject *self, PyObject *by)
{
    shape_of(self)->size += PyFloat_AsDouble(by);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(shape_of(self)->size);
}

static PyMethodDef Shape_methods[] = {
    {"grow", Shape_grow, METH_O, "grow(by): change the size, and return it"},
    {NULL},
};

static PyType_Slot Shape_slots[] = {
    {Py_tp_new, Shape_new},
    {Py_tp_dealloc, Shape_dealloc},
    {Py_tp_methods, Shape_methods},
    {0, NULL},
};

static PyType_Spec Shape_spec = {
    .name = "scene.Shape",
    .basicsize = sizeof(wrapper),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = Shape_slots,
};

/* ---- the module ---------------------------------------------------------------------- */

static PyObject *
scene_add(PyObject *module, PyObject *arg)
{
    if (!PyObject_TypeCheck(arg, Shape) || n_shapes == 1000)
        return PyErr_Format(PyExc_ValueError, "not a Shape, or the scene is full");
    shape_retain(shape_of(arg));
    scene[n_shapes++] = shape_of(arg);
    Py_RETURN_NONE;
}

static PyObject *
scene_last(PyObject *module, PyObject *unused)
{
    return n_shapes ? wrap(scene[n_shapes - 1]) : PyErr_Format(PyExc_IndexError, "no shape");
}

static PyObject *
scene_clear(PyObject *module, PyObject *unused)
{
    while (n_shapes)
        shape_release(scene[--n_shapes]);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"add", scene_add, METH_O, "add(shape): have the native scene hold it"},
    {"last", scene_last, METH_NOARGS, "last(): the shape that was added last"},
    {"clear", scene_clear, METH_NOARGS, "clear(): release all shapes"},
    {NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scene",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit_scene(void)
{
    PyObject *module = PyModule_Create(&definition);

    Shape = module ? (PyTypeObject *)PyType_FromSpec(&Shape_spec) : NULL;
    if (Shape == NULL || PyModule_AddType(module, Shape) < 0)
        return NULL;
    return module;
}
