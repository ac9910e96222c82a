package slots_test

import (
	"encoding/binary"
	"testing"

	"pyobject-preservation/internal/slots"
)

// FuzzHandles interprets its input as a sequence of Put, Delete, Get and Trim: only the
// handle that Put returned finds its value, and only until Delete.
func FuzzHandles(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 2, 0, 0})
	f.Add([]byte{0, 1, 0, 0, 1, 0, 0, 3, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Add([]byte{0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 16, 0, 0, 3, 0, 0, 0})
	f.Add([]byte{4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, input []byte) {
		var table slots.Table[int]
		live := map[uint64]*int{}
		var given []uint64 // dead ones too
		trims := 0
		look := func(handle uint64) {
			if got := table.Get(handle); got != live[handle] {
				t.Fatalf("handle %#x finds %v, not %v", handle, got, live[handle])
			}
		}
		for len(input) > 0 {
			op, rest := input[0]%5, input[1:]
			var number uint64
			if n := min(8, len(rest)); n > 0 {
				var buffer [8]byte
				copy(buffer[:], rest[:n])
				number = binary.LittleEndian.Uint64(buffer[:])
			}
			input = rest
			switch {
			case op == 0:
				value := new(int)
				handle := table.Put(value)
				if handle == 0 || live[handle] != nil {
					t.Fatalf("Put gave handle %#x", handle)
				}
				live[handle] = value
				given = append(given, handle)
			case op == 1 && len(given) > 0:
				handle := given[number%uint64(len(given))]
				if got := table.Delete(handle); got != live[handle] {
					t.Fatalf("Delete of %#x gave %v, not %v", handle, got, live[handle])
				}
				delete(live, handle)
			case op == 2 && len(given) > 0:
				// Near a real one: another generation, another slot, a bit turned.
				handle := given[number%uint64(len(given))]
				look(handle)
				look(handle ^ 1<<(number>>8%64))
				look(handle + 1<<32)
				look(handle - 1)
			case op == 4 && trims < 2: // they take long
				trims++
				// Slabs become full and free again.
				var many [2 * slots.SlabSize]uint64
				for i := range many {
					many[i] = table.Put(new(int))
				}
				for _, handle := range many {
					table.Delete(handle)
				}
				table.Trim(1, func(uint32) {})
				given = append(given, many[0], many[len(many)-1])
			default:
				look(number)
				if live[number] == nil && table.Delete(number) != nil {
					t.Fatalf("Delete of %#x, which Put did not return, gave a value", number)
				}
			}
		}
		for _, handle := range given {
			look(handle)
		}
	})
}
