package plan_test

import (
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	// Verdict is what the runs must lead to.
	Verdict string
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
	// Without are parts of what plan says with the default settings: why the settings are
	// needed.
	Without []string
	// Accepted are warnings and hints by a part of their text, which do no harm.
	Accepted []acceptance
	// Placement is what becomes of fields of the placement, by pod and field.
	Placement map[string]map[string]string
	// Services are the remote Services by which the pods find each other.
	Services []string
	// Cannot are what does not work.
	Cannot []limit

	folder    string
	scenarios []*scenario.File
	accepted  map[string][]string
	// lost is what plan says with the default settings.
	lost []string
}

// acceptance is a part of a warning or hint, and why it does no harm.
type acceptance struct{ Text, Because string }

// limit is something that does not work. Proof is a part of the refusal, warning or hint that
// says so, or of the rule of docs/contract.md.
type limit struct{ What, Because, Proof, Rule string }

// TestEngines runs plan over the pods of each engine, with the default settings and with those
// of the engine, checks that the reports lead to the verdict of its file, for the reasons that
// it names, and compares docs/engines.md with the result.
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

// judge runs plan over the files of the engine, and checks that the reports lead to the verdict,
// and that each setting is needed: without it, plan says something else, or a scenario has it.
func (e *engine) judge(t *testing.T) {
	var vk scenario.VirtualKubelet
	vk.SkipDownwardAPIResolution = true
	defaults := plan.Settings{Environ: []string{"CONFIG_FILE_PATH=" + os.DevNull}, VirtualKubelet: vk}
	set, mesh := e.settings(""), e.VirtualKubelet.FullMesh
	r := runs{defaults: e.run(t, "pods.yaml", defaults, false), set: e.run(t, e.setFile(), set, mesh)}
	if e.has("pods-cannot.yaml") {
		r.impossible = e.run(t, "pods-cannot.yaml", set, mesh)
	}
	for _, problem := range e.check(r, contractRule(t)) {
		t.Error(problem)
	}
	accepted := maps.Clone(e.accepted)
	for _, name := range slices.Sorted(maps.Keys(e.Plugin)) {
		played := slices.ContainsFunc(e.scenarios, func(s *scenario.File) bool { return s.Plugin[name] != "" })
		if !played && len(e.problems(e.run(t, e.setFile(), e.settings(name), mesh))) == 0 {
			t.Errorf("without %s plan says nothing, and no scenario has it", name)
		}
	}
	if mesh && len(e.problems(e.run(t, e.setFile(), set, false))) == 0 {
		t.Error("without a mesh plan says nothing")
	}
	if set.VirtualKubelet.KubernetesAPI != "" {
		set.VirtualKubelet.KubernetesAPI = ""
		if len(e.problems(e.run(t, e.setFile(), set, mesh))) == 0 {
			t.Error("without the address of the local API server plan says nothing")
		}
	}
	e.accepted = accepted
}

// settings returns those of the file, without the plugin's option of this name.
func (e *engine) settings(without string) plan.Settings {
	settings := plan.Settings{Environ: []string{"CONFIG_FILE_PATH=" + os.DevNull, "OFFLOADING_VARIABLES=unresolved"}}
	settings.VirtualKubelet.SkipDownwardAPIResolution = true
	settings.VirtualKubelet.KubernetesAPI = e.VirtualKubelet.KubernetesAPI
	for _, name := range slices.Sorted(maps.Keys(e.Plugin)) {
		if name != without {
			settings.Environ = append(settings.Environ, name+"="+e.Plugin[name])
		}
	}
	return settings
}

// setFile is the file with the pods of an engine that is set as its file says.
func (e *engine) setFile() string {
	if e.has("pods-set.yaml") {
		return "pods-set.yaml"
	}
	return "pods.yaml"
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
	reports, err := plan.Reports(t.Context(), []plan.Input{{Path: path, Text: text}}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return reports
}
