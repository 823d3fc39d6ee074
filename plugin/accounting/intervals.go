package accounting

import (
	"math"
	"slices"
)

// Interval is a time from Start until before End, in seconds since 1970: a Kubernetes API has no
// fractions of them.
type Interval struct{ Start, End int64 }

// open is the end of an interval that has not ended.
const open = math.MaxInt64

// union returns all the time that is in one of the intervals, as intervals in order that do not touch.
func union(lists ...[]Interval) []Interval {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b Interval) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	})
	var result []Interval
	for _, i := range all {
		if i.End <= i.Start {
			continue
		}
		if last := len(result) - 1; last >= 0 && i.Start <= result[last].End {
			result[last].End = max(result[last].End, i.End)
			continue
		}
		result = append(result, i)
	}
	return result
}

// between returns the part of the intervals from one time until before another one.
func between(intervals []Interval, from, to int64) []Interval {
	var result []Interval
	for _, i := range intervals {
		if cut := (Interval{max(i.Start, from), min(i.End, to)}); cut.Start < cut.End {
			result = append(result, cut)
		}
	}
	return result
}

// closed returns the intervals that have ended.
func closed(intervals []Interval) []Interval {
	return slices.DeleteFunc(slices.Clone(intervals), func(i Interval) bool { return i.End == open })
}

// after returns the intervals that end after a time.
func after(intervals []Interval, time int64) []Interval {
	return slices.DeleteFunc(slices.Clone(intervals), func(i Interval) bool { return i.End <= time })
}

// unlessSeen returns the intervals whose ends are assumed, without those after whose start an end was seen: a
// replica that has seen it knows more.
func unlessSeen(assumed, ran []Interval) []Interval {
	seen := int64(0)
	for _, i := range closed(ran) {
		seen = max(seen, i.End)
	}
	return slices.DeleteFunc(slices.Clone(assumed), func(i Interval) bool { return i.Start < seen })
}

// seconds returns how long the intervals, which do not overlap, are together.
func seconds(intervals []Interval) int64 {
	var sum int64
	for _, i := range intervals {
		sum += i.End - i.Start
	}
	return sum
}
