package main

import (
	"fmt"
	"strings"
)

// width is that of a terminal which shows the summary without breaking lines.
const width = 100

// summary is what make bench prints in the end.
func (r *run) summary() string {
	var out strings.Builder
	names := len("baseline")
	for _, strategy := range r.Strategies {
		names = max(names, len(strategy))
	}
	line := func(name, keeps, holds string, cells []string) {
		text := fmt.Sprintf("%-*s %-8.8s %-5s", names, name, keeps, holds)
		for _, c := range cells {
			text += fmt.Sprintf(" %-15s", c)
		}
		fmt.Fprintln(&out, strings.TrimRight(text, " "))
	}
	var titles []string
	for _, m := range shown {
		titles = append(titles, "      "+m.title)
	}
	line("", "keeps", "holds", titles)
	for _, strategy := range r.Strategies {
		var cells []string
		for _, m := range shown {
			cells = append(cells, r.figures(r.langOf(strategy), m.operation)[strategy].text())
		}
		holds := "-"
		if held, all, ok := strings.Cut(r.held(strategy), " of "); ok {
			holds = held + "/" + all
		}
		line(strategy, r.keeps(strategy), holds, cells)
	}
	fmt.Fprintln(&out, "\n"+fold("From Python: instructions, then the 95 % interval of the wall time, as ratios to the floor; "+
		"of the floor its own. A dash: not counted, or too few rounds."))
	if why := r.uncounted("py", "", ""); why != "" {
		fmt.Fprintln(&out, fold("Instructions were not counted: "+why+"."))
	}
	fmt.Fprintln(&out, fold(r.promisesKept()))
	return out.String()
}

// promisesKept says how many promises hold, and which do not.
func (r *run) promisesKept() string {
	holds, broken := 0, ""
	strategies, operations := r.promised()
	for _, strategy := range strategies {
		for _, operation := range operations {
			switch promised, counted, ok := r.promise(operation, strategy); {
			case !ok:
			case counted > promised*(1+tolerance):
				broken += fmt.Sprintf("; %s %s is %s, promised %s", strategy, operation, times(counted), times(promised))
			default:
				holds++
			}
		}
	}
	return fmt.Sprintf("Promised ratios of instructions that hold: %d%s.", holds, broken)
}

// fold breaks a text between words, to fit width.
func fold(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}
