package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	const want = `FAILED   crash-loop          1m5s
         STATUS-37: pod job showed the phases [Pending Running], expected [Pending Running Failed]
         and 1 more difference
passed   no-time               0s
passed   plain-pod          42.3s
skipped  refuse-hostpath
         it sets options of this plugin, and the plugin that runs has others
passed   without-pods          4m
5 scenarios: 3 passed, 1 failed, 0 not judged, 1 skipped in 4.2 s
`
	var out bytes.Buffer
	if err := sample().Table(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTableShowsLogTextOnOneLine(t *testing.T) {
	r := &Report{Took: 61, Scenarios: []Scenario{
		{Name: "wide-名前", Verdict: Failed, Lasted: 3600, Differences: []Difference{{Text: "first\nsecond \x1b[31mred\x1b[0m " + strings.Repeat("é", 200)}}},
		{Name: "n", Verdict: Failed, Lasted: 600, Differences: []Difference{{Text: strings.Repeat("語", 100)}}},
	}}
	want := "FAILED   wide-名前       1h\n" +
		"         first second [31mred [0m " + strings.Repeat("é", 85) + "…\n" +
		"FAILED   n              10m\n" +
		"         " + strings.Repeat("語", 55) + "…\n" +
		"2 scenarios: 0 passed, 2 failed, 0 not judged, 0 skipped in 1m1s\n"
	var out bytes.Buffer
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	if !utf8.Valid(out.Bytes()) {
		t.Error("the table is not valid UTF-8")
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{"table": sample().Table, "JSON": sample().JSON, "HTML": sample().HTML} {
		if err := write(fullDisk{}); !errors.Is(err, errDiskFull) {
			t.Errorf("%s: got error %v, want %v", name, err, errDiskFull)
		}
	}
}

var errDiskFull = errors.New("the disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDiskFull }

func TestVerdictsHaveColors(t *testing.T) {
	got := row(&Scenario{Name: "a", Verdict: Passed}, 1, true) +
		row(&Scenario{Name: "b", Verdict: Failed}, 1, true) +
		row(&Scenario{Name: "c", Verdict: Skipped}, 1, true)
	const want = "\x1b[32mpassed \x1b[0m  a       0s\n\x1b[31mFAILED \x1b[0m  b       0s\n\x1b[33mskipped\x1b[0m  c\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
