package strategies_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/strategies"
)

func TestADeclarationDependsOnTheVersion(t *testing.T) {
	both := map[string]string{"W4": "gc does it first", "G8": "gc sees nothing"}
	d := strategies.Declaration{Name: "some", Breaks: both, HoldsFrom: map[string]string{"W4": "3.15"}}
	for _, version := range []string{"3.9", "3.10", "3.14", "3.14t", "3.14d"} {
		require.Equal(t, both, d.On(version).Breaks, version)
	}
	for _, version := range []string{"3.15", "3.15t", "3.15td", "3.16"} {
		require.Equal(t, map[string]string{"G8": "gc sees nothing"}, d.On(version).Breaks, version)
		require.Empty(t, d.On(version).HoldsFrom, version)
	}
	require.Len(t, d.Breaks, 2, "the declaration itself stays as it is")
	require.Panics(t, func() { d.On("3") })
}

func TestWhatHoldsFromAVersionOnHasAReasonWhyItBrokeBefore(t *testing.T) {
	register := func(breaks map[string]string, from string) func() {
		return func() {
			strategies.Register(strategies.Static{Declared: strategies.Declaration{
				Name: "test", Order: 2000, Breaks: breaks, HoldsFrom: map[string]string{"W4": from}}})
		}
	}
	require.PanicsWithValue(t, "strategies: test declares that W4 holds from 3.15 on, and gives no reason why it broke before",
		register(nil, "3.15"))
	require.PanicsWithValue(t, `strategies: "later" is not a version of CPython`, register(map[string]string{"W4": "some reason"}, "later"))
}
