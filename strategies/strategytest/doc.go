// Package strategytest checks that a strategy does what every strategy must do
// and what its own declaration says, in the manner of testing/fstest:
//
//	func TestMain(m *testing.M) { strategytest.Main(m) }
//
//	func TestStrategy(t *testing.T) { strategytest.Run(t, strategy) }
//
// Each promise is a subtest. Where strategies differ, a promise is checked
// against the [strategies.Declaration], strictly both ways: what is declared to
// break and holds is a failure, like the opposite. After each promise all its
// objects must be destroyed.
//
// The kit tests a strategy from Go, through internal/wrapper, like a program
// that embeds Python. The correctness matrix tests it from Python, and has
// more properties.
package strategytest
