package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

const meshScenario = "../../fixtures/scenarios/mesh-known-script.yaml"

// readEngines reads all of fixtures/engines, sorted by name.
func readEngines(t *testing.T) []*engine {
	t.Helper()
	files, err := filepath.Glob(enginesFolder + "/*/engine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var engines []*engine
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e := &engine{folder: filepath.Dir(file), accepted: map[string][]string{}}
		if err := yaml.UnmarshalStrict(text, e); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if e.Name == "" || e.Version == "" || e.Source == "" {
			t.Errorf("%s: name, version or source is missing", file)
		}
		paths, err := filepath.Glob(e.folder + "/scenario-*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if len(paths) > 0 {
			if e.scenarios, err = scenario.ReadAll(paths...); err != nil {
				t.Fatal(err)
			}
		}
		engines = append(engines, e)
	}
	slices.SortFunc(engines, func(a, b *engine) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return engines
}

// withMesh adds the script to all pods that the virtual kubelet adds with FullMesh.
func withMesh(t *testing.T, text []byte) []byte {
	t.Helper()
	mesh, err := scenario.Read(meshScenario)
	if err != nil {
		t.Fatal(err)
	}
	script := mesh.Pods[0].Annotations[wire.AnnotationPreExec]
	manifests, err := workloads.Manifests(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, m := range manifests {
		pod := m.Fields
		if spec, ok := pod["spec"].(map[string]any); ok && m.Kind() != "Pod" {
			pod, _ = spec["template"].(map[string]any)
		}
		if metadata, ok := pod["metadata"].(map[string]any); ok && m.Kind() != "Service" {
			annotations, _ := metadata["annotations"].(map[string]any)
			if annotations == nil {
				annotations = map[string]any{}
			}
			annotations[wire.AnnotationPreExec] = script
			metadata["annotations"] = annotations
		}
		document, err := yaml.Marshal(m.Fields)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n" + string(document))
	}
	return []byte(out.String())
}
