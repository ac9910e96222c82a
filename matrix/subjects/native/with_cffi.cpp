// The core as a C library, for cffi. Its functions are called without the GIL.
#include "core.h"

extern "C" {
#include "with_cffi.h"
}

struct native_ref : MyClassRef {
    using MyClassRef::MyClassRef;
};

namespace {

std::mutex edges; // of all objects

class WithCallback : public MyClass {
  public:
    using MyClass::MyClass;
    ~WithCallback() override
    {
        set(nullptr, nullptr, nullptr);
    }
    std::int64_t on_event(std::int64_t event) override
    {
        return function_ ? function_(event, data_) : event;
    }
    void set(int64_t (*function)(int64_t, void *), void *data, void (*destroy)(void *))
    {
        function_ = function;
        data = std::exchange(data_, data);
        destroy = std::exchange(destroy_, destroy);
        if (destroy)
            destroy(data);
    }

  private:
    int64_t (*function_)(int64_t, void *) = nullptr;
    void *data_ = nullptr;
    void (*destroy_)(void *) = nullptr;
};

} // namespace

native_ref *
native_new(const char *message)
{
    return new native_ref(std::make_shared<WithCallback>(message));
}

native_ref *
native_copy(native_ref *ref)
{
    return new native_ref(ref->get());
}

void
native_release(native_ref *ref)
{
    delete ref;
}

int64_t
native_id(native_ref *ref)
{
    return ref->get()->id();
}

const char *
native_message(native_ref *ref)
{
    return ref->get()->message().c_str();
}

int64_t
native_emit(native_ref *ref, int64_t event)
{
    Ptr object = ref->get(); // the callback may release this very reference
    return object->on_event(event);
}

void
native_set_callback(native_ref *ref, int64_t (*function)(int64_t, void *), void *data,
                    void (*destroy)(void *))
{
    static_cast<WithCallback &>(*ref->get()).set(function, data, destroy);
}

void
native_append(native_ref *ref, native_ref *child)
{
    std::lock_guard<std::mutex> guard(edges);
    ref->get()->append(child->get());
}

bool
native_remove(native_ref *ref, native_ref *child)
{
    Ptr last = child->get(); // outlives the lock
    std::lock_guard<std::mutex> guard(edges);
    try {
        ref->get()->remove(child->get());
        return true;
    } catch (const std::invalid_argument &) {
        return false;
    }
}

size_t
native_children(native_ref *ref, native_ref **into, size_t room)
{
    std::lock_guard<std::mutex> guard(edges);
    std::vector<Ptr> children = ref->get()->children();
    for (size_t i = 0; i < std::min(room, children.size()); i++)
        into[i] = new native_ref(children[i]);
    return children.size();
}

void
native_release_on_threads(native_ref **refs, size_t n, int threads, bool wait, bool locked)
{
    drop_on_threads(std::vector<std::unique_ptr<native_ref>>(refs, refs + n), threads, wait,
                    locked);
}

void
native_release_at_exit(native_ref *ref)
{
    ref->release_after_python();
    delete ref;
}

void
native_call_on_threads(void (*function)(void *), void *data, int threads, int times)
{
    std::vector<std::thread> crew;
    for (int i = 0; i < threads; i++) {
        crew.emplace_back([=] {
            for (int n = 0; n < times; n++)
                function(data);
        });
    }
    for (auto &thread : crew)
        thread.join();
}

void
native_synchronize(void)
{
    std::lock_guard<std::mutex> guard(native_lock);
}

int64_t
native_live_objects(void)
{
    return live_objects();
}
