"""Build the adapter modules of the binding libraries.

    python build.py FOLDER [MODULE ...]

Each module that cannot be built leaves FOLDER/<module>.missing, one line with the
reason, and does not stop the others. What is up to date is not built again.
"""

import contextlib
import glob
import hashlib
import importlib
import importlib.util
import io
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN = "/usr/lib/python3/dist-packages"
CXX = shlex.split(os.environ.get("CXX", "c++"))
FLAGS = [
    "-O2",
    "-DNDEBUG",
    "-std=c++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-pthread",
    "-I",
    HERE,
    "-I",
    sysconfig.get_paths()["include"],
    "-I",
    sysconfig.get_paths()["platinclude"],
]


class Missing(Exception):
    """Something that a module needs is not there; the message says how to get it."""


def package(name):
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise Missing(f"{name} is not installed ({e}): pip install {name}") from None


def run(folder, *command, env=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode:
        errors = (
            [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or ["no message"]
        )
        raise Missing(f"{os.path.basename(command[0])} failed: {errors[0][:300]}")
    return done.stdout


def compile(folder, name, *arguments):
    run(folder, *CXX, *FLAGS, f"-DMODULE={name}", "-shared", *arguments, "-o", f"{name}.new")
    os.replace(os.path.join(folder, f"{name}.new"), os.path.join(folder, name + sysconfig.get_config_var("EXT_SUFFIX")))


# --- one function a library ----------------------------------------------------


def pybind11(folder, name, holder):
    include = package("pybind11").get_include()
    compile(folder, name, "-isystem", include, f"-DHOLDER={holder}", os.path.join(HERE, "with_pybind11.cpp"))


def nanobind(folder, name, *defines):
    root = os.path.dirname(package("nanobind").__file__)
    include = [w for part in ("include", "ext/robin_map/include") for w in ("-isystem", os.path.join(root, part))]
    compile(
        folder,
        name,
        *include,
        "-DNB_COMPACT_ASSERTIONS",
        "-fno-strict-aliasing",
        *defines,
        os.path.join(HERE, "with_nanobind.cpp"),
        os.path.join(root, "src", "nb_combined.cpp"),
    )


def boost(folder, name):
    version = "".join(map(str, sys.version_info[:2]))
    if sysconfig.get_config_var("Py_GIL_DISABLED") or sysconfig.get_config_var("Py_DEBUG"):
        raise Missing("Boost.Python is not built for this kind of CPython")
    try:
        compile(folder, name, os.path.join(HERE, "with_boost.cpp"), f"-lboost_python{version}")
    except Missing as e:
        if "boost/python.hpp" in str(e) or "-lboost_python" in str(e):
            raise Missing(
                f"Boost.Python for CPython {sys.version_info[0]}.{sys.version_info[1]} is not installed; "
                "on Debian or Ubuntu, for the system's python3: apt-get install libboost-python-dev"
            ) from None
        raise


def swig(folder, name):
    package("swig")
    run(
        folder,
        sys.executable,
        "-c",
        "import swig; swig.swig()",
        "-c++",
        "-python",
        "-module",
        name,
        "-outdir",
        folder,
        "-o",
        name + "_wrap.cpp",
        os.path.join(HERE, "with_swig.i"),
    )
    compile(folder, "_" + name, os.path.join(folder, name + "_wrap.cpp"))


def torch(folder, name):
    root = os.path.dirname(package("torch").__file__)
    if not os.path.isdir(os.path.join(root, "include")):
        raise Missing("PyTorch is installed without its headers")
    torch_with(folder, name, os.path.join(root, "include"), os.path.join(root, "lib"), "-std=c++20")


def torch_of_debian(folder, name):
    if not os.path.isdir(f"{DEBIAN}/torch") or not os.path.exists("/usr/include/torch/csrc/autograd/python_variable.h"):
        raise Missing(
            "PyTorch 1.13 is not installed; on Debian 12, for the system's python3: apt-get install python3-torch libtorch-dev"
        )
    torch_with(folder, name, "/usr/include", "/usr/lib", "-std=c++17", "-isystem", package("pybind11").get_include())


def torch_with(folder, name, include, lib, *flags):
    compile(
        folder,
        name,
        *flags,
        "-I",
        include,
        "-I",
        os.path.join(include, "torch/csrc/api/include"),
        os.path.join(HERE, "with_torch.cpp"),
        "-L",
        lib,
        "-ltorch_python",
        "-ltorch_cpu",
        "-lc10",
    )


def gobject(folder, name):
    try:
        flags = run(folder, "pkg-config", "--cflags", "--libs", "gobject-2.0", "pygobject-3.0").split()
        package("gi")
    except (Missing, OSError):
        raise Missing(
            "PyGObject and its headers are not installed; on Debian or Ubuntu, for the system's python3: "
            "apt-get install python3-gi python-gi-dev libglib2.0-dev"
        ) from None
    compile(folder, name, os.path.join(HERE, "with_gobject.cpp"), *flags)


def cython(folder, name):
    package("Cython")
    source = os.path.join(HERE, f"with_{name}.pyx")
    run(folder, sys.executable, "-m", "cython", "-3", "--cplus", "--module-name", name, "-o", f"{name}.cpp", source)
    compile(folder, name, os.path.join(folder, f"{name}.cpp"))


def pyo3(folder, name):
    try:
        run(
            folder,
            "cargo",
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
            os.path.join(HERE, "pyo3", "Cargo.toml"),
            "--target-dir",
            os.path.join(folder, "pyo3"),
            env={"PYO3_PYTHON": sys.executable, "PYO3_BUILD_EXTENSION_MODULE": "1"},
        )
    except FileNotFoundError:
        raise Missing("cargo is not installed; https://rustup.rs has it") from None
    shutil.copy(
        os.path.join(folder, "pyo3", "release", "libwith_pyo3.so"),
        os.path.join(folder, name + sysconfig.get_config_var("EXT_SUFFIX")),
    )


SIP_PROJECT = """
[build-system]
requires = ["sip"]
build-backend = "sipbuild.api"
[project]
name = "{name}"
version = "0"
[tool.sip.project]
sip-files-dir = "{here}"
[tool.sip.bindings.{name}]
sip-file = "with_sip.sip"
include-dirs = ["{here}"]
extra-compile-args = ["-std=c++17"]
"""


def sip(folder, name):
    package("sipbuild")
    project = os.path.join(folder, f"{name}.project")
    shutil.rmtree(project, ignore_errors=True)
    os.mkdir(project)
    with open(os.path.join(project, "pyproject.toml"), "w") as f:
        f.write(SIP_PROJECT.format(name=name, here=HERE))
    run(project, sys.executable, "-m", "sipbuild.tools.build", "--quiet")
    file = name + sysconfig.get_config_var("EXT_SUFFIX")
    (built,) = glob.glob(os.path.join(project, "**", file), recursive=True)
    shutil.copy(built, os.path.join(folder, file))


# Beside with_cffi.h: what is implemented in Python.
CFFI_CALLBACKS = """
extern "Python" {
    int64_t call(int64_t event, void *handle);
    void forget(void *handle);
    void wrap(void *handle);
}
"""


def cffi(folder, name):
    builder, source = package("cffi").FFI(), os.path.join(folder, f"{name}.cpp")
    with open(os.path.join(HERE, "with_cffi.h")) as f:
        builder.cdef(f.read() + CFFI_CALLBACKS)
    builder.set_source(name, 'extern "C" {\n#include "with_cffi.h"\n}', source_extension=".cpp")
    with contextlib.redirect_stdout(io.StringIO()):  # it says that it generates
        builder.emit_c_code(source)
    compile(folder, name, source, os.path.join(HERE, "with_cffi.cpp"))


def jpype(folder, name):
    package("jpype")
    classes = os.path.join(folder, name)
    try:
        run(folder, "javac", "-d", classes, *sorted(glob.glob(os.path.join(HERE, "jpype", "*.java"))))
    except FileNotFoundError:
        raise Missing("javac is not installed; on Debian or Ubuntu: apt-get install default-jdk-headless") from None
    tell(folder, name, classes)


def tvm(folder, name):
    spec = importlib.util.find_spec("tvm_ffi")  # importing it may compile something for PyTorch
    if not spec:
        raise Missing("tvm_ffi is not installed: pip install apache-tvm-ffi")
    root = os.path.dirname(spec.origin)
    compile(
        folder,
        name,
        "-I",
        os.path.join(root, "include"),
        os.path.join(HERE, "with_tvm.cpp"),
        "-L",
        os.path.join(root, "lib"),
        "-ltvm_ffi",
    )
    library = os.path.join(folder, f"lib{name}.so")  # not a Python module
    os.replace(os.path.join(folder, name + sysconfig.get_config_var("EXT_SUFFIX")), library)
    tell(folder, name, library)


def tell(folder, name, path):
    """Leave a module that says where what was built is."""
    with open(os.path.join(folder, f"{name}.py"), "w") as f:
        print(f"PATH = {path!r}", file=f)


MODULES = {
    "pybind11_shared_ptr": (pybind11, 1),
    "pybind11_smart_holder": (pybind11, 2),
    "pybind11_life_support": (pybind11, 3),
    "nanobind_shared_ptr": (nanobind,),
    "nanobind_intrusive": (nanobind, "-DCORE_INTRUSIVE"),
    "boost_python": (boost,),
    "swig_proxy": (swig,),
    "torch_tensor": (torch,),
    "torch_tensor_of_debian": (torch_of_debian,),
    "gobject_object": (gobject,),
    "cython_shared_ptr": (cython,),
    "cython_attribute": (cython,),
    "pyo3_arc": (pyo3,),
    "pyo3_py": (pyo3,),
    "sip_transfer": (sip,),
    "cffi_pointer": (cffi,),
    "jpype_classes": (jpype,),
    "tvm_object": (tvm,),
}


def stamp():
    """What a module depends on: the sources, the compiler, and all that is installed."""
    digest = hashlib.sha256()
    for entry in sorted(glob.glob("**/*.*", root_dir=HERE, recursive=True)):
        if not entry.endswith(".pyc"):
            with open(os.path.join(HERE, entry), "rb") as f:
                digest.update(entry.encode() + f.read())
    digest.update(subprocess.run([*CXX, "--version"], capture_output=True).stdout)
    for path in sys.path:
        if os.path.isdir(path):
            digest.update("\n".join(sorted(e for e in os.listdir(path) if e.endswith("-info"))).encode())
    return digest.hexdigest()


def main(folder, names):
    folder = os.path.abspath(folder)
    os.makedirs(folder, exist_ok=True)
    now, began, built = stamp(), time.monotonic(), 0
    names = names or list(MODULES)
    for i, name in enumerate(names):
        build, *arguments = MODULES[name]
        done, missing = (os.path.join(folder, name + end) for end in (".stamp", ".missing"))
        if os.path.exists(done) and open(done).read() == now:
            continue
        left = f", about {(time.monotonic() - began) / built * (len(names) - i):.0f} s left" if built else ""
        print(f"building {name} ({i + 1} of {len(names)}{left})", flush=True)
        for old in (done, missing):
            if os.path.exists(old):
                os.remove(old)
        try:
            build(folder, name, *arguments)
        except (Missing, OSError) as e:
            with open(missing, "w") as f:
                print(e, file=f)
            print(f"skipped {name}: {e}", flush=True)
        else:
            with open(done, "w") as f:
                f.write(now)
        built += 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
