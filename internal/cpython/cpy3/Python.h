/* CPython's own Python.h, and the names that github.com/go-python/cpy3 v0.2.0
 * uses and CPython has dropped since. That module was written for CPython 3.7;
 * with this file first on its include path it compiles for 3.10 and later.
 *
 * The python3.pc that scripts/describe_python.py writes to .build/<tag>/cpy3
 * puts it there. No other build uses it. Rejected: a forced -include, because
 * cgo's generated files include Python.h first. */
#ifndef PP_CPY3_PYTHON_H
#define PP_CPY3_PYTHON_H

#include_next <Python.h>
#include <wchar.h>

/* Gone since 3.9: gc.collect() empties the free lists, so nothing was cleared. */
static inline int
PyDict_ClearFreeList(void)
{
    return 0;
}
static inline int
PyFloat_ClearFreeList(void)
{
    return 0;
}
static inline int
PyList_ClearFreeList(void)
{
    return 0;
}

/* Internal since 3.9: os.fork() calls it itself. */
static inline void
PyEval_ReInitThreads(void)
{
}

#if PY_VERSION_HEX < 0x030D0000
/* Declared, but hidden in libpython. Weak, because this file is in many
 * objects. -1: no wake-up descriptor was set before. */
__attribute__((weak)) int
PySignal_SetWakeupFd(int fd)
{
    (void)fd;
    return -1;
}
#endif

#if PY_VERSION_HEX >= 0x030D0000
/* Gone in 3.13, in favour of PyConfig: they configure an interpreter before it
 * runs, and have no effect here. There is always a GIL to take. */
static inline void
Py_SetPath(const wchar_t *path)
{
    (void)path;
}
static inline int
Py_SetStandardStreamEncoding(const char *encoding, const char *errors)
{
    (void)encoding, (void)errors;
    return -1; /* "not set", as after initialization */
}
static inline void
PySys_AddWarnOption(const wchar_t *option)
{
    (void)option;
}
static inline void
PySys_AddXOption(const wchar_t *option)
{
    (void)option;
}
static inline void
PySys_SetPath(const wchar_t *path)
{
    (void)path;
}
static inline int
PyEval_ThreadsInitialized(void)
{
    return 1;
}
#endif

#if PY_VERSION_HEX >= 0x030F0000
/* Gone in 3.15, in favour of PyConfig_Get. They return NULL before initialization, and
 * cpy3 expects that. The string would be the caller's now, and cpy3 does not free it. */
static inline wchar_t *
Py_GetProgramName(void)
{
    return NULL;
}
static inline wchar_t *
Py_GetProgramFullPath(void)
{
    return NULL;
}
static inline wchar_t *
Py_GetPrefix(void)
{
    return NULL;
}
static inline wchar_t *
Py_GetExecPrefix(void)
{
    return NULL;
}
static inline wchar_t *
Py_GetPath(void)
{
    return NULL;
}
static inline wchar_t *
Py_GetPythonHome(void)
{
    return NULL;
}
static inline void
PySys_ResetWarnOptions(void)
{
}
#endif

#endif
