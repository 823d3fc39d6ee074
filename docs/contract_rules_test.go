package docs

import (
	"regexp"
	"strings"
	"testing"
)

// The embedded rules are all rules of the contract, as plain text.
func TestRulesAreThoseOfTheContract(t *testing.T) {
	defined, got := rules(t), map[string]bool{}
	marks := regexp.MustCompile(`\]\(|<a |\*\*|\s\s|^\s|\s$|^\||\|$`)
	for _, rule := range Rules() {
		got[rule.Number] = true
		if !defined[rule.Number] {
			t.Errorf("%s is no rule of %s", rule.Number, contract)
		}
		if len(rule.Text) < 20 || marks.MatchString(rule.Text) {
			t.Errorf("%s has the text %q", rule.Number, rule.Text)
		}
	}
	for number := range defined {
		if !got[number] {
			t.Errorf("%s is not embedded", number)
		}
	}
}

func TestRuleText(t *testing.T) {
	for number, want := range map[string]string{
		"CREATE-4":  "(measured) After any other answer, the local pod is Failed for good, whatever its restart policy is: another code (201 too), an array, an empty body, a plugin that is not there, an answer that takes more than 120 s.",
		"STATUS-11": "(measured) `[]`, or the pod is left out: the state that the InterLink API server cached last: Running for ever",
		"NONE-1":    "",
	} {
		if got := RuleText(number); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	if text := RuleText("LOGS-1"); strings.Contains(text, "LOGS-2") {
		t.Errorf("LOGS-1 has the text of another rule: %s", text)
	}
}
