package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

const kubeconfig = `{"apiVersion":"v1","kind":"Config","current-context":"one",
"clusters":[{"name":"one","cluster":{"server":"https://one.example.org","certificate-authority-data":"Y2E="}},
            {"name":"two","cluster":{"server":"https://two.example.org","insecure-skip-tls-verify":true}}],
"users":[{"name":"u","user":{"token":"the-token"}}],
"contexts":[{"name":"one","context":{"cluster":"one","user":"u"}},{"name":"two","context":{"cluster":"two","user":"u"}}]}`

func TestConnectChoosesCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	inline := strings.ReplaceAll(kubeconfig, "one.example.org", "inline.example.org")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, test := range []struct {
		name    string
		options config.K8s
		check   func(*rest.Config) bool
		err     string
	}{
		{
			name: "a file", options: config.K8s{KubeconfigPath: file, QPS: 7, Burst: 9},
			check: func(c *rest.Config) bool {
				return c.Host == "https://one.example.org" && c.BearerToken == "the-token" && c.QPS == 7 && c.Burst == 9 &&
					c.UserAgent == "plugin/1" && strings.Contains(c.ContentType, "protobuf")
			},
		},
		{
			name: "no limit", options: config.K8s{KubeconfigPath: file, QPS: 0, Burst: 9}, // client-go takes 0 for its default of 5
			check: func(c *rest.Config) bool { return c.QPS < 0 },
		},
		{
			name: "a file is preferred to an inline kubeconfig", options: config.K8s{KubeconfigPath: file, Kubeconfig: config.Secret(inline)},
			check: func(c *rest.Config) bool { return c.Host == "https://one.example.org" },
		},
		{
			name: "the inline kubeconfig without a file", options: config.K8s{KubeconfigPath: missing, Kubeconfig: config.Secret(inline)},
			check: func(c *rest.Config) bool { return c.Host == "https://inline.example.org" },
		},
		{
			name: "another context", options: config.K8s{Kubeconfig: kubeconfig, Context: "two"},
			check: func(c *rest.Config) bool { return c.Host == "https://two.example.org" && c.Insecure },
		},
		{
			name: "overrides", options: config.K8s{Kubeconfig: kubeconfig, ClientConfiguration: &config.ClientConfiguration{
				Host: "https://gateway.example.org", SSLCACert: "/ca", CertFile: "/cert", KeyFile: "/key", Proxy: "http://user:pw@proxy:3128",
			}},
			check: func(c *rest.Config) bool {
				proxy, err := c.Proxy(nil)
				return c.Host == "https://gateway.example.org" && c.CAFile == "/ca" && c.CAData == nil && c.CertFile == "/cert" &&
					c.KeyFile == "/key" && err == nil && proxy.Host == "proxy:3128"
			},
		},
		{
			name: "TLS verification off", options: config.K8s{Kubeconfig: kubeconfig, ClientConfiguration: &config.ClientConfiguration{VerifySSL: ptr.To(false)}},
			check: func(c *rest.Config) bool { return c.Insecure && c.CAData == nil },
		},
		{
			name: "TLS verification on", options: config.K8s{Kubeconfig: kubeconfig, Context: "two", ClientConfiguration: &config.ClientConfiguration{VerifySSL: ptr.To(true)}},
			check: func(c *rest.Config) bool { return !c.Insecure },
		},
		{name: "a file that does not exist", options: config.K8s{KubeconfigPath: missing, KubeconfigPathGiven: true}, err: "no such file"},
		{name: "no credentials", options: config.K8s{KubeconfigPath: missing}, err: "no credentials for the remote cluster"},
		{name: "a context that does not exist", options: config.K8s{Kubeconfig: kubeconfig, Context: "three"}, err: "three"},
		{name: "the error does not quote the inline kubeconfig", options: config.K8s{Kubeconfig: "token: [s3cr3t"}, err: "not a kubeconfig in YAML or JSON"},
		{name: "the error does not quote the proxy", options: config.K8s{Kubeconfig: kubeconfig, ClientConfiguration: &config.ClientConfiguration{Proxy: "http://u:s3cr3t@[::"}}, err: "proxy is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, err := cluster.Connect(test.options, "plugin/1")
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("Connect returns error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(client) {
				t.Errorf("Connect returns %+v", client)
			}
		})
	}
}
