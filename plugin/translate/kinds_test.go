package translate

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each kind of warning and each code of a refusal is in its list, and each is used: a metric has a value for each.
func TestKindsAndCodesAreListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && file != "kinds.go" {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	declared, err := os.ReadFile("kinds.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\t((?:Warn|Refused)\w+)\s+(?:WarningKind )?= "(\w+)"`).FindAllStringSubmatch(string(declared), -1)
	if len(constants) != len(WarningKinds)+len(Refusals) {
		t.Errorf("%d constants, %d kinds and %d codes", len(constants), len(WarningKinds), len(Refusals))
	}
	for _, constant := range constants {
		name, value := constant[1], constant[2]
		if !slices.Contains(WarningKinds, WarningKind(value)) && !slices.Contains(Refusals, value) {
			t.Errorf("%s is not listed", name)
		}
		if !strings.Contains(code.String(), name) {
			t.Errorf("%s is not used", name)
		}
	}
	for _, call := range regexp.MustCompile(`t\.(?:warn|refuse)\((\S+)`).FindAllStringSubmatch(code.String(), -1) {
		if !regexp.MustCompile(`^(Warn|Refused)\w+,$`).MatchString(call[1]) {
			t.Errorf("a call has the kind %s", call[1])
		}
	}
}
