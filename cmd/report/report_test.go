package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the expected report anew")

func demo(t *testing.T) *run {
	t.Helper()
	r, err := load(filepath.Join("testdata", "demo"))
	require.NoError(t, err)
	return r
}

func TestReportIsAsExpected(t *testing.T) {
	const golden = "testdata/demo.golden.md"
	page := demo(t).page()
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(page), 0o644))
	}
	expected, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(expected), page, "go test ./cmd/report -update, if this is right")
}

func peersDemo(t *testing.T) *run {
	t.Helper()
	r, err := load(filepath.Join("testdata", "peers"))
	require.NoError(t, err)
	return r
}

func TestReportOfLibrariesIsAsExpected(t *testing.T) {
	const golden = "testdata/peers.golden.md"
	page := peersDemo(t).page()
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(page), 0o644))
	}
	expected, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(expected), page, "go test ./cmd/report -update, if this is right")
}

func TestAgreementIsOfWhatBothRan(t *testing.T) {
	m := peersDemo(t).Matrix
	shelf, ok := m.library("shelf")
	require.True(t, ok)
	agree, differ, ok := m.agreement(shelf)
	assert.True(t, ok)
	assert.Equal(t, 2, agree, "I2 holds for both, W4 breaks for both")
	require.Len(t, differ, 2)
	assert.Equal(t, "S3", differ[0].property.ID)
	lonely, _ := m.library("lonely")
	_, _, ok = m.agreement(lonely)
	assert.False(t, ok, "its strategy was not run")
}

func TestDifferenceHasAReasonOrSaysThatItHasNone(t *testing.T) {
	r := peersDemo(t)
	text := r.differences()
	assert.Contains(t, text, "slots crash it")
	assert.Contains(t, text, "not as declared")
	for i := range r.Matrix.Outcomes {
		r.Matrix.Outcomes[i].Reason = ""
	}
	assert.Contains(t, r.differences(), "not explained")
}

// TestLibraryIsComparedInItsOwnProcess: the floor that it took turns with, not
// the one of the strategies.
func TestLibraryIsComparedInItsOwnProcess(t *testing.T) {
	r := peersDemo(t)
	assert.Equal(t, "2.48× (2.46–2.50)", r.figures("py+shelf", "WrapLive")["shelf"].wall(false))
	assert.Equal(t, "1.20× (1.19–1.20)", r.figures("py", "WrapLive")["preserve"].wall(false))
	assert.Contains(t, r.peers(), "*2.48× (2.46–2.50) : 1.30× (1.29–1.30)*")
	assert.Equal(t, []string{"floor", "preserve"}, r.columns("py"))
	assert.Equal(t, []string{"floor", "preserve", "shelf"}, r.columns("py+shelf"))
	assert.Equal(t, []string{"floor", "lonely"}, r.columns("py+lonely"))
}

func TestNoCellIsBlank(t *testing.T) {
	r := demo(t)
	r.Strategies = append(r.Strategies, "unknown")
	for line := range strings.Lines(peersDemo(t).page()) {
		assert.NotContains(t, line, "|  |")
	}
	for line := range strings.Lines(r.page()) {
		if strings.HasPrefix(line, "|") {
			for _, text := range strings.Split(strings.Trim(line, "|\n"), " | ") {
				assert.NotEmpty(t, strings.TrimSpace(text), line)
			}
		}
	}
	assert.Contains(t, r.page(), notMeasured)
}

// TestRatioIsOfTheSameRound: a machine that slows down between rounds changes
// every time and no ratio.
func TestRatioIsOfTheSameRound(t *testing.T) {
	base := []float64{10, 20, 30, 40, 50, 60}
	values := []float64{15, 30, 45, 60, 75, 90}
	r, ok := compare(values, base)
	require.True(t, ok)
	assert.Equal(t, ratio{center: 1.5, lo: 1.5, hi: 1.5, interval: true, rounds: []float64{1.5, 1.5, 1.5, 1.5, 1.5, 1.5}}, r)
	assert.Equal(t, []float64{15, 30, 45, 60, 75, 90}, values, "the order of the rounds is kept")
}

func TestRatioOfUnequalRoundsHasNoInterval(t *testing.T) {
	r, ok := compare([]float64{30, 30}, []float64{10, 10, 10})
	require.True(t, ok)
	assert.False(t, r.interval)
	assert.InDelta(t, 3, r.center, 1e-9)
	_, ok = compare([]float64{1}, []float64{0})
	assert.False(t, ok, "nothing is a multiple of nothing")
}

func TestBestHonoursBetter(t *testing.T) {
	r := demo(t)
	wrap := row{"WrapDead", seconds}
	assert.Equal(t, map[string]bool{"preserve": true}, r.best("go", wrap))
	assert.Equal(t, map[string]bool{"preserve": true}, r.best("go", row{"WrapDead", "identity"}))
	assert.Equal(t, map[string]bool{"naive": true}, r.best("go", row{"Memory/objs=50000", "rss-bytes/obj"}))
	assert.Nil(t, r.best("go", row{"WrapDead", "unheard-of"}))
}

func TestPromiseBrokenOnceIsBroken(t *testing.T) {
	r := demo(t)
	c := cell{"go", row{"WrapLive", "identity"}, "preserve"}
	assert.Equal(t, "kept", r.kept("identity", "preserve"))
	r.Samples[c].values[3] = 0
	assert.Equal(t, "lost", r.kept("identity", "preserve"))
	assert.Equal(t, "†", r.marksOf(cell{"go", row{"WrapLive", seconds}, "preserve"}))
}

func TestPromiseThatDoesNotHoldSaysSo(t *testing.T) {
	r := demo(t)
	assert.Contains(t, r.promises(), "| WrapLive | 1.17×: 1.17× |")
	assert.Contains(t, r.promises(), "| Create | 2.10×: 2.21× **does not hold** |")
	assert.Contains(t, r.summary(), "that hold: 1; preserve Create is 2.21×, promised 2.10×.")
	delete(r.Samples, cell{"py", row{"Create", instructions}, "preserve"})
	assert.Contains(t, r.promises(), "| Create | not counted |")
}

// TestFiguresThatCannotBeToldApartLookAlike: the same text, whatever their medians are.
func TestFiguresThatCannotBeToldApartLookAlike(t *testing.T) {
	r := demo(t)
	lang, wrap := "py", "WrapLive"
	base := r.Samples[cell{lang, row{wrap, seconds}, floor}].values
	add := func(name string, by, count float64) {
		r.Strategies = append(r.Strategies, name)
		values := slices.Clone(base)
		for i := range values {
			values[i] *= by + 0.02*float64(i%3)
		}
		r.Samples[cell{lang, row{wrap, seconds}, name}] = &samples{values}
		r.Samples[cell{lang, row{wrap, instructions}, name}] = &samples{[]float64{count}}
	}
	add("one", 1.30, 300)
	add("other", 1.301, 300.5)
	add("third", 1.5, 302)
	figures := r.figures(lang, wrap)
	assert.Equal(t, figures["one"].lines(false, nil), figures["other"].lines(false, nil))
	assert.NotEqual(t, figures["one"].wall(false), figures["third"].wall(false))
	assert.NotEqual(t, figures["one"].count, figures["third"].count)
}

// TestNoisyStrategyJoinsNoOthers: two that are told apart do not look alike because of a third that is like both.
func TestNoisyStrategyJoinsNoOthers(t *testing.T) {
	all := map[string]float64{"noisy": 1, "low": 2, "high": 3}
	alike := func(a, b float64) bool { return a == 1 || b == 1 }
	merged := shared(all, alike, func(x float64) float64 { return x }, mean)
	assert.Equal(t, map[string]float64{"noisy": 1.5, "low": 1.5, "high": 3}, merged)
}

func TestRatioHasTheDigitsOfItsInterval(t *testing.T) {
	assert.Equal(t, "1.17× (1.15–1.19)", ratio{center: 1.17, lo: 1.15, hi: 1.19, interval: true}.String())
	assert.Equal(t, "1.2× (1.1–1.3)", ratio{center: 1.17, lo: 1.05, hi: 1.26, interval: true}.String())
	assert.Equal(t, "16× (14–18)", ratio{center: 16.3, lo: 14.1, hi: 18.4, interval: true}.String())
	assert.Equal(t, "1.2× (±∞)", ratio{center: 1.17}.String())
}

func TestCountsThatAreMissingSayWhy(t *testing.T) {
	r := demo(t)
	assert.Contains(t, r.overview(), "not counted<sup>1</sup><br>")
	assert.Contains(t, r.overview(), "<br><sup>1</sup> the process ended with status -14")
	for c := range r.Samples {
		if c.unit == instructions {
			delete(r.Samples, c)
		}
	}
	r.Uncounted[cell{lang: "py"}] = "valgrind is missing"
	r.Rows["py"] = slices.DeleteFunc(r.Rows["py"], func(row row) bool { return row.unit == instructions })
	assert.Contains(t, r.overview(), "> valgrind is missing")
	assert.Contains(t, r.summary(), "Instructions were not counted: valgrind is missing.")
	assert.Equal(t, "Not counted: valgrind is missing.\n", r.orders())
}

// TestOrdersAreCompared: of the pairs that both tell apart, those in another order are named.
func TestOrdersAreCompared(t *testing.T) {
	r := demo(t)
	pairs, same, not := r.order("WrapLive")
	assert.Equal(t, []int{1, 1}, []int{pairs, same})
	assert.Empty(t, not)
	r.Samples[cell{"py", row{"WrapLive", instructions}, "naive"}].values[0] = 100
	pairs, same, not = r.order("WrapLive")
	assert.Equal(t, []int{1, 0}, []int{pairs, same})
	assert.Equal(t, []string{"naive < preserve"}, not)
	assert.Contains(t, r.orders(), "| WrapLive | 1 | 0 | naive < preserve |")
}

func TestTablesAreNarrow(t *testing.T) {
	for _, r := range []*run{demo(t), peersDemo(t), wide(t)} {
		for line := range strings.Lines(r.page()) {
			if strings.HasPrefix(line, "|") {
				assert.LessOrEqual(t, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")-1, columnsAtMost, line)
			}
		}
		for line := range strings.Lines(r.summary()) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), width, line)
		}
	}
}

// wide is a run of many strategies.
func wide(t *testing.T) *run {
	r := demo(t)
	for i := range 8 {
		name := fmt.Sprintf("strategy-number-%d", i)
		r.Strategies = append(r.Strategies, name)
		for c, s := range r.Samples {
			if c.strategy == "preserve" {
				c.strategy = name
				r.Samples[c] = s
			}
		}
	}
	return r
}

func TestWideTablesHaveStrategiesAsLines(t *testing.T) {
	tables := wide(t).tables("py")
	assert.Contains(t, tables, "### Handing an object to Python\n\n| strategy | WrapLive | WrapDead |")
	assert.Contains(t, demo(t).tables("py"), "| operation | floor | naive | preserve |")
}

// TestUnquotableRunsLeaveREADMEAlone: quick, dirty, narrowed or undeclared.
func TestUnquotableRunsLeaveREADMEAlone(t *testing.T) {
	spoil := map[string]func(*run){
		"quick":                 func(r *run) { r.Machine.Quick = true },
		"uncommitted changes":   func(r *run) { r.Machine.Dirty = true },
		"commit is unknown":     func(r *run) { r.Machine.Commit = "unknown" },
		"no correctness matrix": func(r *run) { r.Matrix = nil },
		"narrowed to naive":     func(r *run) { r.Machine.Narrowed = "naive" },
		"does not have all figures of preserve": func(r *run) {
			maps.DeleteFunc(r.Samples, func(c cell, _ *samples) bool { return c.strategy == "preserve" && c.lang == "py" })
		},
		"1 outcomes of the matrix are not as declared, the first is I2 of naive": func(r *run) { r.Matrix.Outcomes[0].Expected = "n/a" },
	}
	for why, f := range spoil {
		r := quotable(t, t.TempDir(), "demo")
		require.Empty(t, r.unquotable())
		f(r)
		assert.Contains(t, r.unquotable(), why)
		assert.NotContains(t, r.unquotable(), "\n")
	}

	peers := peersDemo(t)
	require.NotEmpty(t, peers.Matrix.undeclared("library"))
	assert.NotContains(t, peers.unquotable(), "as declared", "of a library: the table says which")
	assert.Contains(t, peers.peers(), "<br>Not as declared: ")

	results, root := t.TempDir(), documents(t)
	require.NoError(t, os.CopyFS(filepath.Join(results, "demo"), os.DirFS("testdata/demo")))
	require.ErrorContains(t, report(results, "", root), "the documents keep what they have, because demo is not to be quoted")
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	assert.Equal(t, begin("report")+end("report"), string(text))
	assert.NoDirExists(t, filepath.Join(root, pictureFolder))
	assert.FileExists(t, filepath.Join(results, "demo", "report.md"))
}

func TestPausesHaveASectionOfTheirOwn(t *testing.T) {
	r := demo(t)
	assert.Contains(t, r.page(), "| strategy | Release | Pause tree 1000000 |")
	assert.Contains(t, r.page(), "| preserve | 102 µs, 309 µs, 1.2 ms | 410 µs, 2.6 ms, 4.8 ms<br>*own 2.5 ms, GIL 4.2 ms* |")
	assert.Contains(t, r.page(), "while nothing is released: 25 µs, 41 µs, 41 µs.")
	assert.NotContains(t, r.latencySection(), "naive", "it was not measured")
	assert.NotContains(t, r.page(), "## latency")
	delete(r.Rows, latencyLang)
	assert.Contains(t, r.page(), "## Releases by goroutines\n\nNot recorded.")
	assert.Nil(t, r.latencyView())
}

func TestRunWithoutMatrix(t *testing.T) {
	r := demo(t)
	r.Matrix = nil
	assert.Equal(t, "not recorded", r.held("preserve"))
	assert.Contains(t, r.page(), "Not recorded.")
}

func TestAmounts(t *testing.T) {
	assert.Equal(t, "29.70 ns", amount(29.7e-9, seconds, 0))
	assert.Equal(t, "30 ns", amount(29.7e-9, seconds, 2))
	assert.Equal(t, "64.00 B", amount(64, "py-bytes/obj", 0))
	assert.Equal(t, "11.7×", times(11.72))
	assert.Equal(t, "120×", times(119.7))
}

func TestSplice(t *testing.T) {
	beginMark, endMark := begin("report"), end("report")
	page := "# Title\n" + beginMark + "\nold\n" + endMark + "\nrest\n"
	once, err := splice(page, "report", "new\n")
	require.NoError(t, err)
	assert.Equal(t, "# Title\n"+beginMark+"\nnew\n"+endMark+"\nrest\n", once)
	again, err := splice(once, "report", "new\n")
	require.NoError(t, err)
	assert.Equal(t, once, again)

	for _, bad := range []string{"no markers", beginMark, endMark + beginMark} {
		_, err := splice(bad, "report", "new\n")
		assert.ErrorContains(t, err, "markers")
	}
}

// TestPeersHaveASectionOfTheirOwn: a run of make peers, however new, does not take
// the place of one of make bench.
func TestPeersHaveASectionOfTheirOwn(t *testing.T) {
	results, root := t.TempDir(), documents(t)
	r, peers := quotable(t, results, "demo"), quotable(t, results, "peers")
	for range 2 {
		require.NoError(t, report(results, "", root))
		for name, want := range map[string]string{
			"README.md":           begin("report") + "\n" + r.short() + end("report"),
			"docs/methodology.md": begin("orders") + "\n" + r.shortOrders() + end("orders"),
			"docs/libraries.md":   begin("peers") + "\n" + peers.shortPeers() + end("peers"),
		} {
			text, err := os.ReadFile(filepath.Join(root, name))
			require.NoError(t, err)
			assert.Equal(t, want, string(text), name)
		}
	}
}

func TestReportIsWrittenForARun(t *testing.T) {
	results := t.TempDir()
	quotable(t, results, "demo")
	require.NoError(t, os.Mkdir(filepath.Join(results, ".partial-x"), 0o755))
	require.NoError(t, report(results, "", ""))
	assert.FileExists(t, filepath.Join(results, "demo", "report.md"))
	assert.ErrorContains(t, report(t.TempDir(), "", ""), "make bench")
	assert.ErrorContains(t, report(results, "absent", ""), "not a recorded run")
}

// documents is a folder with the documents that have sections, which are empty.
func documents(t *testing.T) string {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "docs"), 0o755))
	for name, section := range map[string]string{
		"README.md": "report", "docs/methodology.md": "orders", "docs/libraries.md": "peers",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(begin(section)+end(section)), 0o644))
	}
	return root
}

// quotable copies a run without what must not be quoted.
func quotable(t *testing.T, results, name string) *run {
	dir := filepath.Join(results, name)
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))))
	r, err := load(dir)
	require.NoError(t, err)
	r.Matrix.Subjects = slices.DeleteFunc(r.Matrix.Subjects, func(s subject) bool { return s.Name == "other" })
	for i := range r.Matrix.Outcomes {
		r.Matrix.Outcomes[i].Expected = r.Matrix.Outcomes[i].Outcome
	}
	text, err := json.Marshal(r.Matrix)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "matrix.json"), text, 0o644))
	return r
}
