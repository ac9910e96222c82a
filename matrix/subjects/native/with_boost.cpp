// The core bound with Boost.Python, held by std::shared_ptr.
#define BOOST_BIND_GLOBAL_PLACEHOLDERS
#include <boost/python.hpp>
#include <memory>

#include "core.h"

namespace bp = boost::python;

// Boost makes one for every Python object of the class, so that on_event can be
// overridden on an instance, too.
struct Trampoline : MyClass, bp::wrapper<MyClass> {
    Trampoline() = default;
    explicit Trampoline(const bp::str &message) : MyClass(bp::extract<std::string>(message))
    {
    } // std::string takes bytes, too
    std::int64_t on_event(std::int64_t event) override
    {
        if (bp::override f = get_override("on_event"))
            return f(event);
        return MyClass::on_event(event);
    }
    std::int64_t base_on_event(std::int64_t event)
    {
        return MyClass::on_event(event);
    }
};

static bp::list
children(const MyClass &object)
{
    bp::list found;
    for (const Ptr &child : object.children())
        found.append(child);
    return found;
}

static void
set_callback(MyClass &object, const bp::object &callback)
{
    object.set_callback(callback.ptr());
}
static void
wrap(const bp::object &ref, int threads, int times)
{
    wrap_from_goroutines(ref.ptr(), threads, times);
}
static void
release_all(const bp::list &refs, int threads, bool wait)
{
    std::vector<MyClassRef *> found;
    for (bp::ssize_t i = 0; i < bp::len(refs); i++)
        found.push_back(bp::extract<MyClassRef *>(refs[i]));
    MyClassRef::release_from_goroutines(found, threads, wait);
}

BOOST_PYTHON_MODULE(MODULE)
{
    bp::docstring_options brief(false, true, false);
    bp::register_exception_translator<Released>(
        [](const Released &e) { PyErr_SetString(PyExc_ReferenceError, e.what()); });
    bp::register_exception_translator<PythonError>([](const PythonError &) {});
    bp::class_<Trampoline, std::shared_ptr<Trampoline>, boost::noncopyable>("MyClass", bp::init<>())
        .def(bp::init<bp::str>(bp::arg("message")))
        .def("id", &MyClass::id)
        .def("message", &MyClass::message, bp::return_value_policy<bp::copy_const_reference>())
        .def("print_message", &MyClass::print_message)
        .def("on_event", &MyClass::on_event, &Trampoline::base_on_event)
        .def("set_callback", &set_callback)
        .def("append", &MyClass::append)
        .def("remove", &MyClass::remove)
        .def("children", &children);
    bp::register_ptr_to_python<Ptr>();
    bp::class_<MyClassRef, boost::noncopyable>("MyClassRef", bp::init<Ptr>())
        .def("get", &MyClassRef::get)
        .def("release", &MyClassRef::release)
        .def("release_from_goroutine", &MyClassRef::release_from_goroutine,
             (bp::arg("locked") = false))
        .def("release_after_python", &MyClassRef::release_after_python)
        .def("wrap_from_goroutines", &wrap, (bp::arg("goroutines") = 4, bp::arg("times") = 1000))
        .def("emit", &MyClassRef::emit)
        .def("__repr__", &MyClassRef::repr);
    bp::def("new_native", &new_native, (bp::arg("message") = ""),
            bp::return_value_policy<bp::manage_new_object>());
    bp::def("release_from_goroutines", &release_all,
            (bp::arg("refs"), bp::arg("goroutines") = 8, bp::arg("wait") = true));
    bp::def("synchronize", &synchronize);
    bp::def("live_objects", &live_objects);
}
