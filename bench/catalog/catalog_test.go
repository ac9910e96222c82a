package catalog

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCatalogNamesTheBenchmarks: each operation of the two benchmark programs is in one group, and
// no other is.
func TestCatalogNamesTheBenchmarks(t *testing.T) {
	var measured []string
	for file, definition := range map[string]string{
		"../operations_test.go": `(?m)^\t\{name: "(\w+)"`,
		"../python_cases.py":    `(?m)^    (?:Loop|Once)\("(\w+)"`,
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		names := regexp.MustCompile(definition).FindAllSubmatch(text, -1)
		require.NotEmpty(t, names, "no operation is found in %s", file)
		for _, name := range names {
			measured = append(measured, string(name[1]))
		}
	}
	slices.Sort(measured)
	var listed []string
	for _, group := range Groups {
		for _, operation := range group.Operations {
			listed = append(listed, operation.Name)
		}
	}
	slices.Sort(listed)
	assert.Equal(t, slices.Compact(measured), listed)
}

func TestEachGroupHasOneSentence(t *testing.T) {
	for _, group := range Groups {
		assert.Regexp(t, `^[A-Z][^.]+\.$`, group.Analysis, group.ID)
		assert.NotRegexp(t, `[0-9]`, group.Analysis, "%s: figures are the run's", group.ID)
		assert.Equal(t, strings.ToLower(group.ID), group.ID)
	}
}
