/* Around os.fork(). The child has the calling thread only, and what the others were at
 * stays as it is there, for ever: a lock of Go's scheduler that one of them held, a
 * goroutine that one had just stopped to look at. So the fork waits until all of them
 * are asleep where nothing but new work wakes them. In the child there is nothing to do,
 * nor before it forks again: Go's collector, which needs threads, stays off. */
#include "core.h"

#include <pthread.h>
#include <time.h>
#ifdef __linux__
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "_cgo_export.h"

/* From before to after: another thread that prepared a fork of its own meanwhile would
 * stop Go's world in the child, with no thread to start it again. */
static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;

/* How often this thread has prepared the fork that is under way: once for each registration
 * of the functions below. */
static _Thread_local int preparing;

/* Of Go's runtime: whether a C thread keeps what it needs to run Go code, its M and with that
 * a processor, from its first call until it ends, so that later calls are faster. */
extern uintptr_t x_cgo_pthread_key_created __attribute__((weak));

/* In the child no monitor takes a processor away from a thread that has left Go; the thread after
 * the last processor would wait for one for ever. So threads give both back at each return.
 * Not at the first return of the forking thread, which keeps its own. */
static void
in_child(void)
{
    if (&x_cgo_pthread_key_created)
        x_cgo_pthread_key_created = 0;
}

static void
watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

#ifdef __linux__
static const char *
task_file(const char *task, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%.16s/%s", task, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, size - 1);
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? text : NULL;
}

/* Whether a thread sleeps, and how often it has been switched, so that a second look can
 * tell whether it ran in between. nanosleep does not count as sleep: Go's monitor thread
 * sits in it between two looks at the scheduler, until all of Go has been idle for 10 ms. */
static int
task_sleeps(const char *task, unsigned long *switches)
{
    static char text[4096]; /* of the thread that holds forking */
    const char *state, *count = NULL;

    if (task_file(task, "status", text, sizeof text) == NULL)
        return 0;
    state = strstr(text, "\nState:\t");
    if (state == NULL || state[8] != 'S')
        return 0;
    for (const char *p = text; (p = strstr(p, "voluntary_ctxt_switches:")) != NULL; p = count)
        *switches += strtoul(count = p + strlen("voluntary_ctxt_switches:"), NULL, 10);
    return count && task_file(task, "syscall", text, sizeof text) &&
           text[0] >= '0' && text[0] <= '9' && atol(text) != SYS_nanosleep;
}
#endif

/* Whether all other threads sleep; and a number that changes when one of them runs. */
static int
others_sleep(unsigned long *switches)
{
    *switches = 0;
#ifdef __linux__
    int sleep = 1;
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    pid_t me = (pid_t)syscall(SYS_gettid);

    if (tasks == NULL)
        return 0;
    while (sleep && (entry = readdir(tasks)) != NULL)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != me) {
            *switches += 1;
            sleep = task_sleeps(entry->d_name, switches);
        }
    closedir(tasks);
    return sleep;
#else
    return 0;
#endif
}

/* Until two looks in a row found all threads asleep and none ran in between: then there
 * was a moment, between them, when all were. Go's monitor takes 10 to 30 ms to get there.
 * With the GIL, lest Python's threads call into Go and wake it; but what runs without it
 * may take as long as it likes, so there is an end. Where /proc does not tell, the
 * wait is as long as it can be. */
static void
wait_for_quiet(void)
{
    unsigned long before = 0, now;
    int asleep = 0;

    for (int i = 0; i < 500; i++) {
        int still = others_sleep(&now);
        if (still && asleep && now == before)
            return;
        asleep = still;
        before = now;
        nanosleep(&(struct timespec){0, 500000}, NULL);
    }
}

PyObject *
core_before_fork(PyObject *self, PyObject *unused)
{
    static pthread_once_t watched = PTHREAD_ONCE_INIT;

    if (ppGoForked() || preparing++)
        Py_RETURN_NONE;
    pthread_once(&watched, watch_forks);
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&forking);
    ppGoBeforeFork();
    Py_END_ALLOW_THREADS
    wait_for_quiet();
    Py_RETURN_NONE;
}

PyObject *
core_after_fork(PyObject *self, PyObject *unused)
{
    if (ppGoForked() || preparing == 0 || --preparing)
        Py_RETURN_NONE;
    ppGoAfterFork();
    pthread_mutex_unlock(&forking);
    Py_RETURN_NONE;
}
