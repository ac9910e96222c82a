// Command report turns a recorded run into Markdown, and into one HTML page. It reads the run's
// folder under results/; for the page also the newest run of make peers, whose libraries it shows
// beside the strategies, and the sources of the matrix's tests.
//
//	go run ./cmd/report                         # the newest run
//	go run ./cmd/report -label NAME
//	go run ./cmd/report -splice README.md       # also README's short version
//
// It writes report.md, index.html and README's charts, *.svg, to results/<label>/, and prints the
// short version.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	results := flag.String("results", "results", "the folder of recorded `runs`")
	label := flag.String("label", "", "which `run`; the newest if empty")
	properties := flag.String("properties", "matrix/properties", "the `folder` of the matrix's tests")
	splice := flag.String("splice", "", "also put the short version between the markers of this `file`")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: report [flags]\nMakes results/<label>/report.md and index.html from a recorded run.\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := report(*results, *label, *properties, *splice); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(results, label, properties, splice string) error {
	if label == "" {
		var err error
		if label, err = newest(results, false); err != nil {
			return err
		}
		if splice != "" { // the newest run of make peers has a section of its own, if there is one
			if peers, err := newest(results, true); err == nil {
				if err := one(results, peers, properties, splice); err != nil {
					return err
				}
			}
		}
	}
	return one(results, label, properties, splice)
}

func one(results, label, properties, splice string) error {
	r, err := load(filepath.Join(results, label))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "report.md"), []byte(r.page()), 0o644); err != nil {
		return err
	}
	if err := r.writePage(results, properties); err != nil {
		return err
	}
	text, section := r.short(), "report"
	if r.Machine.Peers {
		text, section = r.shortPeers(), "peers"
	}
	fmt.Print(text)
	if splice == "" {
		return nil
	}
	return spliceFile(splice, section, text)
}

// writePage writes the page, and the charts of README.
func (r *run) writePage(results, properties string) error {
	tests, err := propertyTests(properties)
	if err != nil {
		return err
	}
	var peers *run
	if label, err := newest(results, true); err == nil && !r.Machine.Peers {
		if peers, err = load(filepath.Join(results, label)); err != nil {
			return err
		}
	}
	page, err := r.html(peers, tests)
	if err != nil {
		return err
	}
	files := r.pictures()
	files["index.html"] = string(page)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(r.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
