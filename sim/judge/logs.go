package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// compareLogs compares the answers to requests for logs with the expected ones.
func compareLogs(key string, expected scenario.PodExpectation, seen []Log) []Difference {
	var found []Difference
	for i, log := range expected.Logs {
		subject, rule := fmt.Sprintf("log %d of pod %s (%s)", i+1, key, describeRequest(log)), logRule(log)
		if i >= len(seen) {
			found = append(found, differencef(rule, "%s was not requested", subject))
			continue
		}
		if seen[i].Why != "" {
			continue
		}
		lines := splitLines(seen[i].Text)
		var err error
		if log.Timestamps {
			lines, err = withoutTimestamps(lines)
		}
		if err = cmp.Or(seen[i].Err, err); err != nil {
			found = append(found, differencef(rule, "%s: %v", subject, err))
		} else if !slices.Equal(lines, log.Lines) {
			found = append(found, differencef(rule, "%s %s", subject, compareLines(lines, log.Lines)))
		}
	}
	return found
}

// maxShortLog is the length up to which two logs are quoted whole.
const maxShortLog = 150

// compareLines says how the lines of a log differ from the expected ones: long logs from the
// first line that differs.
func compareLines(lines, expected []string) string {
	is, want := quote(lines), quote(expected)
	if len(is)+len(want) <= maxShortLog {
		return fmt.Sprintf("is %s, expected %s", is, want)
	}
	same := 0
	for same < min(len(lines), len(expected)) && lines[same] == expected[same] {
		same++
	}
	before := ""
	if same > 0 {
		before = fmt.Sprintf(" (%s before)", plural(same, "equal line"))
	}
	switch {
	case same == len(lines):
		return fmt.Sprintf("ends after %s, expected line %d to be %s", plural(same, "line"), same+1, shorten(strconv.Quote(expected[same])))
	case same == len(expected):
		return fmt.Sprintf("has %s, expected its end after line %d: line %d is %s", plural(len(lines), "line"), same, same+1, shorten(strconv.Quote(lines[same])))
	}
	is, want = differentPart(lines[same], expected[same])
	return fmt.Sprintf("differs from line %d on: it is %s, expected %s%s", same+1, is, want, before)
}

// differentPart quotes two different lines, long ones from shortly before the first difference.
func differentPart(a, b string) (string, string) {
	const context = 20
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	from := max(0, same-context)
	if len(a)+len(b) <= maxShortLog || from == 0 {
		return shorten(strconv.Quote(a)), shorten(strconv.Quote(b))
	}
	part := func(text string) string {
		return fmt.Sprintf("%s from character %d on", shorten(strconv.Quote(strings.ToValidUTF8(text[from:], ""))), from+1)
	}
	return part(a), part(b)
}

// logRule is the rule that the plugin breaks when it answers a request wrongly.
func logRule(log scenario.LogExpectation) string {
	switch {
	case log.Follow:
		return "LOGS-6"
	case log.Container == "":
		return "LOGS-4"
	case log.Bytes > 0:
		return "LOGS-2"
	}
	return "LOGS-1"
}

// describeRequest returns the options of a request for a log in words.
func describeRequest(log scenario.LogExpectation) string {
	words := []string{cmp.Or(log.Container, "no container name")}
	for _, option := range []struct {
		set  bool
		word string
	}{
		{log.Tail > 0, fmt.Sprintf("tail %d", log.Tail)}, {log.Bytes > 0, fmt.Sprintf("%d bytes", log.Bytes)},
		{log.SinceSeconds > 0, fmt.Sprintf("the last %d s", log.SinceSeconds)},
		{log.Timestamps, "timestamps"}, {log.Previous, "previous"}, {log.Follow, "follow"},
	} {
		if option.set {
			words = append(words, option.word)
		}
	}
	return strings.Join(words, ", ")
}

// splitLines returns the lines of a log.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// withoutTimestamps removes the timestamp with which each line must begin.
func withoutTimestamps(lines []string) ([]string, error) {
	var rest []string
	for _, line := range lines {
		stamp, text, found := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || !found {
			return nil, fmt.Errorf("line %s does not begin with a timestamp", shorten(strconv.Quote(line)))
		}
		rest = append(rest, text)
	}
	return rest, nil
}

// quote returns lines in quotes.
func quote(lines []string) string {
	if len(lines) == 0 {
		return "empty"
	}
	quoted := make([]string, len(lines))
	for i, line := range lines {
		quoted[i] = strconv.Quote(line)
	}
	return strings.Join(quoted, ", ")
}
