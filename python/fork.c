/* Around os.fork(). The child has the calling thread only. What the other threads were
 * doing stays half-done there, for ever: a lock of Go's scheduler stays locked, a
 * goroutine that the monitor had stopped stays stopped. So the fork waits until all of
 * them are asleep and only new work wakes them. The child needs no preparation, not even
 * before it forks again: Go's collector, which needs threads, stays off. */
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

/* Held from before to after: if another thread prepared a fork meanwhile, Go's world
 * could be stopped in the child, and no thread would start it again. */
static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;

/* How often this thread has prepared the fork that is under way: once for each registration
 * of the functions below. */
static _Thread_local int preparing;

/* A variable of Go's runtime: whether a C thread keeps its M, and with that a processor, from
 * its first call into Go until it ends, so that later calls are faster. */
extern uintptr_t x_cgo_pthread_key_created __attribute__((weak));

/* Of the native objects; see native.LockMemory. */
static void *locks;
static size_t locks_size;

/* The child has no monitor to take processors back from threads that have left Go, and a thread
 * that finds none free waits for ever. So threads give M and processor back at each return;
 * except at the first return of the forking thread, which keeps its own. */
static void
in_child(void)
{
    if (&x_cgo_pthread_key_created)
        x_cgo_pthread_key_created = 0;
    memset(locks, 0, locks_size);
}

static void
watch_forks(void)
{
    locks = (void *)ppGoLockMemory(&locks_size);
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

/* Whether a thread sleeps, and how often it has been switched: two reads show whether it
 * ran in between. nanosleep does not count as sleep: Go's monitor thread is in it
 * between two polls, until all of Go has been idle for 10 ms. */
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
    return count && task_file(task, "syscall", text, sizeof text) && text[0] >= '0' &&
           text[0] <= '9' && atol(text) != SYS_nanosleep;
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

/* Wait until two reads in a row find all threads asleep and none ran in between: then
 * there was a moment when all were asleep. Go's monitor takes 10 to 30 ms to get there.
 * The GIL is held, so that Python's threads do not call into Go and wake it. Threads
 * without the GIL may never sleep, so the wait is bounded. Without /proc it takes its
 * whole bound. */
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
