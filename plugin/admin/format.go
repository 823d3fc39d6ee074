package admin

import (
	"strconv"
	"strings"
	"time"
)

// stamp is a time as the page shows it.
type stamp struct {
	// Text is how long ago it was, such as 3d4h; ISO is the time for programs, and Long the time for people.
	Text, ISO, Long string
}

// stampOf returns a time as the page shows it; empty for the zero time.
func stampOf(at, now time.Time) stamp {
	if at.IsZero() {
		return stamp{}
	}
	return stamp{Text: ageOf(now.Sub(at)), ISO: at.UTC().Format(time.RFC3339), Long: at.UTC().Format("2006-01-02 15:04:05 UTC")}
}

// ageOf writes a duration as kubectl does: with one or two units.
func ageOf(d time.Duration) string {
	d = max(0, d)
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	two := func(large, small time.Duration, of, unit string) string {
		text := strconv.Itoa(int(d/large)) + of
		if rest := d % large / small; rest > 0 {
			text += strconv.Itoa(int(rest)) + unit
		}
		return text
	}
	switch {
	case d < 2*time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < 10*time.Minute:
		return two(time.Minute, time.Second, "m", "s")
	case d < 3*time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 8*time.Hour:
		return two(time.Hour, time.Minute, "h", "m")
	case d < 2*day:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d < 8*day:
		return two(day, time.Hour, "d", "h")
	case d < 2*year:
		return strconv.Itoa(int(d/day)) + "d"
	}
	return two(year, day, "y", "d")
}

// number writes a number with commas between thousands.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// count writes a number of things; the name of several of them ends with an s.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// cut returns a text of at most limit bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// between writes how long it took from one moment to the next; empty if one of them is not known.
func between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	d := to.Sub(from)
	if d < 0 {
		return ""
	}
	if d < time.Second {
		return "< 1s"
	}
	return ageOf(d)
}
