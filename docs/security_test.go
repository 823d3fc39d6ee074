package docs

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Each test that security.md names exists.
func TestSecurityNamesTests(t *testing.T) {
	text, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([Tt]est[A-Z][A-Za-z]+)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 10 {
		t.Fatalf("security.md names %d tests", len(names))
	}
	list, err := exec.Command("grep", "-rhoE", "--include=*.go", `^func [Tt]est[A-Za-z]+\(`, "..").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(list), "func "+name[1]+"(") {
			t.Errorf("no test is called %s", name[1])
		}
	}
}
