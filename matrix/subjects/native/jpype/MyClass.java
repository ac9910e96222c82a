import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/** A native object, which Python uses as it is. The adapter adds what a Java method cannot return. */
public class MyClass {
    private final Native self;
    private final List<MyClass> children = new ArrayList<>();
    private LongUnaryOperator callback;

    public MyClass() {
        this("");
    }

    public MyClass(String message) {
        self = new Native(message);
    }

    public long id() {
        return self.id;
    }

    public String text() {
        return self.message;
    }

    public long on_event(long event) {
        return event;
    }

    /** In place of on_event, or null. */
    public void set_callback(LongUnaryOperator callback) {
        this.callback = callback;
    }

    public long emit(long event) {
        return callback == null ? on_event(event) : callback.applyAsLong(event);
    }

    public synchronized void append(MyClass child) {
        children.add(Native.wanted(child));
    }

    /** Whether there was an edge. */
    public synchronized boolean removeEdge(MyClass child) {
        return children.remove(Native.wanted(child));
    }

    public synchronized Object[] edges() {
        return children.toArray();
    }
}
