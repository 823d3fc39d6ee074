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

func TestConnect(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	inline := strings.ReplaceAll(kubeconfig, "one.example.org", "inline.example.org")
	none := filepath.Join(t.TempDir(), "none")
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
			name: "a file outranks an inline one", credentials: cluster.Credentials{KubeconfigPath: file, Kubeconfig: inline},
			check: func(c *rest.Config) bool { return c.Host == "https://one.example.org" },
		},
		{
			name: "inline where there is no file", credentials: cluster.Credentials{KubeconfigPath: none, Kubeconfig: inline},
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
			name: "no verification", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Overrides: cluster.Overrides{VerifySSL: ptr.To(false)}},
			check: func(c *rest.Config) bool { return c.Insecure && c.CAData == nil },
		},
		{
			name: "verification again", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Context: "two", Overrides: cluster.Overrides{VerifySSL: ptr.To(true)}},
			check: func(c *rest.Config) bool { return !c.Insecure },
		},
		{name: "a file that is not there", credentials: cluster.Credentials{KubeconfigPath: none}, err: "no such file"},
		{name: "nothing at all", credentials: cluster.Credentials{KubeconfigPath: none, KubeconfigOptional: true}, err: "no credentials for the remote cluster"},
		{name: "a context that is not there", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Context: "three"}, err: "three"},
		{name: "inline rubbish is not quoted", credentials: cluster.Credentials{Kubeconfig: "token: [s3cr3t"}, err: "no kubeconfig in YAML or JSON"},
		{name: "a proxy is not quoted", credentials: cluster.Credentials{Kubeconfig: kubeconfig, Overrides: cluster.Overrides{Proxy: "http://u:s3cr3t@[::"}}, err: "proxy is no URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, err := cluster.Connect(test.credentials)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("failed with %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(config) {
				t.Errorf("got %+v", config)
			}
		})
	}
}
