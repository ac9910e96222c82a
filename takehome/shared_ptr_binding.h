/* shared_ptr_binding.h: the Python classes of shared_ptr.cpp, which includes it.
 *
 *     MyClass, Circle(MyClass), Square(MyClass)   wrappers, by the object's dynamic type
 *     MyClassRef                                  a holder: one shared_ptr
 *     module                                      new_native, live_objects, stats, ...
 *
 * No C++ exception leaves a function that Python calls: see guarded. */
#ifndef SHARED_PTR_BINDING_H
#define SHARED_PTR_BINDING_H

struct PythonError : std::exception {}; // the exception is set in Python

template <class F>
static PyObject *
guarded(F function)
{
    try {
        return function();
    } catch (const PythonError &) {
        return nullptr;
    } catch (const std::bad_alloc &) {
        return PyErr_NoMemory();
    } catch (const std::exception &e) {
        return PyErr_Format(PyExc_RuntimeError, "%s", e.what());
    }
}

static PyObject *
none()
{
    Py_RETURN_NONE;
}

/* ---- MyClass -------------------------------------------------------------------------------- */

/* false: another thread was first, and self has no Bond. */
static bool
attach(PyObject *self, Bond *b)
{
    reinterpret_cast<wrapper *>(self)->native = b;
    if (!toggleref_adopt(self, b)) {
        reinterpret_cast<wrapper *>(self)->native = nullptr;
        return false;
    }
    wrappers_created++;
    return true;
}

static PyObject *
MyClass_new(PyTypeObject *type, PyObject *, PyObject *)
{
    PyTypeObject *native = lt_native_class(type);

    lt_drain(&queue);
    return guarded([&]() -> PyObject * {
        PyObject *self = toggleref_new(type);
        if (self == nullptr)
            return nullptr;
        try {
            attach(self, native == Circle   ? new_bond<shapes::Circle>()
                         : native == Square ? new_bond<shapes::Square>()
                                            : new_bond<Shape>());
        } catch (...) {
            Py_DECREF(self);
            throw;
        }
        return self;
    });
}

/* A wrapper of an object that has none, of the class for its dynamic type. */
static PyObject *
toggleref_make(Bond *b)
{
    const Shape &object = *b->object;
    PyTypeObject *type = typeid(object) == typeid(shapes::Circle)   ? Circle
                         : typeid(object) == typeid(shapes::Square) ? Square
                                                                    : MyClass;
    PyObject *self = lt_new_quietly(type);

    if (self == nullptr)
        return nullptr;
    toggleref_retain(b);
    if (attach(self, b))
        return self;
    Py_DECREF(self);
    toggleref_release(b);
    return toggleref_wrap(b);
}

/* The Bond of a MyClass, borrowed. NULL with TypeError for anything else, with ReferenceError
 * for an instance that object.__new__ made. */
static Bond *
unwrap(PyObject *op)
{
    if (!PyObject_TypeCheck(op, MyClass))
        PyErr_Format(PyExc_TypeError, "expected %s, not '%.200s'", MyClass->tp_name,
                     Py_TYPE(op)->tp_name);
    else if (toggleref_of(op) == nullptr)
        PyErr_Format(PyExc_ReferenceError, "this '%.200s' has no native object",
                     Py_TYPE(op)->tp_name);
    else
        return toggleref_of(op);
    return nullptr;
}

/* message: a str or None. */
static void
set_message(Bond *b, PyObject *message)
{
    Py_ssize_t size;
    const char *text;

    if (message == Py_None)
        return;
    if (!PyUnicode_Check(message)) {
        PyErr_Format(PyExc_TypeError, "message must be a str or None, not '%.200s'",
                     Py_TYPE(message)->tp_name);
        throw PythonError();
    }
    text = PyUnicode_AsUTF8AndSize(message, &size);
    if (text == nullptr)
        throw PythonError();
    std::string copy(text, static_cast<std::size_t>(size));
    Locked locked(b);
    b->object->message.swap(copy);
}

static int
MyClass_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char name[] = "message", *names[] = {name, nullptr};
    PyObject *message = Py_None, *done;
    Bond *b;

    if (PyTuple_GET_SIZE(args) == 0 && (kwargs == nullptr || PyDict_GET_SIZE(kwargs) == 0))
        return 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:MyClass", names, &message) ||
        !(b = unwrap(self)))
        return -1;
    done = guarded([&] { return set_message(b, message), none(); });
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static PyObject *
MyClass_repr(PyObject *self)
{
    PyObject *name =
        PyObject_GetAttrString(reinterpret_cast<PyObject *>(Py_TYPE(self)), "__qualname__");
    Bond *b = toggleref_of(self);
    PyObject *result = name == nullptr ? nullptr
                       : b == nullptr
                           ? PyUnicode_FromFormat("<%S, without a native object>", name)
                           : PyUnicode_FromFormat("<%S id=%llu>", name,
                                                  static_cast<unsigned long long>(b->object->id()));
    Py_XDECREF(name);
    return result;
}

static PyObject *
MyClass_id(PyObject *self, PyObject *)
{
    Bond *b = unwrap(self);
    return b ? PyLong_FromUnsignedLongLong(b->object->id()) : nullptr;
}

static PyObject *
MyClass_message(PyObject *self, PyObject *)
{
    Bond *b = unwrap(self);

    if (b == nullptr)
        return nullptr;
    return guarded([&] {
        std::string text = [&] {
            Locked locked(b);
            return b->object->message;
        }();
        return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    });
}

static PyObject *
MyClass_print_message(PyObject *self, PyObject *)
{
    PyObject *message = MyClass_message(self, nullptr);

    if (message == nullptr)
        return nullptr;
    PySys_FormatStdout("%U\n", message);
    Py_DECREF(message);
    return none();
}

static PyObject *
MyClass_area(PyObject *self, PyObject *)
{
    Bond *b = unwrap(self);
    double area;

    if (b == nullptr)
        return nullptr;
    {
        Locked locked(b);
        area = b->object->area();
    }
    return PyFloat_FromDouble(area);
}

static PyObject *
MyClass_scale(PyObject *self, PyObject *factor)
{
    double by = PyFloat_AsDouble(factor);
    Bond *b = by == -1 && PyErr_Occurred() ? nullptr : unwrap(self);

    if (b == nullptr)
        return nullptr;
    Locked locked(b);
    b->object->scale(by);
    return none();
}

static PyObject *
MyClass_append(PyObject *self, PyObject *child)
{
    Bond *to = unwrap(child), *from = to ? unwrap(self) : nullptr;

    if (from == nullptr)
        return nullptr;
    return guarded([&] {
        Ptr end = share(to);
        {
            Locked locked(from);
            from->object->children.push_back(end);
        }
        lt_drain(&queue);
        return none();
    });
}

static PyObject *
MyClass_remove(PyObject *self, PyObject *child)
{
    Bond *to = unwrap(child), *from = to ? unwrap(self) : nullptr;

    if (from == nullptr)
        return nullptr;
    Ptr removed = [&] {
        Locked locked(from);
        return from->object->remove(to->object.get());
    }();
    if (removed == nullptr)
        return PyErr_Format(PyExc_ValueError,
                            "native object %llu has no edge to native object %llu",
                            static_cast<unsigned long long>(from->object->id()),
                            static_cast<unsigned long long>(to->object->id()));
    removed = nullptr;
    lt_drain(&queue);
    return none();
}

/* A wrap runs any code, which may change the edges: so they are copied first. */
static PyObject *
MyClass_children(PyObject *self, PyObject *)
{
    Bond *b = unwrap(self);

    if (b == nullptr)
        return nullptr;
    return guarded([&] {
        std::vector<Ptr> children = [&] {
            Locked locked(b);
            return b->object->children;
        }();
        PyObject *list = PyList_New(static_cast<Py_ssize_t>(children.size()));
        for (std::size_t i = 0; list && i < children.size(); i++) {
            PyObject *child = wrap(children[i]);
            if (child)
                PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), child);
            else
                Py_CLEAR(list);
        }
        return list;
    });
}

/* What the object itself answers. */
static PyObject *
MyClass_on_event(PyObject *self, PyObject *arg)
{
    std::int64_t event;
    Bond *b = unwrap(self);

    if (b == nullptr)
        return nullptr;
    if (!PyLong_Check(arg))
        return PyErr_Format(PyExc_TypeError, "on_event: event must be an int, not '%.200s'",
                            Py_TYPE(arg)->tp_name);
    event = PyLong_AsLongLong(arg);
    return event == -1 && PyErr_Occurred() ? nullptr
                                           : PyLong_FromLongLong(b->object->answer(event));
}

static PyObject *
MyClass_set_callback(PyObject *self, PyObject *callback)
{
    Bond *b = unwrap(self);

    if (b == nullptr)
        return nullptr;
    if (callback != Py_None && !PyCallable_Check(callback))
        return PyErr_Format(PyExc_TypeError, "callback must be callable or None, not '%.200s'",
                            Py_TYPE(callback)->tp_name);
    if (callback == Py_None)
        callback = nullptr;
    Py_XINCREF(callback);
    set_callback(b, callback);
    return none();
}

/* Every object's listener: the callback, or the wrapper's on_event. On any thread; native code
 * holds a shared_ptr. */
static std::int64_t
deliver(Bond *b, std::int64_t event)
{
    bool attached = lt_attached(), failed;
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *target =
                 [&] {
                     Locked locked(b);
                     return Py_XNewRef(b->callback);
                 }(),
             *result = nullptr;
    std::int64_t answer;

    if (target) /* our reference: it may be replaced, by itself or by another thread */
        result = PyObject_CallFunction(target, "L", static_cast<long long>(event));
    else if ((target = toggleref_wrap(b)) != nullptr)
        result = PyObject_CallMethod(target, "on_event", "L", static_cast<long long>(event));
    Py_XDECREF(target);
    if (result && !PyLong_Check(result)) {
        PyErr_Format(PyExc_TypeError,
                     "on_event, or the callback in its place, must return an int, not '%.200s'",
                     Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    answer = result ? PyLong_AsLongLong(result) : -1;
    failed = answer == -1 && PyErr_Occurred();
    Py_XDECREF(result);
    if (failed && !attached)
        PyErr_WriteUnraisable(nullptr);
    PyGILState_Release(state);
    if (failed)
        throw PythonError();
    return answer;
}

static PyObject *
no_copy(PyObject *self, PyObject *)
{
    return PyErr_Format(PyExc_TypeError,
                        "cannot pickle or copy '%.200s': it is for one native object",
                        Py_TYPE(self)->tp_name);
}

static PyMethodDef MyClass_methods[] = {
    {"id", MyClass_id, METH_NOARGS, nullptr},
    {"message", MyClass_message, METH_NOARGS, nullptr},
    {"print_message", MyClass_print_message, METH_NOARGS, nullptr},
    {"area", MyClass_area, METH_NOARGS, nullptr},
    {"scale", MyClass_scale, METH_O, nullptr},
    {"append", MyClass_append, METH_O, nullptr},
    {"remove", MyClass_remove, METH_O, nullptr},
    {"children", MyClass_children, METH_NOARGS, nullptr},
    {"on_event", MyClass_on_event, METH_O, nullptr},
    {"set_callback", MyClass_set_callback, METH_O, nullptr},
    {"__reduce_ex__", no_copy, METH_O, nullptr},
    {"__reduce__", no_copy, METH_NOARGS, nullptr},
    {},
};

static PyMemberDef MyClass_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(wrapper, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(wrapper, weakrefs), READONLY, nullptr},
    {},
};

static PyGetSetDef MyClass_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {},
};

template <class F>
static PyType_Slot
slot(int id, F function)
{
    return {id, reinterpret_cast<void *>(function)};
}

static PyType_Slot MyClass_slots[] = {
    slot(Py_tp_new, MyClass_new),
    slot(Py_tp_init, MyClass_init),
    slot(Py_tp_repr, MyClass_repr),
    slot(Py_tp_dealloc, toggleref_dealloc),
    slot(Py_tp_traverse, toggleref_traverse),
    slot(Py_tp_clear, toggleref_clear),
    slot(Py_tp_methods, MyClass_methods),
    slot(Py_tp_members, MyClass_members),
    slot(Py_tp_getset, MyClass_getset),
    {},
};

/* A native class derived from MyClass lists the same three slots: CPython would put its own
 * tp_dealloc there. */
static PyType_Slot derived_slots[] = {
    slot(Py_tp_dealloc, toggleref_dealloc),
    slot(Py_tp_traverse, toggleref_traverse),
    slot(Py_tp_clear, toggleref_clear),
    {},
};

#define FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC)
static PyType_Spec MyClass_spec = {"shared_ptr.MyClass", sizeof(wrapper), 0, FLAGS, MyClass_slots};
static PyType_Spec Circle_spec = {"shared_ptr.Circle", sizeof(wrapper), 0, FLAGS, derived_slots};
static PyType_Spec Square_spec = {"shared_ptr.Square", sizeof(wrapper), 0, FLAGS, derived_slots};

#include "shared_ptr_holder.h"
#include "shared_ptr_module.h"

#endif
