package strategytest

import (
	"sync"

	"pyobject-preservation/internal/cpython"
)

var threadPromises = []promise{
	{"ManyGoroutinesBalance", manyGoroutines},
	{"AReleaseNeverWaitsForTheGIL", releaseDoesNotWait},
}

func manyGoroutines(t *trial) {
	shared := t.lib.New("shared")
	var all sync.WaitGroup
	for range 4 {
		shared.Retain()
		all.Go(func() {
			defer shared.Release()
			t.guard(func() {
				for range 300 {
					own := t.lib.New("")
					shared.Retain()
					cpython.WithGIL(func() {
						w, err := t.b.Wrap(shared)
						t.NoError(err)
						o, err := t.b.Unwrap(w)
						t.NoError(err)
						t.Same(shared, o)
						t.b.Release(o)
						cpython.DecRef(w)
						w, err = t.b.Wrap(own)
						t.NoError(err)
						cpython.DecRef(w)
					})
					shared.Release()
					own.Release()
				}
			})
		})
	}
	all.Wait()
	t.drain()
	t.wrap("a", shared)
	t.True(t.truth("a.message() == 'shared'"))
	t.exec("del a")
	t.release(shared)
}

func releaseDoesNotWait(t *trial) {
	o := t.lib.New("")
	t.wrap("a", o)
	t.exec("del a")
	cpython.WithGIL(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.Release()
		}()
		<-done // would never come if Release wanted the GIL
		t.b.Drain()
	})
}
