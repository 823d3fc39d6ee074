package judge

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Each rule that a difference can cite is in the contract, and has one sentence each that says
// what InterLink does and what would be right; no other rule has them.
func TestExplanations(t *testing.T) {
	contract, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`"((?:HTTP|PING|CREATE|ENV|VOL|NET|NAME|STATUS|DELETE|LOGS)-\d+)"`)
	cited := map[string]bool{}
	for _, folder := range []string{".", "../play", "../virtualkubelet"} {
		paths, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") || path == "explanations.go" {
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range quoted.FindAllStringSubmatch(string(content), -1) {
				cited[found[1]] = true
				if Explain(found[1]) == (Explanation{}) {
					t.Errorf("%s cites %s, which has no explanation", path, found[1])
				}
			}
		}
	}
	for rule, e := range explanations {
		if !cited[rule] {
			t.Errorf("no difference cites %s", rule)
		}
		if !strings.Contains(string(contract), "</a>**"+rule+"**") && !strings.Contains(string(contract), "</a>"+rule+" |") {
			t.Errorf("docs/contract.md has no rule %s", rule)
		}
		for _, text := range []string{e.Consequence, e.Right} {
			if !strings.HasSuffix(text, ".") || strings.Count(text, ". ") > 0 || strings.Contains(text, "nil") {
				t.Errorf("%s: %q is not one sentence", rule, text)
			}
		}
	}
}

// A container that begins twice has another consequence if its create was sent once.
func TestContainerThatBeginsTwice(t *testing.T) {
	for _, test := range []struct {
		steps []scenario.Step
		twice bool // the create is sent twice
	}{
		{nil, false},
		{[]scenario.Step{{Create: "other"}}, false},
		{[]scenario.Step{{Create: "web"}}, true},
		{[]scenario.Step{{RestartVirtualKubelet: &scenario.Restart{}}}, true},
	} {
		file, err := scenario.Parse("judge.yaml", []byte(scenarioText))
		if err != nil {
			t.Fatal(err)
		}
		file.Steps, file.Pods[0].Spec.RestartPolicy = test.steps, corev1.RestartPolicyNever
		found := compareProbes(file, "web", scenario.PodExpectation{}, map[string]Probe{"main": {Runs: 2}})
		if len(found) != 1 || (found[0].Explanation() == Explain("CREATE-8")) != test.twice || found[0].Explanation().Right == "" {
			t.Errorf("%v: %+v", test.steps, found)
		}
	}
}
