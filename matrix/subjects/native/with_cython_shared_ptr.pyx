# The core bound with Cython: a std::shared_ptr in an extension type, and a new
# instance around it for every wrap.
cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t
from libcpp cimport bool
from libcpp.memory cimport make_shared, shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

cdef extern from *:
    """
    #include "core.h"

    // Raise what the core threw in Python.
    static void
    raise_in_python()
    {
        try {
            throw;
        } catch (const PythonError &) {
        } catch (const Released &e) {
            PyErr_SetString(PyExc_ReferenceError, e.what());
        } catch (const std::invalid_argument &e) {
            PyErr_SetString(PyExc_ValueError, e.what());
        }
    }
    """
    void raise_in_python()

    cdef cppclass Native "MyClass":
        Native(string)
        int64_t id()
        string message()
        void print_message()
        int64_t on_event(int64_t)
        void set_callback(PyObject *) except +raise_in_python
        void append(shared_ptr[Native])
        void remove(shared_ptr[Native]) except +raise_in_python
        vector[shared_ptr[Native]] children()

    cdef cppclass Ref "MyClassRef":
        Ref(shared_ptr[Native])
        shared_ptr[Native] get() except +raise_in_python
        void release()
        void release_from_goroutine(bool)
        @staticmethod
        void release_from_goroutines(vector[Ref *], int, bool)
        void release_after_python()
        int64_t emit(int64_t) except +raise_in_python
        string repr()

    Ref *born "new_native"(string)
    void wrap_all "wrap_from_goroutines"(PyObject *, int, int)
    void wait_for_lock "synchronize"()
    int64_t living "live_objects"()


cdef class MyClass:
    cdef shared_ptr[Native] native
    cdef dict __dict__
    cdef object __weakref__

    def __init__(self, str message not None=""):
        self.native = make_shared[Native](<string>message.encode())

    cdef Native *object(self) except NULL:
        if not self.native:
            raise ValueError("the native object is made in __init__, which was not called")
        return self.native.get()

    def id(self):
        return self.object().id()

    def message(self):
        return self.object().message().decode()

    def print_message(self):
        self.object().print_message()

    def on_event(self, int64_t event):
        return self.object().on_event(event)

    def set_callback(self, callback):
        self.object().set_callback(<PyObject *>callback)

    def append(self, MyClass child not None):
        child.object()
        self.object().append(child.native)

    def remove(self, MyClass child not None):
        self.object().remove(child.native)

    def children(self):
        return [wrap(child) for child in self.object().children()]


cdef MyClass wrap(shared_ptr[Native] native):
    cdef MyClass wrapper = MyClass.__new__(MyClass)
    wrapper.native = native
    return wrapper


@cython.final
cdef class MyClassRef:
    cdef Ref *ref

    def __init__(self, MyClass object not None):
        object.object()
        del self.ref
        self.ref = new Ref(object.native)

    def __dealloc__(self):
        del self.ref

    cdef Ref *made(self) except NULL:
        if self.ref is NULL:
            raise ValueError("the native reference is made in __init__, which was not called")
        return self.ref

    def get(self):
        return wrap(self.made().get())

    def release(self):
        self.made().release()

    def release_from_goroutine(self, *, bint locked=False):
        self.made().release_from_goroutine(locked)

    def release_after_python(self):
        self.made().release_after_python()

    def wrap_from_goroutines(self, int goroutines=4, int times=1000):
        wrap_all(<PyObject *>self, goroutines, times)

    def emit(self, int64_t event):
        return self.made().emit(event)

    def __repr__(self):
        return self.made().repr().decode()


def new_native(str message not None=""):
    cdef MyClassRef ref = MyClassRef.__new__(MyClassRef)
    ref.ref = born(message.encode())
    return ref


def release_from_goroutines(list refs, int goroutines=8, bint wait=True):
    cdef vector[Ref *] found
    cdef MyClassRef ref
    for ref in refs:
        found.push_back(ref.made())
    Ref.release_from_goroutines(found, goroutines, wait)


def synchronize():
    wait_for_lock()


def live_objects():
    return living()
