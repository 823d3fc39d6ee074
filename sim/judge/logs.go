package judge

import (
	"cmp"
	"fmt"
	"slices"
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
			found = append(found, differencef("", "%s was not requested", subject))
			continue
		}
		lines, err := splitLines(seen[i].Text, log.Timestamps)
		if err = cmp.Or(seen[i].Err, err); err != nil {
			found = append(found, differencef(rule, "%s: %v", subject, err))
		} else if !slices.Equal(lines, log.Lines) {
			found = append(found, differencef(rule, "%s is %s, expected %s", subject, quote(lines), quote(log.Lines)))
		}
	}
	return found
}

// logRule is the rule that the plugin breaks when it answers a request wrongly.
func logRule(log scenario.LogExpectation) string {
	switch {
	case log.Follow:
		return "LOGS-6"
	case log.Container == "":
		return "LOGS-4"
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

// splitLines returns the lines of a log. With timestamps, each line must begin with
// one, which is removed.
func splitLines(text string, timestamps bool) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range lines {
		if !timestamps {
			continue
		}
		stamp, rest, found := strings.Cut(lines[i], " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || !found {
			return nil, fmt.Errorf("line %q does not begin with a timestamp", lines[i])
		}
		lines[i] = rest
	}
	return lines, nil
}

func quote(lines []string) string { return shorten(fmt.Sprintf("%q", lines)) }
