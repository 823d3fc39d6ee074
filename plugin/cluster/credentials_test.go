package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
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
		name        string
		credentials cluster.Credentials
		check       func(*rest.Config) bool
		err         string
	}{
		{
			name: "a file", credentials: cluster.Credentials{KubeconfigPath: file, QPS: 7, Burst: 9, UserAgent: "plugin/1"},
			check: func(c *rest.Config) bool {
				return c.Host == "https://one.example.org" && c.BearerToken == "the-token" && c.QPS == 7 && c.Burst == 9 &&
					c.UserAgent == "plugin/1" && strings.Contains(c.ContentType, "protobuf")
			},
		},
		{
			name: "a file is preferred to an inline kubeconfig", credentials: cluster.Credentials{KubeconfigPath: file, Kubeconfig: inline},
			check: func(c *rest.Config) bool { return c.Host == "https://one.example.org" },
		},
		{
			name: "the inline kubeconfig without a file", credentials: cluster.Credentials{KubeconfigPath: missing, Kubeconfig: inline},
			check: func(c *rest.Config) bool { return c.Host == "https://inline.example.org" },
		},
		{
			name: "another context", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Context: "two"},
			check: func(c *rest.Config) bool { return c.Host == "https://two.example.org" && c.Insecure },
		},
		{
			name: "overrides", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Overrides: cluster.Overrides{
				Host: "https://gateway.example.org", SSLCACert: "/ca", CertFile: "/cert", KeyFile: "/key", Proxy: "http://user:pw@proxy:3128",
			}},
			check: func(c *rest.Config) bool {
				proxy, err := c.Proxy(nil)
				return c.Host == "https://gateway.example.org" && c.CAFile == "/ca" && c.CAData == nil && c.CertFile == "/cert" &&
					c.KeyFile == "/key" && err == nil && proxy.Host == "proxy:3128"
			},
		},
		{
			name: "TLS verification off", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Overrides: cluster.Overrides{VerifySSL: ptr.To(false)}},
			check: func(c *rest.Config) bool { return c.Insecure && c.CAData == nil },
		},
		{
			name: "TLS verification on", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Context: "two", Overrides: cluster.Overrides{VerifySSL: ptr.To(true)}},
			check: func(c *rest.Config) bool { return !c.Insecure },
		},
		{name: "a file that does not exist", credentials: cluster.Credentials{KubeconfigPath: missing}, err: "no such file"},
		{name: "no credentials", credentials: cluster.Credentials{KubeconfigPath: missing, KubeconfigOptional: true}, err: "no credentials for the remote cluster"},
		{name: "a context that does not exist", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Context: "three"}, err: "three"},
		{name: "the error does not quote the inline kubeconfig", credentials: cluster.Credentials{Kubeconfig: "token: [s3cr3t"}, err: "not a kubeconfig in YAML or JSON"},
		{name: "the error does not quote the proxy", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Overrides: cluster.Overrides{Proxy: "http://u:s3cr3t@[::"}}, err: "proxy is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, err := cluster.Connect(test.credentials)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("Connect returns error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(config) {
				t.Errorf("Connect returns %+v", config)
			}
		})
	}
}
