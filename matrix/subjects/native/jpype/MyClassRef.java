import java.util.ArrayList;
import java.util.List;

/** A native reference that Python code can make and drop. */
public final class MyClassRef {
    private volatile Object object;

    public MyClassRef(Object object) {
        this.object = Native.wanted(object);
    }

    /** null if it has released its object. */
    public Object held() {
        return object;
    }

    public void release() {
        object = null;
    }

    /** To an object that Python has not seen. */
    public static MyClassRef born(String message) {
        return new MyClassRef(new MyClass(message));
    }

    public static void releaseOnThreads(MyClassRef[] refs, int threads, boolean wait, boolean locked)
            throws InterruptedException {
        List<Thread> crew = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int first = i;
            crew.add(new Thread(() -> {
                if (locked)
                    Native.LOCK.lock();
                for (int at = first; at < refs.length; at += threads)
                    refs[at].release();
                if (locked)
                    Native.LOCK.unlock();
            }));
        }
        for (Thread thread : crew)
            thread.start();
        for (Thread thread : crew)
            if (wait)
                thread.join();
    }

    public static void runOnThreads(Runnable work, int threads, int times) throws InterruptedException {
        List<Thread> crew = new ArrayList<>();
        for (int i = 0; i < threads; i++)
            crew.add(new Thread(() -> {
                for (int n = 0; n < times; n++)
                    work.run();
            }));
        for (Thread thread : crew)
            thread.start();
        for (Thread thread : crew)
            thread.join();
    }
}
