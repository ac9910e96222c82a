/* Batches of one operation each, timed where they run. See loops.go.
 *
 * Unless said otherwise every function needs the GIL, and returns the nanoseconds that
 * the operations took, or -1 with an exception pending. */
#ifndef PP_LOOPS_H
#define PP_LOOPS_H

#include "../../internal/wrapper/wrapper.h"

int64_t pp_loop_create(const pp_strategy *, int64_t n);
int64_t pp_loop_create_list(const pp_strategy *, int64_t n);
int64_t pp_loop_replace(const pp_strategy *, PyObject *kept, PyObject *indices);
int64_t pp_loop_wrap(const pp_strategy *, PyObject *wrapper, PyObject *ref, int64_t n,
                     int64_t *same);
int64_t pp_loop_wrap_first(const pp_strategy *, int64_t n);
int64_t pp_loop_unwrap(const pp_strategy *, PyObject *wrapper, int64_t n);
int64_t pp_loop_call(PyObject *object, const char *method, int64_t n);
int64_t pp_loop_call_one(PyObject *object, const char *method, int64_t argument, int64_t n);
int64_t pp_loop_retain_release(const pp_strategy *, PyObject *wrapper, int64_t n);
int64_t pp_loop_release_zombie(const pp_strategy *, int64_t n);
int64_t pp_loop_invoke(PyObject *callable, int64_t n, int64_t *none);

/* n native objects with dead wrappers, held from outside Python.
 * 0, or -1 with an exception. */
int pp_hold(const pp_strategy *, void **held, int64_t n);
void pp_let_go(const pp_strategy *, void **held, int64_t n);

/* callable() as an integer. -1 with an exception, or because it is. */
int64_t pp_call_int(PyObject *callable);

const char *pp_compiler(void);

#endif
