package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	const want = `FAILED   crash-loop          1m5s
         pod job showed the phases [Pending Running], not [Pending Running Failed]
         and 1 more difference
passed   no-time               0s
passed   plain-pod          42.3s
skipped  refuse-hostpath
         it sets options of this plugin, and another one cannot be told
passed   without-pods          4m
5 scenarios: 3 passed, 1 failed, 1 skipped in 4.2 s
`
	var out bytes.Buffer
	if err := sample().Table(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTableOfStrangeText(t *testing.T) {
	r := &Report{Took: 61, Scenarios: []Scenario{
		{Name: "wide-名前", Verdict: Failed, Lasted: 3600, Differences: []string{"first\nsecond \x1b[31mred\x1b[0m " + strings.Repeat("é", 200)}},
		{Name: "n", Verdict: Failed, Lasted: 600, Differences: []string{strings.Repeat("語", 100)}},
	}}
	want := "FAILED   wide-名前       1h\n" +
		"         first second [31mred [0m " + strings.Repeat("é", 85) + "…\n" +
		"FAILED   n              10m\n" +
		"         " + strings.Repeat("語", 55) + "…\n" +
		"2 scenarios: 0 passed, 2 failed, 0 skipped in 1m1s\n"
	var out bytes.Buffer
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	if !utf8.Valid(out.Bytes()) {
		t.Error("a rune was cut in two")
	}
}

func TestTableSaysThatItCannotBeWritten(t *testing.T) {
	if err := sample().Table(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if err := sample().JSON(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if err := sample().HTML(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

var errBroken = errors.New("the disk is full")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestVerdictsHaveColours(t *testing.T) {
	got := row(&Scenario{Name: "a", Verdict: Passed}, 1, true) +
		row(&Scenario{Name: "b", Verdict: Failed}, 1, true) +
		row(&Scenario{Name: "c", Verdict: Skipped}, 1, true)
	const want = "\x1b[32mpassed \x1b[0m  a       0s\n\x1b[31mFAILED \x1b[0m  b       0s\n\x1b[33mskipped\x1b[0m  c\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLasting(t *testing.T) {
	for seconds, want := range map[float64]string{
		-1: "0s", 0: "0s", 0.04: "0s", 0.05: "0.1s", 0.5: "0.5s", 12: "12s", 12.34: "12.3s", 59.94: "59.9s", 59.96: "1m",
		65: "1m5s", 65.6: "1m6s", 300: "5m", 600: "10m", 3600: "1h", 3660: "1h1m", 3601: "1h0m1s", 36000: "10h", 1e300: "277777h46m40s",
	} {
		if got := lasting(seconds); got != want {
			t.Errorf("%v: %s, not %s", seconds, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"éèê", 2, "é…"}, {"名前", 4, "名前"}, {"名前", 3, "名…"}, {"名前", 2, "…"}, {"a", 0, "…"},
	} {
		if got := cut(c.line, c.width); got != c.want {
			t.Errorf("cut(%q, %d) is %q, not %q", c.line, c.width, got, c.want)
		}
	}
}
