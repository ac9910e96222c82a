/* library.h: a native library in plain C, independent of Python.
 *
 * Its objects are nodes: a reference count, a message, edges to other nodes, and events that
 * a node answers. Any thread that has a reference may do anything with a node at any time.
 *
 * The library has two hooks for a binding:
 *   - NODE_MEMBERS, members of every node that belong to the binding, zero at birth;
 *   - node_hooks, what a binding may put in place of the library's own functions. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef NODE_MEMBERS
#define NODE_MEMBERS
#endif

typedef struct node {
    _Atomic int64_t refs;
    uint64_t id; /* from 1, never used again */
    char *message;
    size_t message_size;
    struct node **edges; /* each owns a reference to its end */
    size_t n_edges, room;
    void *data;               /* the listener's, see node_hooks */
    struct node *next_to_die; /* link in node_dying */
    NODE_MEMBERS
} node;

/* The lock of message, edges and data of all nodes. Its owner only allocates and copies,
 * so a thread may wait for it with any other lock held, and with the GIL. */
static pthread_mutex_t node_lock = PTHREAD_MUTEX_INITIALIZER;

static void node_release(node *);

static int
node_answer(node *n, int64_t event, int64_t *answer)
{
    (void)n;
    *answer = event;
    return 0;
}

static void
node_drop_nothing(void *data)
{
    (void)data;
}

static struct {
    void (*release)(node *);                                 /* release one reference; any thread */
    int (*on_event)(node *, int64_t event, int64_t *answer); /* 0, or -1; any thread */
    void (*drop)(void *data); /* a node with data dies, or its data is replaced; any thread */
} node_hooks = {node_release, node_answer, node_drop_nothing};

/* ---- life and death ----------------------------------------------------------------- */

static _Atomic uint64_t node_last_id;
static _Atomic int64_t node_live;

/* A new node with one reference, which the caller owns. NULL without memory. */
static inline node *
node_new(void)
{
    node *n = (node *)calloc(1, sizeof *n);

    if (n) {
        atomic_init(&n->refs, 1);
        n->id = atomic_fetch_add(&node_last_id, 1) + 1;
        atomic_fetch_add(&node_live, 1);
    }
    return n;
}

/* Count only. The new count. */
static inline int64_t
node_inc(node *n)
{
    return atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed) + 1;
}

static inline int64_t
node_dec(node *n)
{
    return atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) - 1;
}

static inline void
node_set_data(node *n, void *data)
{
    void *old;

    pthread_mutex_lock(&node_lock);
    old = n->data;
    n->data = data;
    pthread_mutex_unlock(&node_lock);
    if (old)
        node_hooks.drop(old);
}

/* Remove all edges, and release their references. */
static inline void
node_remove_edges(node *n)
{
    node **edges;
    size_t n_edges;

    pthread_mutex_lock(&node_lock);
    edges = n->edges;
    n_edges = n->n_edges;
    n->edges = NULL; /* first: a release may come back to this node */
    n->n_edges = n->room = 0;
    pthread_mutex_unlock(&node_lock);
    for (size_t i = 0; i < n_edges; i++)
        node_hooks.release(edges[i]);
    free(edges);
}

/* This thread's nodes without references. Its outermost node_free destroys them. */
static _Thread_local node *node_dying;
static _Thread_local bool node_freeing;

/* The count is 0: destroy n, and release what its edges own. The release of an edge may call
 * this again, which only adds to the list: a chain of any length dies in this loop, not by
 * recursion. Each thread has a list of its own, because a release may run code for long, and
 * other threads' nodes must not wait for it. */
static void
node_free(node *n)
{
    n->next_to_die = node_dying;
    node_dying = n;
    if (node_freeing)
        return;
    node_freeing = true;
    while ((n = node_dying)) {
        node_dying = n->next_to_die;
        node_remove_edges(n);
        node_set_data(n, NULL);
        free(n->message);
        free(n);
        atomic_fetch_sub(&node_live, 1);
    }
    node_freeing = false;
}

static void
node_release(node *n)
{
    if (node_dec(n) == 0)
        node_free(n);
}

/* ---- message, edges, events ------------------------------------------------------------ */

/* 0, or -1 without memory. */
static inline int
node_set_message(node *n, const char *text, size_t size)
{
    char *copy = (char *)malloc(size ? size : 1), *old;

    if (copy == NULL)
        return -1;
    memcpy(copy, text, size);
    pthread_mutex_lock(&node_lock);
    old = n->message;
    n->message = copy;
    n->message_size = size;
    pthread_mutex_unlock(&node_lock);
    free(old);
    return 0;
}

/* A copy of the message, to be freed. NULL without memory. */
static inline char *
node_copy_message(node *n, size_t *size)
{
    char *copy;

    pthread_mutex_lock(&node_lock);
    *size = n->message ? n->message_size : 0;
    copy = (char *)malloc(*size ? *size : 1);
    if (copy && *size)
        memcpy(copy, n->message, *size);
    pthread_mutex_unlock(&node_lock);
    return copy;
}

/* Add an edge, which takes over a reference to `to`. 0, or -1 without memory. */
static inline int
node_append(node *from, node *to)
{
    bool room;

    pthread_mutex_lock(&node_lock);
    if (from->n_edges == from->room) {
        size_t twice = from->room ? 2 * from->room : 2;
        node **more = (node **)realloc(from->edges, twice * sizeof *more);
        if (more) {
            from->edges = more;
            from->room = twice;
        }
    }
    room = from->n_edges < from->room;
    if (room)
        from->edges[from->n_edges++] = to;
    pthread_mutex_unlock(&node_lock);
    return room ? 0 : -1;
}

/* Remove the first edge to `to`. The caller owns its reference. false if there is no edge. */
static inline bool
node_remove(node *from, node *to)
{
    bool found = false;

    pthread_mutex_lock(&node_lock);
    for (size_t i = 0; i < from->n_edges && !found; i++)
        if (from->edges[i] == to) {
            memmove(from->edges + i, from->edges + i + 1, (--from->n_edges - i) * sizeof to);
            found = true;
        }
    pthread_mutex_unlock(&node_lock);
    return found;
}

/* A copy of the edges, to be freed, with a reference to each end, which retain takes: with the
 * lock, as the edge's own may go at any time after it. NULL without memory. */
static inline node **
node_copy_edges(node *n, size_t *n_edges, void (*retain)(node *))
{
    node **edges;

    pthread_mutex_lock(&node_lock);
    *n_edges = n->n_edges;
    edges = (node **)malloc((*n_edges ? *n_edges : 1) * sizeof *edges);
    for (size_t i = 0; edges && i < *n_edges; i++) {
        edges[i] = n->edges[i];
        retain(edges[i]);
    }
    pthread_mutex_unlock(&node_lock);
    return edges;
}

/* An event reaches n. 0 and the answer, or -1. The caller has a reference. */
static inline int
node_emit(node *n, int64_t event, int64_t *answer)
{
    return node_hooks.on_event(n, event, answer);
}

/* ---- threads ---------------------------------------------------------------------------- */

/* A lock that the library holds while it works, whatever that releases. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

/* Run work(arg) on n threads at once; on this one where the system gives no thread. */
static inline void
library_run(int n, void *(*work)(void *), void *arg, bool wait)
{
    pthread_t *threads = (pthread_t *)malloc((size_t)n * sizeof *threads);
    int started = 0;

    for (int i = 0; i < n; i++) {
        if (threads && pthread_create(&threads[started], NULL, work, arg) == 0)
            started++;
        else
            work(arg);
    }
    for (int i = 0; i < started; i++)
        wait ? pthread_join(threads[i], NULL) : pthread_detach(threads[i]);
    free(threads);
}

static void
library_take_lock(void)
{
    pthread_mutex_lock(&library_lock);
}

static void
library_give_lock(void)
{
    pthread_mutex_unlock(&library_lock);
}

static void
library_take_both(void)
{
    library_take_lock();
    pthread_mutex_lock(&node_lock);
}

static void
library_give_both(void)
{
    pthread_mutex_unlock(&node_lock);
    library_give_lock();
}

/* Once: the child of a fork has the forking thread only, and must find the locks free. */
static inline int
library_watch_forks(void (*in_child)(void))
{
    return pthread_atfork(library_take_both, library_give_both, library_give_both) ||
           pthread_atfork(NULL, NULL, in_child);
}

#endif
