// GObjects, bound by PyGObject itself. The private data is attached to the object
// under a name.
#include <pygobject.h>

class MyClass;
namespace {
class object {
  public:
    object() = default;
    explicit object(GObject *o) : o_(o ? G_OBJECT(g_object_ref(o)) : nullptr)
    {
    }
    object(const object &other) : object(other.o_)
    {
    }
    object(object &&other) noexcept : o_(other.o_)
    {
        other.o_ = nullptr;
    }
    object &operator=(object other)
    {
        std::swap(o_, other.o_);
        return *this;
    }
    ~object()
    {
        if (o_)
            g_object_unref(o_);
    }

    static object make(MyClass *data);
    static MyClass *data(GObject *o)
    {
        return o ? static_cast<MyClass *>(g_object_get_data(o, "MyClass")) : nullptr;
    }
    MyClass *data() const
    {
        return data(o_);
    }
    PyObject *wrap() const
    {
        return pygobject_new(o_);
    }
    static bool check(PyObject *wrapper)
    {
        if (PyObject_TypeCheck(wrapper, _PyGObject_API->object_type) && pygobject_get(wrapper))
            return true;
        PyErr_Format(PyExc_TypeError, "a MyClass is wanted, a GObject, not '%.100s'",
                     Py_TYPE(wrapper)->tp_name);
        return false;
    }
    static MyClass *peek(PyObject *wrapper)
    {
        return check(wrapper) ? data(pygobject_get(wrapper)) : nullptr;
    }
    static bool unwrap(PyObject *wrapper, object *into)
    {
        if (!check(wrapper))
            return false;
        *into = object(pygobject_get(wrapper));
        return true;
    }
    explicit operator bool() const
    {
        return o_;
    }
    bool operator==(const object &other) const
    {
        return o_ == other.o_;
    }

  private:
    GObject *o_ = nullptr;
};
} // namespace
#define FOREIGN object
#include "foreign.h"

namespace {

void
attach(GObject *o, MyClass *data)
{
    g_object_set_data_full(o, "MyClass", data,
                           [](gpointer p) { delete static_cast<MyClass *>(p); });
}

object
object::make(MyClass *data)
{
    object made;
    made.o_ = G_OBJECT(g_object_new(G_TYPE_OBJECT, nullptr));
    attach(made.o_, data);
    return made;
}

// Give a GObject that Python has just made its private data.
PyObject *
attach_(PyObject *, PyObject *wrapper)
{
    object o;
    if (!object::unwrap(wrapper, &o))
        return nullptr;
    if (!o.data())
        attach(pygobject_get(wrapper), new MyClass());
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {{"attach", attach_, METH_O, ""}, FOREIGN_METHODS};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "gobject_object", nullptr, -1, methods};

} // namespace

#define INIT2(name) PyInit_##name
#define INIT(name) INIT2(name)
PyMODINIT_FUNC
INIT(MODULE)()
{
    return pygobject_init(3, 42, 0) ? add_holder(PyModule_Create(&module)) : nullptr;
}
