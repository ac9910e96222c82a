package strategies_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	_ "pyobject-preservation/bench" // the list of strategies
	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
)

func TestMain(m *testing.M) { strategytest.Main(m) }

func TestStrategiesKeepTheirPromises(t *testing.T) {
	for _, s := range strategies.All() {
		name := s.Declaration().Name
		require.DirExists(t, "../"+name, "a strategy has the name of its folder")
		t.Run(name, func(t *testing.T) { strategytest.Run(t, s) })
	}
}
