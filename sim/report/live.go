package report

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Live shows the progress of a replay. On a terminal it writes a row for each
// scenario that has ended, and a last line with the scenarios that run. Elsewhere,
// such as in the log of a CI run, it writes the progress after each tenth of the
// scenarios, and each failure at once.
//
// It is safe for concurrent use. It ignores errors of the writer: a replay goes on
// without a display.
type Live struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	colors   bool
	width    func() int

	total, done, failed int
	tenths              int // the last progress that was written
	running             []string
	closed              bool

	now      func() time.Time
	about    map[string]time.Duration // how long scenarios take that have not ended
	begun    map[string]time.Time
	parallel int
}

// NewLive returns a display for a number of scenarios. terminal says whether w is a
// terminal that can rewrite a line.
func NewLive(w io.Writer, total int, terminal bool) *Live {
	return &Live{w: w, total: total, terminal: terminal, colors: terminal && wantsColors(), width: func() int { return terminalWidth(w) }, now: time.Now, begun: map[string]time.Time{}}
}

// Expect lets the progress show the time left: about how long each scenario takes, and
// how many are played at the same time.
func (l *Live) Expect(about map[string]time.Duration, parallel int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.about, l.parallel = maps.Clone(about), max(parallel, 1)
}

// Refresh writes the last line of a terminal again: the time left becomes less while
// nothing else happens.
func (l *Live) Refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.terminal && !l.closed {
		l.write("")
	}
}

// left returns about how long the rest takes, 0 if it is not known.
func (l *Live) left() time.Duration {
	var all, longest time.Duration
	for name, about := range l.about {
		if begun, runs := l.begun[name]; runs {
			about = max(0, about-l.now().Sub(begun))
			longest = max(longest, about)
		}
		all += about
	}
	return max(longest, all/time.Duration(max(l.parallel, 1)))
}

// Start shows that a scenario has started.
func (l *Live) Start(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = append(l.running, name)
	l.begun[name] = l.now()
	l.write("")
}

// Done shows the result of a scenario.
func (l *Live) Done(s Scenario) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.running, s.Name); i >= 0 {
		l.running = slices.Delete(l.running, i, i+1)
	}
	delete(l.about, s.Name)
	l.done++
	if s.failsTheRun() {
		l.failed++
	}
	if l.terminal {
		l.write(row(&s, nameWidth, l.colors))
		return
	}
	text := ""
	if s.failsTheRun() {
		text = truncate(fmt.Sprintf("%s %s: %s", strings.ToUpper(string(s.Verdict)), singleLine(s.Name), singleLine(s.reason())), lineWidth) + "\n"
	}
	if tenths := 10 * l.done / max(l.total, 1); tenths > l.tenths {
		l.tenths = tenths
		text += l.progress() + "\n"
	}
	l.write(text)
}

// Close removes the last line of a terminal. Start and Done may still be called; the
// line does not come back.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.write("")
}

// write writes a text. On a terminal the text replaces the last line, which is
// written again below it.
func (l *Live) write(text string) {
	if l.terminal {
		text = "\r\x1b[K" + text
		if !l.closed {
			// A terminal may start a new line when its last column is used.
			text += truncate(l.lastLine(), l.width()-1)
		}
	}
	if text != "" {
		_, _ = io.WriteString(l.w, text)
	}
}

func (l *Live) progress() string {
	text := fmt.Sprintf("played %d of %d, %d failed", l.done, l.total, l.failed)
	if left := l.left().Round(time.Second); left > 0 {
		text += ", about " + scenarioTime(left.Seconds()) + " left"
	}
	return text
}

func (l *Live) lastLine() string {
	if len(l.running) == 0 {
		return l.progress()
	}
	return l.progress() + ": " + singleLine(strings.Join(l.running, ", "))
}

// terminalWidth returns the width of a terminal in columns, 80 if it is not known.
func terminalWidth(w io.Writer) int {
	if file, is := w.(*os.File); is {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 1 {
			return columns
		}
	}
	return 80
}
