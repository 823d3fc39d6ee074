package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func TestLinesOfLogs(t *testing.T) {
	stamp := time.Unix(0, 5).UTC().Format(time.RFC3339Nano)
	for _, test := range []struct {
		text       string
		timestamps bool
		want       string
	}{
		{"", false, "[] <nil>"},
		{"a\n\nb", false, `["a" "" "b"] <nil>`},
		{stamp + " a b\n" + stamp + " \n", true, `["a b" ""] <nil>`},
		{"a b\n", true, `[] line "a b" does not begin with a timestamp`},
		{stamp, true, fmt.Sprintf("[] line %q does not begin with a timestamp", stamp)},
	} {
		lines, err := splitLines(test.text), error(nil)
		if test.timestamps {
			lines, err = withoutTimestamps(lines)
		}
		if got := fmt.Sprintf("%q %v", lines, err); got != test.want {
			t.Errorf("%q: %s, want %s", test.text, got, test.want)
		}
	}
}

// A short log is quoted whole, a long one from the first line that differs.
func TestDifferentLogs(t *testing.T) {
	many := strings.Split(strings.Repeat("one line of many, ", 19)+"the last one", ", ")
	changed := slices.Clone(many)
	changed[2] = "another line"
	long, same := []string{strings.Repeat("a", 200) + "b"}, []string{strings.Repeat("a", 200) + "c"}
	for _, test := range []struct {
		name            string
		lines, expected []string
		want            string
	}{
		{"short", []string{"a", "b"}, []string{"a"}, `is "a", "b", expected "a"`},
		{"none", nil, []string{"a"}, `is empty, expected "a"`},
		{"a line", changed, many, `differs from line 3 on: it is "another line", expected "one line of many" (2 equal lines before)`},
		{"too few", many[:1], many, `ends after 1 line, expected line 2 to be "one line of many"`},
		{"too many", append(slices.Clone(many), "more"), many, `has 21 lines, expected its end after line 20: line 21 is "more"`},
		{"inside of a long line", long, same, `differs from line 1 on: it is "` + strings.Repeat("a", 20) + `b" from character 181 on, expected "` + strings.Repeat("a", 20) + `c" from character 181 on`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := compareLines(test.lines, test.expected); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

// A log whose lines cannot be told from others is not compared.
func TestLogThatCannotBeCompared(t *testing.T) {
	expected := scenario.PodExpectation{Logs: []scenario.LogExpectation{{Container: "main", Lines: []string{"a"}}}}
	log := Log{Text: "loading\na\n", Why: "it has lines of its job"}
	if found := compareLogs("web", expected, []Log{log}); len(found) > 0 {
		t.Error(found)
	}
	want := "log 1 of pod web: it has lines of its job"
	if found := whyLogsUnknown(&Observation{Pods: map[string]*Pod{"web": {Logs: []Log{log}}}}); len(found) != 1 || found[0] != want {
		t.Errorf("%q; want %s", found, want)
	}
}
