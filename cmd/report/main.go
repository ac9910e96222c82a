// Command report turns a recorded run into Markdown, and into one HTML page. It reads the run's
// folder under results/; for the page also the newest run of make peers, whose libraries it shows
// beside the strategies, and the sources of the matrix's tests.
//
//	go run ./cmd/report                         # the newest run
//	go run ./cmd/report -label NAME
//	go run ./cmd/report -splice README.md -orders METHODOLOGY.md
//
// It writes results/<label>/report.md and index.html, and prints a summary. With -splice it also puts the short version into
// README, and charts into docs/charts beside it, and with -orders what instructions and time say of the order of strategies into METHODOLOGY;
// not from a run that is not to be quoted.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	results := flag.String("results", "results", "the folder of recorded `runs`")
	label := flag.String("label", "", "which `run`; the newest if empty")
	splice := flag.String("splice", "", "also put the short version between the markers of this `file`")
	orders := flag.String("orders", "", "also put the comparison of orders between the markers of this `file`")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: report [flags]\nMakes results/<label>/report.md and index.html from a recorded run.\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := report(*results, *label, *splice, *orders); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(results, label, splice, orders string) error {
	var failed error
	if label == "" {
		var err error
		if label, err = newest(results, false); err != nil {
			return err
		}
		if splice != "" { // the newest run of make peers has a section of its own, if there is one
			if peers, err := newest(results, true); err == nil {
				failed = one(results, peers, splice, "")
			}
		}
	}
	return errors.Join(failed, one(results, label, splice, orders))
}

func one(results, label, splice, orders string) error {
	r, err := load(filepath.Join(results, label))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "report.md"), []byte(r.page()), 0o644); err != nil {
		return err
	}
	if err := r.writePage(results); err != nil {
		return err
	}
	fmt.Print(r.summary())
	if splice == "" && orders == "" {
		return nil
	}
	if why := r.unquotable(); why != "" {
		return fmt.Errorf("README keeps what it has, because %s is not to be quoted: %s", r.Label, why)
	}
	if r.Machine.Peers {
		return spliceFile(splice, "peers", r.shortPeers())
	}
	if splice != "" {
		err = errors.Join(r.writePictures(splice), spliceFile(splice, "report", r.short()))
	}
	if orders != "" && err == nil {
		err = spliceFile(orders, "orders", r.shortOrders())
	}
	return err
}

// properties is the folder of the matrix's tests.
const properties = "matrix/properties"

// writePage writes the page.
func (r *run) writePage(results string) error {
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
	return os.WriteFile(filepath.Join(r.Dir, "index.html"), page, 0o644)
}
