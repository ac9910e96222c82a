package strategies

import "maps"

// EdgesUnseen is why G8 breaks for strategies that do nothing about native edges.
const EdgesUnseen = "native edges are counted and gc sees none of them, so a cycle of them keeps itself alive"

// Undecided is why FT5 breaks for strategies that decide in tp_dealloc.
const Undecided = "a wrapper's count is zero from the last release until tp_dealloc has decided to keep it, and a weak " +
	"reference that another thread asks meanwhile answers None"

// NeverReached is why S9 breaks for strategies that make another wrapper for every wrap.
const NeverReached = "a native callback gets a wrapper of its own, a plain MyClass, even while the one with the override lives"

// EqualityOfWrapper is why I5 and I8 break for strategies that make another wrapper and
// keep object's == and hash.
const EqualityOfWrapper = "equality and hash are the wrapper's, so one that comes back after its death is another key"

// Remade is what breaks when a wrapper really dies and the next wrap makes another one.
// again is the reason for the properties of identity; more is added.
func Remade(again string, more map[string]string) map[string]string {
	const weak = "weak references die with the wrapper they were made of"
	breaks := map[string]string{
		"I2": again, "I3": again, "I7": again,
		"W1": weak, "W1[proxy]": weak, "W3": weak, "W4": weak, "W5": weak,
		"FT3": weak, "FT5": weak, "FT6": weak, "FT18": weak,
		"W2":     "the callback fires when the wrapper dies, while the native object lives",
		"F1":     "the wrapper really dies when Python drops it",
		"F1[gc]": "the wrapper really dies when gc finds it in a cycle",
		"F2":     "__del__ runs at each death of a wrapper, while the native object lives",
		"G8":     EdgesUnseen,
	}
	maps.Copy(breaks, more)
	return breaks
}

// Forgetful is what breaks, and why, when nothing of a wrapper outlives it: the
// Breaks of every strategy that makes a plain new wrapper once the old one is
// dead. more is added to it.
func Forgetful(more map[string]string) map[string]string {
	const (
		plain   = "a new wrapper is a plain MyClass without attributes"
		garbage = "native code does not hold the wrapper, so gc may free it"
	)
	breaks := Remade("a wrap after the wrapper's death makes a new one", map[string]string{
		"S1": plain, "S2": plain, "S2[replaced]": plain, "S3": plain, "S4": plain, "S5": plain, "S10": plain,
		"S8":        "after its death the callback gets a new wrapper, which dies with it",
		"S9":        "after its death the callback gets a new wrapper, which is a plain MyClass",
		"S9[bound]": "gc frees the wrapper, and the callback gets a new one, which is a plain MyClass",
		"F4":        "native code gets the native object only; the wrapper dies all the same",
		"F8":        "nothing is preserved, with __del__ or without",
		"FT11":      plain, "FT16": plain,
		"G1": garbage, "G1[two]": garbage, "G3": garbage, "G3[two]": garbage, "G4": garbage, "G4[payload]": garbage,
		"G5": garbage, "G7": garbage, "G13": garbage, "FT10": garbage,
	})
	maps.Copy(breaks, more)
	return breaks
}
