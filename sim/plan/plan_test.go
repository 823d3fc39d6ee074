package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

func TestRequest(t *testing.T) {
	options := translate.Options{Scope: scope.Scope{Prefix: "offloading", Instance: "default"}}
	golden, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "translate", "volumes.golden"))
	if err != nil {
		t.Fatal(err)
	}
	request, _, _ := strings.Cut(string(golden), "\n----------\n")
	manifest, err := plan.Request([]byte(request), options)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# warning: volume host (hostPath)", "kind: Namespace", "kind: ConfigMap", "kind: Secret", "kind: Pod", "password: czNjcjN0"} {
		if !strings.Contains(string(manifest), want) {
			t.Errorf("the manifest lacks %q:\n%s", want, manifest)
		}
	}

	scenario, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "scenarios", "volume-hostpath-dropped.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err = plan.Of(scenario, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# warning: volume", "kind: Pod", "hostname: "} {
		if !strings.Contains(string(manifest), want) {
			t.Errorf("the plan of a manifest lacks %q:\n%s", want, manifest)
		}
	}

	missing, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "translate", "objects-missing.golden"))
	if err != nil {
		t.Fatal(err)
	}
	request, _, _ = strings.Cut(string(missing), "\n----------\n")
	for name, text := range map[string]string{
		"a pod that would be refused": request,
		"no YAML":                     "{",
		"a misspelt field":            "kind: Pod\nmetadata: {name: a}\nspec: {container: []}",
		"a ConfigMap that is missing": "kind: Pod\nmetadata: {name: a}\nspec: {volumes: [{name: v, configMap: {name: gone}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /v}]}]}",
		"no pod":                      "kind: ConfigMap",
	} {
		if manifest, err := plan.Of([]byte(text), options); !errdefs.Is(err, errdefs.Invalid) {
			t.Errorf("%s: %v %s", name, err, manifest)
		}
	}
}
