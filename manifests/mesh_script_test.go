package manifests

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
)

// filled holds sample values for the template fields of a mesh script, which
// InterLink's virtual kubelet fills in.
var filled = map[string]any{
	"WGInterfaceName": "wgaa15f82b-4992", "WSTunnelExecutableURL": "https://example.org/wstunnel", "WireguardGoURL": "https://example.org/wireguard-go",
	"WgToolURL": "https://example.org/wg", "Slirp4netnsURL": "https://example.org/slirp4netns", "WGConfig": "[Interface]\nPrivateKey = key\n",
	"DNSServiceIP": "10.96.0.10", "RandomPassword": "0a1b2c", "IngressEndpoint": ingress, "WGMTU": 1280,
	"PodCIDRCluster": "10.244.0.0/16", "ServiceCIDR": "10.96.0.0/16", "UnshareMode": "auto",
}

// ingress is in an address range that the script routes into the mesh.
const ingress = "10.244.7.7"

// annotation returns the pre-exec annotation that InterLink writes with the script
// of mesh-script.yaml and the given values.
func annotation(t *testing.T, values map[string]any) string {
	t.Helper()
	var text string
	for _, object := range read(t, "mesh-script.yaml") {
		text = object.(*corev1.ConfigMap).Data["custom-mesh.sh"]
	}
	var rendered strings.Builder
	err := template.Must(template.New("mesh").Option("missingkey=error").Parse(text)).Execute(&rendered, values)
	if err != nil {
		t.Fatal(err)
	}
	return rendered.String()
}

// meshScript returns the script that the plugin reads from the annotation.
func meshScript(t *testing.T, values map[string]any) string {
	t.Helper()
	script, others, err := mesh.ExtractScript(annotation(t, values))
	if err != nil || script == "" || len(mesh.Commands(others)) > 0 {
		t.Fatalf("the plugin finds a script of %d characters, other commands %q, error %v", len(script), others, err)
	}
	return script
}

func TestMeshScriptIsComplete(t *testing.T) {
	script := meshScript(t, filled)
	if !strings.HasPrefix(script, "#!/bin/sh\n") || strings.Contains(script, "{{") {
		t.Errorf("not a complete shell script:\n%s", script)
	}
}

func TestMeshScriptPassesShellcheck(t *testing.T) {
	shellcheck := testkit.Program(t, "shellcheck")
	path := t.TempDir() + "/mesh.sh"
	if err := os.WriteFile(path, []byte(meshScript(t, filled)), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(shellcheck, "--shell=sh", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestMeshScriptPrintsNoSecrets checks the messages of the script, which the user can
// read.
func TestMeshScriptPrintsNoSecrets(t *testing.T) {
	for line := range strings.Lines(meshScript(t, filled)) {
		if !strings.Contains(line, "echo") && !strings.Contains(line, "fail ") {
			continue
		}
		if strings.Contains(line, "0a1b2c") || strings.Contains(line, "PrivateKey") {
			t.Errorf("a message contains a secret: %s", line)
		}
	}
}
