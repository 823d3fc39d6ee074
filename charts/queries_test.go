package charts_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The queries of docs/accounting.md are those that promtool evaluates (make alerts).
func TestQueriesOfTheDocumentAreTested(t *testing.T) {
	page, err := os.ReadFile("../docs/accounting.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("testdata/accounting.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var documented, tested []string
	for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)\n```").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, strings.Split(block[1], "\n")...)
	}
	for _, expr := range regexp.MustCompile(`(?m)^ *- expr: (.*)$`).FindAllStringSubmatch(string(rules), -1) {
		tested = append(tested, expr[1])
	}
	if len(documented) == 0 || !slices.Equal(documented, tested) {
		t.Errorf("the document has\n%s\nand tested is\n%s", strings.Join(documented, "\n"), strings.Join(tested, "\n"))
	}
}
