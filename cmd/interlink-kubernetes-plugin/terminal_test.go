package main

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
)

// onTerminal runs the program with a terminal as its standard output, and returns what it shows there.
func onTerminal(t *testing.T, columns uint16, environ []string, args ...string) (shown string, code int) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = control.Close() }()
	fd := int(control.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(control) // it ends with an error when the terminal is closed
		text <- string(all)
	}()
	var stderr bytes.Buffer
	code = run(t.Context(), args, environ, terminal, &stderr)
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(<-text, "\r\n", "\n") + stderr.String(), code
}

// People see colors on a terminal, unless they do not want them or the terminal has none; texts without the colors are the
// same, and JSON never has any.
func TestColorsOnATerminal(t *testing.T) {
	const escape = "\x1b["
	config := kubeconfig(t, apiserver.ForTest(t).Kubeconfig())
	check := []string{"check", "--k8s-kubeconfig-path", config}
	for _, test := range []struct {
		name    string
		environ []string
		args    []string
		colors  bool
	}{
		{"terminal", []string{"TERM=xterm"}, check, true},
		{"NO_COLOR", []string{"TERM=xterm", "NO_COLOR=1"}, check, false},
		{"empty NO_COLOR", []string{"TERM=xterm", "NO_COLOR="}, check, true},
		{"dumb", []string{"TERM=dumb"}, check, false},
		{"JSON", []string{"TERM=xterm"}, append([]string{}, append(check, "-o", "json")...), false},
	} {
		shown, code := onTerminal(t, 120, test.environ, test.args...)
		if code != 0 || strings.Contains(shown, escape) != test.colors || !strings.Contains(shown, "pods") {
			t.Errorf("%s: exit code %d, and colors: %v\n%q", test.name, code, strings.Contains(shown, escape), shown)
		}
	}
	var plain bytes.Buffer
	if code := run(t.Context(), check, []string{"TERM=xterm"}, &plain, &plain); code != 0 || strings.Contains(plain.String(), escape) {
		t.Errorf("not on a terminal: exit code %d\n%q", code, plain.String())
	}
}

// The help is as wide as the terminal.
func TestHelpIsAsWideAsTheTerminal(t *testing.T) {
	for _, columns := range []uint16{100, 140} {
		shown, code := onTerminal(t, columns, nil, "serve", "--help")
		widest := 0
		for line := range strings.SplitSeq(shown, "\n") {
			// A word, such as a default value, is never cut, and a flag stands before the column of the texts.
			if text := strings.TrimSpace(line); strings.Contains(text, " ") && !strings.HasPrefix(text, "-") {
				widest = max(widest, len([]rune(line)))
			}
		}
		if code != 0 || widest > int(columns) || widest < int(columns)-20 {
			t.Errorf("exit code %d, %d columns: the widest line has %d", code, columns, widest)
		}
	}
}
