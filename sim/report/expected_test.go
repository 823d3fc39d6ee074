package report

import (
	"slices"
	"strings"
	"testing"
)

func TestReadExpectedFailures(t *testing.T) {
	for _, c := range []struct {
		text, err string
		want      []string
	}{
		{"# why\n\nexit-code\n  env-from # a reason\n", "", []string{"exit-code", "env-from"}},
		{"", "", nil},
		{"a\nb c\n", "line 2 has 2 words", nil},
		{"a\na\n", "line 2 names scenario a a second time", nil},
	} {
		got, err := ReadExpectedFailures(strings.NewReader(c.text))
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %q, error %v", c.text, got, err)
		}
	}
}
