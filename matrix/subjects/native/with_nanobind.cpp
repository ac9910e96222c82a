// The core bound with nanobind: counted by std::shared_ptr, or, with
// -DCORE_INTRUSIVE, by nanobind's own intrusive counter.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>
#ifdef CORE_INTRUSIVE
#include <nanobind/intrusive/counter.inl>
#else
#include <nanobind/stl/shared_ptr.h>
#endif

#include "core.h"

namespace nb = nanobind;

struct Trampoline : MyClass {
    NB_TRAMPOLINE(MyClass, 1);
    std::int64_t on_event(std::int64_t event) override
    {
        NB_OVERRIDE(on_event, event);
    }
};

NB_MODULE(MODULE, m)
{
#ifdef CORE_INTRUSIVE
    nb::intrusive_init(
        [](PyObject *o) noexcept {
            nb::gil_scoped_acquire guard;
            Py_INCREF(o);
        },
        [](PyObject *o) noexcept {
            nb::gil_scoped_acquire guard;
            Py_DECREF(o);
        });
#endif
    nb::register_exception_translator([](const std::exception_ptr &p, void *) {
        try {
            std::rethrow_exception(p);
        } catch (const Released &e) {
            PyErr_SetString(PyExc_ReferenceError, e.what());
        } catch (const PythonError &) {
        }
    });
    nb::class_<MyClass, Trampoline>(
        m, "MyClass", nb::dynamic_attr(), nb::is_weak_referenceable()
#ifdef CORE_INTRUSIVE
                                              ,
        nb::intrusive_ptr<MyClass>(
            [](MyClass *object, PyObject *self) noexcept { object->set_self_py(self); })
#endif
            )
        .def(nb::init<std::string>(), nb::arg("message") = "")
        .def("id", &MyClass::id)
        .def("message", &MyClass::message)
        .def("print_message", &MyClass::print_message)
        .def("on_event", &MyClass::on_event)
        .def(
            "set_callback",
            [](MyClass &self, nb::handle callback) { self.set_callback(callback.ptr()); },
            nb::arg().none())
        .def("append", &MyClass::append)
        .def("remove", &MyClass::remove)
        .def("children", &MyClass::children);
    nb::class_<MyClassRef>(m, "MyClassRef", nb::is_final())
        .def(nb::init<Ptr>())
        .def("get", &MyClassRef::get)
        .def("release", &MyClassRef::release)
        .def("release_from_goroutine", &MyClassRef::release_from_goroutine, nb::kw_only(),
             nb::arg("locked") = false)
        .def("release_after_python", &MyClassRef::release_after_python)
        .def(
            "wrap_from_goroutines",
            [](nb::handle self, int threads, int times) {
                wrap_from_goroutines(self.ptr(), threads, times);
            },
            nb::arg("goroutines") = 4, nb::arg("times") = 1000)
        .def("emit", &MyClassRef::emit)
        .def("__repr__", &MyClassRef::repr);
    m.def("new_native", &new_native, nb::arg("message") = "", nb::rv_policy::take_ownership);
    m.def("release_from_goroutines", &MyClassRef::release_from_goroutines, nb::arg("refs"),
          nb::arg("goroutines") = 8, nb::arg("wait") = true);
    m.def("synchronize", &synchronize);
    m.def("live_objects", &live_objects);
}
