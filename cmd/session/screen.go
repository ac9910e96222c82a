package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A screen shows lines, and on a terminal a bar below them.
type screen interface {
	start()
	line(text string)
	stop()
}

func newScreen(f *os.File, state func() (string, float64, float64)) screen {
	if term.IsTerminal(int(f.Fd())) {
		width, _, err := term.GetSize(int(f.Fd()))
		if err == nil && width >= 40 {
			return &bar{out: f, width: width, state: state}
		}
	}
	return plain{f}
}

// plain is a file, or a terminal that is too narrow.
type plain struct{ out io.Writer }

func (p plain) start()           {}
func (p plain) line(text string) { fmt.Fprintln(p.out, text) }
func (p plain) stop()            {}

// bar is a terminal: how far the session is, by time, moves once a second.
type bar struct {
	out   io.Writer
	width int
	state func() (name string, ran, left float64)
	ended chan struct{}

	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

func (b *bar) start() {
	ended := make(chan struct{})
	b.mu.Lock()
	b.ended = ended
	b.bar = progressbar.NewOptions64(1000,
		progressbar.OptionSetWriter(b.out), progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetTheme(progressbar.ThemeASCII))
	b.mu.Unlock()
	go func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				b.show()
			case <-ended:
				tick.Stop()
				return
			}
		}
	}()
}

func (b *bar) show() {
	name, ran, left := b.state()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil { // stopped meanwhile
		return
	}
	text := fmt.Sprintf("%s, about %s left", name, clock(left))
	if room := b.width - 36; len(text) > room {
		text = text[:max(room, 0)]
	}
	b.bar.Describe(text)
	b.bar.Set64(int64(min(999*ran/max(ran+left, 1), 999)))
}

func (b *bar) line(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		b.bar.Clear()
	}
	fmt.Fprintln(b.out, strings.TrimRight(text, "\n"))
}

func (b *bar) stop() {
	close(b.ended)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar.Clear()
	b.bar = nil
}
