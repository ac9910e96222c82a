//go:build !cpy3

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, `built without cpy3; run it with: scripts/with_python.sh "" scripts/go_cpy3.sh run ./examples/cpy3`)
	os.Exit(2)
}
