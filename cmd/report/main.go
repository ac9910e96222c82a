// Command report turns a recorded run into Markdown, and into one HTML page. It reads the run's
// folder under results/; for the page also the newest run of make peers, whose libraries it shows
// beside the strategies, and the sources of the matrix's tests.
//
//	go run ./cmd/report                         # the newest run
//	go run ./cmd/report -label NAME
//	go run ./cmd/report -root .                 # also the sections of the documents
//
// It writes results/<label>/report.md and, but for a run of make peers, index.html, and prints a summary. With -root it also
// writes the sections of README.md, docs/methodology.md and docs/libraries.md below that folder,
// and README's charts into docs/charts; not from a run that is not to be quoted.
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
	root := flag.String("root", "", "also write the sections of the documents below this `folder`")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: report [flags]\nMakes results/<label>/report.md and index.html from a recorded run.\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := report(*results, *label, *root); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(results, label, root string) error {
	if label == "" {
		var err error
		if label, err = newest(results, false); err != nil {
			return err
		}
		if root != "" { // the newest run of make peers has a section of its own, if there is one
			if peers, err := newest(results, true); err == nil {
				if err := one(results, peers, root); err != nil {
					fmt.Fprintln(os.Stderr, "report:", err)
				}
			}
		}
	}
	return one(results, label, root)
}

func one(results, label, root string) error {
	r, err := load(filepath.Join(results, label))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "report.md"), []byte(r.page()), 0o644); err != nil {
		return err
	}
	if !r.Machine.Peers { // they are on the page of the newest other run
		if err := r.writePage(results); err != nil {
			return err
		}
	}
	fmt.Print(r.summary())
	if root == "" {
		return nil
	}
	if why := r.unquotable(); why != "" {
		return fmt.Errorf("the documents keep what they have, because %s is not to be quoted: %s", r.Label, why)
	}
	if r.Machine.Peers {
		return spliceFile(filepath.Join(root, "docs/libraries.md"), "peers", r.shortPeers())
	}
	return errors.Join(
		r.writePictures(root),
		spliceFile(filepath.Join(root, "README.md"), "report", r.short()),
		spliceFile(filepath.Join(root, "docs/methodology.md"), "orders", r.shortOrders()))
}

// properties is the folder of the matrix's tests.
const properties = "matrix/lifetimes/properties"

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
