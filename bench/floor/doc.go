// Package floor is the reference point of every ratio: a bare C extension whose classes do
// the work of each operation with no lifetime work at all. An object is a wrapper and a
// malloc'ed record; a holder owns the wrapper. Nothing enters Go, nothing is counted but
// Python references, nothing can die before anything else. It uses none of the scaffolding,
// so that a cost of the scaffolding shows in every ratio.
//
// What a strategy takes longer than this is the price of its policy and of the scaffolding;
// package baseline tells the two apart.
package floor
