package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

const confidence = 0.95

// summary is the median of a cell and the bounds of its confidence interval.
func summary(values []float64) benchmath.Summary {
	// NewSample sorts what it is given, and the order of ours means something.
	s := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(s, confidence)
}

// ratio compares a strategy with the floor, round by round: what slowed the
// machine down for a while slowed both. Only when the two do not have the same
// number of rounds it falls back to the medians, without an interval.
type ratio struct {
	center, lo, hi float64
	interval       bool
	least          float64 // of the least values: what is left when nothing disturbs
}

func compare(values, base []float64) (ratio, bool) {
	if len(values) == 0 || len(base) == 0 || slices.Min(base) <= 0 {
		return ratio{}, false
	}
	least := slices.Min(values) / slices.Min(base)
	if len(values) != len(base) {
		return ratio{center: summary(values).Center / summary(base).Center, least: least}, true
	}
	each := make([]float64, len(values))
	for i := range values {
		each[i] = values[i] / base[i]
	}
	s := summary(each)
	return ratio{s.Center, s.Lo, s.Hi, len(s.Warnings) == 0, least}, true
}

func (r ratio) String() string {
	if !r.interval {
		return times(r.center)
	}
	return fmt.Sprintf("%s (%s–%s)", times(r.center), number(r.lo), number(r.hi))
}

func times(x float64) string { return number(x) + "×" }

func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	if x >= 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// amount formats a value with its unit, such as "29.7 ns" or "64.0 B".
func amount(value float64, unit string) string {
	scaled := benchunit.Scale(value, benchunit.ClassOf(unit))
	digits := strings.TrimRightFunc(scaled, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
	prefix := scaled[len(digits):]
	switch {
	case strings.HasPrefix(unit, "sec/"):
		return digits + " " + prefix + "s"
	case strings.HasSuffix(unit, "bytes/obj"):
		return digits + " " + prefix + "B"
	}
	return scaled + " " + unit
}

// spread is the confidence interval as a percentage of the median.
func spread(s benchmath.Summary) string { return "±" + strings.TrimSpace(s.PctRangeString()) }
