package plan_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

var update = flag.Bool("update", false, "write docs/engines.md")

const (
	enginesFolder = "../../fixtures/engines"
	enginesPage   = "../../docs/engines.md"
)

// engine is what engine.yaml in a folder of fixtures/engines says.
type engine struct {
	Name, Version, Source string
	// VirtualKubelet, Plugin and Engine are the settings of the second run. Engine is for
	// people: pods-set.yaml has the pods that the engine then writes.
	VirtualKubelet struct {
		KubernetesAPI string
		FullMesh      bool
	}
	Plugin map[string]string
	Engine struct{ Language, Text string }
	// Needs are what else the engine needs.
	Needs []string
	// Accepted are warnings and hints by a part of their text, which do no harm.
	Accepted []struct{ Text, Because string }
	// Services are the remote Services by which the pods find each other.
	Services []string
	// Cannot are what does not work. Proof is a part of a refusal or hint that says so.
	Cannot []struct{ What, Because, Proof string }

	folder    string
	scenarios []*scenario.File
	accepted  map[string][]string
	verdict   string
}

// The verdicts.
const (
	asItIs       = "works as it is"
	withSettings = "works with these settings"
	cannotWork   = "cannot work"
)

// TestEngines runs plan over the pods of each engine, with the default settings and with those
// of the engine, derives a verdict from the reports, and compares docs/engines.md with it.
func TestEngines(t *testing.T) {
	engines := readEngines(t)
	if len(engines) < 21 {
		t.Fatalf("there are only %d engines", len(engines))
	}
	for _, e := range engines {
		t.Run(filepath.Base(e.folder), func(t *testing.T) { e.judge(t) })
	}
	page := pageOf(engines)
	if *update {
		if err := os.WriteFile(enginesPage, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(enginesPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), page); diff != "" {
		t.Errorf("%s is not as the results say (run make generate):\n%s", enginesPage, diff)
	}
}

// judge derives the verdict.
func (e *engine) judge(t *testing.T) {
	var vk scenario.VirtualKubelet
	vk.SkipDownwardAPIResolution = true
	base := []string{"CONFIG_FILE_PATH=" + os.DevNull}
	defaults := e.run(t, "pods.yaml", plan.Settings{Environ: base, VirtualKubelet: vk}, false)

	vk.KubernetesAPI = e.VirtualKubelet.KubernetesAPI
	settings := plan.Settings{Environ: append(slices.Clone(base), "OFFLOADING_VARIABLES=unresolved"), VirtualKubelet: vk}
	for _, name := range slices.Sorted(maps.Keys(e.Plugin)) {
		settings.Environ = append(settings.Environ, name+"="+e.Plugin[name])
	}
	file := "pods.yaml"
	if e.has("pods-set.yaml") {
		file = "pods-set.yaml"
	}
	set := e.run(t, file, settings, e.VirtualKubelet.FullMesh)

	problemsOf := func(reports []plan.Report) (list, hard []string) {
		for i := range reports {
			all, grave := e.problems(&reports[i])
			list, hard = append(list, all...), append(hard, grave...)
		}
		return list, hard
	}
	before, _ := problemsOf(defaults)
	clear(e.accepted) // the page has those of the second run
	after, hard := problemsOf(set)
	switch {
	case len(before) == 0:
		e.verdict = asItIs
	case len(after) == 0:
		e.verdict = withSettings
	case len(hard) > 0:
		e.verdict = cannotWork
		if len(e.Cannot) == 0 {
			t.Errorf("engine.yaml does not say why it cannot work: %q", hard)
		}
	default:
		t.Errorf("something is lost, but no refusal or hint says so; if it does no harm, accept it with a reason: %q", after)
	}
	for _, name := range e.Services {
		if !hasService(t, set, name) {
			e.verdict += "; there is no remote Service " + name
		}
	}
	t.Logf("%s; default settings: %q; its settings: %q", e.verdict, before, after)

	reports := slices.Concat(defaults, set)
	if e.has("pods-cannot.yaml") {
		impossible := e.run(t, "pods-cannot.yaml", settings, e.VirtualKubelet.FullMesh)
		for i := range impossible {
			if _, hard := e.problems(&impossible[i]); len(hard) == 0 {
				t.Errorf("pod %s of pods-cannot.yaml has neither a refusal nor a hint", impossible[i].Pod)
			}
		}
		reports = append(reports, impossible...)
	}
	for _, cannot := range e.Cannot {
		if cannot.Proof != "" && !slices.ContainsFunc(reports, func(r plan.Report) bool {
			return slices.ContainsFunc(slices.Concat(r.Hints, r.Refusals), func(text string) bool { return strings.Contains(text, cannot.Proof) })
		}) {
			t.Errorf("no refusal or hint says %q", cannot.Proof)
		}
	}
	for _, a := range e.Accepted {
		if len(e.accepted[a.Text]) == 0 {
			t.Errorf("no warning or hint contains %q, which is accepted", a.Text)
		}
	}
}

// hasService reports whether the plugin creates a remote Service of this name for a pod.
func hasService(t *testing.T, reports []plan.Report, name string) bool {
	t.Helper()
	for _, report := range reports {
		for _, text := range report.Objects {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := json.Unmarshal(text, &object); err != nil {
				t.Fatal(err)
			}
			if object.Kind == "Service" && object.Metadata.Name == name {
				return true
			}
		}
	}
	return false
}

func (e *engine) has(file string) bool {
	_, err := os.Stat(filepath.Join(e.folder, file))
	return !errors.Is(err, fs.ErrNotExist)
}

// run plans a file of pods.
func (e *engine) run(t *testing.T, file string, settings plan.Settings, mesh bool) []plan.Report {
	t.Helper()
	path := filepath.Join(e.folder, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if mesh {
		text = withMesh(t, text)
	}
	reports, err := plan.Reports([]plan.Input{{Path: path, Text: text}}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

// problems returns what is lost or does not work for a pod, unless it is accepted, and which of
// it is a refusal, a hint, or a reason not to send the pod.
func (e *engine) problems(report *plan.Report) (all, hard []string) {
	if !report.Sent {
		hard = append(hard, report.Reason)
	}
	hard = append(hard, report.Refusals...)
	for _, hint := range report.Hints {
		if !e.accepts(hint) {
			hard = append(hard, hint)
		}
	}
	all = slices.Clone(hard)
	for _, warning := range report.Warnings {
		if !e.accepts(warning) {
			all = append(all, warning)
		}
	}
	for _, variable := range report.Variables { // of a field that nothing restores
		if variable.Becomes == "lost" || variable.Becomes == `the text ""` || variable.Becomes == `the text "127.0.0.1"` {
			all = append(all, fmt.Sprintf("variable %s of container %s: %s", variable.Name, variable.Container, variable.Becomes))
		}
	}
	return all, hard
}

func (e *engine) accepts(text string) bool {
	for _, a := range e.Accepted {
		if strings.Contains(text, a.Text) {
			if !slices.Contains(e.accepted[a.Text], text) {
				e.accepted[a.Text] = append(e.accepted[a.Text], text)
			}
			return true
		}
	}
	return false
}
