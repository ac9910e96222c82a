//go:build cpy3

package main

import (
	"fmt"
	"log"
	"runtime"

	python3 "github.com/go-python/cpy3"

	"pyobject-preservation/cpy3"
	_ "pyobject-preservation/preserve"
)

// account is a struct of the program's own, which an object stands for.
type account struct{ owner string }

func main() {
	runtime.LockOSThread() // Python's thread state belongs to this thread
	python3.Py_Initialize()
	b, err := cpy3.Attach("preserve")
	check(err)

	o := b.Library().New("hello from Go") // one native reference, ours
	o.SetPayload(&account{"Ada"}, func(payload any) {
		fmt.Println("closed, with its object:", payload.(*account).owner)
	})
	w, err := cpy3.Wrap(b, o) // one Python reference, ours
	check(err)

	text := w.CallMethodArgs("message")
	fmt.Println("cpy3 calls a method:  ", python3.PyUnicode_AsUTF8(text))
	text.DecRef()

	color := python3.PyUnicode_FromString("green")
	w.SetAttrString("color", color)
	color.DecRef()
	w.DecRef() // the last Python reference: a zombie now, kept by o

	w, err = cpy3.Wrap(b, o) // resurrected
	check(err)
	color = w.GetAttrString("color")
	fmt.Println("the attribute is still", python3.PyUnicode_AsUTF8(color))
	color.DecRef()

	same, err := cpy3.Unwrap(b, w) // a second native reference
	check(err)
	fmt.Println("the way back is o:    ", same == o)
	fmt.Println("and its account's:    ", same.Payload().(*account).owner)
	b.Release(same)

	w.DecRef()
	b.Release(o)
	fmt.Println("native objects alive: ", b.Live())

	cpy3.Detach()
	python3.Py_Finalize()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
