package mirrored_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/mirrored"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
)

func TestMain(m *testing.M) { strategytest.Main(m) }

// TestChildrenAreTakenWhileGcLooks: while a goroutine takes references to an
// object's children, gc must not find them unreachable between its two passes.
func TestChildrenAreTakenWhileGcLooks(t *testing.T) {
	s, _ := strategies.Lookup("mirrored")
	b := wrapper.Attach(s)
	var parent *native.Object
	var names cpython.Namespace
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		defer cpython.DecRef(module)
		names = cpython.NewNamespace()
		names.Set("m", module)
		require.NoError(t, names.Exec(`
import gc, weakref
died = []
class Child(m.MyClass):
    def __del__(self):
        died.append(self.id())
p = m.MyClass()
for _ in range(3000):
    p.append(Child())
refs = [weakref.ref(c) for c in p.children()]
gc.collect()
`))
		parent, err = b.Unwrap(names.Get("p"))
		require.NoError(t, err)
	})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, child := range parent.Children() {
				child.Release()
			}
		}
	}()
	cpython.WithGIL(func() {
		require.NoError(t, names.Exec(`
for _ in range(100):
    gc.collect()
assert not died and all(r() is not None for r in refs), "gc took children whose parent lives"
`))
	})
	close(stop)
	<-stopped
	parent.Release()
	cpython.WithGIL(func() {
		require.NoError(t, names.Exec("del p, refs; m.settle(); gc.collect(); assert len(died) == 3000"))
		names.Close()
	})
}
