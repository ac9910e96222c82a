package main

import (
	"fmt"
	"strings"
)

// A run of make peers measures binding libraries, too. A library's
// benchmarks have a language of their own: they ran in a process of their own, with
// the floor and with the strategy that it ships.
const beside = "py+"

func (m *matrix) library(name string) (subject, bool) {
	if m != nil {
		for _, s := range m.Subjects {
			if s.Name == name && s.Kind == "library" {
				return s, true
			}
		}
	}
	return subject{}, false
}

// langOf is where the benchmarks from Python of a strategy or library are.
func (r *run) langOf(strategy string) string {
	if _, ok := r.Matrix.library(strategy); ok {
		return beside + strategy
	}
	return "py"
}

// columns are the strategies that a language's table shows.
func (r *run) columns(lang string) (names []string) {
	name, own := strings.CutPrefix(lang, beside)
	s, _ := r.Matrix.library(name)
	for _, strategy := range r.Strategies {
		_, library := r.Matrix.library(strategy)
		if own && (strategy == floor || strategy == s.Ships || strategy == name) || !own && !library {
			names = append(names, strategy)
		}
	}
	return names
}

// difference is a property that comes out otherwise for a library than for the
// strategy that it ships.
type difference struct {
	property          property
	library, strategy outcome
}

// agreement compares a library with its strategy; ok is false if the run does not
// have the two.
func (m *matrix) agreement(s subject) (agree int, differ []difference, ok bool) {
	for _, p := range m.Properties {
		ours, have := m.find(s.Ships, p.ID)
		theirs, have2 := m.find(s.Name, p.ID)
		switch {
		case !have || !have2:
		case ours.Outcome == theirs.Outcome:
			agree++
		default:
			differ = append(differ, difference{p, theirs, ours})
		}
	}
	return agree, differ, agree+len(differ) > 0
}

// peers has a line for each library: how far it agrees with the strategy that it
// ships, and what both cost, measured in one process.
func (r *run) peers() string {
	var out strings.Builder
	var notes footnotes
	columns := []string{"library", "properties held", "as its strategy"}
	for _, m := range shown {
		columns = append(columns, m.title)
	}
	header(&out, columns)
	for _, s := range r.Matrix.Subjects {
		if s.Kind != "library" {
			continue
		}
		agreed := notRecorded
		if agree, differ, ok := r.Matrix.agreement(s); ok {
			agreed = fmt.Sprintf("%d of %d", agree, agree+len(differ))
		}
		name := s.Name
		if s.Note != "" {
			name += notes.mark(plain(s.Note))
		}
		line := []string{name + "<br>ships " + s.Ships, r.held(s.Name), agreed}
		for _, m := range shown {
			line = append(line, r.pair(s, m.operation, &notes))
		}
		writeLine(&out, line)
	}
	out.WriteString("\nFrom Python, library : strategy, both as ratios to the floor. Above: instructions. " +
		"*Below: wall time in one process, with its 95 % confidence interval.*\n" +
		"<br>Held: of the properties that apply to the library. As its strategy: outcomes that are the same, of all " +
		"properties, those that do not apply included.\n")
	for _, s := range r.Matrix.Skipped {
		fmt.Fprintf(&out, "<br>%s was skipped: %s\n", plain(s.Name), plain(s.Reason))
	}
	for _, o := range r.Matrix.undeclared("library") {
		fmt.Fprintf(&out, "<br>Not as declared: %s of %s (%s).\n", plain(o.Property), plain(o.Subject), r.Matrix.word(o.Outcome))
	}
	notes.write(&out)
	return out.String()
}

// pair is what an operation costs with a library, and with the strategy that it ships.
func (r *run) pair(s subject, operation string, notes *footnotes) string {
	figures := r.figures(beside+s.Name, operation)
	theirs, ours := figures[s.Name], figures[s.Ships]
	switch {
	case theirs == nil:
		return notMeasured
	case ours == nil || ours.missing != "":
		return theirs.lines(false, notes)
	case theirs.missing != "":
		return absence(theirs.missing, notes) + " : " + ours.lines(false, notes)
	}
	return fmt.Sprintf("%s : %s<br>*%s : %s*", theirs.instructions(notes), ours.instructions(notes), theirs.wall(false), ours.wall(false))
}

// differences has a line for each property in which a library differs from the
// strategy that it ships, and the reason.
func (r *run) differences() string {
	var out strings.Builder
	for _, s := range r.Matrix.Subjects {
		if s.Kind != "library" {
			continue
		}
		fmt.Fprintf(&out, "\n### %s\n\n%s.\n", plain(s.Name), upper(plain(s.Idea)))
		agree, differ, ok := r.Matrix.agreement(s)
		switch {
		case !ok:
			fmt.Fprintf(&out, "It ships %s, which was not run.\n", s.Ships)
			continue
		case len(differ) == 0:
			fmt.Fprintf(&out, "All %d properties come out as with %s.\n", agree, s.Ships)
			continue
		}
		fmt.Fprintf(&out, "It ships %s, and %d of %d properties come out alike. The others:\n\n", s.Ships, agree, agree+len(differ))
		header(&out, []string{"property", s.Name, s.Ships, "why"})
		for _, d := range differ {
			why := plain(d.library.Reason)
			if why == "" {
				why = "**not explained**"
			}
			if d.library.Outcome != d.library.Expected {
				why = "**not as declared:** " + why
			}
			writeLine(&out, []string{
				fmt.Sprintf("**%s** %s", plain(d.property.ID), plain(d.property.Title)),
				verdicts[d.library.Outcome], verdicts[d.strategy.Outcome], why,
			})
		}
	}
	return out.String()
}

func (r *run) shortPeers() string {
	return fmt.Sprintf("%s\n%s\nWhy each differs from the strategy that it ships: [results/%s/report.md](../results/%s/report.md).\n",
		r.peers(), r.about(), r.Label, r.Label)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
