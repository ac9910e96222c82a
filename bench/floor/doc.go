// Package floor is the reference point of every ratio: a bare C extension whose classes do
// the work of each operation with no lifetime work at all. An object is a wrapper and a
// malloc'ed record; a holder owns the wrapper. No operation enters Go, only Python
// references are counted, and wrapper and record die together. It uses none of the
// scaffolding, so that a cost of the scaffolding shows in every ratio.
//
// A strategy's difference to this is the price of its policy and of the scaffolding;
// package baseline separates the two.
package floor
