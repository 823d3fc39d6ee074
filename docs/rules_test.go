package docs

import (
	"regexp"
	"strings"
	"testing"
)

const contract = "docs/contract.md"

var (
	// ruleNumber matches the number of a rule wherever it is cited.
	ruleNumber = regexp.MustCompile(`\b(?:HTTP|PING|CREATE|ENV|VOL|NET|NAME|STATUS|DELETE|LOGS)-\d+\b`)
	// ruleDefinition matches it where the rule is: after its own anchor.
	ruleDefinition = regexp.MustCompile(`<a id="([a-z]+-\d+)"></a>(?:\*\*)?([A-Z]+-\d+)\b`)
)

// rules returns the numbers that the contract defines.
func rules(t *testing.T) map[string]bool {
	t.Helper()
	defined := map[string]bool{}
	for _, found := range ruleDefinition.FindAllStringSubmatch(text(t, contract), -1) {
		if defined[found[2]] {
			t.Errorf("%s defines %s twice", contract, found[2])
		}
		if found[1] != strings.ToLower(found[2]) {
			t.Errorf("%s: rule %s has the anchor %s", contract, found[2], found[1])
		}
		defined[found[2]] = true
	}
	if len(defined) < 80 {
		t.Fatalf("%s defines only %d rules", contract, len(defined))
	}
	return defined
}

// Code, tests and documents cite rules by number; a number that does not exist
// leads a reader nowhere.
func TestCitedRulesExist(t *testing.T) {
	defined := rules(t)
	citations := 0
	for _, path := range files(t, ".go", ".yaml", ".yml", ".md", ".sh", ".txt") {
		for i, line := range strings.Split(text(t, path), "\n") {
			for _, number := range ruleNumber.FindAllString(line, -1) {
				citations++
				if !defined[number] {
					t.Errorf("%s:%d: %s has no rule %s", path, i+1, contract, number)
				}
			}
		}
	}
	if citations <= len(defined) {
		t.Errorf("no rule is cited outside of its definition")
	}
}

// Each rule says how it is known.
func TestRulesHaveASource(t *testing.T) {
	source := regexp.MustCompile(`\b(?:measured|source|Kubernetes|plugin)\b`)
	for i, line := range strings.Split(text(t, contract), "\n") {
		if found := ruleDefinition.FindStringSubmatch(line); found != nil && !source.MatchString(line) {
			t.Errorf("%s:%d: rule %s does not say how it is known", contract, i+1, found[2])
		}
	}
}
