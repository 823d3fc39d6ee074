package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	want := `1 failure, 2 causes
         1  STATUS-37: pod job showed the phases [Pending Running], expected [Pending Running Failed]
            The user waits for a pod that has ended.
            Right: Show the phase Failed when a container has failed.
            in crash-loop
         1  STATUS-18: container main of pod job has exit code 0, expected 3 and a second line with
            a-word-that-is-much-too-long-` + long[:78] + `…
            for any column
            in crash-loop

FAILED      crash-loop          1m5s
            STATUS-37: pod job showed the phases [Pending Running], expected [Pending Running Failed]
            and 1 more difference
passed      no-time               0s
not judged  plain-pod          42.3s
            whether the containers ran: their logs do not show it
skipped     refuse-hostpath
            it sets options of this plugin, and the plugin that runs has others
passed      without-pods          4m

Optional capabilities:
  restarts  0 of 1 passed (1 failed)

1 scenario failed.
core: 2 of 3 passed (1 not judged)
optional: 0 of 1 passed (1 failed)
this-plugin: 0 of 1 passed (1 skipped)
total: 2 of 5 passed (1 failed, 1 not judged, 1 skipped) in 4.2 s
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
	first, second := "first second [31mred [0m "+strings.Repeat("é", 82)+"…\n", strings.Repeat("語", 53)+"…\n"
	want := "2 failures, 2 causes\n" +
		"         1  first second [31mred [0m\n            " + strings.Repeat("é", 107) + "…\n            in wide-名前\n" +
		"         1  " + second + "            in n\n\n" +
		"FAILED      wide-名前       1h\n            " + first +
		"FAILED      n              10m\n            " + second +
		"\n2 scenarios failed.\ntotal: 0 of 2 passed (2 failed) in 1m1s\n"
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
	for name, write := range map[string]func(io.Writer) error{
		"table": sample().Table, "totals": sample().Totals, "JSON": sample().JSON, "HTML": sample().HTML, "JUnit": sample().JUnit,
	} {
		if err := write(fullDisk{}); !errors.Is(err, errDiskFull) {
			t.Errorf("%s: got error %v, want %v", name, err, errDiskFull)
		}
	}
}

var errDiskFull = errors.New("the disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDiskFull }

func TestVerdictsHaveColors(t *testing.T) {
	got := ""
	for _, s := range []Scenario{{Verdict: Passed}, {Verdict: Failed}, {Verdict: Skipped}, {Verdict: NotJudged}, {Verdict: Failed, ExpectedFailure: true}, {Verdict: Passed, ExpectedFailure: true}} {
		got += verdictCell(&s, true) + "\n"
	}
	const want = "\x1b[32mpassed    \x1b[0m\n\x1b[31mFAILED    \x1b[0m\n\x1b[33mskipped   \x1b[0m\n\x1b[35mnot judged\x1b[0m\n\x1b[33mfailed    \x1b[0m\n\x1b[31mPASSED    \x1b[0m\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCauseTableIsShort(t *testing.T) {
	r := &Report{}
	for i := range maxCauses + 3 {
		r.Scenarios = append(r.Scenarios, Scenario{Verdict: Failed, Differences: []Difference{{Rule: fmt.Sprint("RULE-", i)}}})
	}
	if lines := strings.Split(r.causeTable(), "\n"); lines[0] != "13 failures, 13 causes" || lines[1+2*maxCauses] != "            and 3 more causes" {
		t.Errorf("%q", lines)
	}
}

func TestWrapped(t *testing.T) {
	const half = "12345678901234567890123456789012345678901234567890123"
	if got := wrapped(half + " " + half + " " + half); got != indent+half+" "+half+"\n"+indent+half+"\n" {
		t.Errorf("%q", got)
	}
}
