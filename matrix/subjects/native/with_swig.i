// The core bound with SWIG: proxy classes, std::shared_ptr, a director for on_event.
%module(directors="1", threads="1") MODULE
%nothread; // the GIL is given up where the core does it
%{
#include "core.h"
%}
%include <stdint.i>
%include <std_string.i>
%include <std_vector.i>
%include <std_shared_ptr.i>
%include <exception.i>

%exception {
    try {
        $action
    } catch (Swig::DirectorException &) {
        SWIG_fail;
    } catch (const PythonError &) {
        SWIG_fail;
    } catch (const Released &e) {
        PyErr_SetString(PyExc_ReferenceError, e.what());
        SWIG_fail;
    } catch (const std::invalid_argument &e) {
        SWIG_exception(SWIG_ValueError, e.what());
    }
}
%feature("director") MyClass;
%feature("director:except") {
    if ($error != NULL) throw Swig::DirectorMethodException();
}
%shared_ptr(MyClass)
%template(Children) std::vector<std::shared_ptr<MyClass>>;
%template(Refs) std::vector<MyClassRef *>;
%feature("kwargs") MyClassRef::release_from_goroutine;
%feature("pythonappend") MyClass::children %{ val = list(val) %} // a tuple otherwise
%rename(__repr__) MyClassRef::repr;
%newobject new_native;

class MyClass {
public:
    explicit MyClass(std::string message = "");
    virtual ~MyClass();
    std::int64_t id() const;
    const std::string &message() const;
    void print_message() const;
    virtual std::int64_t on_event(std::int64_t event);
    void set_callback(PyObject *callback);
    void append(std::shared_ptr<MyClass> child);
    void remove(const std::shared_ptr<MyClass> &child);
    std::vector<std::shared_ptr<MyClass>> children() const;
};

class MyClassRef {
public:
    explicit MyClassRef(std::shared_ptr<MyClass> object);
    std::shared_ptr<MyClass> get() const;
    void release();
    void release_from_goroutine(bool locked = false);
    void release_after_python();
    %pythoncode %{
    def wrap_from_goroutines(self, goroutines=4, times=1000):
        wrap_all(self, goroutines, times)
    %}
    std::int64_t emit(std::int64_t event);
    std::string repr() const;
};

%inline %{
void wrap_all(PyObject *ref, int threads, int times) { wrap_from_goroutines(ref, threads, times); }
void release_from_goroutines(const std::vector<MyClassRef *> &refs, int goroutines = 8, bool wait = true) {
    MyClassRef::release_from_goroutines(refs, goroutines, wait);
}
%}
void synchronize();
MyClassRef *new_native(std::string message = "");
std::int64_t live_objects();
