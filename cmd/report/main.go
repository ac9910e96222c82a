// Command report turns a recorded run into Markdown. It reads the run's folder
// under results/ and nothing else.
//
//	go run ./cmd/report                         # the newest run
//	go run ./cmd/report -label NAME
//	go run ./cmd/report -splice README.md       # also README's short version
//
// It writes results/<label>/report.md and prints the short version.
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
	splice := flag.String("splice", "", "also put the short version between the markers of this `file`")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: report [flags]\nMakes results/<label>/report.md from a recorded run.\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := report(*results, *label, *splice); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(results, label, splice string) error {
	if label == "" {
		var err error
		if label, err = newest(results, false); err != nil {
			return err
		}
		if splice != "" { // the newest run of make peers has a section of its own, if there is one
			if peers, err := newest(results, true); err == nil {
				if err := one(results, peers, splice); err != nil {
					return err
				}
			}
		}
	}
	return one(results, label, splice)
}

func one(results, label, splice string) error {
	r, err := load(filepath.Join(results, label))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "report.md"), []byte(r.page()), 0o644); err != nil {
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
