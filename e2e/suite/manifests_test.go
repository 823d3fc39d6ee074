//go:build e2e

package suite

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// values replace the variables of a file in testdata: {"IMAGE": "x"} replaces $IMAGE.
type values map[string]string

// testManifest reads a file of testdata and replaces its variables.
func testManifest(t testing.TB, file string, values values) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return os.Expand(string(text), func(name string) string {
		value, found := values[name]
		if !found {
			t.Fatalf("testdata/%s: no value for $%s", file, name)
		}
		return value
	})
}

// localEnd is what the virtual kubelet fills into the template of the local end of
// a mesh or of a tunnel.
type localEnd struct{ Name, Namespace, RandomPassword, WGPrivateKey, ClientPublicKey string }

// applyLocalEnd creates the local end of a mesh or of a tunnel.
func (l *localNamespace) applyLocalEnd(text string, end localEnd) {
	l.Helper()
	l.apply(fillTemplate(l, text, end))
}

func fillTemplate(t testing.TB, text string, data any) string {
	t.Helper()
	var filled strings.Builder
	parsed, err := template.New("").Option("missingkey=error").Parse(text)
	if err == nil {
		err = parsed.Execute(&filled, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filled.String()
}

// meshScript returns the project's mesh script, a template for InterLink's virtual
// kubelet.
func meshScript(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifests, "mesh-script.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var configMap corev1.ConfigMap
	if err := yaml.Unmarshal(text, &configMap); err != nil {
		t.Fatal(err)
	}
	return configMap.Data["custom-mesh.sh"]
}

// tunnelCommand returns a command in the form of InterLink's own. url is that of the
// packed wstunnel program.
func tunnelCommand(url, prefix, ports, ingress string) string {
	return "curl -L -f -k " + url + " -o wstunnel.tar.gz && tar -xzvf wstunnel.tar.gz && chmod +x wstunnel && " +
		"./wstunnel client --http-upgrade-path-prefix " + prefix + " " + ports + " ws://" + ingress + ":80 &"
}

// wireGuardKeys are a private and a public key.
type wireGuardKeys struct{ private, public string }

func newWireGuardKeys(t testing.TB) wireGuardKeys {
	t.Helper()
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString
	return wireGuardKeys{text(private.Bytes()), text(private.PublicKey().Bytes())}
}
