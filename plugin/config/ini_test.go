package config

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestINIReadsLikePython compares with the results of Python 3's configparser.
func TestINIReadsLikePython(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       string // of [a] k
	}{
		{"plain", "[a]\nk=v\n", "v"},
		{"no newline at the end", "[a]\nk=v", "v"},
		{"colon", "[a]\nk: v\n", "v"},
		{"the first delimiter counts", "[a]\nk = a:b=c\n", "a:b=c"},
		{"space around", "[a]\n  k \t=\t v  \n", "v"},
		{"empty", "[a]\nk=\n", ""},
		{"key in another case", "[a]\nK=v\n", "v"},
		{"carriage returns", "[a]\r\nk=v\r\n", "v"},
		{"byte order mark", "\ufeff[a]\nk=v\n", "v"},
		{"not ASCII", "[a]\nk=grün ☃\n", "grün ☃"},
		{"comments", "# x\n; y\n[a]\n  # z\nk=v\n;k=w\n", "v"},
		{"no comment after a value", "[a]\nk=v # no ; comment\n", "v # no ; comment"},
		{"comment after a section", "[a] ; here\nk=v\n", "v"},
		{"double quotes stay", `[a]` + "\n" + `k="v"` + "\n", `"v"`},
		{"single quotes stay", "[a]\nk='v'\n", "'v'"},
		{"three quotes stay", "[a]\nk=\"\"\"v\nl=w\n", `"""v`},
		{"a backtick stays", "[a]\nk=`v\nl=w\n", "`v"},
		{"a JSON value keeps its quotes", `[a]` + "\n" + `k={"x": "y;#"}` + "\n", `{"x": "y;#"}`},
		{"backslashes stay", `[a]` + "\n" + `k=a\nb\\` + "\n" + `l=w` + "\n", `a\nb\\`},
		{"a backslash continues nothing", "[a]\nk=v\\\nl=w\n", `v\`},
		{"continuation lines", "[a]\nk=v\n  w\n\tx\nl=y\n", "v\nw\nx"},
		{"only continuation lines", "[a]\nk=\n  v\n  w\n", "\nv\nw"},
		{"an empty line in a value", "[a]\nk=v\n\n  w\n\nl=x\n", "v\n\nw"},
		{"two empty lines in a value", "[a]\nk=v\n\n \n  w\n", "v\n\n\nw"},
		{"a comment in a value", "[a]\nk=v\n  # no\n; no\n  w\n", "v\nw"},
		{"a continuation line that looks like a key", "[a]\nk=v\n  l=w\n", "v\nl=w"},
		{"a continuation line that looks like a section", "[a]\nk=v\n  [b]\n", "v\n[b]"},
		{"a section that is indented", "  [a]\n  k=v\n  l=w\n", "v"},
		{"a key indented like its section", "[a]\n    k=v\n    l=w\n", "v"},
		{"interpolation", "[a]\nk=%(l)s/x\nl=%(m)s\nm=v\n", "v/x"},
		{"interpolation in any case", "[a]\nk=%(L)s\nl=v\n", "v"},
		{"interpolation from DEFAULT", "[DEFAULT]\nl=v\n[a]\nk=%(l)s\n", "v"},
		{"the section has priority over DEFAULT", "[DEFAULT]\nk=w\n[a]\nk=v\n", "v"},
		{"DEFAULT", "[DEFAULT]\nk=v\n[a]\n", "v"},
		{"DEFAULT at the end", "[a]\n[DEFAULT]\nk=v\n", "v"},
		{"percent", "[a]\nk=100%%(x)s\n", "100%(x)s"},
		{"a section in another case is another", "[A]\nk=w\n[a]\nk=v\n", "v"},
		{"a section with a dot inherits nothing", "[a]\nk=v\n[a.b]\n", "v"},
		{"a long value", "[a]\nk=" + strings.Repeat("\n  0123456789", 2000), strings.Repeat("\n0123456789", 2000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, errs := readINI("x.ini", test.data)
			if errs != nil {
				t.Fatal(errs)
			}
			got, _, found, err := file.lookup(Option{Section: "a", Key: "k"})
			if err != nil || !found {
				t.Fatalf("found %v, error %v", found, err)
			}
			// Python keeps an empty first line; for every option the result is the same.
			if want := strings.TrimPrefix(test.want, "\n"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestINIKeepsIndentationOfBlocks(t *testing.T) {
	const want = "x:\n  y: 1\n\nz: 2"
	for name, test := range map[string]struct{ data, want string }{
		"below the key":                 {"[a]\nk=\n    x:\n      y: 1\n\n    z: 2\n", want},
		"next to the key":               {"[a]\nk=x:\n      y: 1\n\n    z: 2\n", want},
		"the first line is indented":    {"[a]\nk=\n      y: 1\n\n    z: 2\n", "  y: 1\n\nz: 2"},
		"the last line is indented":     {"[a]\nk=\n    x:\n\n      y: 1\n", "x:\n\n  y: 1"},
		"what looks like a quoted text": {"[a]\nk=\"\"\"x\n    y\n", "\"\"\"x\n    y"},
	} {
		file, errs := readINI("x.ini", test.data)
		if errs != nil {
			t.Fatal(errs)
		}
		got, line, _, err := file.lookup(Option{Section: "a", Key: "k", block: true})
		if err != nil || got != test.want || line != 2 {
			t.Errorf("%s: got %q in line %d, error %v; want %q", name, got, line, err, test.want)
		}
	}
}

func TestINIDefaultSectionAppliesToExistingSections(t *testing.T) {
	file, errs := readINI("x.ini", "[DEFAULT]\nk=v\n[b]\n")
	if errs != nil {
		t.Fatal(errs)
	}
	if got, _, found, _ := file.lookup(Option{Section: "a", Key: "k"}); found {
		t.Errorf("found %q in a section that does not exist", got)
	}
}

func TestINIErrors(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       []string
	}{
		{"key before any section", "k=v\n", []string{"x.ini, line 1: must be below a section such as [app]"}},
		{"key twice", "[a]\nk=v\nK=w\n", []string{"x.ini, line 3: key k is already defined in line 2; remove one of them"}},
		{"key twice, same value", "[a]\nk=\nk=\n", []string{"x.ini, line 3: key k is already defined in line 2; remove one of them"}},
		{"section twice", "[a]\n[b]\n[a]\n", []string{"x.ini, line 3: section [a] is already defined in line 1; remove one of them"}},
		{"a private key that is not indented", "[a]\nk=-----BEGIN-----\nSECRET\n\"SECRET\n", []string{
			"x.ini, line 3: is neither a [section] nor a key=value; indent the continuation lines of a value",
			"x.ini, line 4: is neither a [section] nor a key=value; indent the continuation lines of a value",
		}},
		{"no key", "[a]\n=v\n", []string{"x.ini, line 2: is neither a [section] nor a key=value; indent the continuation lines of a value"}},
		{"a section without end", "[a\n", []string{"x.ini, line 1: must be below a section such as [app]"}},
		{"a section without name", "[a]\n[]\n", []string{"x.ini, line 2: is neither a [section] nor a key=value; indent the continuation lines of a value"}},
		{"not UTF-8", "[a]\nk=\xff\n", []string{"x.ini: must be UTF-8 text"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, errs := readINI("x.ini", test.data)
			if diff := cmp.Diff(test.want, strings.Split(errs.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestINIInterpolationErrors(t *testing.T) {
	for value, want := range map[string]string{
		"50% SECRET":   "single %",
		"%(SECRET":     "single %",
		"%()s":         "single %",
		"%(nowhere)s":  "neither in its section",
		"%(k)s SECRET": "refers to itself",
		"%(b)s%(b)s%(b)s\nb=%(c)s%(c)s%(c)s%(c)s%(c)s%(c)s\nc=%(d)s%(d)s%(d)s%(d)s%(d)s%(d)s\nd=SECRET": "more than 100",
	} {
		file, errs := readINI("x.ini", "[a]\nk="+value+"\n")
		if errs != nil {
			t.Fatal(errs)
		}
		_, _, _, err := file.lookup(Option{Section: "a", Key: "k"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error %v, want %q and no secret", value, err, want)
		}
	}
}

// FuzzLoadINI checks that no file causes a panic, and that a file that is written from
// the parsed values can be parsed again.
func FuzzLoadINI(f *testing.F) {
	f.Add(string(Sample()))
	f.Add(pythonSample)
	f.Add("[DEFAULT]\nk=%(k)s\n[a]\nk=\"\"\"x\n  y\n\n z\n- = `\n[a.b]\n\ufeff")
	f.Fuzz(func(t *testing.T, data string) {
		file, errs := readINI("x.ini", data)
		if errs != nil {
			return
		}
		var rewritten strings.Builder
		for _, name := range slices.Sorted(maps.Keys(file.sections)) {
			rewritten.WriteString("[" + name + "]\n")
			for _, key := range slices.Sorted(maps.Keys(file.sections[name].keys)) {
				rewritten.WriteString(key + "=" + strings.ReplaceAll(file.sections[name].keys[key].value, "\n", "\n ") + "\n")
			}
		}
		file.unknown()
		for _, option := range table {
			if _, _, _, err := file.lookup(option); err != nil {
				return
			}
		}
		if _, errs := readINI("x.ini", rewritten.String()); errs != nil {
			t.Errorf("the rewritten file cannot be parsed: %v\n%q", errs, rewritten.String())
		}
	})
}
