/* Go's access to Python.h: the differences between CPython versions that are not in
 * lifetime/, each under one name. Supported: CPython 3.10 and later. */
#ifndef PP_PYTHON_H
#define PP_PYTHON_H

/* Python.h comes before all system headers. But cgo's files of exported functions begin
 * with <stdlib.h>, which defines this macro with the C library's value. 3.15's pyconfig.h
 * defines it with another value, which would be a redefinition. The C library reads it once
 * only, so it can be undefined here. */
#undef _POSIX_C_SOURCE

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <structmember.h>

#if PY_VERSION_HEX < 0x030A0000
#error "CPython 3.10 or later is needed"
#endif

/* Names that are public from 3.12 on. */
#if PY_VERSION_HEX < 0x030C0000
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

/* NULL when the running interpreter is the one the headers describe, else a
 * static sentence that says what to do. Uses only functions whose signature
 * has been stable since 3.0. Needs the GIL. */
const char *pp_check_runtime(void);

/* Clear the pending exception and return it as "Type: text", which the caller
 * frees; NULL without one. Needs the GIL. */
char *pp_take_error(void);

/* ---- threads that are not attached ------------------------------------------------------ */

/* What pp_gil_take returns. */
typedef uintptr_t pp_gil;

/* Take the GIL on any thread; may be nested. Returns 0 without the GIL when the interpreter is
 * being finalized, or has no memory for a thread state (3.15). Otherwise call pp_gil_give. */
pp_gil pp_gil_take(void);
void pp_gil_give(pp_gil);

/* Before finalization: from now on pp_gil_take returns 0 on threads without the GIL. Before
 * 3.15 this waits until the threads inside have released the GIL, but at most PP_GIL_WAIT
 * seconds. Needs the GIL, and releases it meanwhile. */
void pp_gil_close(void);
#define PP_GIL_WAIT 5

/* ---- after a fork ------------------------------------------------------------------------ */

/* A child has this many processors of Go's beside GOMAXPROCS. A thread keeps one while it is
 * inside Go, because Go's monitor, which would take it away, is not there. With the GIL a
 * thread stays inside only in a Python function that Go calls, and their number is limited.
 * Without it all threads may be inside at once; 256 lengthen a fork by 4 ms, 64 by less than 1. */
#ifdef Py_GIL_DISABLED
#define PP_CHILD_PROCESSORS 256
#else
#define PP_CHILD_PROCESSORS 64
#endif
#define PP_CHILD_HANDLERS (PP_CHILD_PROCESSORS - 16)

/* ---- versions ----------------------------------------------------------------------------- */

/* The version the headers describe, such as "3.11" or "3.13t" or "3.11d". */
const char *pp_built_for(void);

#endif
