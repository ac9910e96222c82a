// The core as a library whose objects count their native references themselves. With the first
// one SIP is told that C++ owns the object, and with the last that Python does.
#pragma once
#include <Python.h>

#include <atomic>
#include <utility>

class MyClass;
struct Counted {
    std::atomic<int> references{0};
    virtual ~Counted() = default;
};

// In the module's code; both are called with the GIL.
void owned_by_cpp(MyClass *object);
void owned_by_python(MyClass *object);

class Counter {
  public:
    Counter() = default;
    explicit Counter(MyClass *object);
    Counter(const Counter &other);
    Counter(Counter &&other) noexcept : object_(other.object_)
    {
        other.object_ = nullptr;
    }
    Counter &operator=(Counter other) noexcept
    {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Counter();
    MyClass *get() const
    {
        return object_;
    }
    MyClass *operator->() const
    {
        return object_;
    }
    explicit operator bool() const
    {
        return object_ != nullptr;
    }
    bool operator==(const Counter &other) const
    {
        return object_ == other.object_;
    }

  private:
    MyClass *object_ = nullptr;
};

#define CORE_PTR Counter
#define CORE_BASE Counted
#include "core.h"

// Takes what may be the first reference: with the GIL.
inline Counter::Counter(MyClass *object) : object_(object)
{
    if (object_->references++ == 0)
        owned_by_cpp(object_);
}

inline Counter::Counter(const Counter &other) : object_(other.object_)
{
    if (object_)
        ++object_->references;
}

inline Counter::~Counter()
{
    if (!object_)
        return;
    int count = object_->references;
    while (count > 1) {
        if (object_->references.compare_exchange_weak(count, count - 1))
            return;
    }
    // The last one, unless an attached thread makes another in the meantime.
    if (!Py_IsInitialized())
        return; // the wrapper is gone with the interpreter, and the object leaks
    PyGILState_STATE state = PyGILState_Ensure();
    if (--object_->references == 0)
        owned_by_python(object_);
    PyGILState_Release(state);
}

// What the core threw, in Python; always 1.
inline int
raise(const std::exception &e)
{
    if (dynamic_cast<const Released *>(&e))
        PyErr_SetString(PyExc_ReferenceError, e.what());
    else if (!dynamic_cast<const PythonError *>(&e))
        PyErr_SetString(PyExc_ValueError, e.what());
    return 1;
}
