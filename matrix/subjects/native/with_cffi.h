// The core as a C library. A native_ref is one native reference, which its owner releases.
typedef struct native_ref native_ref;

native_ref *native_new(const char *message);
native_ref *native_copy(native_ref *ref);
void native_release(native_ref *ref);
int64_t native_id(native_ref *ref);
const char *native_message(native_ref *ref);
int64_t native_emit(native_ref *ref, int64_t event);

// The function gets data; destroy gets it when the function is not called any more.
void native_set_callback(native_ref *ref, int64_t (*function)(int64_t event, void *data),
                         void *data, void (*destroy)(void *data));

// children() writes as many as there is room for, and returns how many there are.
void native_append(native_ref *ref, native_ref *child);
bool native_remove(native_ref *ref, native_ref *child);
size_t native_children(native_ref *ref, native_ref **into, size_t room);

// On threads of the library's own. These release what they are given.
void native_release_on_threads(native_ref **refs, size_t n, int threads, bool wait, bool locked);
void native_release_at_exit(native_ref *ref);
void native_call_on_threads(void (*function)(void *data), void *data, int threads, int times);

void native_synchronize(void);
int64_t native_live_objects(void);
