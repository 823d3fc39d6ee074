package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// pythonSample has every key of the Python plugin's sample, with the unusual values
// of that sample: an empty port, and a chart in the repository of that plugin.
const pythonSample = `[app]
name=my-plugin
description=Offloads pods: "here" & there
version=dev
api_versions=v1
api_docs_path=/docs
# over a unix socket
socket_address=unix:///var/run/.plugin.sock
socket_port=0
# or over TCP
# socket_address=http://0.0.0.0
# socket_port=4000

[log]
level=DEBUG
# dir=/data/logs
rich_enabled=True
requests_enabled=False

[k8s]
kubeconfig_path=private/k8s/kubeconfig.yaml
kubeconfig={"apiVersion":"v1","clusters":[],"kind":"Config"}
client_configuration={"verify_ssl": true, "ssl_ca_cert": "private/k8s/ca.crt", "cert_file": "c.crt", "key_file": "c.key"}

[offloading]
namespace_prefix=offloading
namespace_prefix_exclusions=["kube-system"]
node_selector={"nvidia/gpu-model": "T4"}
node_tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute", "toleration_seconds": 5}]

[mesh]
init_container=True
startup_probe=True
slurm_setup_script=False

[tcp_tunnel]
enabled=False
bastion_namespace=tcp-tunnel
bastion_chart_path=infr/charts/tcp-tunnel/charts/bastion
gateway_host=
gateway_port=
gateway_ssh_private_key=
`

// writeFile writes a configuration file and returns its path.
func writeFile(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileOfThePythonPlugin(t *testing.T) {
	path := writeFile(t, pythonSample)
	result, err := Parse(nil, []string{"CONFIG_FILE_PATH=" + path})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Warnings) > 0 {
		t.Errorf("warnings: %q", result.Warnings)
	}
	yes, five := true, int64(5)
	want := Defaults()
	want.App.Name = "my-plugin"
	want.App.Description = `Offloads pods: "here" & there`
	want.App.Version = "dev"
	want.Log.Level = -4
	want.Log.RichEnabled = true
	want.K8s.KubeconfigPathGiven = true
	want.K8s.Kubeconfig = `{"apiVersion":"v1","clusters":[],"kind":"Config"}`
	want.K8s.ClientConfiguration = &ClientConfiguration{VerifySSL: &yes, SSLCACert: "private/k8s/ca.crt", CertFile: "c.crt", KeyFile: "c.key"}
	want.Offloading.NamespacePrefixExclusions = []string{"kube-system"}
	want.Offloading.NodeSelector = map[string]string{"nvidia/gpu-model": "T4"}
	want.Offloading.NodeTolerations = []corev1.Toleration{
		{Key: "nvidia.com/gpu", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &five},
	}
	want.TCPTunnel.BastionChartPath = "infr/charts/tcp-tunnel/charts/bastion"
	if diff := cmp.Diff(want, result.Config); diff != "" {
		t.Error(diff)
	}
}

func TestPrecedence(t *testing.T) {
	path := writeFile(t, "[app]\nname=file\nsocket_port=1\n[mesh]\ninit_container=no\n[tcp_tunnel]\nbastion_namespace=file\n")
	file := Source{Origin: File, Name: path}
	for _, test := range []struct {
		name   string
		args   []string
		env    []string
		option string
		want   string
		source Source
	}{
		{"default", nil, nil, "[log] level", "INFO", Source{}},
		{"file over default", nil, nil, "[app] name", "file", Source{File, path, 2}},
		{"environment over file", nil, []string{"APP_NAME=env"}, "[app] name", "env", Source{Environment, "APP_NAME", 0}},
		{"flag over environment", []string{"--app-name=flag"}, []string{"APP_NAME=env"}, "[app] name", "flag", Source{Flag, "--app-name", 0}},
		{"flag and value in two arguments", []string{"--app-name", "flag"}, nil, "[app] name", "flag", Source{Flag, "--app-name", 0}},
		{"last flag", []string{"--app-name=a", "--app-name=b"}, nil, "[app] name", "b", Source{Flag, "--app-name", 0}},
		{"key and section with underscores", []string{"--tcp-tunnel-bastion-namespace=flag"}, nil, "[tcp_tunnel] bastion_namespace", "flag", Source{Flag, "--tcp-tunnel-bastion-namespace", 0}},
		{"bare flag", []string{"--mesh-init-container"}, nil, "[mesh] init_container", "true", Source{Flag, "--mesh-init-container", 0}},
		{"flag with the value false", []string{"--mesh-startup-probe=false"}, nil, "[mesh] startup_probe", "false", Source{Flag, "--mesh-startup-probe", 0}},
		{"an empty text is a value", nil, []string{"APP_NAME="}, "[app] name", "", Source{Environment, "APP_NAME", 0}},
		{"an empty number is not set", []string{"--app-socket-port="}, []string{"APP_SOCKET_PORT="}, "[app] socket_port", "1", Source{File, path, 3}},
		{"an empty boolean is not set", nil, []string{"MESH_INIT_CONTAINER="}, "[mesh] init_container", "no", Source{File, path, 5}},
		{"a service link is not set", nil, []string{"APP_SOCKET_PORT=tcp://10.0.0.1:80"}, "[app] socket_port", "1", Source{File, path, 3}},
		{"variables in lower case are ignored", nil, []string{"app_name=env"}, "[app] name", "file", Source{File, path, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := Parse(append(test.args, "--config="+path), test.env)
			if err != nil {
				t.Fatal(err)
			}
			for _, setting := range result.Settings {
				if setting.Option.Name() == test.option {
					if setting.Value != test.want || setting.Source != test.source {
						t.Errorf("got %q from %v, want %q from %v", setting.Value, setting.Source, test.want, test.source)
					}
					return
				}
			}
			t.Errorf("no setting %s (file %v)", test.option, file)
		})
	}
}

func TestChoiceOfTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	name := func(args, env []string) string {
		t.Helper()
		result, err := Parse(args, env)
		if err != nil {
			t.Fatal(err)
		}
		return result.Config.App.Name
	}
	if got := name(nil, nil); got != "interlink-kubernetes-plugin" {
		t.Errorf("without a file the name is %q", got)
	}
	if err := os.Mkdir("private", 0o700); err != nil {
		t.Fatal(err)
	}
	for path, app := range map[string]string{"private/config.ini": "default", "env.ini": "env", "flag.ini": "flag"} {
		if err := os.WriteFile(path, []byte("[app]\nname="+app+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"CONFIG_FILE_PATH=env.ini"}
	for _, test := range []struct {
		args, env []string
		want      string
	}{
		{nil, nil, "default"},
		{nil, []string{"CONFIG_FILE_PATH="}, "default"},
		{nil, env, "env"},
		{[]string{"--config", "flag.ini"}, env, "flag"},
	} {
		if got := name(test.args, test.env); got != test.want {
			t.Errorf("%q %q: read %q, want %q", test.args, test.env, got, test.want)
		}
	}
	for want, args := range map[string][]string{
		"flag --config: cannot read":                   {"--config=absent.ini"},
		"environment CONFIG_FILE_PATH: cannot read":    nil,
		"flag --config: cannot read the configuration": {"--config=private"},
	} {
		if _, err := Parse(args, []string{"CONFIG_FILE_PATH=absent.ini"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}

func TestFlagsThatAreNotOptions(t *testing.T) {
	for _, test := range []struct {
		args []string
		want [4]bool
	}{
		{nil, [4]bool{}},
		{[]string{"--help"}, [4]bool{true}},
		{[]string{"-h", "--config=absent"}, [4]bool{true}},
		{[]string{"--version"}, [4]bool{false, true}},
		{[]string{"--print-config", "--check"}, [4]bool{false, false, true, true}},
	} {
		result, err := Parse(test.args, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := [4]bool{result.Help, result.Version, result.PrintConfig, result.Check}; got != test.want {
			t.Errorf("%q: %v, want %v", test.args, got, test.want)
		}
	}
}

func TestParseReportsAllErrorsTogether(t *testing.T) {
	path := writeFile(t, "[app]\nsocket_address=http://0.0.0.0\nmax_body=none\n[tcp_tunnel]\nenabled=on\n[log]\nlevel=%x\n[offloading]\nnode_selector={\n")
	_, err := Parse([]string{"--config", path, "--app-nam=x", "--tcp-tunnel-gatway-host=y", "--mesh-init-container=maybe"},
		[]string{"APP_INSTANCE=", "OFFLOADING_CREATE_TIMEOUT=2m", "OFFLOADING_NAMESPACE=one", "OFFLOADING_NAMESPACE_TEMPLATE=/etc/template.yaml"})
	want := []string{
		"flag --app-nam: is not a flag of this program; did you mean --app-name?",
		"flag --tcp-tunnel-gatway-host: is not a flag of this program; did you mean --tcp-tunnel-gateway-host?",
		"[app] instance (environment APP_INSTANCE): must not be empty",
		"[app] max_body (" + path + `, line 3): "none" must be a number of bytes above 0, or a size such as "64MiB"`,
		"[log] level (" + path + ", line 7): contains a single %; in the file, write %% for a percent sign, and %(key)s for the value of a key",
		"[offloading] node_selector (" + path + `, line 9): must be a JSON object of texts such as {"key":"value"}: the JSON is incomplete`,
		"[offloading] create_timeout (environment OFFLOADING_CREATE_TIMEOUT): 2m0s must be above 0s and at most 1m45s: InterLink stops waiting after 120s, and a failed create needs the rest for its rollback",
		`[mesh] init_container (flag --mesh-init-container): "maybe" must be true or false`,
		"[app] socket_port (default): must be from 1 to 65535, because socket_address is a TCP address",
		"[offloading] namespace_template (environment OFFLOADING_NAMESPACE_TEMPLATE): is only for namespaces that the plugin creates, but [offloading] namespace names the only one: create the objects there yourself",
		"[tcp_tunnel] gateway_host (default): is required because [tcp_tunnel] enabled is true: the host of the gateway, where the tunnels end",
		"[tcp_tunnel] gateway_port (default): is required because [tcp_tunnel] enabled is true: the SSH port of the gateway, from 1 to 65535",
		"[tcp_tunnel] gateway_ssh_private_key (default): is required because [tcp_tunnel] enabled is true: a private key in PEM, or its base64",
	}
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

// A namespace template is for namespaces that the plugin creates; one remote namespace needs none.
func TestNamespaceOrNamespaceTemplate(t *testing.T) {
	for _, env := range []string{"OFFLOADING_NAMESPACE=one", "OFFLOADING_NAMESPACE_TEMPLATE=/etc/template.yaml"} {
		if _, err := Parse(nil, []string{env}); err != nil {
			t.Errorf("%s: %v", env, err)
		}
	}
}

func TestFlagErrorsShowNoValue(t *testing.T) {
	for want, args := range map[string][]string{
		"flag --app-name: requires a value":     {"--app-name"},
		"flag --check: must be true or false":   {"--check=SECRET"},
		"command line: 2 arguments belong":      {"--k8s-kubeconfig", "a", "SECRET", "b"},
		"command line: 1 argument belongs":      {"SECRET"},
		"flag -k: is not a flag":                {"-k8s-kubeconfig=SECRET"},
		"flag (not shown): is not a flag":       {"--SECRET/x"},
		"flag --nothing-like-it: is not a flag": {"--nothing-like-it=SECRET", "SECRET"},
	} {
		_, err := Parse(args, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: error %v, want %q and no secret", args, err, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	path := writeFile(t, "[DEFAULT]\nroot=/x\n[app]\nsokcet_port=1\nkubeconfig_path=x\nnothing=x\nb64/key=x\n[App]\nname=x\n[other]\nx=y\n")
	result, err := Parse([]string{"--config=" + path, "--tcp-tunnel-gateway-ssh-private-key=x"}, []string{"TCP_TUNNEL_GATEWAY_PORT=tcp://10.0.0.1:22"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"TCP_TUNNEL_GATEWAY_PORT is ignored: Kubernetes sets it for a Service of that name; to prevent this, set enableServiceLinks: false in the pod",
		"[tcp_tunnel] gateway_ssh_private_key is on the command line, which every user of the machine can read; use TCP_TUNNEL_GATEWAY_SSH_PRIVATE_KEY or the configuration file",
		path + ", line 4: [app] sokcet_port is unknown and ignored; did you mean [app] socket_port?",
		path + ", line 5: [app] kubeconfig_path is unknown and ignored; did you mean [k8s] kubeconfig_path?",
		path + ", line 6: [app] nothing is unknown and ignored",
		path + ", line 7: [app] (not shown) is unknown and ignored",
		path + ", line 8: section [App] is unknown and ignored; did you mean app?",
		path + ", line 10: section [other] is unknown and ignored",
	}
	if diff := cmp.Diff(want, result.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestReportResourcesAndReserve(t *testing.T) {
	for env, want := range map[string]string{
		"OFFLOADING_REPORT_RESOURCES=nodes": "", "OFFLOADING_REPORT_RESOURCES=quota": "", "OFFLOADING_REPORT_RESOURCES=off": "",
		"OFFLOADING_REPORT_RESOURCES=all": "report_resources", "OFFLOADING_REPORT_RESOURCES=true": "report_resources", "OFFLOADING_REPORT_RESOURCES=Nodes!": "report_resources",
		"OFFLOADING_RESERVE=0": "", "OFFLOADING_RESERVE=100": "",
		"OFFLOADING_RESERVE=101": "reserve", "OFFLOADING_RESERVE=-1": "reserve", "OFFLOADING_RESERVE=10%": "reserve", "OFFLOADING_RESERVE=1.5": "reserve",
	} {
		switch _, err := Parse(nil, []string{env}); {
		case (err == nil) != (want == ""):
			t.Errorf("%s: %v", env, err)
		case want != "" && !strings.Contains(err.Error(), "[offloading] "+want):
			t.Errorf("%s: the error names another option: %v", env, err)
		}
	}
}
