package toggleref_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
	_ "pyobject-preservation/toggleref"
)

func TestMain(m *testing.M) { strategytest.Main(m) }

func TestStrategyKeepsItsPromises(t *testing.T) {
	s, ok := strategies.Lookup("toggleref")
	require.True(t, ok)
	strategytest.Run(t, s)
}
