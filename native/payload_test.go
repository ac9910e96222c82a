package native_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pyobject-preservation/native"
)

func TestAnObjectCarriesAValue(t *testing.T) {
	lib := new(native.Library)
	o := lib.New("")
	assert.Nil(t, o.Payload())
	var destroyed []any
	note := func(v any) { destroyed = append(destroyed, v) }
	o.SetPayload("first", note)
	o.SetPayload("second", note)
	assert.Equal(t, "second", o.Payload())

	parent := lib.New("")
	parent.Append(o)
	o.Release()
	assert.Empty(t, destroyed, "an edge still holds it")
	parent.SetPayload(1, nil)
	parent.Release()
	assert.Equal(t, []any{"second"}, destroyed)
	assert.Zero(t, lib.Live())
	assert.Panics(t, func() { o.Payload() })
	assert.Panics(t, func() { o.SetPayload(nil, nil) })
}
