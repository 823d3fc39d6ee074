package docs

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	Inputs map[string]struct {
		Description string `json:"description"`
	} `json:"inputs"`
	Runs struct {
		Steps []actionStep `json:"steps"`
	} `json:"runs"`
}

type actionStep struct {
	Name   string         `json:"name"`
	Folder string         `json:"working-directory"`
	Run    string         `json:"run"`
	Env    map[string]any `json:"env"`
	With   map[string]any `json:"with"`
}

func readAction(t *testing.T) action {
	t.Helper()
	var a action
	if err := yaml.Unmarshal([]byte(text(t, actionFile)), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// step returns a step of the action.
func (a action) step(t *testing.T, name string) actionStep {
	t.Helper()
	for _, step := range a.Runs.Steps {
		if step.Name == name {
			return step
		}
	}
	t.Fatalf("%s has no step %q", actionFile, name)
	return actionStep{}
}

// Each input is used, and docs/conformance.md describes it.
func TestConformanceActionInputs(t *testing.T) {
	a, page := readAction(t), text(t, "docs/conformance.md")
	used := map[string]bool{}
	for _, step := range a.Runs.Steps {
		for _, found := range regexp.MustCompile(`inputs\.([a-z-]+)`).FindAllStringSubmatch(fmt.Sprint(step.Env, step.With), -1) {
			used[found[1]] = true
		}
	}
	for input, described := range a.Inputs {
		if !used[input] || described.Description == "" || !strings.Contains(page, "| `"+input+"` |") {
			t.Errorf("the input %s: used %t, described as %q; docs/conformance.md must have a row for it", input, used[input], described.Description)
		}
	}
}

// The action builds the program from the folder in which it is.
func TestConformanceActionBuildsTheProgram(t *testing.T) {
	testkit.Program(t, "bash")
	step, temp := readAction(t).step(t, "Build interlink-sim"), t.TempDir()
	folder, found := strings.CutPrefix(step.Folder, "${{ github.action_path }}")
	if !found {
		t.Fatalf("the step runs in %s", step.Folder)
	}
	output, err := runStep(step, filepath.Join(testkit.Root(t), filepath.Dir(actionFile), folder), "RUNNER_TEMP="+temp)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if output, err := exec.Command(filepath.Join(temp, "interlink-sim"), "--version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// The action's script plays scenarios, writes the reports and the summary of the job, and
// passes the exit code of the program on.
func TestConformanceActionRunsTheProgram(t *testing.T) {
	testkit.Program(t, "bash")
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/create" {
			http.Error(w, "no room today", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "[]")
	}))
	defer refusing.Close()
	step, folder := readAction(t).step(t, "Test the plugin"), t.TempDir()
	list := filepath.Join(folder, "expected")
	if err := os.WriteFile(list, []byte("exit-code\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, plugin, expected string
		code                   int
		output                 string
		reports                bool
	}{
		{"no plugin", "unix://" + filepath.Join(folder, "none"), "", 3, "there is no plugin", false},
		{"failures", refusing.URL, "", 1, "core: 0 of 1 passed (1 failed)", true},
		{"expected failures", refusing.URL, list, 0, "1 of them expected", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			work := t.TempDir()
			summary := filepath.Join(work, "summary")
			output, err := runStep(step, work, "RUNNER_TEMP="+builtPrograms(t), "GITHUB_STEP_SUMMARY="+summary, "PLUGIN="+c.plugin, "LEVEL=core", "RUN=^exit-code$",
				"PROFILE=", "EXPECTED_FAILURES="+c.expected, "REMOTE_KUBECONFIG=", "STRICT=true", "ARGS=--wait=0s\n\n--parallel=2\n", "REPORTS=the reports")
			code := 0
			if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
				code = failed.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || !strings.Contains(output, c.output) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, c.code, c.output, output)
			}
			written, err := os.ReadFile(summary)
			if err != nil || !strings.Contains(string(written), c.output) {
				t.Errorf("%v; the summary of the job is\n%s", err, written)
			}
			for _, name := range []string{"junit.xml", "report.json", "report.html", "table.txt"} {
				if _, err := os.Stat(filepath.Join(work, "the reports", name)); c.reports && err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// runStep runs the script of a step as the runner of GitHub does.
func runStep(step actionStep, folder string, environ ...string) (string, error) {
	script := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
	script.Dir = folder
	script.Env = append(os.Environ(), environ...)
	output, err := script.CombinedOutput()
	return string(output), err
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
