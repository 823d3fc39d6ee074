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
	"WgToolURL": "https://example.org/wg", "Slirp4netnsURL": "https://example.org/slirp4netns", "WGConfig": wireGuardConfig,
	"DNSServiceIP": "10.96.0.10", "RandomPassword": "0a1b2c", "IngressEndpoint": ingress, "WGMTU": 1280,
	"PodCIDRCluster": "10.244.0.0/16", "ServiceCIDR": "10.96.0.0/16", "UnshareMode": "auto",
}

const wireGuardConfig = "[Interface]\nPrivateKey = " + dummyKey + "\n\n[Peer]\nPublicKey = " + dummyKey +
	"\nAllowedIPs = 10.7.0.1/32,10.244.0.0/16,10.96.0.0/16\nEndpoint = 127.0.0.1:51821\n"

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

// TestMeshScriptIsThatOfThePlugin checks that the script is the plugin's own, behind the
// lines that write the values into files. With -update it writes the script.
func TestMeshScriptIsThatOfThePlugin(t *testing.T) {
	own := mesh.NewSidecar(mesh.Values{}, &corev1.Pod{}, "secret", mesh.Options{}).Files["mesh.sh"]
	have, err := os.ReadFile("mesh-script.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const mark = "    # From here on, this is the script that the plugin has: plugin/mesh/files/mesh.sh.\n"
	before, _, found := strings.Cut(string(have), mark)
	if !found {
		t.Fatalf("mesh-script.yaml has no line %s", mark)
	}
	want := before + mark
	for line := range strings.Lines(strings.TrimPrefix(string(own), "#!/bin/sh\n") + "EOFMESH\n") {
		if line != "\n" {
			line = "    " + line
		}
		want += line
	}
	if *update {
		if err := os.WriteFile("mesh-script.yaml", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(have) != want {
		t.Error("the script differs from plugin/mesh/files/mesh.sh; run make generate, and add its hashes as a new version (plugin/mesh/known_texts_test.go)")
	}
}

// TestMeshScriptIsKnownToThePlugin checks that the plugin takes its values from the script.
func TestMeshScriptIsKnownToThePlugin(t *testing.T) {
	values, err := mesh.ReadValues(meshScript(t, filled), nil)
	if err != nil {
		t.Fatalf("%v\nAdd the hashes of the script as a new version (plugin/mesh/known_texts_test.go)", err)
	}
	if values.Ingress.Host != ingress || values.Interface != filled["WGInterfaceName"] || values.MTU != filled["WGMTU"] || values.Password != filled["RandomPassword"] {
		t.Errorf("the values are %+v", values)
	}
}

// TestMeshScriptQuotesItsValues checks that no shell expands a value. The virtual kubelet
// does not check what it fills in.
func TestMeshScriptQuotesItsValues(t *testing.T) {
	values := map[string]any{}
	for name := range filled {
		values[name] = "a'b\"$(touch \"$TEST/expanded\")`touch \"$TEST/expanded\"`; touch \"$TEST/expanded\""
	}
	c := newMeshContainer(t, values, nil)
	c.start()
	if code, line := c.wait(); code == 0 || c.read("expanded") != "" {
		t.Errorf("exit code %d, last line %q", code, line)
	}
	if _, err := os.Stat(c.path("expanded")); err == nil {
		t.Error("a shell ran a value")
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
