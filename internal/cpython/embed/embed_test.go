package embed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
)

func TestThereIsOneInterpreterInAProcess(t *testing.T) {
	code, err := embed.Run(func() int {
		ns := cpython.Namespace{}
		cpython.WithGIL(func() {
			ns = cpython.NewNamespace()
			defer ns.Close()
			require.NoError(t, ns.Exec("import sys; assert sys.version_info >= (3, 10)"))
		})
		return 7
	})
	require.NoError(t, err)
	require.Equal(t, 7, code)
	require.False(t, cpython.Running())

	code, err = embed.Run(func() int { panic("must not run") })
	require.ErrorIs(t, err, embed.ErrSecond)
	require.NotZero(t, code)
}
