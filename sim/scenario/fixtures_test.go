package scenario_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const folder = "../../fixtures/scenarios"

func TestAllFixturesAreValid(t *testing.T) {
	files, err := scenario.ReadAll(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 45 {
		t.Errorf("there are only %d scenarios", len(files))
	}
	for _, file := range files {
		for i := range file.Pods {
			key := file.Key(file.Pods[i].Namespace, file.Pods[i].Name)
			if _, expected := file.Expect.Pods[key]; !expected {
				t.Errorf("%s has no expectation for pod %s", file.Path, key)
			}
			if file.Pod(key) != &file.Pods[i] {
				t.Errorf("%s: Pod(%s) does not return the pod", file.Path, key)
			}
		}
	}
}

// The README lists every field of the format in the section of its object.
func TestReadmeDocumentsEveryField(t *testing.T) {
	content, err := os.ReadFile(folder + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reference, _ := strings.Cut(string(content), "\n## Reference")
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type, string)
	visit = func(of reflect.Type, heading string) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[metav1.Duration]() || seen[of] || of.NumField() == 0 {
			return
		}
		seen[of] = true
		_, section, found := strings.Cut(reference, "\n### `"+heading+"`")
		section, _, _ = strings.Cut(section, "\n### ")
		if !found {
			t.Errorf("README.md has no section `%s`", heading)
		}
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(section, "\n| `"+name+"` |") {
				t.Errorf("README.md does not explain %s in section `%s`", name, heading)
			}
			below := heading + "." + name
			switch of.Field(i).Type.Kind() {
			case reflect.Map:
				below += ".<name>"
			case reflect.Slice:
				below += "[]"
			}
			visit(of.Field(i).Type, below)
		}
	}
	visit(reflect.TypeFor[scenario.Scenario](), "spec")
}

func FuzzRead(f *testing.F) {
	f.Add(good)
	f.Add("a: &a [*a]\n---\n? {}\n: !!int x\n<<: {}\n--- !!binary '!'\n...\nkind: Pod\nmetadata: 2026-01-01\n")
	f.Add("kind: Scenario\napiVersion: sim.interlink.io/v1alpha1\nspec: {expect: {pods: {a: {remotePod: [~]}}}}")
	files, err := os.ReadDir(folder)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(folder + "/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	f.Fuzz(func(t *testing.T, content string) {
		if file, err := scenario.Parse("a.yaml", []byte(content)); (file == nil) == (err == nil) {
			t.Errorf("file %v, error %v", file, err)
		}
	})
}
