package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	assert.Equal(t, "2.48×", r.relative("WrapLive", "shelf"))
	assert.Equal(t, "1.20×", r.relative("WrapLive", "preserve"))
	assert.Contains(t, r.peers(), "2.48× : 1.30×")
	assert.Equal(t, []string{"floor", "preserve"}, r.columns("py"))
	assert.Equal(t, []string{"floor", "preserve", "shelf"}, r.columns("py+shelf"))
	assert.Equal(t, []string{"floor", "lonely"}, r.columns("py+lonely"))
}

func TestNoCellIsBlank(t *testing.T) {
	r := demo(t)
	r.Strategies = append(r.Strategies, "nobody")
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
	assert.Equal(t, ratio{center: 1.5, lo: 1.5, hi: 1.5, interval: true, least: 1.5}, r)
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

func TestClaimThatDoesNotHoldSaysSo(t *testing.T) {
	r := demo(t)
	assert.NotContains(t, r.claims(), "does not hold")
	s := r.Samples[cell{"py", row{"WrapLive", seconds}, "preserve"}]
	for i := range s.values {
		s.values[i] *= 2
	}
	assert.Contains(t, r.claims(), "**does not hold**")
}

func TestRunWithoutMatrix(t *testing.T) {
	r := demo(t)
	r.Matrix = nil
	assert.Equal(t, "not recorded", r.held("preserve"))
	assert.Contains(t, r.page(), "Not recorded.")
}

func TestAmounts(t *testing.T) {
	assert.Equal(t, "29.70 ns", amount(29.7e-9, seconds))
	assert.Equal(t, "64.00 B", amount(64, "py-bytes/obj"))
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
	results, readme := t.TempDir(), filepath.Join(t.TempDir(), "README.md")
	for _, name := range []string{"demo", "peers"} {
		require.NoError(t, os.CopyFS(filepath.Join(results, name), os.DirFS(filepath.Join("testdata", name))))
	}
	page := begin("report") + end("report") + "\n" + begin("peers") + end("peers")
	require.NoError(t, os.WriteFile(readme, []byte(page), 0o644))
	require.NoError(t, report(results, "", "", readme))
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	assert.Equal(t, begin("report")+"\n"+demo(t).short()+end("report")+"\n"+
		begin("peers")+"\n"+peersDemo(t).shortPeers()+end("peers"), string(text))
}

func TestReportIsWrittenOnceAndForAll(t *testing.T) {
	beginMark, endMark := begin("report"), end("report")
	results, readme := t.TempDir(), filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.CopyFS(filepath.Join(results, "demo"), os.DirFS("testdata/demo")))
	require.NoError(t, os.Mkdir(filepath.Join(results, ".partial-x"), 0o755))
	require.NoError(t, os.WriteFile(readme, []byte(beginMark+endMark), 0o644))
	for range 2 {
		require.NoError(t, report(results, "", "", readme))
		text, err := os.ReadFile(readme)
		require.NoError(t, err)
		assert.Equal(t, beginMark+"\n"+demo(t).short()+endMark, string(text))
		assert.FileExists(t, filepath.Join(results, "demo", "report.md"))
	}
	assert.ErrorContains(t, report(t.TempDir(), "", "", ""), "make bench")
	assert.ErrorContains(t, report(results, "absent", "", ""), "no recorded run")
}
