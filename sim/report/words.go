package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Summary says in one line what came of the replay.
func (r *Report) Summary() string {
	return fmt.Sprintf("%s: %d passed, %d failed, %d skipped in %s", plural(len(r.Scenarios), "scenario"),
		r.Count(Passed), r.Count(Failed), r.Count(Skipped), took(r.Took))
}

// why is the first thing to know of a scenario that did not pass.
func (s *Scenario) why() string {
	switch {
	case s.Verdict == Skipped:
		return s.Skipped
	case s.Verdict == Failed && len(s.Differences) > 0:
		return s.Differences[0]
	}
	return ""
}

// took is real time, which is short and of interest to the tenth.
func took(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return lasting(seconds)
}

// lasting is a time in a scenario as scenarios write it: 0.5s, 12s, 1m5s, 2h.
func lasting(seconds float64) string {
	if tenths := math.Round(seconds * 10); tenths < 600 {
		return strconv.FormatFloat(max(tenths, 0)/10, 'f', -1, 64) + "s"
	}
	text := (time.Duration(min(math.Round(seconds), longest)) * time.Second).String()
	if short, cut := strings.CutSuffix(text, "m0s"); cut {
		text = short + "m"
	}
	if short, cut := strings.CutSuffix(text, "h0m"); cut {
		text = short + "h"
	}
	return text
}

// longest is more seconds than any scenario lasts, and few enough to calculate with.
const longest = 1e9

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// flat makes one line of any text. What is found in logs may hold line breaks, and
// escape codes that a terminal would obey.
func flat(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// cut shortens a line to so many cells of a terminal.
func cut(line string, width int) string {
	used, fits := 0, 0 // fits is where the dots would go
	for i, r := range line {
		if used += cells(r); used > width {
			return line[:fits] + "…"
		}
		if used < width {
			fits = i + len(string(r))
		}
	}
	return line
}

// cells says how wide a rune is at most: scripts with wide runes begin at Hangul.
func cells(r rune) int {
	if r >= 0x1100 {
		return 2
	}
	return 1
}

func cellsOf(line string) int {
	n := 0
	for _, r := range line {
		n += cells(r)
	}
	return n
}
