package strategytest

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// promises are what the kit checks, in the order in which a strategy under
// construction comes to keep them.
var promises = slices.Concat(
	[]promise{{"DeclarationIsSane", declarationIsSane}},
	identityPromises, nativePromises, releasePromises, eventPromises, threadPromises,
)

// The id of a property, and the case of it where a property has several: F1, F1[gc].
var propertyID = regexp.MustCompile(`^[A-Z]{1,2}[0-9]+(\[[^\[\]\s]+\])?$`)

func declarationIsSane(t *trial) {
	d := t.declared
	t.Regexp(`^[a-z][a-z0-9]*$`, d.Name)
	t.Positive(d.Order, "Order")
	t.NotEmpty(d.Idea, "Idea")
	t.NotContains(d.Idea, "\n", "Idea is one line")
	for id, reason := range d.Breaks {
		t.Regexp(propertyID, id, "Breaks names a property")
		t.sentence(id, reason)
		_, both := d.NotApplicable[id]
		t.False(both, "%s cannot break and be not applicable", id)
	}
	for id, reason := range d.NotApplicable {
		t.Regexp(propertyID, id, "NotApplicable names a property")
		t.sentence(id, reason)
	}
	t.agrees("I2", d.Identity)
	t.agrees("W1", d.Weakref)
}

// sentence: reasons stand in the report as they are.
func (t *trial) sentence(id, reason string) {
	first, _ := utf8.DecodeRuneInString(reason)
	ok := strings.Count(reason, " ") >= 2 && !strings.Contains(reason, "\n") &&
		(unicode.IsLetter(first) || first == '_') && strings.TrimSpace(reason) == reason
	t.True(ok, "the reason for %s is not a sentence: %q", id, reason)
}
