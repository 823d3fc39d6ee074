package charts

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const gateway, bastion = "gateway", "bastion"

// The required values of the two charts.
const (
	gatewayValues = "ssh: {publicKey: ssh-ed25519 AAAAC3Nz}\n"
	bastionValues = "tunnel: {gateway: {host: gateway.example, ssh: {privateKey: '-----BEGIN PRIVATE KEY-----'}}, service: {targetHost: service}}\n"
)

// cluster contains the objects that the function lookup of the templates finds.
type cluster struct{ client dynamic.Interface }

func clusterOf(objects ...runtime.Object) cluster {
	return cluster{dynamicfake.NewSimpleDynamicClient(scheme.Scheme, objects...)}
}

func (c cluster) GetClientFor(_, _ string) (dynamic.NamespaceableResourceInterface, bool, error) {
	return c.client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")), true, nil
}

func loadTunnel(t *testing.T, name string) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(filepath.Join("tcp-tunnel", name))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// renderTunnel renders the templates of one of the two charts. It returns the texts by file name.
func renderTunnel(loaded *chart.Chart, values map[string]any, old cluster) (map[string]string, error) {
	top, err := chartutil.ToRenderValues(loaded, values, chartutil.ReleaseOptions{
		Name: demo.name, Namespace: demo.namespace, Revision: 1, IsInstall: true,
	}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.RenderWithClientProvider(loaded, top, old)
	if err != nil {
		return nil, err
	}
	rendered := map[string]string{}
	for path, text := range files {
		if strings.TrimSpace(text) != "" {
			rendered[filepath.Base(path)] = strings.TrimSpace(text) + "\n"
		}
	}
	return rendered, nil
}

func mustRenderTunnel(t *testing.T, name string, values map[string]any, old ...runtime.Object) map[string]string {
	t.Helper()
	files, err := renderTunnel(loadTunnel(t, name), values, clusterOf(old...))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// eachTunnel runs a test for each file of values of both charts; path is the path of the goldens.
func eachTunnel(t *testing.T, test func(t *testing.T, chart, path string, values map[string]any)) {
	const suffix = ".values.yaml"
	files, err := filepath.Glob(filepath.Join("testdata", "tcp-tunnel", "*", "*"+suffix))
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d files of values: %v", len(files), err)
	}
	for _, file := range files {
		path := strings.TrimSuffix(file, suffix)
		chart := filepath.Base(filepath.Dir(file))
		t.Run(chart+"/"+filepath.Base(path), func(t *testing.T) { test(t, chart, path, readValues(t, file)) })
	}
}

func TestTunnelGoldens(t *testing.T) {
	eachTunnel(t, func(t *testing.T, chart, path string, values map[string]any) {
		files := mustRenderTunnel(t, chart, values)
		golden(t, path+".yaml", []byte(manifest(files)))
		golden(t, path+".notes.txt", []byte(files["NOTES.txt"]))
	})
}

func TestTunnelLint(t *testing.T) {
	check := func(t *testing.T, chart string, values map[string]any) {
		t.Helper()
		for _, message := range lint.All(filepath.Join("tcp-tunnel", chart), values, demo.namespace, true).Messages {
			if message.Severity >= support.WarningSev {
				t.Error(message)
			}
		}
	}
	for _, chart := range []string{gateway, bastion} {
		t.Run(chart, func(t *testing.T) { check(t, chart, nil) })
	}
	eachTunnel(t, func(t *testing.T, chart, _ string, values map[string]any) { check(t, chart, values) })
}

// The embedded chart is the same as the chart in this folder.
func TestEmbeddedBastion(t *testing.T) {
	var files []*loader.BufferedFile
	err := fs.WalkDir(Bastion(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(Bastion(), path)
		files = append(files, &loader.BufferedFile{Name: path, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := loader.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	values := parseValues(t, bastionValues)
	got, err := renderTunnel(embedded, values, clusterOf())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mustRenderTunnel(t, bastion, values), got); diff != "" {
		t.Error(diff)
	}
}

// The private key is in its Secret and in no other object, in whichever format it is set.
func TestTunnelKeyIsOnlyInItsSecret(t *testing.T) {
	const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nZXhhbXBsZQ==\n-----END OPENSSH PRIVATE KEY-----\n"
	const encoded = "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZLS0tLS0KWlhoaGJYQnNaUT09Ci0tLS0tRU5EIE9QRU5TU0ggUFJJVkFURSBLRVktLS0tLQo="
	for _, test := range []struct{ name, chart, key string }{
		{"PEM", bastion, key},
		{"PEM without its last newline", bastion, strings.TrimSpace(key)},
		{"PEM of another system", bastion, strings.ReplaceAll(key, "\n", "\r\n")},
		{"base64", bastion, encoded},
		{"base64 in lines", bastion, encoded[:76] + "\n" + encoded[76:] + "\n"},
		{"host key", gateway, key},
	} {
		t.Run(test.name, func(t *testing.T) {
			var values map[string]any
			if test.chart == bastion {
				values = parseValues(t, bastionValues)
				values["tunnel"].(map[string]any)["gateway"].(map[string]any)["ssh"].(map[string]any)["privateKey"] = test.key
			} else {
				values = parseValues(t, gatewayValues)
				values["ssh"].(map[string]any)["hostKey"] = test.key
			}
			files := mustRenderTunnel(t, test.chart, values)
			for _, object := range decode(t, manifest(files)) {
				if secret, ok := object.(*corev1.Secret); ok && (string(secret.Data["ssh-privatekey"]) != key || len(secret.Data) != 1) {
					t.Errorf("the Secret contains %q", secret.Data)
				}
			}
			for name, text := range files {
				if holds := strings.Contains(text, "ZXhhbXBsZQ==") || strings.Contains(text, encoded); holds != (name == "secret.yaml") {
					t.Errorf("%s contains the key: %v", name, holds)
				}
			}
		})
	}
}

func hostKeySecret(t *testing.T, files map[string]string) *corev1.Secret {
	t.Helper()
	objects := decode(t, files["secret.yaml"])
	if len(objects) != 1 {
		t.Fatalf("found %d objects, want 1", len(objects))
	}
	return objects[0].(*corev1.Secret)
}

// The chart of the gateway creates a host key and keeps it until another key is set.
func TestGatewayKeepsItsHostKey(t *testing.T) {
	values := parseValues(t, gatewayValues)
	created := hostKeySecret(t, mustRenderTunnel(t, gateway, values))
	block, _ := pem.Decode(created.Data["ssh-privatekey"])
	if block == nil {
		t.Fatal("the key is not in PEM")
	}
	if _, err := x509.ParseECPrivateKey(block.Bytes); err != nil {
		t.Error(err)
	}
	created.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}
	if kept := hostKeySecret(t, mustRenderTunnel(t, gateway, values, created)); !cmp.Equal(kept.Data, created.Data) {
		t.Error("an upgrade changes the host key")
	}
	values["ssh"].(map[string]any)["hostKey"] = "-----BEGIN another"
	if given := hostKeySecret(t, mustRenderTunnel(t, gateway, values, created)); string(given.Data["ssh-privatekey"]) != "-----BEGIN another\n" {
		t.Error("the host key from the values is not used")
	}
}

// Every line of authorized_keys has the restriction, whatever the value contains.
func TestEveryKeyIsRestricted(t *testing.T) {
	values := parseValues(t, gatewayValues)
	values["ssh"].(map[string]any)["publicKey"] = "\nssh-ed25519 AAAAC3Nz one\r\n\n  ssh-rsa AAAAB3Nz two\n"
	got := configFiles(t, mustRenderTunnel(t, gateway, values))["authorized_keys"]
	if want := "restrict,port-forwarding ssh-ed25519 AAAAC3Nz one\nrestrict,port-forwarding ssh-rsa AAAAB3Nz two\n"; strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got\n%s", got)
	}
}

func TestTunnelScripts(t *testing.T) {
	shellcheck := testkit.Program(t, "shellcheck")
	files, err := filepath.Glob(filepath.Join("tcp-tunnel", "*", "files", "*.sh"))
	if err != nil || len(files) != 2 {
		t.Fatalf("found %d scripts: %v", len(files), err)
	}
	if out, err := exec.Command(shellcheck, append([]string{"--shell=sh"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The ConfigMaps contain the scripts unchanged.
func TestTunnelConfigMapsContainTheScripts(t *testing.T) {
	for chart, text := range map[string]string{gateway: gatewayValues, bastion: bastionValues} {
		want, err := os.ReadFile(filepath.Join("tcp-tunnel", chart, "files", "run.sh"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), strings.TrimSpace(configFiles(t, mustRenderTunnel(t, chart, parseValues(t, text)))["run.sh"])+"\n"); diff != "" {
			t.Error(diff)
		}
	}
}
