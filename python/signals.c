/* Signals. In a C-shared library Go's runtime installs handlers for SIGURG, SIGPIPE and the
 * signals of faults, and passes on to the handler before it what is not Go's own: faults and
 * SIGPIPE, but not SIGURG. This file restores the first two.
 *
 * SIGURG is what the runtime stops goroutines with. This library is linked with
 * asyncpreemptoff=1 (scripts/setup.sh), so that it sends none: goroutines stop at function
 * calls only. Otherwise a Python handler that is installed after the import would be called
 * for each, and none could be told from a signal that a process sent.
 *
 * SIGPIPE is ignored by CPython, and children of os.system and os.exec* inherit that, as they
 * do not inherit a handler. No Go code here writes to a pipe or a socket. */
#include "core.h"

#include <signal.h>
#include <stdatomic.h>

static struct {
    int number, known;
    struct sigaction before;
} taken[] = {{SIGURG}, {SIGPIPE}};

#define N_TAKEN (sizeof taken / sizeof *taken)

/* Before Go's own constructor, which has no priority and so comes after those that have. */
__attribute__((constructor(101))) static void
remember(void)
{
    for (size_t i = 0; i < N_TAKEN; i++)
        taken[i].known = sigaction(taken[i].number, NULL, &taken[i].before) == 0;
}

/* Called before the GIL is released for the first time since the library was loaded: no other
 * thread can have installed a handler meanwhile. */
void
core_restore_signals(void)
{
    static _Atomic int restored;

    if (atomic_exchange(&restored, 1))
        return;
    for (size_t i = 0; i < N_TAKEN; i++) {
        struct sigaction *before = &taken[i].before;

        if (!taken[i].known)
            continue;
        /* Go's threads have small stacks, and want every handler on the alternate one. */
        if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
            before->sa_flags |= SA_ONSTACK;
        sigaction(taken[i].number, before, NULL);
    }
}
