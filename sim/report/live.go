package report

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Live shows a replay while it runs. On a terminal finished scenarios become rows,
// and the last line says what is running. Elsewhere, as in the log of a CI run, it
// says now and then how far it is, and at once what failed.
//
// It is safe for concurrent use. What cannot be written is not shown: a replay does
// not end because nobody looks.
type Live struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	colours  bool
	width    func() int

	total, done, failed int
	tenths              int // that were announced
	running             []string
	closed              bool
}

// NewLive makes a display of so many scenarios.
func NewLive(w io.Writer, total int, terminal bool) *Live {
	return &Live{w: w, total: total, terminal: terminal, colours: terminal && colourful(), width: func() int { return width(w) }}
}

// Start says that a scenario is now being played.
func (l *Live) Start(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = append(l.running, name)
	l.show("")
}

// Done says what became of a scenario.
func (l *Live) Done(s Scenario) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.running, s.Name); i >= 0 {
		l.running = slices.Delete(l.running, i, i+1)
	}
	l.done++
	if s.Verdict == Failed {
		l.failed++
	}
	if l.terminal {
		l.show(row(&s, nameWidth, l.colours))
		return
	}
	text := ""
	if s.Verdict == Failed {
		text = cut(fmt.Sprintf("FAILED %s: %s", flat(s.Name), flat(s.why())), readable) + "\n"
	}
	if tenths := 10 * l.done / max(l.total, 1); tenths > l.tenths {
		l.tenths = tenths
		text += l.progress() + "\n"
	}
	l.show(text)
}

// Close takes the last line away again. What comes later is shown without it.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.show("")
}

// show writes text, on a terminal in place of the last line, which moves down.
func (l *Live) show(text string) {
	if l.terminal {
		text = "\r\x1b[K" + text
		if !l.closed {
			// One cell is left free: a terminal may begin a new line after its last one.
			text += cut(l.status(), l.width()-1)
		}
	}
	if text != "" {
		_, _ = io.WriteString(l.w, text)
	}
}

func (l *Live) progress() string {
	return fmt.Sprintf("played %d of %d, %d failed", l.done, l.total, l.failed)
}

func (l *Live) status() string {
	if len(l.running) == 0 {
		return l.progress()
	}
	return l.progress() + ": " + flat(strings.Join(l.running, ", "))
}

// width of the terminal, or the usual one where it cannot be said.
func width(w io.Writer) int {
	if file, is := w.(*os.File); is {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 1 {
			return columns
		}
	}
	return 80
}
