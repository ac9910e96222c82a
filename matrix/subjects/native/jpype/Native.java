import java.lang.ref.Cleaner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** What a native object is, beside its edges and its callback; and the library's functions. */
public class Native {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicLong LAST_ID = new AtomicLong(), LIVE = new AtomicLong();
    /** One that native code holds and __del__ may want. */
    static final ReentrantLock LOCK = new ReentrantLock();

    public final long id = LAST_ID.incrementAndGet();
    public final String message;

    public Native(String message) {
        this.message = wanted(message);
        LIVE.incrementAndGet();
        CLEANER.register(this, LIVE::decrementAndGet);
    }

    static <T> T wanted(T object) {
        if (object == null)
            throw new IllegalArgumentException("null is not an object");
        return object;
    }

    public static long live_objects() {
        return LIVE.get();
    }

    public static void synchronize() {
        LOCK.lock();
        LOCK.unlock();
    }

    /** Collect, and wait until what was found dead has been counted. */
    public static void collect() throws InterruptedException {
        for (int i = 0; i < 2; i++) {
            CountDownLatch cleaned = new CountDownLatch(1);
            CLEANER.register(new Object(), cleaned::countDown);
            System.gc();
            cleaned.await();
        }
    }
}
