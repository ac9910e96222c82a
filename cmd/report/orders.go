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
	figures := r.alone("py", operation)
	for _, a := range r.columns("py") {
		for _, b := range r.columns("py") {
			x, y := figures[a], figures[b]
			if x.rounds == nil || y.rounds == nil || y.count/x.count-1 <= resolution || !apart(x.rounds, y.rounds) {
				continue
			}
			pairs++
			if summary(x.rounds).Center < summary(y.rounds).Center {
				same++
			} else {
				not = append(not, a+" < "+b)
			}
		}
	}
	return pairs, same, not
}

// alone are the count and the times of each strategy that has both, but for the floor: round by
// round as a ratio to the floor's, where that is possible.
func (r *run) alone(lang, operation string) map[string]struct {
	count  float64
	rounds []float64
} {
	found := map[string]struct {
		count  float64
		rounds []float64
	}{}
	base := r.Samples[cell{lang, row{operation, seconds}, floor}]
	for _, strategy := range r.columns(lang) {
		counted := r.Samples[cell{lang, row{operation, instructions}, strategy}]
		timed := r.Samples[cell{lang, row{operation, seconds}, strategy}]
		if counted == nil || timed == nil || strategy == floor {
			continue
		}
		one := found[strategy]
		one.count, one.rounds = counted.values[0], timed.values
		if base != nil {
			if compared, ok := compare(timed.values, base.values); ok && compared.rounds != nil {
				one.rounds = compared.rounds
			}
		}
		found[strategy] = one
	}
	return found
}

func (r *run) shortOrders() string {
	return fmt.Sprintf("%s\n%s\n", r.orders(), r.about())
}
