// The core bound with pybind11, in three ways: -DHOLDER=1 std::shared_ptr,
// 2 py::smart_holder, 3 py::smart_holder with trampoline_self_life_support.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#if HOLDER == 3
#include <pybind11/trampoline_self_life_support.h>
#endif

#include "core.h"

namespace py = pybind11;

#if HOLDER != 2
// A py::str for the message: std::string would take bytes as well.
struct Trampoline : MyClass
#if HOLDER == 3
    ,
                    py::trampoline_self_life_support
#endif
{
    explicit Trampoline(const py::str &message) : MyClass(message)
    {
    }
    std::int64_t on_event(std::int64_t event) override
    {
        PYBIND11_OVERRIDE(std::int64_t, MyClass, on_event, event);
    }
};
#endif

#if HOLDER == 1
using Class = py::class_<MyClass, Trampoline, std::shared_ptr<MyClass>>;
#elif HOLDER == 2
using Class =
    py::class_<MyClass,
               py::smart_holder>; // pybind11 allows it no trampoline without the life support
#else
using Class = py::class_<MyClass, Trampoline, py::smart_holder>;
#endif

PYBIND11_MODULE(MODULE, m)
{
    py::register_exception_translator([](std::exception_ptr p) {
        try {
            std::rethrow_exception(p);
        } catch (const Released &e) {
            py::set_error(PyExc_ReferenceError, e.what());
        } catch (const PythonError &) {
        }
    });
    Class(m, "MyClass", py::dynamic_attr())
#if HOLDER == 2
        .def(py::init([](const py::str &message) { return new MyClass(message); }),
             py::arg("message") = "")
#else
        // Always the trampoline, so that on_event can be overridden on an instance, too.
        .def(py::init_alias<const py::str &>(), py::arg("message") = "")
#endif
        .def("id", &MyClass::id)
        .def("message", &MyClass::message)
        .def("print_message", &MyClass::print_message)
        .def("on_event", &MyClass::on_event)
        .def("set_callback",
             [](MyClass &self, const py::object &callback) { self.set_callback(callback.ptr()); })
        .def("append", &MyClass::append, py::arg("child").none(false))
        .def("remove", &MyClass::remove, py::arg("child").none(false))
        .def("children", &MyClass::children);
    py::class_<MyClassRef>(m, "MyClassRef", py::is_final())
        .def(py::init<Ptr>(), py::arg("object").none(false))
        .def("get", &MyClassRef::get)
        .def("release", &MyClassRef::release)
        .def("release_from_goroutine", &MyClassRef::release_from_goroutine, py::kw_only(),
             py::arg("locked") = false)
        .def("release_after_python", &MyClassRef::release_after_python)
        .def(
            "wrap_from_goroutines",
            [](const py::object &self, int threads, int times) {
                wrap_from_goroutines(self.ptr(), threads, times);
            },
            py::arg("goroutines") = 4, py::arg("times") = 1000)
        .def("emit", &MyClassRef::emit)
        .def("__repr__", &MyClassRef::repr);
    m.def("new_native", &new_native, py::arg("message") = "",
          py::return_value_policy::take_ownership);
    m.def("release_from_goroutines", &MyClassRef::release_from_goroutines, py::arg("refs"),
          py::arg("goroutines") = 8, py::arg("wait") = true);
    m.def("synchronize", &synchronize);
    m.def("live_objects", &live_objects);
}
