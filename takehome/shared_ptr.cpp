/* shared_ptr.cpp: toggleref.h for C++ classes behind std::shared_ptr, which are independent
 * of Python and whose count we cannot change.
 *
 *     c++ -std=c++17 -O2 -shared -fPIC -pthread $(python3-config --includes) shared_ptr.cpp \
 *         -o shared_ptr$(python3-config --extension-suffix)
 *
 * The count that toggleref.h works with is not that of the shared_ptrs but one of claims, in a
 * record for each object, the Bond:
 *
 *     the wrapper                              one claim
 *     a group: all shared_ptrs that share a
 *     control block, however many they are     one claim, released by the group's deleter
 *     no claim                                 the Bond destroys the object
 *
 * The deleter runs when the last shared_ptr of a group dies, on any thread: a binding has to
 * know this moment, and the count of a plain shared_ptr does not report it. While a
 * group lives a weak_ptr finds it; when Python hands an object to native code and there is no
 * group, a new one is made, with the next claim. So identity holds in both directions: one
 * wrapper for an object, and one group at a time.
 *
 * Objects that native code makes get their Bond from the factory, make<T>(). What this cannot
 * do: an object whose shared_ptr was made without the factory (std::make_shared, or a plain
 * new) has no Bond. Its control block is not ours and does not report when its last shared_ptr
 * but ours dies, so wrap() refuses it. Nor is there an enable_shared_from_this: its
 * weak_ptr knows the first group only, and is dead after that although the object lives on. */
#include "../lifetime/queue.h"

#include "shapes.h"

#include <cstddef>
#include <new>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <typeinfo>
#include <unordered_map>

using shapes::Shape;
using Ptr = std::shared_ptr<Shape>;

/* ---- bonds ----------------------------------------------------------------------------- */

/* Never destroyed: threads release while the process exits. */
struct Bonds {
    std::mutex lock;
    std::unordered_map<const Shape *, struct Bond *> of;
};
static Bonds &bonds = *new Bonds;

struct Bond : lt_slot {
    std::atomic<std::int64_t> claims{1};
    std::unique_ptr<Shape> object;
    lt_word lock{0}; /* without the GIL: of group, callback, and the object except its id */
    std::weak_ptr<Shape> group;   /* native code's, the latest */
    PyObject *callback = nullptr; /* owned: answers the object's events */
    Bond *next_to_die = nullptr;

    explicit Bond(std::unique_ptr<Shape> shape) : lt_slot{}, object(std::move(shape))
    {
        std::lock_guard<std::mutex> guard(bonds.lock);
        bonds.of[object.get()] = this;
    }
    ~Bond();
};

/* Between its beginning and its end one thread at a time has what b->lock is for. For the rules
 * see lt_lock: nothing is dropped in between. */
struct Locked {
    Bond *b;
    explicit Locked(Bond *bond) : b(bond)
    {
        lt_lock_word(&b->lock);
    }
    ~Locked()
    {
        lt_unlock_word(&b->lock);
    }
};

/* The Bond of an object, NULL if the factory did not make it. Rejected: std::get_deleter on the
 * shared_ptr, which needs no map, but cannot start from a reference or a plain pointer. */
static Bond *
bond_of(const Shape *object)
{
    std::lock_guard<std::mutex> guard(bonds.lock);
    auto found = bonds.of.find(object);

    return found == bonds.of.end() ? nullptr : found->second;
}

static lt_queue queue;
static PyTypeObject *MyClass, *MyClassRef, *Circle, *Square;
static std::atomic<long long> wrappers_created, wrappers_freed;

/* ---- what toggleref.h asks for -------------------------------------------------------- */

struct wrapper {
    PyObject_HEAD
    Bond *native; /* owns a claim; NULL until tp_new is done */
    PyObject *dict, *weakrefs;
};

using toggleref_native = Bond;

static inline Bond *
toggleref_of(PyObject *self)
{
    return reinterpret_cast<wrapper *>(self)->native;
}

static inline lt_slot *
toggleref_slot(Bond *b)
{
    return b;
}

/* Native references for gc: each shared_ptr of the group, not the group as one. So a holder with
 * a shared_ptr is a holder as toggleref.h means it, and while all shared_ptrs are holders' gc
 * sees every reference. An unattached thread has a shared_ptr that is not a holder's, so
 * it cannot turn "all seen" into "not all". */
static inline std::int64_t
toggleref_refs(Bond *b)
{
    long shared = b->group.use_count();
    return b->claims.load() + (shared ? shared - 1 : 0);
}

static inline std::int64_t
toggleref_inc(Bond *b)
{
    return ++b->claims;
}

static inline std::int64_t
toggleref_dec(Bond *b)
{
    return --b->claims;
}

/* This thread's Bonds without claims; the outermost call destroys them. The shared_ptrs in a
 * dying shape release the next: a chain of any length dies in this loop, not by recursion. */
static void
toggleref_free(Bond *b)
{
    static thread_local Bond *dying = nullptr;
    static thread_local bool busy = false;

    b->next_to_die = dying;
    dying = b;
    if (busy)
        return;
    busy = true;
    while ((b = dying) != nullptr) {
        dying = b->next_to_die;
        delete b;
    }
    busy = false;
}

static PyObject *toggleref_make(Bond *b);

#define TOGGLEREF_EVENT(what) (what++)
#define TOGGLEREF_VISIT_MORE(self, visit, arg) visit_callback(toggleref_of(self), visit, arg)
#define TOGGLEREF_CLEAR_MORE(self) set_callback(toggleref_of(self), nullptr)

static int
visit_callback(Bond *b, visitproc visit, void *arg)
{
    if (b)
        Py_VISIT(b->callback);
    return 0;
}

static void
drop_attached(void *object, void *)
{
    Py_DECREF(static_cast<PyObject *>(object));
}

/* Takes over callback. On any thread; without memory for a call the old one leaks. */
static void
set_callback(Bond *b, PyObject *callback)
{
    PyObject *old;

    if (b == nullptr)
        return;
    {
        Locked locked(b);
        old = std::exchange(b->callback, callback);
    }
    if (old && lt_attached())
        Py_DECREF(old);
    else if (old)
        (void)lt_call_later(&queue, drop_attached, old, nullptr);
}

#include "../toggleref/toggleref.h"

Bond::~Bond()
{
    {
        std::lock_guard<std::mutex> guard(bonds.lock);
        bonds.of.erase(object.get());
    }
    set_callback(this, nullptr);
}

/* ---- groups: shared_ptr <-> claim ---------------------------------------------------------- */

/* The deleter of every group: the claim goes, not the object. */
struct ReleaseClaim {
    Bond *bond;
    void operator()(Shape *) const
    {
        if (lt_attached())
            toggleref_release(bond);
        else if (lt_release_unattached(&queue, bond, &bond->claims) == 0)
            toggleref_free(bond); /* it never had a wrapper */
    }
};

static void
release_queued(lt_slot *slot)
{
    toggleref_release(static_cast<Bond *>(slot));
}

/* The group that is alive; else group, which becomes it. */
static Ptr
living_group(Bond *b, const Ptr &group)
{
    Locked locked(b);
    Ptr alive = b->group.lock();

    if (!alive && group)
        b->group = alive = group;
    return alive;
}

/* A new group, which takes over one claim. If the constructor throws it runs the deleter. If
 * another thread has made a group meanwhile, that one is returned and the claim goes. */
static Ptr
new_group(Bond *b)
{
    Ptr group(b->object.get(), ReleaseClaim{b});
    return living_group(b, group);
}

/* Python -> native. Attached. A group whose last shared_ptr has just died on another thread is
 * not found; its claim goes when its deleter has run, and the new group has a claim of its own. */
static Ptr
share(Bond *b)
{
    if (Ptr alive = living_group(b, nullptr))
        return alive;
    toggleref_retain(b);
    return new_group(b);
}

static std::int64_t deliver(Bond *b, std::int64_t event);

template <class T>
static Bond *
new_bond()
{
    Bond *b = new Bond(std::make_unique<T>());
    b->object->listener = [b](std::int64_t event) { return deliver(b, event); };
    return b;
}

/* The factory, for native code in place of std::make_shared. Any thread. */
template <class T>
static Ptr
make()
{
    return new_group(new_bond<T>());
}

/* native -> Python. Attached. A new reference, or NULL with an exception. */
static PyObject *
wrap(const Ptr &object)
{
    Bond *b = bond_of(object.get());

    if (b)
        return toggleref_wrap(b);
    return PyErr_Format(PyExc_TypeError,
                        "the native object was made without make<T>(); it cannot be wrapped");
}

#include "shared_ptr_binding.h"
