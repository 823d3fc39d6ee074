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
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
)

// configFiles returns the data of the rendered ConfigMap.
func configFiles(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	var object corev1.ConfigMap
	if err := yaml.UnmarshalStrict([]byte(files["config.yaml"]), &object); err != nil {
		t.Fatal(err)
	}
	return object.Data
}

// secretData returns the data of the rendered Secret whose name has this end.
func secretData(t *testing.T, files map[string]string, end string) map[string][]byte {
	t.Helper()
	for _, document := range strings.Split(files["secrets.yaml"], "---\n") {
		var object corev1.Secret
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(object.Name, end) {
			return object.Data
		}
	}
	return nil
}

// secretEnvironment returns the environment variables from the rendered Secret of secretConfig.
func secretEnvironment(t *testing.T, files map[string]string) []string {
	t.Helper()
	var environ []string
	for name, value := range secretData(t, files, "-config") {
		environ = append(environ, name+"="+string(value))
	}
	return environ
}

// parse parses the rendered configuration with the parser of the plugin.
func parse(t *testing.T, values map[string]any) *config.ParseResult {
	t.Helper()
	files := mustRender(t, values)
	path := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(path, []byte(configFiles(t, files)["config.ini"]), 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse([]string{"--config", path}, secretEnvironment(t, files))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Error("the plugin warns:", warning)
	}
	return parsed
}

// samples are values of options that do not accept every value of their kind.
var samples = map[string]any{
	"app.api_versions":                   []any{"v1"},
	"app.api_docs_path":                  "/documentation",
	"app.socket_address":                 "unix:///var/run/interlink/another.sock",
	"app.instance":                       "site.a",
	"k8s.client_configuration":           map[string]any{"verify_ssl": true},
	"offloading.node_selector":           map[string]any{"example.org/gpu": "T4"},
	"offloading.node_tolerations":        []any{map[string]any{"key": "gpu", "operator": "Exists"}},
	"offloading.unsupported_volumes":     "refuse",
	"offloading.quota":                   "fail",
	"offloading.disrupted_exit_code":     250,
	"offloading.orphan_policy":           "report",
	"offloading.report_resources":        "nodes",
	"offloading.reserve":                 15,
	"offloading.pod_security":            "restricted",
	"offloading.service_account_tokens":  "drop",
	"offloading.variables":               "resolved",
	"offloading.labels":                  "carry",
	"offloading.claims":                  []any{map[string]any{"claims": []any{"data"}, "remote": "shared"}},
	"offloading.placement":               map[string]any{"rules": []any{map[string]any{"runtimeClass": "nvidia"}}},
	"offloading.storage_classes":         []any{"fast=ssd", "*=standard"},
	"offloading.nfs":                     []any{"nfs.example.org:/export/*:ro"},
	"offloading.host_paths":              []any{"/cvmfs:ro:slave"},
	"offloading.placement_allowed":       []any{"runtimeClass=nvidia"},
	"offloading.namespace_template":      "", // it excludes namespace; TestPluginReadsTheConfiguration sets it
	"mesh.when_off":                      "run",
	"mesh.pod_ip":                        "overlay",
	"mesh.scripts":                       "any",
	"mesh.resources":                     map[string]any{"requests": map[string]any{"cpu": "50m"}},
	"mesh.wstunnel_url":                  "https://example.org/wstunnel",
	"mesh.wireguard_go_url":              "https://example.org/wireguard-go",
	"mesh.wg_url":                        "https://example.org/wg",
	"tcp_tunnel.gateway_ssh_host_key":    "ssh-ed25519 AAAA",
	"tcp_tunnel.bastion_image":           "example.org/openssh:1",
	"tcp_tunnel.gateway_ssh_private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nZXhhbXBsZQ==\n-----END OPENSSH PRIVATE KEY-----\n",
}

// sample returns a valid value that differs from the option's default.
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

// Every option of the plugin can be set in the values. A new option needs at most a sample.
func TestEveryOptionCanBeSet(t *testing.T) {
	sections := map[string]map[string]any{"config": {}, "secretConfig": {}}
	want := map[string]string{}
	for _, option := range config.Options() {
		name := option.Section + "." + option.Key
		if setByOtherValue[name] != "" {
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
	want["mesh.install"] = "******** (a command of 6 characters)" // config print does not show what may be a secret
	parsed := parse(t, map[string]any{
		"config": sections["config"], "secretConfig": sections["secretConfig"], "admin": map[string]any{"port": 9999},
	})
	want["app.admin_address"] = ":9999"
	for _, setting := range parsed.Settings {
		name := setting.Option.Section + "." + setting.Option.Key
		if name == "k8s.kubeconfig" { // the chart mounts it as a file, see TestKubeconfigIsAFile
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

// The chart mounts a kubeconfig from the values as a file, and configures its path.
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
		t.Errorf("the Secret is %v, the Deployment is\n%s", secret, files["deployment.yaml"])
	}
}

// The chart mounts the token of the page as a file, and configures its path; by default there is no page.
func TestTokenOfThePageIsAFile(t *testing.T) {
	values := parseValues(t, "{remote: {inCluster: true}, admin: {page: {existingSecret: page, key: password}}}")
	deployment := mustRender(t, values)["deployment.yaml"]
	for _, want := range []string{"mountPath: /etc/interlink/admin\n", "secretName: page\n", "- key: password\n", "path: token\n"} {
		if !strings.Contains(deployment, want) {
			t.Errorf("the Deployment does not contain %q:\n%s", want, deployment)
		}
	}
	if file := parse(t, values).Config.App.AdminTokenFile; file != "/etc/interlink/admin/token" {
		t.Errorf("admin_token_file is %q", file)
	}
	if file := parse(t, parseValues(t, "{remote: {inCluster: true}}")).Config.App.AdminTokenFile; file != "" {
		t.Errorf("by default, admin_token_file is %q", file)
	}
}

// The plugin reads the options that the chart sets, and values that are difficult to quote.
func TestPluginReadsTheConfiguration(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		c := parse(t, readValues(t, filepath.Join(plugin, "ci", "alone.yaml"))).Config
		network, address := c.App.Listen()
		got := fmt.Sprintln(network, address, c.App.AdminAddress, c.App.Instance, c.App.ShutdownGrace, c.K8s.KubeconfigPath)
		// The chart computes the grace period of the pod from shutdown_grace, so it repeats the default of the plugin.
		want := fmt.Sprintln("tcp 0.0.0.0:4000 :8080 interlink.demo", config.Defaults().App.ShutdownGrace, "/etc/interlink/remote/kubeconfig")
		if got != want {
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
		if c.Offloading.NamespaceTemplate != "/etc/interlink/namespaces/template.yaml" {
			t.Errorf("the namespace template is %q", c.Offloading.NamespaceTemplate)
		}
		if _, err := nstemplate.Parse(secretData(t, mustRender(t, values), "-namespaces")["template.yaml"]); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(c.TCPTunnel.GatewaySSHPrivateKey.Reveal(), "-----BEGIN OPENSSH PRIVATE KEY-----\n") {
			t.Error("the lines of the key are lost")
		}
	})
	t.Run("zero and empty values", func(t *testing.T) {
		const values = `{remote: {inCluster: true}, config: {app: {shutdown_grace: 0, api_docs_path: ""}, mesh: {init_container: false}}}`
		c := parse(t, parseValues(t, values)).Config
		if c.App.ShutdownGrace != 0 || c.App.APIDocsPath != "" || c.Mesh.InitContainer {
			t.Errorf("got %+v %+v", c.App, c.Mesh)
		}
	})
	t.Run("strings that look like other types", func(t *testing.T) {
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

// interlinkConfig contains the fields of InterLink's configuration that the chart writes.
type interlinkConfig struct {
	InterlinkAddress, InterlinkPort, SidecarURL, SidecarPort, DataRootFolder string
	VerboseLogging, ErrorsOnlyLogging                                        bool
	TLS                                                                      *struct {
		Enabled                       bool
		CertFile, KeyFile, CACertFile string
	}
}

// InterLink calls the address on which the plugin listens.
func TestInterLinkCallsThePlugin(t *testing.T) {
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
