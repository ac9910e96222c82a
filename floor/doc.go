// Package floor is no strategy but what all of them are measured by: a bare C extension
// whose classes do the work of each operation with no lifetime work at all. An
// object is a wrapper and a malloc'ed record; a holder simply owns the wrapper.
// Nothing enters Go, nothing is counted but Python references, nothing can die
// before anything else.
//
// What a strategy takes longer than this is the price of its policy.
package floor
