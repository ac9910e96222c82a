# The core bound with Cython: a native reference is an attribute that refers to the instance of the
# extension type, for which Cython generates tp_traverse.
cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport int64_t
from libcpp cimport bool
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.utility cimport move
from libcpp.vector cimport vector

cdef extern from *:
    """
    #include "core.h"

    // Drops the reference with a function, which takes the GIL.
    static std::shared_ptr<PyObject>
    dropped_by(void (*drop)(PyObject *), PyObject *reference)
    {
        return {reference, drop};
    }
    """
    cdef cppclass Native "MyClass":
        Native(string)
        int64_t id()
        string message()
        void set_message(string)
        void print_message()
        int64_t on_event(int64_t)

    shared_ptr[PyObject] dropped_by(void (*)(PyObject *) noexcept, PyObject *)
    void drop_on_threads(vector[shared_ptr[PyObject]], int, bool, bool) nogil
    void wrap_all "wrap_from_goroutines"(PyObject *, int, int)
    void wait_for_lock "synchronize"()
    int64_t living "live_objects"()


cdef class MyClass:
    cdef Native *native
    cdef list edges
    cdef object callback
    cdef dict __dict__
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.native = new Native(b"")
        self.edges = []

    def __dealloc__(self):
        del self.native

    def __init__(self, str message not None=""):
        self.native.set_message(message.encode())

    def id(self):
        return self.native.id()

    def message(self):
        return self.native.message().decode()

    def print_message(self):
        self.native.print_message()

    def on_event(self, int64_t event):
        return self.native.on_event(event)

    def set_callback(self, callback):
        if callback is not None and not callable(callback):
            raise ValueError("the callback cannot be called")
        self.callback = callback

    def append(self, MyClass child not None):
        self.edges.append(child)

    def remove(self, MyClass child not None):
        for i, edge in enumerate(self.edges):
            if edge is child:
                del self.edges[i]
                return
        raise ValueError("there is no edge to this native object")

    def children(self):
        return self.edges.copy()


@cython.final
cdef class MyClassRef:
    cdef MyClass object

    def __init__(self, MyClass object not None):
        self.object = object

    cpdef MyClass get(self):
        if self.object is None:
            raise ReferenceError("this MyClassRef has released its native object")
        return self.object

    def release(self):
        self.object = None

    def release_from_goroutine(self, *, bint locked=False):
        drop_all([self], 1, True, locked)

    def wrap_from_goroutines(self, int goroutines=4, int times=1000):
        wrap_all(<PyObject *>self, goroutines, times)

    def emit(self, int64_t event):
        cdef MyClass object = self.get()  # the call may release this very holder
        if object.callback is not None:
            answer = object.callback(event)
        else:
            answer = object.on_event(event)
        if not isinstance(answer, int):
            raise TypeError(f"on_event must return an int, not {type(answer).__name__}")
        return <int64_t>answer

    def __repr__(self):
        if self.object is None:
            return "<MyClassRef, released>"
        return f"<MyClassRef to native object {self.object.native.id()}>"


cdef void drop(PyObject *reference) noexcept with gil:
    Py_DECREF(<object>reference)


cdef drop_all(list refs, int threads, bint wait, bint locked):
    cdef vector[shared_ptr[PyObject]] references
    cdef MyClassRef ref
    for ref in refs:
        if ref.object is not None:
            Py_INCREF(ref.object)
            references.push_back(dropped_by(drop, <PyObject *>ref.object))
            ref.object = None
    with nogil:
        drop_on_threads(move(references), threads, wait, locked)


def new_native(str message not None=""):
    return MyClassRef(MyClass(message))


def release_from_goroutines(list refs, int goroutines=8, bint wait=True):
    drop_all(refs, goroutines, wait, False)


def synchronize():
    wait_for_lock()


def live_objects():
    return living()
