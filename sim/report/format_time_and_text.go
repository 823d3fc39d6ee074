package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxSeconds is longer than any scenario, and small enough for a time.Duration.
const maxSeconds = 1e9

// realTime formats seconds of real time, to the tenth.
func realTime(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return scenarioTime(seconds)
}

// scenarioTime formats a time of a scenario as scenarios write it: 0.5s, 12s, 1m5s,
// 2h.
func scenarioTime(seconds float64) string {
	if tenths := math.Round(seconds * 10); tenths < 600 {
		return strconv.FormatFloat(max(tenths, 0)/10, 'f', -1, 64) + "s"
	}
	text := (time.Duration(min(math.Round(seconds), maxSeconds)) * time.Second).String()
	if short, found := strings.CutSuffix(text, "m0s"); found {
		text = short + "m"
	}
	if short, found := strings.CutSuffix(text, "h0m"); found {
		text = short + "h"
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// singleLine returns a text as one line of printable characters. The text of a log may
// hold line breaks, and escape codes that would change the terminal.
func singleLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// truncate shortens a line to a width in columns of a terminal.
func truncate(line string, width int) string {
	used, fits := 0, 0 // fits is where the ellipsis would start
	for i, r := range line {
		if used += runeWidth(r); used > width {
			return line[:fits] + "…"
		}
		if used < width {
			fits = i + len(string(r))
		}
	}
	return line
}

// runeWidth returns the largest width of a rune, in columns. Scripts with wide runes
// begin at Hangul.
func runeWidth(r rune) int {
	if r >= 0x1100 {
		return 2
	}
	return 1
}

func textWidth(line string) int {
	n := 0
	for _, r := range line {
		n += runeWidth(r)
	}
	return n
}
