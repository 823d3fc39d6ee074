package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

const kubeconfig = `{"apiVersion":"v1","kind":"Config","current-context":"one",
"clusters":[{"name":"one","cluster":{"server":"https://one.example.org","certificate-authority-data":"Y2E="}},
            {"name":"two","cluster":{"server":"https://two.example.org","insecure-skip-tls-verify":true}}],
"users":[{"name":"u","user":{"token":"the-token"}}],
"contexts":[{"name":"one","context":{"cluster":"one","user":"u"}},{"name":"two","context":{"cluster":"two","user":"u"}}]}`

func TestWhichCredentialsAreRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	inline := strings.ReplaceAll(kubeconfig, "one.example.org", "inline.example.org")
	missing := filepath.Join(t.TempDir(), "missing")
	write := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("the "+name), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	withToken := filepath.Join(t.TempDir(), "kubeconfig") // its paths are relative to its folder
	for path, text := range map[string]string{
		withToken: strings.Replace(kubeconfig, `"token":"the-token"`, `"tokenFile":"token"`, 1),
		filepath.Join(filepath.Dir(withToken), "token"): "from-a-file\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		options config.K8s
		check   func(*rest.Config) bool
		err     string
	}{
		{
			name: "a file", options: config.K8s{KubeconfigPath: file},
			check: func(c *rest.Config) bool {
				return c.Host == "https://one.example.org" && c.BearerToken == "the-token" && string(c.CAData) == "ca"
			},
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
				Host: "https://gateway.example.org", SSLCACert: write("ca"), CertFile: write("cert"), KeyFile: write("key"), Proxy: "http://user:pw@proxy:3128",
			}},
			check: func(c *rest.Config) bool {
				proxy, err := c.Proxy(nil)
				return c.Host == "https://gateway.example.org" && string(c.CAData) == "the ca" && string(c.CertData) == "the cert" &&
					string(c.KeyData) == "the key" && c.CAFile+c.CertFile+c.KeyFile == "" && err == nil && proxy.Host == "proxy:3128"
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
		{
			name: "a token file", options: config.K8s{KubeconfigPath: withToken},
			check: func(c *rest.Config) bool { return c.BearerToken == "from-a-file" && c.BearerTokenFile == "" },
		},
		{name: "a kubeconfig that is empty", options: config.K8s{KubeconfigPath: empty, Kubeconfig: kubeconfig}, err: "read kubeconfig " + empty},
		{name: "a certificate that is empty", options: config.K8s{Kubeconfig: kubeconfig, ClientConfiguration: &config.ClientConfiguration{SSLCACert: empty}}, err: empty + " is empty"},
		{name: "a file that does not exist", options: config.K8s{KubeconfigPath: missing, KubeconfigPathGiven: true}, err: "no such file"},
		{name: "no credentials", options: config.K8s{KubeconfigPath: missing}, err: "no credentials for the remote cluster"},
		{name: "a context that does not exist", options: config.K8s{Kubeconfig: kubeconfig, Context: "three"}, err: "three"},
		{name: "the error does not quote the inline kubeconfig", options: config.K8s{Kubeconfig: "token: [s3cr3t"}, err: "not a kubeconfig in YAML or JSON"},
		{name: "the error does not quote the proxy", options: config.K8s{Kubeconfig: kubeconfig, ClientConfiguration: &config.ClientConfiguration{Proxy: "http://u:s3cr3t@[::"}}, err: "proxy is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, err := readCredentials(test.options)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("readCredentials returns error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(client) {
				t.Errorf("readCredentials returns %+v", client)
			}
		})
	}
}
