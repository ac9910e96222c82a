// Command cpy3 is a program that embeds CPython through
// github.com/go-python/cpy3 and gives its own objects wrappers that come back
// with everything on them. It needs the build tag cpy3:
//
//	scripts/with_python.sh "" scripts/go_cpy3.sh run ./examples/cpy3
package main
