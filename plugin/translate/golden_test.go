package translate_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var update = flag.Bool("update", false, "rewrite the part of each golden file below the dashes")

const dashes = "\n----------\n"

// input is the part of a golden file above the dashes: the options, with the names of
// their Go fields, and a create request as InterLink sends it.
type input struct {
	Options translate.Options `json:"options"`
	wire.CreateRequest
}

// TestGolden runs every file of fixtures/translate: a create request, a line of
// dashes, and the remote objects that the request must give.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/translate/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".golden"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			above, below, _ := strings.Cut(string(content), dashes)
			if !strings.Contains("\n"+above, "\noptions:") && !strings.HasPrefix(below, "error:") {
				objects := filepath.Join("../../fixtures/objects", "own-"+strings.TrimSuffix(filepath.Base(file), ".golden")+".yaml")
				if _, err := os.Stat(objects); err != nil {
					t.Errorf("its objects on an API server are not recorded: go test ./plugin -run TestOwnCreates -update: %v", err)
				}
			}
			in := input{Options: translate.Options{Scope: scope.Scope{Prefix: "offloading", Instance: "default"}, OwnNamespace: true}}
			in.Options.VirtualNode = config.Defaults().Offloading.VirtualNode
			if err := yaml.UnmarshalStrict([]byte(above), &in); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			before := in.Pod.DeepCopy()
			got := render(translate.ToObjects(&in.CreateRequest, in.Options))
			if diff := cmp.Diff(before, &in.Pod); diff != "" {
				t.Errorf("the request was modified (-before +after)\n%s", diff)
			}
			if *update {
				if err := os.WriteFile(file, []byte(above+dashes+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(below, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if again := render(translate.ToObjects(&in.CreateRequest, in.Options)); again != got {
				t.Error("the same request gave different objects when translated again")
			}
		})
	}
}

// render returns objects as a manifest with readable Secrets.
func render(objects *translate.Objects, err error) string {
	if err != nil {
		return fmt.Sprintf("error: %s\nkind: %s\n", err, errdefs.KindOf(err))
	}
	for _, secret := range objects.Secrets {
		secret.StringData = map[string]string{}
		for key, value := range secret.Data {
			if strings.HasPrefix(string(value), "#!/bin/sh\n# ") { // of the plugin itself; plugin/mesh tests it
				value = []byte("...")
			}
			secret.StringData[key] = string(value)
		}
		secret.Data = nil
	}
	manifest, err := objects.Manifest()
	if err != nil {
		return err.Error()
	}
	return string(manifest)
}
