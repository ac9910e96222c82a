//go:build collect

package wrapper

// #cgo CFLAGS: -DPP_COLLECT
import "C"
