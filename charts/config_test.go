package charts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// configFiles returns the rendered ConfigMap's data.
func configFiles(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	var object corev1.ConfigMap
	if err := yaml.UnmarshalStrict([]byte(files["config.yaml"]), &object); err != nil {
		t.Fatal(err)
	}
	return object.Data
}

// secretEnvironment returns what the rendered Secret of secretConfig puts into the environment.
func secretEnvironment(t *testing.T, files map[string]string) []string {
	t.Helper()
	var environ []string
	for _, document := range strings.Split(files["secrets.yaml"], "---\n") {
		var object corev1.Secret
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(object.Name, "-config") {
			for name, value := range object.Data {
				environ = append(environ, name+"="+string(value))
			}
		}
	}
	return environ
}

// parse reads the rendered configuration as the plugin would.
func parse(t *testing.T, values map[string]any) *config.ParseResult {
	t.Helper()
	files := mustRender(t, values)
	path := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(path, []byte(configFiles(t, files)["config.ini"]), 0o600); err != nil {
		t.Fatal(err)
	}
	invocation, err := config.Parse([]string{"--config", path}, secretEnvironment(t, files))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range invocation.Warnings {
		t.Error("a warning:", warning)
	}
	return invocation
}

// samples are values for options that do not take just any value of their kind.
var samples = map[string]any{
	"app.api_versions":                   []any{"v1"},
	"app.api_docs_path":                  "/documentation",
	"app.socket_address":                 "unix:///var/run/interlink/another.sock",
	"app.instance":                       "site.a",
	"k8s.client_configuration":           map[string]any{"verify_ssl": true},
	"offloading.node_selector":           map[string]any{"example.org/gpu": "T4"},
	"offloading.node_tolerations":        []any{map[string]any{"key": "gpu", "operator": "Exists"}},
	"offloading.unsupported_volumes":     "refuse",
	"mesh.resources":                     map[string]any{"requests": map[string]any{"cpu": "50m"}},
	"tcp_tunnel.gateway_ssh_host_key":    "ssh-ed25519 AAAA",
	"tcp_tunnel.bastion_image":           "example.org/openssh:1",
	"tcp_tunnel.gateway_ssh_private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nZXhhbXBsZQ==\n-----END OPENSSH PRIVATE KEY-----\n",
}

// sample returns a value that is not the option's default.
func sample(option config.Option) any {
	if value, ok := samples[option.Section+"."+option.Key]; ok {
		return value
	}
	switch option.Kind {
	case config.Bool:
		return option.Default != "true"
	case config.Number:
		return 4321
	case config.Duration:
		if option.Key == "shutdown_grace" {
			return 45
		}
		return "77s"
	case config.Size:
		return "7MiB"
	case config.Mode:
		return "0600"
	case config.Level:
		return "ERROR"
	case config.List:
		return []any{"one", "two"}
	}
	return "sample"
}

// Every option of the plugin can be set, and arrives as it was set. A new one needs at most a sample.
func TestEveryOptionCanBeSet(t *testing.T) {
	sections := map[string]map[string]any{"config": {}, "secretConfig": {}}
	want := map[string]string{}
	for _, option := range config.Options() {
		name := option.Section + "." + option.Key
		if elsewhere[name] != "" {
			continue
		}
		into := sections["config"]
		if option.Secret {
			into = sections["secretConfig"]
		}
		section, ok := into[option.Section].(map[string]any)
		if !ok {
			section = map[string]any{}
			into[option.Section] = section
		}
		value := sample(option)
		section[option.Key] = value
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			text = string(encoded)
		}
		want[name] = text
		if option.Secret {
			want[name] = config.Secret(text).String()
		}
	}
	invocation := parse(t, map[string]any{
		"config": sections["config"], "secretConfig": sections["secretConfig"], "admin": map[string]any{"port": 9999},
	})
	want["app.admin_address"] = ":9999"
	for _, setting := range invocation.Settings {
		name := setting.Option.Section + "." + setting.Option.Key
		if name == "k8s.kubeconfig" { // the chart gives it as a file, see TestKubeconfigIsAFile
			continue
		}
		origin := config.File
		if setting.Option.Secret {
			origin = config.Environment
		}
		if setting.Value != want[name] || setting.Source.Origin != origin {
			t.Errorf("%s is %q from %s, want %q", setting.Option.Name(), setting.Value, setting.Source, want[name])
		}
	}
}

// A kubeconfig given as a value becomes a file that the plugin looks for.
func TestKubeconfigIsAFile(t *testing.T) {
	values := parseValues(t, "remote: {kubeconfig: 'current-context: remote'}")
	files := mustRender(t, values)
	var secret corev1.Secret
	if err := yaml.UnmarshalStrict([]byte(files["secrets.yaml"]), &secret); err != nil {
		t.Fatal(err)
	}
	const folder = "/etc/interlink/remote"
	if string(secret.Data["kubeconfig"]) != "current-context: remote" || parse(t, values).Config.K8s.KubeconfigPath != folder+"/kubeconfig" ||
		!strings.Contains(files["deployment.yaml"], "mountPath: "+folder+"\n") || !strings.Contains(files["deployment.yaml"], "secretName: "+secret.Name+"\n") {
		t.Errorf("the secret is %v, the deployment\n%s", secret, files["deployment.yaml"])
	}
}

// What the chart sets by itself, and how it writes what is hard to write.
func TestConfigIsReadAsItWasWritten(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		c := parse(t, readValues(t, filepath.Join(plugin, "ci", "alone.yaml"))).Config
		network, address := c.App.Listen()
		got := fmt.Sprintln(network, address, c.App.AdminAddress, c.App.Instance, c.App.ShutdownGrace, c.K8s.KubeconfigPath)
		if want := "tcp 0.0.0.0:4000 :8080 interlink.demo 30s /etc/interlink/remote/kubeconfig\n"; got != want {
			t.Errorf("got %s want %s", got, want)
		}
	})
	t.Run("everything", func(t *testing.T) {
		values := readValues(t, filepath.Join(plugin, "ci", "everything.yaml"))
		c := parse(t, values).Config
		if want := values["config"].(map[string]any)["app"].(map[string]any)["description"]; c.App.Description != want {
			t.Errorf("the description is %q, want %q", c.App.Description, want)
		}
		if c.K8s.QPS != 12.5 || c.K8s.Burst != 1_000_000 || c.Offloading.NamespacePrefix != "" || c.Offloading.NodeTolerations[0].Key != "gpu" {
			t.Errorf("got %+v %+v", c.K8s, c.Offloading)
		}
		if proxy := c.K8s.ClientConfiguration.Proxy.Reveal(); proxy != "http://user:p%40ss@proxy.example:3128" {
			t.Errorf("the proxy is %q", proxy)
		}
		if !strings.HasPrefix(c.TCPTunnel.GatewaySSHPrivateKey.Reveal(), "-----BEGIN OPENSSH PRIVATE KEY-----\n") {
			t.Error("the key has lost its lines")
		}
	})
	t.Run("nothing is a value too", func(t *testing.T) {
		const values = `{remote: {inCluster: true}, config: {app: {shutdown_grace: 0, api_docs_path: ""}, mesh: {init_container: false}}}`
		c := parse(t, parseValues(t, values)).Config
		if c.App.ShutdownGrace != 0 || c.App.APIDocsPath != "" || c.Mesh.InitContainer {
			t.Errorf("got %+v %+v", c.App, c.Mesh)
		}
	})
	t.Run("what looks like something else", func(t *testing.T) {
		const values = `{remote: {inCluster: true}, config: {app: {name: "0x10", description: "[a] # %s"}, k8s: {context: "true"}}}`
		c := parse(t, parseValues(t, values)).Config
		if c.App.Name != "0x10" || c.App.Description != "[a] # %s" || c.K8s.Context != "true" {
			t.Errorf("got %+v %+v", c.App, c.K8s)
		}
	})
	t.Run("a long name", func(t *testing.T) {
		files, err := render(parseValues(t, "remote: {inCluster: true}"), release{strings.Repeat("r", 53), strings.Repeat("n", 63), "Helm"})
		if err != nil {
			t.Fatal(err)
		}
		if ini := configFiles(t, files)["config.ini"]; !strings.Contains(ini, "\ninstance="+strings.Repeat("n", 54)+"-") {
			t.Errorf("the file is\n%s", ini)
		}
	})
	eachValues(t, func(t *testing.T, _ string, values map[string]any) { parse(t, values) })
}

// interlinkConfig is the part of InterLink's own configuration that the chart writes.
type interlinkConfig struct {
	InterlinkAddress, InterlinkPort, SidecarURL, SidecarPort, DataRootFolder string
	VerboseLogging, ErrorsOnlyLogging                                        bool
	TLS                                                                      *struct {
		Enabled                       bool
		CertFile, KeyFile, CACertFile string
	}
}

// InterLink looks for the plugin where it listens.
func TestInterLinkFindsThePlugin(t *testing.T) {
	for _, test := range []struct{ address, url, port string }{
		{"", "unix:///var/run/interlink/plugin.sock", "0"},
		{"unix:///var/run/interlink/p", "unix:///var/run/interlink/p", "0"},
		{"http://127.0.0.1", "http://127.0.0.1", "4000"},
		{"http://127.0.0.1:4001", "http://127.0.0.1", "4001"},
	} {
		t.Run(test.address, func(t *testing.T) {
			values := readValues(t, filepath.Join(plugin, "ci", "interlink.yaml"))
			if test.address != "" {
				values["config"].(map[string]any)["app"].(map[string]any)["socket_address"] = test.address
			}
			var got interlinkConfig
			if err := yaml.UnmarshalStrict([]byte(configFiles(t, mustRender(t, values))["InterLinkConfig.yaml"]), &got); err != nil {
				t.Fatal(err)
			}
			if got.SidecarURL != test.url || got.SidecarPort != test.port || got.InterlinkAddress != "http://0.0.0.0" || got.InterlinkPort != "3000" {
				t.Errorf("got %+v", got)
			}
			network, address := parse(t, values).Config.App.Listen()
			if listens := strings.TrimSuffix(network+"://"+address, ":"+test.port); strings.Replace(listens, "tcp://", "http://", 1) != test.url {
				t.Errorf("the plugin listens on %s %s", network, address)
			}
		})
	}
}
