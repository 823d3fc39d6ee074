package console_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
)

func TestCleanAndLine(t *testing.T) {
	for _, test := range []struct{ text, clean, line string }{
		{"", "", ""},
		{"größe 日本 é", "größe 日本 é", "größe 日本 é"},
		{"a\nb\tc  d", "a\nb\tc  d", "a b c d"},
		{"\x1b[31mred\x1b]0;title\x07", "\uFFFD[31mred\uFFFD]0;title\uFFFD", "\uFFFD[31mred\uFFFD]0;title\uFFFD"},
		{"c1 \u009b31m del \x7f nul \x00 bs \b cr\r!", "c1 \uFFFD31m del \uFFFD nul \uFFFD bs \uFFFD cr\uFFFD!", "c1 \uFFFD31m del \uFFFD nul \uFFFD bs \uFFFD cr !"},
		{"bidi \u202e\u2066 zero\u200bwidth \u2028 \U000e0041", "bidi \uFFFD\uFFFD zero\uFFFDwidth \uFFFD \uFFFD", "bidi \uFFFD\uFFFD zero\uFFFDwidth \uFFFD"},
		{"not \xff\xfe UTF-8", "not \uFFFD UTF-8", "not \uFFFD UTF-8"},
	} {
		if got := console.Clean(test.text); got != test.clean {
			t.Errorf("Clean(%q) = %q, want %q", test.text, got, test.clean)
		}
		if got := console.Line(test.text); got != test.line {
			t.Errorf("Line(%q) = %q, want %q", test.text, got, test.line)
		}
	}
}

func TestColorsAreForTerminalsOnly(t *testing.T) {
	for _, test := range []struct {
		terminal bool
		environ  string
		want     bool
	}{
		{true, "TERM=xterm", true},
		{false, "TERM=xterm", false},
		{true, "TERM=xterm NO_COLOR=", true}, // an empty value forbids nothing
		{true, "TERM=xterm NO_COLOR=0", false},
		{true, "TERM=dumb", false},
		{true, "A=B", false},
	} {
		style := console.NewStyle(test.terminal, strings.Fields(test.environ))
		for _, paint := range []func(string) string{style.Good, style.Warn, style.Bad, style.Title} {
			if got := paint("x") != "x"; got != test.want {
				t.Errorf("terminal %v, %s: color %v", test.terminal, test.environ, got)
			}
			if paint("") != "" {
				t.Error("an empty text has a color")
			}
		}
	}
}

// Colors need no room, the last column no spaces, and later pages are as wide as earlier ones.
func TestTable(t *testing.T) {
	style := console.NewStyle(true, []string{"TERM=xterm"})
	var out bytes.Buffer
	table := console.NewTable(&out, "NAME", "STATE", "NOTE")
	table.Cells(console.Cell{Text: "grün"}, console.Cell{Text: "ok", Paint: style.Good}, console.Cell{Text: "fine"})
	table.Row("long-name", "", "two\nlines\x1b")
	table.Row("x", "y", "")
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	table.Row("s", "t", "u")
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "NAME       STATE  NOTE\n" +
		"grün       \x1b[32mok\x1b[0m     fine\n" +
		"long-name         two lines\uFFFD\n" +
		"x          y\n" +
		"s          t      u\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// A list is the same document as the whole value, whatever is in it.
func TestListIsADocument(t *testing.T) {
	type item struct {
		Name  string   `json:"name"`
		Notes []string `json:"notes,omitempty"`
	}
	type document struct {
		Items []item `json:"items"`
	}
	for _, items := range [][]item{{}, {{Name: "a"}}, {{Name: "a: <b> & \"c\"", Notes: []string{"one\ntwo", "- three"}}, {Name: "#"}, {}}} {
		for _, asYAML := range []bool{false, true} {
			var list, whole bytes.Buffer
			l := console.NewList(&list, asYAML)
			for _, one := range items {
				if err := l.Add(one); err != nil {
					t.Fatal(err)
				}
			}
			write := console.WriteJSON
			if asYAML {
				write = console.WriteYAML
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if err := write(&whole, document{items}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole.String(), list.String()); diff != "" {
				t.Errorf("YAML %v: %s", asYAML, diff)
			}
			var got document
			if err := yaml.UnmarshalStrict(list.Bytes(), &got); err != nil {
				t.Errorf("%v in\n%s", err, &list)
			}
			if diff := cmp.Diff(items, got.Items); diff != "" {
				t.Error(diff)
			}
			if !asYAML && !json.Valid(list.Bytes()) {
				t.Errorf("not JSON:\n%s", &list)
			}
		}
	}
}
