package tunnel_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// writeChart writes the files of a chart into a folder.
func writeChart(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// If a chart cannot be installed, the error says why, without the private key.
func TestChartThatCannotBeInstalled(t *testing.T) {
	// chart returns a chart with a template and, optionally, a schema of its values.
	chart := func(template string, schema ...string) func(*tunnel.Options) {
		return func(o *tunnel.Options) {
			o.BastionChartPath = t.TempDir()
			files := map[string]string{
				"Chart.yaml": "apiVersion: v2\nname: bastion\nversion: 1.0.0\n", "templates/all.yaml": template,
			}
			if len(schema) > 0 {
				files["values.schema.json"] = schema[0]
			}
			writeChart(t, o.BastionChartPath, files)
		}
	}
	for name, test := range map[string]struct {
		change func(*tunnel.Options)
		want   string // a part of the error
	}{
		"a required value":      {func(o *tunnel.Options) { o.GatewayHost = "" }, "host"},
		"the schema of a value": {func(o *tunnel.Options) { o.GatewayPort = 0 }, "port"},
		"the schema of the key": {chart("", `{"properties":{"tunnel":{"properties":{"gateway":{"properties":{"ssh":{"properties":{"privateKey":{"pattern":"^none$"}}}}}}}}}`),
			"[private key]"},
		"a template":                      {chart(`{{ fail (printf "no: %s" .Values.tunnel.gateway.ssh.privateKey) }}`), "no: [private key]"},
		"a template with the decoded key": {chart(`{{ fail (printf "no: %s" (b64dec .Values.tunnel.gateway.ssh.privateKey)) }}`), "[private key]"},
		"the manifest":                    {chart("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {{ .Values.tunnel.gateway.ssh.privateKey }}\n"), ""},
		"the API server":                  {chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NO_NAME}\n"), "NO_NAME"},
		"an unknown kind":                 {chart("apiVersion: example.org/v1\nkind: Nothing\nmetadata: {name: x}\n"), "Nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, test.change)
			err := e.Open(t.Context(), release, labels("a"), 8080, target)
			if err == nil || !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v (%s), want invalid and %q", err, errdefs.KindOf(err), test.want)
			}
			if !strings.Contains(err.Error(), e.options.BastionChartPath) {
				t.Errorf("the error %v does not name the chart %s", err, e.options.BastionChartPath)
			}
			if findKey(err.Error()) != "" || findKey(e.log.String()) != "" {
				t.Errorf("the key is in the error %v, or in the log", err)
			}
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.checkEmpty()
		})
	}
	if _, err := tunnel.New(nil, tunnel.Options{TCPTunnel: config.TCPTunnel{BastionChartPath: "testdata/nowhere"}}); err == nil || !strings.Contains(err.Error(), "testdata/nowhere") {
		t.Errorf("with a chart that does not exist New returns %v", err)
	}
}

// A chart that cannot be read is refused at the start, with its path.
func TestChartThatCannotBeRead(t *testing.T) {
	remote := &rest.Config{Host: "https://127.0.0.1:1"}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no Chart.yaml":                    {map[string]string{"templates/all.yaml": ""}, "Chart.yaml"},
		"a Chart.yaml that is not YAML":    {map[string]string{"Chart.yaml": "name: ["}, "Chart.yaml"},
		"values that are not YAML":         {map[string]string{"Chart.yaml": "apiVersion: v2\nname: b\nversion: 1.0.0\n", "values.yaml": "a: ["}, "values.yaml"},
		"no values, so no host key":        {map[string]string{"Chart.yaml": "apiVersion: v2\nname: b\nversion: 1.0.0\n"}, "hostKey"},
		"values that are not those of ssh": {map[string]string{"Chart.yaml": "apiVersion: v2\nname: b\nversion: 1.0.0\n", "values.yaml": "tunnel: {gateway: {ssh: 1}}\n"}, "hostKey"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			writeChart(t, folder, test.files)
			_, err := tunnel.New(remote, tunnel.Options{TCPTunnel: config.TCPTunnel{BastionChartPath: folder, GatewaySSHHostKey: "ssh-ed25519 AAAA"}})
			if err == nil || !strings.Contains(err.Error(), folder) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New returns %v, want the path of the chart and %q", err, test.want)
			}
		})
	}
}

// A host key is refused if the chart would not verify it.
func TestHostKeyWithAChartThatDoesNotVerifyIt(t *testing.T) {
	remote := &rest.Config{Host: "https://127.0.0.1:1"}
	for chart, want := range map[string]string{"": "", "testdata/python": "hostKey"} {
		_, err := tunnel.New(remote, tunnel.Options{TCPTunnel: config.TCPTunnel{BastionChartPath: chart, GatewaySSHHostKey: "ssh-ed25519 AAAA"}})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("with chart %q New returns %v, want %q", chart, err, want)
		}
	}
}
