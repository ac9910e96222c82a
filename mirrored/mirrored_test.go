package mirrored_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	_ "pyobject-preservation/mirrored"
	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
)

func TestMain(m *testing.M) { strategytest.Main(m) }

func TestStrategyKeepsItsPromises(t *testing.T) {
	s, ok := strategies.Lookup("mirrored")
	require.True(t, ok)
	strategytest.Run(t, s)
}
