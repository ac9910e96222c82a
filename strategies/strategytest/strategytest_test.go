package strategytest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/strategies"
)

// Without Main's look for leaks: promises that are broken on purpose here leave
// things behind.
func TestMain(m *testing.M) { run(m, func() []string { return nil }) }

// verify puts every promise to s and returns the failures by promise.
func verify(s strategies.Strategy) map[string][]string {
	failed := map[string][]string{}
	for _, p := range promises {
		if failures := check(s, p); len(failures) > 0 {
			failed[p.name] = failures
		}
	}
	return failed
}

// pretend is a strategy with another's table and a declaration of its own.
func pretend(t *testing.T, name string, change func(*strategies.Declaration)) strategies.Strategy {
	s, ok := strategies.Lookup(name)
	require.True(t, ok)
	d := s.Declaration()
	breaks := map[string]string{}
	for id, reason := range d.Breaks {
		breaks[id] = reason
	}
	d.Breaks = breaks
	change(&d)
	return strategies.Static{Declared: d, C: s.Table()}
}

func TestAnHonestStrategyPasses(t *testing.T) {
	s, _ := strategies.Lookup("naive")
	require.Empty(t, verify(s))
}

func TestAStrategyThatClaimsIdentityItDoesNotKeepFails(t *testing.T) {
	failed := verify(pretend(t, "naive", func(d *strategies.Declaration) {
		d.Identity = true
		d.Weakref = true
		clear(d.Breaks)
	}))
	for _, promise := range []string{
		"WrapsWhileAliveAreOneObjectIfDeclared", "WrapAfterDeathGivesBackWhatIsDeclared",
		"AThousandDeathsInARowAreLikeTheFirst", "NativeBornObjectsGetTheirWrapperLater",
		"WeaklyRevivedWrapperOutlivesNativeCode", "EmitReachesTheOverriddenHandler",
	} {
		require.Contains(t, failed, promise)
	}
	require.NotContains(t, failed, "ReleaseFreesEverything", "that promise is kept all the same")
}

func TestAStrategyThatKeepsMoreThanItDeclaresFails(t *testing.T) {
	failed := verify(pretend(t, "naive", func(d *strategies.Declaration) {
		d.Breaks["I2"] = "this breaks only on paper"
		d.Breaks["W1"] = "this breaks only on paper"
		d.Identity = true
	}))
	require.Contains(t, strings.Join(failed["DeclarationIsSane"], "\n"), "I2 is declared to break")
}

func TestReasonsMustBeSentences(t *testing.T) {
	for _, reason := range []string{"", "no", " leading space is wrong", "two\nlines of text"} {
		failed := verify(pretend(t, "naive", func(d *strategies.Declaration) { d.Breaks["X9"] = reason }))
		require.Contains(t, failed, "DeclarationIsSane", "%q", reason)
	}
}

func TestALeakIsAFailureOfThePromiseThatLeaked(t *testing.T) {
	s, _ := strategies.Lookup("naive")
	leaky := promise{"Leaky", func(t *trial) {
		t.lib.New("").Header() // never released
	}}
	failures := strings.Join(check(s, leaky), "\n")
	require.Contains(t, failures, "native objects alive after this promise")
	require.NotContains(t, failures, "wrappers (created - freed)")
}

func TestAPanicIsAFailureNotTheEnd(t *testing.T) {
	s, _ := strategies.Lookup("naive")
	failures := check(s, promise{"Panics", func(*trial) { panic("of the strategy") }})
	require.Len(t, failures, 1)
	require.Contains(t, failures[0], "of the strategy")
}
