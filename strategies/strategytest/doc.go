// Package strategytest checks that a strategy does what every strategy must do
// and what its own declaration says, in the manner of testing/fstest:
//
//	func TestMain(m *testing.M) { strategytest.Main(m) }
//
//	func TestStrategy(t *testing.T) { strategytest.Run(t, strategy) }
//
// Each promise is a subtest. Where strategies differ, a promise is judged by
// the [strategies.Declaration], and strictly both ways: what is declared to
// break and holds is a failure like the opposite. After each promise everything
// it made must be gone.
//
// The kit sees a strategy from Go, through internal/wrapper, as a program does
// that embeds Python. The correctness matrix sees it from Python, and asks more.
package strategytest
