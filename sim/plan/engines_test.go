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
	Accepted []struct{ Text, Because string }
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

// judge runs plan over the files of the engine, and checks that the reports lead to the verdict.
func (e *engine) judge(t *testing.T) {
	var vk scenario.VirtualKubelet
	vk.SkipDownwardAPIResolution = true
	base := []string{"CONFIG_FILE_PATH=" + os.DevNull}
	var r runs
	r.defaults = e.run(t, "pods.yaml", plan.Settings{Environ: base, VirtualKubelet: vk}, false)

	vk.KubernetesAPI = e.VirtualKubelet.KubernetesAPI
	settings := plan.Settings{Environ: append(slices.Clone(base), "OFFLOADING_VARIABLES=unresolved"), VirtualKubelet: vk}
	for _, name := range slices.Sorted(maps.Keys(e.Plugin)) {
		settings.Environ = append(settings.Environ, name+"="+e.Plugin[name])
	}
	file := "pods.yaml"
	if e.has("pods-set.yaml") {
		file = "pods-set.yaml"
	}
	r.set = e.run(t, file, settings, e.VirtualKubelet.FullMesh)
	if e.has("pods-cannot.yaml") {
		r.impossible = e.run(t, "pods-cannot.yaml", settings, e.VirtualKubelet.FullMesh)
	}
	for _, problem := range e.check(r, contractRule(t)) {
		t.Error(problem)
	}
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
