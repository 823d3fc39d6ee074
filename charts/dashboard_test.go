package charts

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// dashboardPanel is what a panel asks Prometheus.
type dashboardPanel struct {
	ID      int    `json:"id"`
	Title   string `json:"title"`
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
	Panels []dashboardPanel `json:"panels"`
}

// rules returns a recording rule for each expression of a panel, by which promtool reads it.
func (p dashboardPanel) rules() []map[string]string {
	var rules []map[string]string
	for i, target := range p.Targets {
		rules = append(rules, map[string]string{
			"record": fmt.Sprintf("dashboard:panel_%d_%d", p.ID, i), "expr": strings.ReplaceAll(target.Expr, "$job", ".*"),
		})
	}
	for _, inner := range p.Panels {
		rules = append(rules, inner.rules()...)
	}
	return rules
}

// "make alerts" evaluates the expressions of the dashboard as rules, with the series of testdata/dashboard.test.yaml.
func TestDashboardRules(t *testing.T) {
	text, err := os.ReadFile(plugin + "/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard dashboardPanel
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	rules := dashboard.rules()
	if len(rules) < 20 {
		t.Errorf("the dashboard has only %d expressions", len(rules))
	}
	tested, err := os.ReadFile("testdata/dashboard.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		if strings.Contains(rule["expr"], "$") {
			t.Errorf("%s has a variable that this test does not know: %s", rule["record"], rule["expr"])
		}
		if !regexp.MustCompile(rule["record"] + `\b`).Match(tested) {
			t.Errorf("dashboard.test.yaml does not say what %s shows: %s", rule["record"], rule["expr"])
		}
	}
	groups, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/dashboard.rules.yaml", append([]byte("# Generated from the dashboard: its expressions, for promtool.\n"), groups...))
}
