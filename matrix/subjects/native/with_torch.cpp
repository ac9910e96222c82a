// Tensors, bound by PyTorch itself. The private data is the tensor's memory.
#include <torch/csrc/autograd/python_variable.h>

#include <torch/version.h>

class MyClass;
namespace {
struct tensor {
    at::Tensor t;

    static tensor make(MyClass *data);
    MyClass *data() const
    {
        return data(t);
    }
    PyObject *wrap() const
    {
        return THPVariable_Wrap(t);
    }
    static bool check(PyObject *wrapper)
    {
        if (THPVariable_Check(wrapper))
            return true;
        PyErr_Format(PyExc_TypeError, "a MyClass is wanted, a tensor, not '%.100s'",
                     Py_TYPE(wrapper)->tp_name);
        return false;
    }
    static bool unwrap(PyObject *wrapper, tensor *into)
    {
        if (!check(wrapper))
            return false;
        into->t = THPVariable_Unpack(wrapper);
        return true;
    }
    static MyClass *peek(PyObject *wrapper)
    {
        return check(wrapper) ? data(THPVariable_Unpack(wrapper)) : nullptr;
    }
    static MyClass *data(const at::Tensor &t);
    explicit operator bool() const
    {
        return t.defined();
    }
    bool operator==(const tensor &other) const
    {
        return t.is_same(other.t);
    }
};
} // namespace
#define FOREIGN tensor
#include "foreign.h"

namespace {

// What frees a tensor's memory tells ours from all others.
void
destroy(void *data)
{
    delete static_cast<MyClass *>(data);
}

tensor
tensor::make(MyClass *data)
{
    c10::Storage storage(c10::Storage::use_byte_size_t(), 1,
                         c10::DataPtr(data, data, destroy, c10::Device(c10::kCPU)), nullptr, false);
    at::Tensor t = at::detail::make_tensor<c10::TensorImpl>(
        std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU),
        caffe2::TypeMeta::Make<std::uint8_t>());
    t.unsafeGetTensorImpl()->set_sizes_contiguous(at::IntArrayRef{1});
    return {t};
}

MyClass *
tensor::data(const at::Tensor &t)
{
    if (!t.defined() || !t.has_storage())
        return nullptr;
    const c10::DataPtr &memory = t.storage().data_ptr();
    return memory.get_deleter() == destroy ? static_cast<MyClass *>(memory.get_context()) : nullptr;
}

// A tensor of this subclass of torch.Tensor.
PyObject *
new_(PyObject *, PyObject *cls)
{
    if (!PyType_Check(cls) || !PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(cls),
                                                reinterpret_cast<PyTypeObject *>(THPVariableClass)))
        return PyErr_Format(PyExc_TypeError, "%R is not a subclass of torch.Tensor", cls);
    tensor object = tensor::make(new MyClass());
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 10
    return THPVariable_Wrap(object.t, reinterpret_cast<PyTypeObject *>(cls));
#else
    PyObject *base = object.wrap();
    PyObject *self = base ? PyObject_CallMethod(cls, "_make_subclass", "OO", cls, base)
                          : nullptr; // another tensor, the same memory
    Py_XDECREF(base);
    return self;
#endif
}

PyMethodDef methods[] = {{"new", new_, METH_O, ""}, FOREIGN_METHODS};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "torch_tensor", nullptr, -1, methods};

} // namespace

#define INIT2(name) PyInit_##name
#define INIT(name) INIT2(name)
PyMODINIT_FUNC
INIT(MODULE)()
{
    return add_holder(PyModule_Create(&module));
}
