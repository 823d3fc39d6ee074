package report

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLiveOnATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	var out bytes.Buffer
	l := NewLive(&out, 3, true)
	l.width = func() int { return 40 }
	l.Start("first")
	l.Start("second-with-a-long-name")
	l.Done(Scenario{Name: "first", Verdict: Passed, Lasted: 65})
	l.Done(Scenario{Name: "second-with-a-long-name", Verdict: Failed, Lasted: 5, Differences: []Difference{{Text: "a"}, {Text: "b"}, {Text: "c"}}})
	l.Close()
	const clear = "\r\x1b[K"
	want := clear + "played 0 of 3, 0 failed: first" +
		clear + "played 0 of 3, 0 failed: first, second…" +
		clear + "passed      first                                1m5s\n" +
		"played 1 of 3, 0 failed: second-with-a…" +
		clear + "FAILED      second-with-a-long-name                5s\n            a\n            and 2 more differences\n" +
		"played 2 of 3, 1 failed" +
		clear
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLiveHasColorsOnlyOnATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for _, terminal := range []bool{true, false} {
		var out bytes.Buffer
		l := NewLive(&out, 1, terminal)
		l.Done(Scenario{Name: "a", Verdict: Failed, Differences: []Difference{{Text: "\x1b[35mno"}}})
		if colored := strings.Contains(out.String(), "\x1b[31m"); colored != terminal {
			t.Errorf("terminal %v: colors are %v in %q", terminal, colored, out.String())
		}
		if !terminal && strings.Contains(out.String(), "\x1b") {
			t.Errorf("escape codes in %q", out.String())
		}
	}
}

func TestLiveShowsTheTimeLeft(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	now := time.Unix(0, 0)
	var out bytes.Buffer
	l := NewLive(&out, 3, true)
	l.now = func() time.Time { return now }
	l.Expect(map[string]time.Duration{"a": 20 * time.Second, "b": 30 * time.Second, "c": 90 * time.Second}, 2)
	shows := func(want string) {
		t.Helper()
		if _, got, _ := strings.Cut(out.String(), "failed"); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		out.Reset()
	}
	l.Start("a")
	shows(", about 1m10s left: a")
	l.Start("b")
	now = now.Add(10 * time.Second)
	l.Refresh()
	shows(", about 1m left: a, b")
	l.Done(Scenario{Name: "a", Verdict: Passed})
	shows(", about 55s left: b")
	l.Start("c") // the longest one decides now
	shows(", about 1m30s left: b, c")
	now = now.Add(time.Hour)
	l.Refresh()
	shows(": b, c")
	l.Close()
	out.Reset()
	l.Refresh()
	if out.Len() > 0 {
		t.Errorf("%q after the end", out.String())
	}
}

func TestLiveInALogOfCI(t *testing.T) {
	var out bytes.Buffer
	l := NewLive(&out, 25, false)
	for i := range 25 {
		s := Scenario{Name: fmt.Sprint("s", i), Verdict: Passed}
		if i == 3 {
			s.Verdict, s.Differences = Failed, []Difference{{Text: "pod a\nis gone"}, {Text: "more"}}
		}
		l.Start(s.Name)
		l.Done(s)
	}
	l.Close()
	const want = `played 3 of 25, 0 failed
FAILED s3: pod a is gone
played 5 of 25, 1 failed
played 8 of 25, 1 failed
played 10 of 25, 1 failed
played 13 of 25, 1 failed
played 15 of 25, 1 failed
played 18 of 25, 1 failed
played 20 of 25, 1 failed
played 23 of 25, 1 failed
played 25 of 25, 1 failed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLiveIsSafeForConcurrentUse(t *testing.T) {
	var out bytes.Buffer
	l := NewLive(&out, 100, true)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			l.Start(fmt.Sprint(i))
			l.Done(Scenario{Name: fmt.Sprint(i), Verdict: Passed})
		})
	}
	all.Wait()
	if !strings.HasSuffix(out.String(), "played 100 of 100, 0 failed") {
		t.Errorf("the display ends with %q", out.String()[max(0, out.Len()-80):])
	}
}

func TestIsTerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if IsTerminal(file) || IsTerminal(&bytes.Buffer{}) {
		t.Error("a file or a buffer is taken for a terminal")
	}
	if n := terminalWidth(file); n != 80 {
		t.Errorf("the width of a file is %d, want 80", n)
	}
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	defer func() { _ = screen.Close() }()
	t.Setenv("TERM", "xterm")
	if !IsTerminal(screen) {
		t.Error("a terminal is not recognized")
	}
	t.Setenv("TERM", "dumb")
	if IsTerminal(screen) {
		t.Error("a dumb terminal cannot rewrite a line, but is taken for one that can")
	}
}
