/* Between the files that make the Python classes. */
#ifndef PP_METHODS_H
#define PP_METHODS_H

#include "wrapper.h"

/* With the build tag "collect" gc runs at every accessor. */
#ifdef PP_COLLECT
#define PP_ACCESS() PyGC_Collect()
#else
#define PP_ACCESS() ((void)0)
#endif

/* The common methods of MyClass and the strategy's own (NULL: none), one array that lives
 * as long as the process. NULL with MemoryError. */
PyMethodDef *pp_wrapper_methods(const PyMethodDef *more);

/* Set the message of a native object from a str or None (leave it). 0, or -1
 * with TypeError. */
int pp_set_message(pp_header *h, PyObject *message);

/* ---- callbacks.c ---- */

/* A new reference, or NULL. */
PyObject *pp_callback(pp_header *);

/* Take it out of the native object: the reference is the caller's. Any thread, if no other
 * can reach the object. */
PyObject *pp_take_callback(pp_header *);

/* MyClass.set_callback. */
PyObject *pp_wrapper_set_callback(PyObject *self, PyObject *callback);

/* ---- goroutines.c ---- */

/* 0 with RuntimeError for the baseline, whose native references are Python's. */
int pp_counts_natively(const pp_strategy *);

/* 0 with RuntimeError for the baseline, and in a forked process, which has no goroutines. */
int pp_have_goroutines(const pp_strategy *);

/* Around a call of a Python function by Go. 0, or -1 with RuntimeError in a forked process
 * that has too many threads inside of one. */
int pp_enter_handler(void);
void pp_leave_handler(void);

PyObject *pp_holder_release_from_goroutine(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *pp_holder_wrap_from_goroutines(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *pp_holder_release_after_python(PyObject *self, PyObject *unused);
PyObject *pp_module_release_from_goroutines(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *pp_module_synchronize(PyObject *module, PyObject *unused);

/* ---- holder.c, module.c ---- */

/* A new native reference to the native object of a holder; NULL with ReferenceError if it has been
 * released. */
pp_header *pp_retain_held(PyObject *);

/* strategy->release, and the pending exception is the same after it. */
void pp_release_keeping_error(const pp_strategy *, pp_header *);

/* pp_drain, and wait up to a second, detached, until all that had been handed over before has been
 * released, by any thread. Whether all has. */
bool pp_settle(const pp_strategy *);

/* The same, and what is handed over meanwhile: what follows from a release may be. */
bool pp_settle_all(const pp_strategy *);

/* Take the native reference out of a holder; NULL if it has none. */
pp_header *pp_take_from_holder(pp_holder *);
const pp_strategy *pp_module_strategy(PyObject *module);

#endif
