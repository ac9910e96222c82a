import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongUnaryOperator;

/** A native object whose class is written in Python: an interface that Python implements. */
public interface Proxied {
    long on_event(long event);

    /** What the Java library keeps about one, which the Python object has. */
    State state();

    class State {
        public final Native self;
        public final List<Proxied> children = new CopyOnWriteArrayList<>();
        public LongUnaryOperator callback;

        public State(String message) {
            self = new Native(message);
        }
    }

    /** Whether there was an edge. */
    static boolean removeEdge(State parent, Proxied child) {
        State wanted = child.state();
        synchronized (parent) {
            for (int i = 0; i < parent.children.size(); i++) {
                if (parent.children.get(i).state() == wanted) {
                    parent.children.remove(i);
                    return true;
                }
            }
        }
        return false;
    }

    static long emit(Proxied object, long event) {
        LongUnaryOperator callback = object.state().callback;
        return callback == null ? object.on_event(event) : callback.applyAsLong(event);
    }
}
