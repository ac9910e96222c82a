package main

import (
	"fmt"
	"strings"
)

// orders says of each operation from Python whether the strategies come in the same order by instructions
// and by wall time. Asked are the pairs that both tell apart.
func (r *run) orders() string {
	var out strings.Builder
	header(&out, []string{"operation", "pairs told apart", "in the same order", "not"})
	any := false
	for _, one := range r.Rows["py"] {
		if one.unit != instructions {
			continue
		}
		any = true
		pairs, same, not := r.order(one.name)
		others := "none"
		if len(not) > 0 {
			others = strings.Join(not[:min(3, len(not))], "; ")
		}
		if len(not) > 3 {
			others += fmt.Sprintf("; and %d more", len(not)-3)
		}
		writeLine(&out, []string{r.title(one), fmt.Sprint(pairs), fmt.Sprint(same), others})
	}
	if !any {
		why := r.uncounted("py", "", "")
		return upper(notCounted) + ": " + plain(why) + ".\n"
	}
	fmt.Fprintf(&out, "\nPairs of strategies whose instructions differ by more than %.1f %% and whose times are told apart (Mann-Whitney, 5 %%). "+
		"*a < b*: a executes fewer instructions than b, and takes longer.\n", resolution*100)
	return out.String()
}

func (r *run) order(operation string) (pairs, same int, not []string) {
	found := r.bothWays(operation)
	for _, a := range found {
		for _, b := range found {
			if b.count/a.count-1 <= resolution || !apart(a.times, b.times) {
				continue
			}
			pairs++
			if summary(a.times).Center < summary(b.times).Center {
				same++
			} else {
				not = append(not, a.strategy+" < "+b.strategy)
			}
		}
	}
	return pairs, same, not
}

// twoWays is an operation of a strategy that was counted and timed.
type twoWays struct {
	strategy string
	count    float64
	times    []float64 // of each round; as a ratio to the floor's, if it has any
}

func (r *run) bothWays(operation string) (found []twoWays) {
	base := r.Samples[cell{"py", row{operation, seconds}, floor}]
	for _, strategy := range r.columns("py") {
		counted := r.Samples[cell{"py", row{operation, instructions}, strategy}]
		timed := r.Samples[cell{"py", row{operation, seconds}, strategy}]
		if counted == nil || timed == nil || strategy == floor {
			continue
		}
		one := twoWays{strategy, counted.values[0], timed.values}
		if base != nil {
			if compared, ok := compare(timed.values, base.values); ok && compared.rounds != nil {
				one.times = compared.rounds
			}
		}
		found = append(found, one)
	}
	return found
}

func (r *run) shortOrders() string {
	return fmt.Sprintf("%s\n%s\n", r.orders(), r.about())
}
