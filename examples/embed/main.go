// Command embed is a Go program with a Python interpreter inside: it makes
// native objects, hands them to Python code, and gets the same wrappers back.
//
//	go run ./examples/embed
package main

import (
	"fmt"
	"log"
	"os"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	_ "pyobject-preservation/preserve"
	"pyobject-preservation/strategies"
)

func main() {
	code, err := embed.Run(run) // without the GIL: this is an ordinary goroutine
	check(err)
	os.Exit(code)
}

func run() int {
	preserve, _ := strategies.Lookup("preserve")
	b := wrapper.Attach(preserve)

	// Two native objects, with one native reference each, which are ours.
	library := b.Library()
	parent, child := library.New("parent"), library.New("child")
	parent.Append(child) // an edge holds a reference of its own

	cpython.WithGIL(func() {
		space := cpython.NewNamespace()
		defer space.Close()
		module, err := b.Module() // makes the classes
		check(err)
		defer cpython.DecRef(module)
		give(b, space, "parent", parent)

		// Python code wraps the objects, sets attributes, and drops them:
		// here both wrappers die.
		check(space.Exec(`
for child in parent.children():
    child.note = "seen by Python"
    print("Python:", parent.message(), "->", child.message(), flush=True)
del parent, child
`))
	})

	// Our reference to the child goes, on a goroutine without the GIL. The
	// parent's edge still holds it.
	done := make(chan struct{})
	go func() {
		defer close(done)
		child.Release()
	}()
	<-done
	fmt.Println("Go:     released the child,", b.Live(), "native objects alive")

	cpython.WithGIL(func() {
		space := cpython.NewNamespace()
		defer space.Close()
		give(b, space, "parent", parent)
		check(space.Exec(`
(child,) = parent.children()
print("Python: the child's note says", repr(child.note), flush=True)
del parent, child
`))
		b.Release(parent) // the last reference: all four halves go
	})
	fmt.Println("Go:     released the parent,", b.Live(), "native objects alive")

	wrapper.Disarm() // before the interpreter goes away
	return 0
}

// give binds a Python name to the wrapper of o.
func give(b *wrapper.Binding, space cpython.Namespace, name string, o *native.Object) {
	w, err := b.Wrap(o)
	check(err)
	space.Set(name, w)
	cpython.DecRef(w) // the name has a reference of its own
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
