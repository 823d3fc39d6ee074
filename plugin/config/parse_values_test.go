package config

import (
	"encoding/base64"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const pemKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"

// TestValues checks the parsed value of one environment variable.
func TestValues(t *testing.T) {
	yes, no, ten := true, false, int64(10)
	for _, test := range []struct {
		env, value string
		get        func(Config) any
		want       any
	}{
		{"LOG_LEVEL", "warn", func(c Config) any { return c.Log.Level }, slog.LevelWarn},
		{"LOG_LEVEL", "WARNING", func(c Config) any { return c.Log.Level }, slog.LevelWarn},
		{"LOG_LEVEL", "Critical", func(c Config) any { return c.Log.Level }, slog.LevelError + 4},
		{"LOG_LEVEL", "FATAL", func(c Config) any { return c.Log.Level }, slog.LevelError + 4},
		{"LOG_LEVEL", "notset", func(c Config) any { return c.Log.Level }, slog.LevelDebug},
		{"LOG_LEVEL", "info+2", func(c Config) any { return c.Log.Level }, slog.LevelInfo + 2},
		{"LOG_RICH_ENABLED", "Yes", func(c Config) any { return c.Log.RichEnabled }, true},
		{"LOG_RICH_ENABLED", "1", func(c Config) any { return c.Log.RichEnabled }, true},
		{"MESH_STARTUP_PROBE", "OFF", func(c Config) any { return c.Mesh.StartupProbe }, false},
		{"APP_API_VERSIONS", "v1,", func(c Config) any { return c.App.APIVersions }, []string{"v1"}},
		{"APP_API_VERSIONS", `["v1"]`, func(c Config) any { return c.App.APIVersions }, []string{"v1"}},
		{"APP_API_DOCS_PATH", "", func(c Config) any { return c.App.APIDocsPath }, ""},
		{"APP_SOCKET_MODE", "600", func(c Config) any { return c.App.SocketMode }, fs.FileMode(0o600)},
		{"APP_SOCKET_MODE", "0o777", func(c Config) any { return c.App.SocketMode }, fs.FileMode(0o777)},
		{"APP_SHUTDOWN_GRACE", "0", func(c Config) any { return c.App.ShutdownGrace }, time.Duration(0)},
		{"APP_SHUTDOWN_GRACE", "1.5", func(c Config) any { return c.App.ShutdownGrace }, 1500 * time.Millisecond},
		{"OFFLOADING_CREATE_TIMEOUT", "1m30s", func(c Config) any { return c.Offloading.CreateTimeout }, 90 * time.Second},
		{"APP_MAX_BODY", "1024", func(c Config) any { return c.App.MaxBody }, int64(1024)},
		{"APP_MAX_BODY", "2Ki", func(c Config) any { return c.App.MaxBody }, int64(2048)},
		{"APP_MAX_BODY", "64 MiB", func(c Config) any { return c.App.MaxBody }, int64(64 << 20)},
		{"APP_MAX_BODY", "1GiB", func(c Config) any { return c.App.MaxBody }, int64(1 << 30)},
		{"APP_ADMIN_ADDRESS", ":8080", func(c Config) any { return c.App.AdminAddress }, ":8080"},
		{"APP_ADMIN_ADDRESS", "[::1]:0", func(c Config) any { return c.App.AdminAddress }, "[::1]:0"},
		{"APP_ADMIN_HOSTS", "Admin.example.org, plugin", func(c Config) any { return c.App.AdminHosts }, []string{"Admin.example.org", "plugin"}},
		{"K8S_QPS", "0", func(c Config) any { return c.K8s.QPS }, float32(0)},
		{"K8S_QPS", "0.5", func(c Config) any { return c.K8s.QPS }, float32(0.5)},
		{"K8S_KUBECONFIG_PATH", "", func(c Config) any { return c.K8s.KubeconfigPath }, ""},
		{"K8S_KUBECONFIG", "kind: Config\nusers: []\n", func(c Config) any { return c.K8s.Kubeconfig }, Secret("kind: Config\nusers: []")},
		{"K8S_CLIENT_CONFIGURATION", "null", func(c Config) any { return c.K8s.ClientConfiguration }, (*ClientConfiguration)(nil)},
		{"K8S_CLIENT_CONFIGURATION", `{"verify_ssl":false,"proxy":null,"host":"https://api:6443"}`,
			func(c Config) any { return c.K8s.ClientConfiguration }, &ClientConfiguration{VerifySSL: &no, Host: "https://api:6443"}},
		{"K8S_CLIENT_CONFIGURATION", `{"verify_ssl":true,"proxy":"http://u:p@proxy:3128"}`,
			func(c Config) any { return c.K8s.ClientConfiguration }, &ClientConfiguration{VerifySSL: &yes, Proxy: "http://u:p@proxy:3128"}},
		{"OFFLOADING_NAMESPACE_PREFIX", "", func(c Config) any { return c.Offloading.NamespacePrefix }, ""},
		{"OFFLOADING_NAMESPACE_PREFIX_EXCLUSIONS", "a, b,", func(c Config) any { return c.Offloading.NamespacePrefixExclusions }, []string{"a", "b"}},
		{"OFFLOADING_NODE_SELECTOR", `{"a/b":""}`, func(c Config) any { return c.Offloading.NodeSelector }, map[string]string{"a/b": ""}},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"operator":"Exists"},{"key":"a","value":"b","effect":"NoExecute","tolerationSeconds":10},{"key":"a","operator":"Gt","value":"5"}]`,
			func(c Config) any { return c.Offloading.NodeTolerations }, []corev1.Toleration{
				{Operator: "Exists"}, {Key: "a", Value: "b", Effect: "NoExecute", TolerationSeconds: &ten}, {Key: "a", Operator: "Gt", Value: "5"}}},
		{"MESH_RESOURCES", `{"requests":{"cpu":"50m","memory":"64Mi"},"limits":{"cpu":1}}`, func(c Config) any { return c.Mesh.Resources }, corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("50m"), "memory": resource.MustParse("64Mi")}, Limits: corev1.ResourceList{"cpu": resource.MustParse("1")}}},
		{"MESH_RESOURCES", "", func(c Config) any { return c.Mesh.Resources }, corev1.ResourceRequirements{}},
		{"OFFLOADING_IMAGE_PULL_SECRETS", `["a.b","c"]`, func(c Config) any { return c.Offloading.ImagePullSecrets }, []string{"a.b", "c"}},
		{"OFFLOADING_UNSUPPORTED_VOLUMES", "Refuse", func(c Config) any { return c.Offloading.UnsupportedVolumes }, RefuseVolumes},
		{"TCP_TUNNEL_GATEWAY_SSH_PRIVATE_KEY", strings.TrimSpace(pemKey), func(c Config) any { return c.TCPTunnel.GatewaySSHPrivateKey }, Secret(pemKey)},
		{"TCP_TUNNEL_GATEWAY_SSH_PRIVATE_KEY", base64.StdEncoding.EncodeToString([]byte(pemKey)), func(c Config) any { return c.TCPTunnel.GatewaySSHPrivateKey }, Secret(pemKey)},
	} {
		t.Run(test.env+"="+test.value, func(t *testing.T) {
			result, err := Parse(nil, []string{test.env + "=" + test.value})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.get(result.Config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestInvalidValues checks the error of one environment variable.
func TestInvalidValues(t *testing.T) {
	for _, test := range []struct{ env, value, want string }{
		{"LOG_LEVEL", "loud", "must be DEBUG, INFO"},
		{"LOG_RICH_ENABLED", "t", "must be true or false"},
		{"APP_API_VERSIONS", "v1,v2", `"v2" is not supported`},
		{"APP_API_VERSIONS", ",", "must be v1"},
		{"APP_API_DOCS_PATH", "docs", "plain URL path"},
		{"APP_API_DOCS_PATH", "/", "plain URL path"},
		{"APP_API_DOCS_PATH", "/{x}", "plain URL path"},
		{"APP_API_DOCS_PATH", "/getLogs", "a path that InterLink calls"},
		{"APP_SOCKET_ADDRESS", "", "must not be empty"},
		{"APP_SOCKET_ADDRESS", "https://0.0.0.0", "InterLink cannot connect with https"},
		{"APP_SOCKET_ADDRESS", "unix://relative.sock", "not absolute"},
		{"APP_SOCKET_ADDRESS", "unix:///", "not absolute"},
		{"APP_SOCKET_ADDRESS", "unix:///" + strings.Repeat("x", 107), "too long"},
		{"APP_SOCKET_ADDRESS", "tcp://0.0.0.0:1", "must be unix:///absolute/path or http://host"},
		{"APP_SOCKET_MODE", "0000", "0000 gives no user write permission"},
		{"APP_SOCKET_MODE", "0444", "0444 gives no user write permission"},
		{"APP_SOCKET_ADDRESS", "http://:4000", "must be unix:///absolute/path or http://host"},
		{"APP_SOCKET_ADDRESS", "http://a:70000", "from 1 to 65535"},
		{"APP_SOCKET_ADDRESS", "http://a:1/path", "must be unix:///absolute/path or http://host"},
		{"APP_SOCKET_ADDRESS", "http://user@a:1", "must be unix:///absolute/path or http://host"},
		{"APP_SOCKET_ADDRESS", "http://a:1?query", "must be unix:///absolute/path or http://host"},
		{"APP_SOCKET_ADDRESS", "http://a:1#part", "must be unix:///absolute/path or http://host"},
		{"APP_API_DOCS_PATH", "/a b", "must be a plain URL path"},
		{"APP_API_DOCS_PATH", "/a\x01b", "must be a plain URL path"},
		{"APP_SOCKET_ADDRESS", "http://a", "[app] socket_port (default): must be from 1 to 65535"},
		{"APP_SOCKET_PORT", "70000", "from 0 to 65535"},
		{"APP_SOCKET_MODE", "0888", "octal"},
		{"APP_SOCKET_MODE", "1777", "octal"},
		{"APP_ADMIN_ADDRESS", "8080", "must be host:port"},
		{"APP_ADMIN_ADDRESS", "a:70000", "must be host:port"},
		{"APP_SHUTDOWN_GRACE", "-1", "0 or more"},
		{"APP_SHUTDOWN_GRACE", "1h30", "must be a duration"},
		{"APP_INSTANCE", "a b", "is not valid"},
		{"APP_MAX_BODY", "0", "number of bytes above 0"},
		{"APP_MAX_BODY", "9999999999999GiB", "number of bytes above 0"},
		{"APP_MAX_BODY", "64MB", "number of bytes above 0"},
		{"APP_ADMIN_HOSTS", "https://admin.example.org", "without a scheme or a port"},
		{"APP_ADMIN_HOSTS", "admin.example.org:8080", "without a scheme or a port"},
		{"K8S_QPS", "-1", "0 or more"},
		{"K8S_QPS", "NaN", "0 or more"},
		{"K8S_QPS", "Inf", "0 or more"},
		{"K8S_BURST", "0", "from 1 to"},
		{"K8S_KUBECONFIG", "hunter2", "must be a kubeconfig"},
		{"K8S_KUBECONFIG", "a: b: hunter2", "must be a kubeconfig"},
		{"K8S_CLIENT_CONFIGURATION", "hunter2", "must be a JSON object"},
		{"K8S_CLIENT_CONFIGURATION", `{"verify_sll":1,"api_key":"hunter2"}`, `"api_key" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; "verify_sll" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; did you mean verify_ssl?`},
		{"K8S_CLIENT_CONFIGURATION", `{"Host":"x"}`, `"Host" is not one of`},
		{"K8S_CLIENT_CONFIGURATION", `{"f0":1,"e0":1,"d0":1,"c0":1,"b0":1,"a0":1}`, "\"a0\" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; \"b0\" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; \"c0\" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; \"d0\" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; \"e0\" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host; \"f0\" is not one of verify_ssl, ssl_ca_cert, cert_file, key_file, proxy, host"},
		{"K8S_CLIENT_CONFIGURATION", `{"verify_ssl":"hunter2"}`, "verify_ssl is not true or false"},
		{"K8S_CLIENT_CONFIGURATION", `{"cert_file":"x"}`, "requires key_file"},
		{"K8S_CLIENT_CONFIGURATION", `{"key_file":"x"}`, "requires cert_file"},
		{"K8S_CLIENT_CONFIGURATION", `{"proxy":"http://me:hunter2@ho st"}`, "proxy must be a URL"},
		{"K8S_CLIENT_CONFIGURATION", `{"host":"api"}`, "host must be a URL"},
		{"OFFLOADING_NAMESPACE_PREFIX", "Off", "is not valid"},
		{"OFFLOADING_NAMESPACE_PREFIX", strings.Repeat("x", 41), "too long"},
		{"OFFLOADING_NAMESPACE_PREFIX_EXCLUSIONS", `["a`, "must be a list such as"},
		{"OFFLOADING_NAMESPACE_PREFIX_EXCLUSIONS", `[1]`, `a value in it is not a text in "quotes"`},
		{"OFFLOADING_NAMESPACE_PREFIX_EXCLUSIONS", "a.b", "is not valid"},
		{"OFFLOADING_NODE_SELECTOR", `{"a":1}`, `a value in it is not a text in "quotes"`},
		{"OFFLOADING_NODE_SELECTOR", `{"":"b"}`, "must not be empty"},
		{"OFFLOADING_NODE_SELECTOR", `{"a b":""}`, "is not valid"},
		{"OFFLOADING_NODE_SELECTOR", `{"a":"b c"}`, "is not valid"},
		{"OFFLOADING_NODE_SELECTOR", `{} {}`, "more text after"},
		{"OFFLOADING_NODE_TOLERATIONS", `{}`, "it is not a list"},
		{"MESH_RESOURCES", `{"cpu":"1"}`, `unknown field "cpu"`},
		{"MESH_RESOURCES", `{"requests":{"cpu":"much"}}`, "must be a JSON object"},
		{"MESH_RESOURCES", `{"requests":{"cpu":"-1"}}`, "cpu must not be negative"},
		{"MESH_RESOURCES", `{"requests":{"memory":"2Gi"},"limits":{"memory":"1Gi"}}`, "the request for memory is larger than its limit"},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"keys":"a"}]`, `unknown field "keys"`},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"key":"a"},{"key":"a","operator":"In"}]`, `toleration 2: operator "In" must be`},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"key":"a","effect":"Never"}]`, `effect "Never" must be`},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"value":"a"}]`, "operator must be Exists"},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"key":"a","operator":"Exists","value":"b"}]`, "value must be empty"},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"key":"a","operator":"Lt","value":"b"}]`, "whole number"},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"key":"a","toleration_seconds":1}]`, "effect must be NoExecute"},
		{"OFFLOADING_NODE_TOLERATIONS", `[{"key":"a","tolerationSeconds":"1"}]`, "tolerationSeconds is not a whole number"},
		{"OFFLOADING_NAMESPACE", "A", "is not valid"},
		{"OFFLOADING_IMAGE_PULL_SECRETS", "a,b_c", `"b_c" is not valid`},
		{"OFFLOADING_SERVICE_ACCOUNT", "a b", "is not valid"},
		{"OFFLOADING_SCHEDULER_NAME", "a b", "must not contain spaces"},
		{"OFFLOADING_CREATE_TIMEOUT", "120", "at most 1m45s"},
		{"OFFLOADING_CREATE_TIMEOUT", "0s", "above 0s"},
		{"OFFLOADING_UNSUPPORTED_VOLUMES", "keep", "must be drop or refuse"},
		{"MESH_IMAGE", "", "must not be empty"},
		{"MESH_WSTUNNEL_URL", "", "must not be empty"},
		{"MESH_WSTUNNEL_URL", "example.org/wstunnel", "must be a URL such as"},
		{"MESH_WIREGUARD_GO_URL", "file:///etc/passwd", "must be a URL such as"},
		{"MESH_WG_URL", "https://user:s3cr3t@example.org/wg", "must not contain a user or a password"},
		{"MESH_WG_URL", "https://example.org/a b", "must be a URL such as"},
		{"MESH_WG_URL", "https://example.org/wg#sha256=12", "must end in #sha256="},
		{"TCP_TUNNEL_BASTION_NAMESPACE", "", "must not be empty"},
		{"TCP_TUNNEL_GATEWAY_HOST", "http://gateway", "must be the name of a host"},
		{"TCP_TUNNEL_GATEWAY_PORT", "-1", "from 0 to 65535"},
		{"TCP_TUNNEL_GATEWAY_USER", "", "must not be empty"},
		{"TCP_TUNNEL_GATEWAY_SSH_HOST_KEY", "AAAAC3Nz", "must be a public key"},
		{"TCP_TUNNEL_BASTION_IMAGE", "example.org:5000/openssh", "must have a tag or a digest"},
		{"MESH_STARTUP_TIMEOUT", "500ms", "must be at least 1s"},
	} {
		t.Run(test.env+"="+test.value, func(t *testing.T) {
			result, err := Parse(nil, []string{test.env + "=" + test.value})
			if err == nil {
				t.Fatalf("no error, want %q", test.want)
			}
			if strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v\nwant one with %q and no secret", err, test.want)
			}
			var shown strings.Builder
			if err := result.Print(&shown); err != nil || strings.Contains(shown.String(), "hunter2") {
				t.Errorf("printed, error %v: %s", err, shown.String())
			}
		})
	}
}

func TestTunnelsNeedAPrivateKey(t *testing.T) {
	env := []string{"TCP_TUNNEL_ENABLED=true", "TCP_TUNNEL_GATEWAY_HOST=gateway", "TCP_TUNNEL_GATEWAY_PORT=22"}
	if _, err := Parse(nil, append(env, "TCP_TUNNEL_GATEWAY_SSH_PRIVATE_KEY="+pemKey)); err != nil {
		t.Error(err)
	}
	_, err := Parse(nil, append(env, "TCP_TUNNEL_GATEWAY_SSH_PRIVATE_KEY=hunter2"))
	if err == nil || !strings.Contains(err.Error(), "must be a private key in PEM") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v, want one of PEM and no secret", err)
	}
}

func TestPrivateKeyInFile(t *testing.T) {
	data := "[tcp_tunnel]\ngateway_ssh_private_key=" + strings.ReplaceAll(pemKey, "\n", "\n    ") + "\n"
	result, err := Parse([]string{"--config=" + writeFile(t, data)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Config.TCPTunnel.GatewaySSHPrivateKey.Reveal(); got != pemKey {
		t.Errorf("the key reads %q", got)
	}
}

func TestListen(t *testing.T) {
	for _, test := range []struct {
		env  []string
		want string // or the error
	}{
		{nil, "unix /var/run/.plugin.sock"},
		{[]string{"APP_SOCKET_PORT=4000"}, "unix /var/run/.plugin.sock"},
		{[]string{"APP_SOCKET_ADDRESS=http://0.0.0.0", "APP_SOCKET_PORT=4000"}, "tcp 0.0.0.0:4000"},
		{[]string{"APP_SOCKET_ADDRESS=http://localhost:4000/"}, "tcp localhost:4000"},
		{[]string{"APP_SOCKET_ADDRESS=http://[::1]", "APP_SOCKET_PORT=4000"}, "tcp [::1]:4000"},
		{[]string{"APP_SOCKET_ADDRESS=0.0.0.0", "APP_SOCKET_PORT=4000"}, "tcp 0.0.0.0:4000"},
		{[]string{"APP_SOCKET_ADDRESS=http://a:1", "APP_SOCKET_PORT=2"}, "[app] socket_port (environment APP_SOCKET_PORT): is 2, but socket_address contains port 1; remove one of them"},
		{[]string{"APP_SOCKET_ADDRESS=http://a:1", "APP_ADMIN_ADDRESS=a:1"}, "[app] admin_address (environment APP_ADMIN_ADDRESS): must differ from the address that InterLink calls"},
		{[]string{"APP_ADMIN_TOKEN_FILE=/token"}, "[app] admin_token_file (environment APP_ADMIN_TOKEN_FILE): is for the page on [app] admin_address, which is empty"},
		{[]string{"APP_ADMIN_TOKEN_FILE=/token", "APP_ADMIN_ADDRESS=:8080"}, "unix /var/run/.plugin.sock"},
	} {
		result, err := Parse(nil, test.env)
		got := strings.Join(listen(result.Config), " ")
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.env, got, test.want)
		}
	}
}

func listen(c Config) []string {
	network, address := c.App.Listen()
	return []string{network, address}
}
