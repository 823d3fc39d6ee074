package manifests

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

var update = flag.Bool("update", false, "write the mesh script into the stand-ins of fixtures/wire")

// dummyKey has the shape of a WireGuard key.
const dummyKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="

// standIns are the requests of fixtures/wire that carry a mesh script. InterLink's
// own script is not part of this project, so they carry the project's script, with
// the values that the virtual kubelet fills in.
var standIns = map[string]struct {
	values map[string]any
	suffix string // the user's own commands, which InterLink adds without a newline
}{
	"11-create-mesh":              {meshWeb, ""},
	"12-create-mesh-user-preexec": {map[string]any{"WGInterfaceName": "wg1760ade3-2e6f", "IngressEndpoint": "mesh-preexec-demo-demo-wstunnel.tunnels.example.org", "WGMTU": 1380}, "echo user-pre-exec"},
	"39-delete-running":           {meshWeb, ""},
}

var meshWeb = map[string]any{"WGInterfaceName": "wgaa15f82b-4992", "IngressEndpoint": "mesh-web-demo-demo-wstunnel.tunnels.example.org", "WGMTU": 1280}

// preExecField matches the annotation in a request's text, without its value.
var preExecField = regexp.MustCompile(`(?m)("slurm-job\.vk\.io/pre-exec": )"cat .*"(,?)$`)

// TestWireStandInsCarryThisScript checks that the stand-ins of fixtures/wire carry
// the script of mesh-script.yaml in the form in which InterLink writes it. With
// -update it writes them.
func TestWireStandInsCarryThisScript(t *testing.T) {
	for name, standIn := range standIns {
		t.Run(name, func(t *testing.T) {
			values := maps.Clone(filled)
			maps.Copy(values, standIn.values)
			values["RandomPassword"] = strings.Repeat("0123456789abcdef", 2)
			var value bytes.Buffer
			encoder := json.NewEncoder(&value)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(strings.TrimSuffix(annotation(t, values), "\n") + standIn.suffix); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(testkit.Root(t), "fixtures/wire", name+".request.json")
			have, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(preExecField.FindAll(have, -1)); n != 1 {
				t.Fatalf("%s has %d annotations with a mesh script, want 1", path, n)
			}
			want := preExecField.ReplaceAllFunc(have, func(field []byte) []byte {
				part := preExecField.FindSubmatch(field)
				return bytes.Join([][]byte{part[1], bytes.TrimSpace(value.Bytes()), part[2]}, nil)
			})
			if *update {
				if err := os.WriteFile(path, want, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(have, want) {
				t.Errorf("%s does not carry the script of mesh-script.yaml; run go test ./manifests -run TestWireStandIns -update", path)
			}
		})
	}
}
