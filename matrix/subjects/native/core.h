// The native library that the binding libraries are given to bind: what package
// native is to our strategies, with the counting that the binding library wants.
//
// Ptr is one native reference: a std::shared_ptr, or nanobind's counter inside the
// object (CORE_INTRUSIVE), or what the file that includes this one says (CORE_PTR,
// and then new_native is its own, too; CORE_BASE is the base class, if it counts in there).
#pragma once
#include <Python.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

class MyClass;
#if defined(CORE_PTR)
using Ptr = CORE_PTR;
#ifdef CORE_BASE
using Base = CORE_BASE;
#else
struct Base {
    virtual ~Base() = default;
};
#endif
#elif defined(CORE_INTRUSIVE)
#include <nanobind/intrusive/counter.h>
#include <nanobind/intrusive/ref.h>
using Ptr = nanobind::ref<MyClass>;
using Base = nanobind::intrusive_base;
#else
#include <memory>
using Ptr = std::shared_ptr<MyClass>;
struct Base {
    virtual ~Base() = default;
};
#endif

struct Released : std::runtime_error {
    Released() : std::runtime_error("this MyClassRef has released its native object")
    {
    }
};

struct PythonError : std::exception {}; // the exception is set in Python

inline std::mutex native_lock; // one that native code holds and __del__ may want

// Take and release the lock; the GIL is not held meanwhile.
inline void
synchronize()
{
    Py_BEGIN_ALLOW_THREADS
    native_lock.lock();
    native_lock.unlock();
    Py_END_ALLOW_THREADS
}

// Drop references on threads that Python does not know. Such a thread may hold the lock
// meanwhile. To be called without the GIL.
template <class T>
void
drop_on_threads(std::vector<T> all, int threads, bool wait, bool locked)
{
    std::vector<std::vector<T>> shares(threads);
    for (std::size_t i = 0; i < all.size(); i++)
        shares[i % threads].push_back(std::move(all[i]));
    std::vector<std::thread> crew;
    for (auto &share : shares) {
        crew.emplace_back([locked, mine = std::move(share)]() mutable {
            std::unique_lock<std::mutex> guard(native_lock, std::defer_lock);
            if (locked)
                guard.lock();
            for (T &last : mine)
                last = T();
        });
    }
    for (auto &thread : crew)
        wait ? thread.join() : thread.detach();
}

class MyClass : public Base {
  public:
    explicit MyClass(std::string message = "") : message_(std::move(message)), id_(++last_id)
    {
        ++live;
    }
    MyClass(const MyClass &) = delete;
    MyClass &operator=(const MyClass &) = delete;
    virtual ~MyClass()
    {
        --live;
        if (callback_ && Py_IsInitialized()) { // else it is gone with the interpreter
            PyGILState_STATE state = PyGILState_Ensure();
            Py_DECREF(callback_);
            PyGILState_Release(state);
        }
        bury(std::move(children_));
    }

    std::int64_t id() const
    {
        return id_;
    }
    const std::string &message() const
    {
        return message_;
    }
    void set_message(std::string message)
    {
        message_ = std::move(message);
    }
    void print_message() const
    {
        PySys_FormatStdout("%s\n", message_.c_str());
    }
    virtual std::int64_t on_event(std::int64_t event)
    {
        return event;
    }

    // A Python function that is called in place of on_event; None takes it away.
    void set_callback(PyObject *callback)
    {
        if (callback == Py_None)
            callback = nullptr;
        else if (!PyCallable_Check(callback))
            throw std::invalid_argument("the callback cannot be called");
        Py_XINCREF(callback);
        Py_XDECREF(std::exchange(callback_, callback));
    }
    // Whether there was one.
    bool call_back(std::int64_t event, std::int64_t *answer) const
    {
        if (!callback_)
            return false;
        PyObject *callback = callback_;
        Py_INCREF(callback); // it may take itself away
        PyObject *result = PyObject_CallFunction(callback, "L", static_cast<long long>(event));
        Py_DECREF(callback);
        *answer = result ? PyLong_AsLongLong(result) : -1;
        Py_XDECREF(result);
        if (PyErr_Occurred())
            throw PythonError();
        return true;
    }

    void append(Ptr child)
    {
        if (!child)
            throw std::invalid_argument("None is not a MyClass");
        children_.push_back(std::move(child));
    }
    void remove(const Ptr &child)
    {
        auto found = std::find(children_.begin(), children_.end(), child);
        if (found == children_.end())
            throw std::invalid_argument("there is no edge to this native object");
        Ptr last = std::move(*found); // outlives the erasing: its end may run any code
        children_.erase(found);
    }
    std::vector<Ptr> children() const
    {
        return children_;
    }

    static std::int64_t live_objects()
    {
        return live;
    }

  private:
    // One object after the other, however long the chain: what overflows the
    // stack in G11 is then the binding library and not this one.
    static void bury(std::vector<Ptr> &&children)
    {
        static thread_local std::vector<Ptr> *pending = nullptr;
        if (children.empty())
            return;
        if (pending) {
            std::move(children.begin(), children.end(), std::back_inserter(*pending));
            children.clear();
            return;
        }
        std::vector<Ptr> mine = std::move(children);
        for (pending = &mine; !mine.empty();) {
            Ptr next = std::move(mine.back());
            mine.pop_back();
        }
        pending = nullptr;
    }

    std::string message_;
    std::int64_t id_;
    PyObject *callback_ = nullptr;
    std::vector<Ptr> children_;
    static inline std::atomic<std::int64_t> last_id{0}, live{0};
};

// A native reference that Python code can make and drop; Python does not see
// through it.
class MyClassRef {
  public:
    explicit MyClassRef(Ptr object) : object_(std::move(object))
    {
        if (!object_)
            throw std::invalid_argument("None is not a MyClass");
    }
    MyClassRef(const MyClassRef &) = delete;
    MyClassRef &operator=(const MyClassRef &) = delete;

    Ptr get() const
    {
        if (!object_)
            throw Released();
        return object_;
    }
    void release()
    {
        take();
    }
    // On a thread that Python does not know, without the GIL: what a goroutine is
    // to our strategies. It may hold the lock meanwhile.
    void release_from_goroutine(bool locked = false)
    {
        release_on_threads({this}, 1, true, locked);
    }
    static void release_from_goroutines(const std::vector<MyClassRef *> &refs, int threads,
                                        bool wait)
    {
        release_on_threads(refs, threads, wait, false);
    }
    // The reference, for other code to drop.
    Ptr take()
    {
        return std::exchange(object_, Ptr());
    }
    // When the process ends, which is after the interpreter has.
    void release_after_python()
    {
        static std::vector<Ptr> *late = [] {
            std::atexit([] { delete late_; });
            return late_ = new std::vector<Ptr>;
        }();
        late->push_back(take());
    }
    std::int64_t emit(std::int64_t event)
    {
        Ptr object = get(); // on_event may release this very holder
        std::int64_t answer;
        return object->call_back(event, &answer) ? answer : object->on_event(event);
    }
    explicit operator bool() const
    {
        return bool(object_);
    }
    std::string repr() const
    {
        return object_ ? "<MyClassRef to native object " + std::to_string(object_->id()) + ">"
                       : "<MyClassRef, released>";
    }

  private:
    static void release_on_threads(const std::vector<MyClassRef *> &refs, int threads, bool wait,
                                   bool locked)
    {
        std::vector<Ptr> all;
        for (MyClassRef *ref : refs)
            all.push_back(ref->take());
        Py_BEGIN_ALLOW_THREADS
        drop_on_threads(std::move(all), threads, wait, locked);
        Py_END_ALLOW_THREADS
    }

    Ptr object_;
    static inline std::vector<Ptr> *late_;
};

// Wrap what a MyClassRef holds, and drop the wrapper, from threads that Python does
// not know and that take the GIL for it.
inline void
wrap_from_goroutines(PyObject *holder, int threads, int times)
{
    Py_BEGIN_ALLOW_THREADS
    std::vector<std::thread> crew;
    for (int i = 0; i < threads; i++) {
        crew.emplace_back([holder, times] {
            for (int n = 0; n < times; n++) {
                PyGILState_STATE state = PyGILState_Ensure();
                PyObject *wrapper = PyObject_CallMethod(holder, "get", nullptr);
                if (!wrapper)
                    PyErr_WriteUnraisable(holder);
                Py_XDECREF(wrapper);
                PyGILState_Release(state);
            }
        });
    }
    for (auto &thread : crew)
        thread.join();
    Py_END_ALLOW_THREADS
}

#ifndef CORE_PTR
// To a native object that no wrapper has ever stood for; the caller owns it.
inline MyClassRef *
new_native(std::string message = "")
{
#ifdef CORE_INTRUSIVE
    return new MyClassRef(Ptr(new MyClass(std::move(message))));
#else
    return new MyClassRef(std::make_shared<MyClass>(std::move(message)));
#endif
}

#endif

inline std::int64_t
live_objects()
{
    return MyClass::live_objects();
}
