// The core's objects as parts of TVM-FFI's, which count in themselves. Its functions are called
// without the GIL.
#include <tvm/ffi/tvm_ffi.h>

namespace ffi = tvm::ffi;

class MyClass;
struct NodePtr : ffi::ObjectPtr<ffi::Object> {
    NodePtr() = default;
    explicit NodePtr(ffi::ObjectPtr<ffi::Object> object) : ObjectPtr(std::move(object))
    {
    }
    MyClass *operator->() const;
};
#define CORE_PTR NodePtr
#include "core.h"

namespace {

NodePtr wanted(const ffi::ObjectRef &object);

std::mutex edges; // of all objects

class NodeObj : public ffi::Object {
  public:
    static constexpr bool _type_mutable = true;
    TVM_FFI_DECLARE_OBJECT_INFO_FINAL("matrix.MyClass", NodeObj, ffi::Object);

    explicit NodeObj(const ffi::String &message) : core(message)
    {
    }
    std::int64_t id() const
    {
        return core.id();
    }
    ffi::String message() const
    {
        return core.message();
    }
    std::int64_t on_event(std::int64_t event)
    {
        return core.on_event(event);
    }
    void set_callback(ffi::Optional<ffi::Function> callback)
    {
        callback_ = std::move(callback);
    }
    std::int64_t emit(std::int64_t event)
    {
        if (!callback_.has_value())
            return core.on_event(event);
        ffi::Function callback = *callback_; // it may take itself away
        return callback(event).cast<std::int64_t>();
    }
    void append(const ffi::ObjectRef &child)
    {
        std::lock_guard<std::mutex> guard(edges);
        core.append(wanted(child));
    }
    void remove(const ffi::ObjectRef &child)
    {
        std::lock_guard<std::mutex> guard(edges);
        try {
            core.remove(wanted(child)); // the caller has another reference
        } catch (const std::invalid_argument &e) {
            TVM_FFI_THROW(ValueError) << e.what();
        }
    }
    ffi::Array<ffi::ObjectRef> children() const
    {
        std::lock_guard<std::mutex> guard(edges);
        ffi::Array<ffi::ObjectRef> found;
        for (const NodePtr &child : core.children())
            found.push_back(ffi::ObjectRef(child));
        return found;
    }

    MyClass core;

  private:
    ffi::Optional<ffi::Function> callback_;
};

NodePtr
wanted(const ffi::ObjectRef &object)
{
    const NodeObj *node = object.as<NodeObj>();
    if (!node)
        TVM_FFI_THROW(TypeError) << "a MyClass is wanted, not another object";
    return NodePtr(ffi::GetObjectPtr<ffi::Object>(const_cast<NodeObj *>(node)));
}

class RefObj : public ffi::Object {
  public:
    static constexpr bool _type_mutable = true;
    TVM_FFI_DECLARE_OBJECT_INFO_FINAL("matrix.MyClassRef", RefObj, ffi::Object);

    explicit RefObj(const ffi::ObjectRef &object) : ref(wanted(object))
    {
    }
    ffi::ObjectRef get() const
    {
        if (!ref)
            TVM_FFI_THROW(ReferenceError) << "this MyClassRef has released its native object";
        return ffi::ObjectRef(ref.get());
    }
    void release()
    {
        ref.release();
    }
    void release_after_python()
    {
        ref.release_after_python();
    }
    std::int64_t emit(std::int64_t event)
    {
        ffi::ObjectRef object = get(); // the callback may release this very holder
        return const_cast<NodeObj *>(object.as<NodeObj>())->emit(event);
    }
    ffi::String repr() const
    {
        return ref.repr();
    }

    MyClassRef ref;
};

ffi::ObjectRef
new_native(const ffi::String &message)
{
    return ffi::ObjectRef(
        ffi::make_object<RefObj>(ffi::ObjectRef(ffi::make_object<NodeObj>(message))));
}

void
release_on_threads(const ffi::Array<ffi::ObjectRef> &refs, int threads, bool wait, bool locked)
{
    std::vector<Ptr> all;
    for (const ffi::ObjectRef &ref : refs)
        all.push_back(const_cast<RefObj *>(ref.as<RefObj>())->ref.take());
    drop_on_threads(std::move(all), threads, wait, locked);
}

void
call_on_threads(const ffi::Function &function, int threads, int times)
{
    std::vector<std::thread> crew;
    for (int i = 0; i < threads; i++) {
        crew.emplace_back([function, times] {
            for (int n = 0; n < times; n++)
                function();
        });
    }
    for (auto &thread : crew)
        thread.join();
}

void
wait_for_lock()
{
    std::lock_guard<std::mutex> guard(native_lock);
}

} // namespace

MyClass *
NodePtr::operator->() const
{
    return &static_cast<NodeObj *>(get())->core;
}

TVM_FFI_STATIC_INIT_BLOCK()
{
    namespace refl = ffi::reflection;
    refl::ObjectDef<NodeObj>()
        .def(refl::init<ffi::String>())
        .def("id", &NodeObj::id)
        .def("message", &NodeObj::message)
        .def("on_event", &NodeObj::on_event)
        .def("set_callback", &NodeObj::set_callback)
        .def("append", &NodeObj::append)
        .def("remove", &NodeObj::remove)
        .def("edges", &NodeObj::children);
    refl::ObjectDef<RefObj>()
        .def(refl::init<ffi::ObjectRef>())
        .def("get", &RefObj::get)
        .def("release", &RefObj::release)
        .def("release_after_python", &RefObj::release_after_python)
        .def("emit", &RefObj::emit)
        .def("repr", &RefObj::repr);
    refl::GlobalDef()
        .def("matrix.new_native", new_native)
        .def("matrix.release_on_threads", release_on_threads)
        .def("matrix.call_on_threads", call_on_threads)
        .def("matrix.synchronize", wait_for_lock)
        .def("matrix.live_objects", live_objects);
}
