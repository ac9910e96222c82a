// The core's objects as private data of another library's objects: an object of
// a library with its own Python binding (a tensor, a GObject) carries one, and
// native references are that library's references.
//
// Before including this file define foreign: a smart pointer of the library with
//   static foreign make(MyClass *)    a new object that owns its private data
//   MyClass *data() const             the private data, NULL if it has none
//   PyObject *wrap() const            the wrapper, a new reference
//   static bool unwrap(PyObject *, foreign *)    false, with TypeError set
//   static MyClass *peek(PyObject *)  the private data of a wrapper; NULL likewise.
//                                     Takes no reference: __del__ calls it, too
// operator bool and ==. The functions of the module take the wrapper as their
// first argument; the adapter in Python makes methods of them.
#pragma once
#include <Python.h>

#include <cstdint>

class MyClass;
struct foreign_ptr : FOREIGN {
    foreign_ptr() = default;
    foreign_ptr(const FOREIGN &f) : FOREIGN(f)
    {
    }
    MyClass *operator->() const
    {
        return data();
    }
};
#define CORE_PTR foreign_ptr
#include "core.h"

namespace {

PyObject *
raise(const std::exception &e)
{
    if (dynamic_cast<const PythonError *>(&e))
        return nullptr;
    PyErr_SetString(dynamic_cast<const Released *>(&e)                ? PyExc_ReferenceError
                    : dynamic_cast<const std::invalid_argument *>(&e) ? PyExc_ValueError
                                                                      : PyExc_RuntimeError,
                    e.what());
    return nullptr;
}

bool
lacks(PyObject *wrapper)
{
    PyErr_Format(PyExc_TypeError,
                 "this %.100s was not made as a MyClass, or has lost its native object",
                 Py_TYPE(wrapper)->tp_name);
    return false;
}

bool
unwrap(PyObject *wrapper, Ptr *object)
{
    return FOREIGN::unwrap(wrapper, object) && (object->data() || lacks(wrapper));
}

MyClass *
peek(PyObject *wrapper)
{
    MyClass *data = FOREIGN::peek(wrapper);
    if (!data && !PyErr_Occurred())
        lacks(wrapper);
    return data;
}

bool
text(PyObject *o, std::string *into)
{
    Py_ssize_t size;
    const char *s = PyUnicode_Check(o) ? PyUnicode_AsUTF8AndSize(o, &size) : nullptr;
    if (!s && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "message must be a str, not '%.100s'", Py_TYPE(o)->tp_name);
    if (s)
        into->assign(s, static_cast<std::size_t>(size));
    return s != nullptr;
}

// ---- the holder, a class as small as it can be ---------------------------------

struct Holder {
    PyObject_HEAD
    MyClassRef *ref;
};
PyTypeObject *holder_type;

MyClassRef *
ref_of(PyObject *self)
{
    return reinterpret_cast<Holder *>(self)->ref;
}

PyObject *
holder_around(PyTypeObject *type, MyClassRef *ref)
{
    PyObject *self = type->tp_alloc(type, 0);
    if (self)
        reinterpret_cast<Holder *>(self)->ref = ref;
    else
        delete ref;
    return self;
}

PyObject *
holder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *wrapper;
    Ptr object;
    if (kwargs && PyDict_GET_SIZE(kwargs))
        return PyErr_Format(PyExc_TypeError, "MyClassRef takes no keywords");
    if (!PyArg_ParseTuple(args, "O:MyClassRef", &wrapper) || !unwrap(wrapper, &object))
        return nullptr;
    return holder_around(type, new MyClassRef(std::move(object)));
}

void
holder_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    delete ref_of(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *
holder_get(PyObject *self, PyObject *)
{
    try {
        return ref_of(self)->get().wrap();
    } catch (const std::exception &e) {
        return raise(e);
    }
}

PyObject *
holder_release(PyObject *self, PyObject *)
{
    ref_of(self)->release();
    Py_RETURN_NONE;
}

PyObject *
holder_release_from_goroutine(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static const char *names[] = {"locked", nullptr};
    int locked = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p", const_cast<char **>(names), &locked))
        return nullptr;
    ref_of(self)->release_from_goroutine(locked);
    Py_RETURN_NONE;
}

PyObject *
holder_release_after_python(PyObject *self, PyObject *)
{
    ref_of(self)->release_after_python();
    Py_RETURN_NONE;
}

PyObject *
holder_wrap_from_goroutines(PyObject *self, PyObject *args)
{
    int threads = 4, times = 1000;
    if (!PyArg_ParseTuple(args, "|ii", &threads, &times))
        return nullptr;
    wrap_from_goroutines(self, threads, times);
    Py_RETURN_NONE;
}

PyObject *
holder_emit(PyObject *self, PyObject *event)
{
    try {
        if (!PyLong_Check(event))
            return PyErr_Format(PyExc_TypeError, "emit: event must be an int, not '%.100s'",
                                Py_TYPE(event)->tp_name);
        long long n = PyLong_AsLongLong(event);
        if (n == -1 && PyErr_Occurred())
            return nullptr;
        Ptr object = ref_of(self)->get(); // on_event may release this very holder
        std::int64_t heard;
        if (object->call_back(n, &heard))
            return PyLong_FromLongLong(heard);
        PyObject *wrapper = object.wrap();
        if (!wrapper)
            return nullptr;
        PyObject *answer = PyObject_CallMethod(wrapper, "on_event", "L", n);
        Py_DECREF(wrapper);
        if (answer && !PyLong_Check(answer)) {
            PyErr_Format(PyExc_TypeError, "on_event must return an int, not '%.100s'",
                         Py_TYPE(answer)->tp_name);
            Py_CLEAR(answer);
        }
        return answer;
    } catch (const std::exception &e) {
        return raise(e);
    }
}

PyObject *
holder_repr(PyObject *self)
{
    return PyUnicode_FromString(ref_of(self)->repr().c_str());
}

PyMethodDef holder_methods[] = {
    {"get", holder_get, METH_NOARGS, "the wrapper"},
    {"release", holder_release, METH_NOARGS, "release the reference"},
    {"release_from_goroutine",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(holder_release_from_goroutine)),
     METH_VARARGS | METH_KEYWORDS, "release on another thread, without the GIL"},
    {"release_after_python", holder_release_after_python, METH_NOARGS,
     "release when the process ends"},
    {"wrap_from_goroutines", holder_wrap_from_goroutines, METH_VARARGS,
     "wrap on other threads, which take the GIL for it"},
    {"emit", holder_emit, METH_O, "call the wrapper's on_event, as a native callback would"},
    {},
};
PyType_Slot holder_slots[] = {
    {Py_tp_new, reinterpret_cast<void *>(holder_new)},
    {Py_tp_dealloc, reinterpret_cast<void *>(holder_dealloc)},
    {Py_tp_repr, reinterpret_cast<void *>(holder_repr)},
    {Py_tp_methods, holder_methods},
    {},
};
PyType_Spec holder_spec = {"MyClassRef", sizeof(Holder), 0, Py_TPFLAGS_DEFAULT, holder_slots};

// ---- what the adapter makes methods of ------------------------------------------

PyObject *
id_(PyObject *, PyObject *self)
{
    MyClass *object = peek(self);
    return object ? PyLong_FromLongLong(object->id()) : nullptr;
}

PyObject *
message_(PyObject *, PyObject *self)
{
    MyClass *object = peek(self);
    return object ? PyUnicode_FromString(object->message().c_str()) : nullptr;
}

PyObject *
set_message_(PyObject *, PyObject *args)
{
    PyObject *self, *message;
    Ptr object;
    std::string s;
    if (!PyArg_ParseTuple(args, "OO", &self, &message) || !unwrap(self, &object) ||
        !text(message, &s))
        return nullptr;
    object->set_message(std::move(s));
    Py_RETURN_NONE;
}

PyObject *
print_message_(PyObject *, PyObject *self)
{
    MyClass *object = peek(self);
    if (!object)
        return nullptr;
    object->print_message();
    Py_RETURN_NONE;
}

template <void (*change)(MyClass *, const Ptr &)>
PyObject *
edge(PyObject *, PyObject *args)
{
    PyObject *self, *other;
    Ptr object, child;
    if (!PyArg_ParseTuple(args, "OO", &self, &other) || !unwrap(self, &object) ||
        !unwrap(other, &child))
        return nullptr;
    try {
        change(object.data(), child);
    } catch (const std::exception &e) {
        return raise(e);
    }
    Py_RETURN_NONE;
}
void
append_to(MyClass *object, const Ptr &child)
{
    object->append(child);
}
void
remove_from(MyClass *object, const Ptr &child)
{
    object->remove(child);
}

PyObject *
set_callback_(PyObject *, PyObject *args)
{
    PyObject *self, *callback;
    Ptr object;
    if (!PyArg_ParseTuple(args, "OO", &self, &callback) || !unwrap(self, &object))
        return nullptr;
    try {
        object->set_callback(callback);
    } catch (const std::exception &e) {
        return raise(e);
    }
    Py_RETURN_NONE;
}

PyObject *
children_(PyObject *, PyObject *self)
{
    MyClass *object = peek(self);
    if (!object)
        return nullptr;
    PyObject *list = PyList_New(0);
    for (const Ptr &child : object->children()) {
        PyObject *wrapper = list ? child.wrap() : nullptr;
        if (!wrapper || PyList_Append(list, wrapper))
            Py_CLEAR(list);
        Py_XDECREF(wrapper);
    }
    return list;
}

PyObject *
new_native_(PyObject *, PyObject *args)
{
    PyObject *message = nullptr;
    std::string s;
    if (!PyArg_ParseTuple(args, "|O:new_native", &message) || (message && !text(message, &s)))
        return nullptr;
    return holder_around(holder_type,
                         new MyClassRef(Ptr(FOREIGN::make(new MyClass(std::move(s))))));
}

PyObject *
release_from_goroutines_(PyObject *, PyObject *args)
{
    PyObject *list;
    int threads = 8, wait = 1;
    std::vector<MyClassRef *> refs;
    if (!PyArg_ParseTuple(args, "O!|ip", &PyList_Type, &list, &threads, &wait))
        return nullptr;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *ref = PyList_GET_ITEM(list, i);
        if (!Py_IS_TYPE(ref, holder_type))
            return PyErr_Format(PyExc_TypeError, "%R is not a MyClassRef", ref);
        refs.push_back(ref_of(ref));
    }
    MyClassRef::release_from_goroutines(refs, threads, wait);
    Py_RETURN_NONE;
}

PyObject *
synchronize_(PyObject *, PyObject *)
{
    synchronize();
    Py_RETURN_NONE;
}

PyObject *
live_objects_(PyObject *, PyObject *)
{
    return PyLong_FromLongLong(live_objects());
}

#define FOREIGN_METHODS                                                                       \
    {"id", id_, METH_O, ""}, {"message", message_, METH_O, ""},                               \
        {"set_message", set_message_, METH_VARARGS, ""},                                      \
        {"print_message", print_message_, METH_O, ""},                                        \
        {"append", edge<append_to>, METH_VARARGS, ""},                                        \
        {"remove", edge<remove_from>, METH_VARARGS, ""}, {"children", children_, METH_O, ""}, \
        {"new_native", new_native_, METH_VARARGS, ""},                                        \
        {"set_callback", set_callback_, METH_VARARGS, ""},                                    \
        {"synchronize", synchronize_, METH_NOARGS, ""},                                       \
        {"release_from_goroutines", release_from_goroutines_, METH_VARARGS, ""},              \
        {"live_objects", live_objects_, METH_NOARGS, ""},                                     \
    {                                                                                         \
    }

// MyClassRef, and the functions of one object once more, as methods for a class.
PyObject *
add_holder(PyObject *module)
{
    for (const char *name :
         {"id", "message", "print_message", "append", "remove", "children", "set_callback"}) {
        PyObject *function = module ? PyObject_GetAttrString(module, name) : nullptr;
        PyObject *method = function ? PyInstanceMethod_New(function) : nullptr;
        if (!method ||
            PyObject_SetAttrString(module, (std::string("method_") + name).c_str(), method))
            Py_CLEAR(module);
        Py_XDECREF(function);
        Py_XDECREF(method);
    }
    holder_type = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&holder_spec));
    if (module && holder_type &&
        PyModule_AddObjectRef(module, "MyClassRef", reinterpret_cast<PyObject *>(holder_type)) == 0)
        return module;
    Py_XDECREF(module);
    return nullptr;
}

} // namespace
