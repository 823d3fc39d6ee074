package manifests

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
)

// filled is what InterLink's virtual kubelet fills a mesh script in with.
var filled = map[string]any{
	"WGInterfaceName": "wgaa15f82b-4992", "WSTunnelExecutableURL": "https://example.org/wstunnel", "WireguardGoURL": "https://example.org/wireguard-go",
	"WgToolURL": "https://example.org/wg", "Slirp4netnsURL": "https://example.org/slirp4netns", "WGConfig": "[Interface]\nPrivateKey = key\n",
	"DNSServiceIP": "10.96.0.10", "RandomPassword": "0a1b2c", "IngressEndpoint": ingress, "WGMTU": 1280,
	"PodCIDRCluster": "10.244.0.0/16", "ServiceCIDR": "10.96.0.0/16", "UnshareMode": "auto",
}

const ingress = "10.244.7.7" // within what is routed into the mesh

// fill is for one test.
func fill(t *testing.T, field, value string) {
	before := filled[field]
	filled[field] = value
	t.Cleanup(func() { filled[field] = before })
}

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
func meshScript(t *testing.T) string {
	t.Helper()
	script, rest, err := mesh.ExtractScript(annotation(t, filled))
	if err != nil || script == "" || len(mesh.Commands(rest)) > 0 {
		t.Fatalf("the plugin finds a script of %d characters, other commands %q, error %v", len(script), rest, err)
	}
	return script
}

func TestMeshScriptIsCleanShell(t *testing.T) {
	script := meshScript(t)
	if !strings.HasPrefix(script, "#!/bin/sh\n") || strings.Contains(script, "{{") {
		t.Error("it is no shell script")
	}
	path := t.TempDir() + "/mesh.sh"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("shellcheck"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("shellcheck is needed")
		}
		t.Skip("shellcheck is not installed")
	}
	if out, err := exec.Command("shellcheck", "--shell=sh", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Its words are shown to the user: no keys are among them.
func TestMeshScriptSaysNoSecrets(t *testing.T) {
	for line := range strings.Lines(meshScript(t)) {
		if !strings.Contains(line, "echo") && !strings.Contains(line, "fail ") {
			continue
		}
		if strings.Contains(line, "0a1b2c") || strings.Contains(line, "PrivateKey") {
			t.Errorf("it says %s", line)
		}
	}
}
