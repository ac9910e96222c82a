/* The only door to Python.h: the differences between CPython versions that the
 * suite meets, each under one name. Supported: CPython 3.10 and later. */
#ifndef PP_PYTHON_H
#define PP_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#if PY_VERSION_HEX < 0x030A0000
#error "CPython 3.10 or later is needed"
#endif

/* Names that are public from 3.12 on. */
#if PY_VERSION_HEX < 0x030C0000
#define Py_T_OBJECT_EX T_OBJECT_EX
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

/* What the headers of this build were made for. Compared with the running
 * interpreter before anything else, see pp_check_runtime. */
#ifdef Py_GIL_DISABLED
#define PP_BUILT_FREE_THREADED 1
#else
#define PP_BUILT_FREE_THREADED 0
#endif
#ifdef Py_DEBUG
#define PP_BUILT_DEBUG 1
#else
#define PP_BUILT_DEBUG 0
#endif

/* Give an object whose count has reached zero, inside its own tp_dealloc, one
 * reference again. Py_SET_REFCNT is enough on a release build; a debug build
 * counts all references, so there the object must be announced anew, and a
 * free-threaded one keeps the count in three fields, of which the owner must be
 * this thread (what CPython's private _PyObject_ResurrectStart does). */
static inline void
pp_resurrect(PyObject *op)
{
#if defined(Py_GIL_DISABLED)
    op->ob_tid = _Py_ThreadId();
    op->ob_ref_local = 1;
    op->ob_ref_shared = 0;
#elif defined(Py_REF_DEBUG)
    _Py_NewReference(op);
#else
    Py_SET_REFCNT(op, 1);
#endif
}

/* PyGILState_Check says yes to everybody once there was a subinterpreter. */
static inline int
pp_have_gil(void)
{
    PyThreadState *mine = PyGILState_GetThisThreadState();
#if PY_VERSION_HEX < 0x030D0000
    return mine && mine == _PyThreadState_UncheckedGet();
#else
    return mine && mine == PyThreadState_GetUnchecked();
#endif
}

/* Py_AddPendingCall for threads without the GIL. Up to 3.11 CPython's own looks at the
 * thread state of whoever has the GIL just now, without the GIL itself: that may be freed
 * meanwhile. 0, or -1 when there is no room or no interpreter. */
#if PY_VERSION_HEX < 0x030C0000
extern int _PyEval_AddPendingCall(PyInterpreterState *, int (*)(void *), void *);
#endif

static inline int
pp_add_pending_call(int (*f)(void *), void *arg)
{
#if PY_VERSION_HEX < 0x030C0000
    PyInterpreterState *main = PyInterpreterState_Main();
    return main ? _PyEval_AddPendingCall(main, f, arg) : -1;
#else
    return Py_AddPendingCall(f, arg);
#endif
}

/* NULL when the running interpreter is the one the headers describe, else a
 * static sentence that says what to do. Uses only functions whose signature
 * has been stable since 3.0. Needs the GIL. */
const char *pp_check_runtime(void);

/* Take the pending exception away as "Type: text", to be freed by the caller;
 * NULL if there is none. Needs the GIL. */
char *pp_take_error(void);

/* The version the headers describe, such as "3.11" or "3.13t" or "3.11d". */
const char *pp_built_for(void);

#endif
