package docs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const actionFile = ".github/actions/conformance/action.yml"

type action struct {
	Inputs map[string]struct{} `json:"inputs"`
	Runs   struct {
		Steps []struct {
			Name string            `json:"name"`
			Env  map[string]string `json:"env"`
			Run  string            `json:"run"`
		} `json:"steps"`
	} `json:"runs"`
}

// The action's script passes each of its inputs to the program, and the exit code of the
// program on: here that of a plugin that is not there.
func TestConformanceActionRunsTheProgram(t *testing.T) {
	testkit.Program(t, "bash")
	var a action
	if err := yaml.Unmarshal([]byte(text(t, actionFile)), &a); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	list := filepath.Join(folder, "expected")
	if err := os.WriteFile(list, []byte("plain-pod\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range a.Runs.Steps {
		if step.Name != "Test the plugin" {
			continue
		}
		used := map[string]bool{}
		for _, value := range step.Env {
			for _, found := range regexp.MustCompile(`inputs\.([a-z-]+)`).FindAllStringSubmatch(value, -1) {
				used[found[1]] = true
			}
		}
		for input := range a.Inputs {
			if !used[input] {
				t.Errorf("the input %s is not used", input)
			}
		}
		script := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run) // as the runner calls it
		script.Dir = folder
		script.Env = append(os.Environ(), "RUNNER_TEMP="+builtPrograms(t), "GITHUB_STEP_SUMMARY="+filepath.Join(folder, "summary"),
			"PLUGIN=unix://"+filepath.Join(folder, "none"), "LEVEL=core", "PROFILE=", "EXPECTED_FAILURES="+list, "REMOTE_KUBECONFIG=", "STRICT=true", "REPORTS=reports")
		output, err := script.CombinedOutput()
		var failed *exec.ExitError
		if !errors.As(err, &failed) || failed.ExitCode() != 3 || !strings.Contains(string(output), "there is no plugin") {
			t.Errorf("%v\n%s", err, output)
		}
		if _, err := os.Stat(filepath.Join(folder, "summary")); err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("%s has no step that tests the plugin", actionFile)
}

// The flags of the action's script are those of the program.
func TestConformanceActionHasTheProgramsFlags(t *testing.T) {
	help, err := exec.Command(filepath.Join(builtPrograms(t), "interlink-sim"), "replay", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	for _, flag := range regexp.MustCompile(`[( ](--[a-z-]+)[= ]`).FindAllStringSubmatch(text(t, actionFile), -1) {
		if !regexp.MustCompile(regexp.QuoteMeta(flag[1]) + `\b[^-]`).Match(help) {
			t.Errorf("interlink-sim replay has no flag %s", flag[1])
		}
	}
}
