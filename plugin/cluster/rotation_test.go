package cluster

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// newAccount creates a service account that may read pods, and returns its token.
func newAccount(t *testing.T, server *apiserver.Server, namespace, name string) string {
	t.Helper()
	accounts := server.Client.CoreV1().ServiceAccounts(namespace)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = server.Grant(t.Context(), "system:serviceaccount:"+namespace+":"+name, namespace,
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "watch"}})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// A token that is revoked on a real API server is an answer 401. The new one is used without a restart, by the same
// client, whether the kubeconfig or the token file has it. Until then, the answer is Unavailable.
func TestATokenIsReadAgainAfterA401(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	for _, inFile := range []bool{false, true} {
		dir := t.TempDir()
		kubeconfig, tokenFile := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "token")
		write := func(token string) {
			user := &clientcmdapi.AuthInfo{Token: token}
			if inFile {
				user = &clientcmdapi.AuthInfo{TokenFile: "token"}
				writeFile(t, tokenFile, []byte(token+"\n"))
			}
			text, err := clientcmd.Write(clientcmdapi.Config{
				Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: server.Config.Host, CertificateAuthorityData: server.Config.CAData}},
				AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": user},
				Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "c", AuthInfo: "u"}},
				CurrentContext: "c",
			})
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, kubeconfig, text)
		}
		name := map[bool]string{true: "in-file", false: "inline"}[inFile]
		write(newAccount(t, server, namespace, name+"-old"))
		client, err := Connect(config.K8s{KubeconfigPath: kubeconfig}, "test")
		if err != nil {
			t.Fatal(err)
		}
		c := &Cluster{client: client}
		list := func() error { _, err := c.ListPods(t.Context(), namespace); return err }
		if err := list(); err != nil {
			t.Fatal(err)
		}
		if err := server.Client.CoreV1().ServiceAccounts(namespace).Delete(t.Context(), name+"-old", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the token is revoked", func() bool { return list() != nil })
		if err := list(); !errdefs.Is(err, errdefs.Unavailable) || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s: with a token that is revoked, a list ends with %v of kind %s", name, err, errdefs.KindOf(err))
		}
		if refused := client.Connection.health.refused(); refused.Since.IsZero() || !errdefs.Is(refused.Reason, errdefs.Unavailable) {
			t.Errorf("%s: the refusal is not seen: %+v", name, refused)
		}
		write(newAccount(t, server, namespace, name+"-new"))
		if err := list(); err != nil {
			t.Errorf("%s: with the new token, a list ends with %v", name, err)
		}
		if refused := client.Connection.health.refused(); !refused.Since.IsZero() {
			t.Errorf("%s: the API server accepts the token, but is said to refuse it since %s: %v", name, refused.Since, refused.Reason)
		}
	}
}

// The client certificate, the CA and the address change with their files. A file that is not usable changes nothing, and
// is logged once. A watch with the earlier credentials ends.
func TestCertificatesAreReadAgain(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	user := func(name string) {
		added, err := server.AddUser(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Grant(t.Context(), name, namespace, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "watch"}}); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path("cert"), added.Config().CertData)
		writeFile(t, path("key"), added.Config().KeyData)
	}
	user("rotation-a")
	writeFile(t, path("ca"), server.Config.CAData)
	log := testkit.NewLog(t)
	client, err := Connect(config.K8s{Kubeconfig: config.Secret(kubeconfigOf(t, other, "/prefix", "")), ClientConfiguration: &config.ClientConfiguration{
		Host: server.Config.Host, SSLCACert: path("ca"), CertFile: path("cert"), KeyFile: path("key"),
	}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	client.Connection.log.Store(log.Logger())
	rotation := client.Connection.rotation
	pods := client.CoreV1().Pods(namespace)
	list := func() error { _, err := pods.List(t.Context(), metav1.ListOptions{}); return err }
	if err := list(); err != nil {
		t.Fatal(err)
	}
	watching, err := pods.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Stop()

	first := rotation.newest()
	rotation.look()
	if rotation.newest() != first {
		t.Error("the credentials are replaced though nothing changed")
	}
	for _, broken := range []struct{ file, text string }{{"cert", ""}, {"cert", "no certificate"}, {"ca", ""}, {"ca", "no certificate"}} {
		good, err := os.ReadFile(path(broken.file))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, path(broken.file), []byte(broken.text))
		before := strings.Count(log.String(), "cannot be read")
		rotation.look()
		rotation.look()
		if rotation.newest() != first {
			t.Errorf("%+v: the credentials are replaced", broken)
		}
		if got := strings.Count(log.String(), "cannot be read") - before; got != 1 {
			t.Errorf("%+v: it is logged %d times, want once", broken, got)
		}
		writeFile(t, path(broken.file), good)
		rotation.look()
	}
	if err := list(); err != nil {
		t.Errorf("after files that are not usable: %v", err)
	}

	user("rotation-b")
	rotation.look()
	if rotation.newest() == first {
		t.Fatal("a new certificate is not used")
	}
	testkit.Eventually(t, "the watch of the earlier credentials ends", func() bool {
		select {
		case _, open := <-watching.ResultChan():
			return !open
		default:
			return false
		}
	})
	if err := list(); err != nil {
		t.Errorf("with the new certificate: %v", err)
	}
	if away := client.Connection.health.unreachable(); !away.Since.IsZero() {
		t.Errorf("the API server is said to be unreachable: %v", away.Reason)
	}
}

// The address in the kubeconfig changes, with the CA, and the path that comes before the API.
func TestAnotherAddressIsUsed(t *testing.T) {
	var calls [2]atomic.Int32
	path := filepath.Join(t.TempDir(), "kubeconfig")
	var texts []string
	for i, prefix := range []string{"/one", "/two/k8s"} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls[i].Add(1)
			if r.URL.Path != prefix+"/api/v1/namespaces/n/pods/p" || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "Bearer token-"+prefix {
				t.Errorf("%s receives %s with %s", prefix, r.URL, r.Header.Get("Authorization"))
			}
			answer{code: 200, kind: jsonType, body: `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n"}}`}.ServeHTTP(w, r)
		}))
		defer server.Close()
		texts = append(texts, kubeconfigOf(t, server, prefix, "token-"+prefix))
	}
	writeFile(t, path, []byte(texts[0]))
	client, err := Connect(config.K8s{KubeconfigPath: path}, "test")
	if err != nil {
		t.Fatal(err)
	}
	get := func() {
		if _, err := client.CoreV1().Pods("n").Get(t.Context(), "p", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	}
	get()
	moved := 0
	client.Connection.rotation.moved = func() { moved++ }
	writeFile(t, path, []byte(strings.ReplaceAll(texts[0], "token-", "other-"))) // at the same address
	client.Connection.rotation.look()
	if moved != 0 {
		t.Error("other credentials count as another address")
	}
	writeFile(t, path, []byte(texts[1]))
	client.Connection.rotation.look()
	if moved != 1 {
		t.Errorf("%d other addresses are seen, want 1", moved)
	}
	get()
	if calls[0].Load() != 1 || calls[1].Load() != 1 {
		t.Errorf("the servers received %d and %d requests, want one each", calls[0].Load(), calls[1].Load())
	}
}

// A kubeconfig that is missing for a moment, or that appears later, does not let the plugin use another cluster.
func TestTheSourceOfTheCredentialsStays(t *testing.T) {
	inline := config.Secret(`{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
		"clusters":[{"name":"c","cluster":{"server":"https://inline"}}],"users":[{"name":"u"}]}`)
	file := strings.ReplaceAll(inline.Reveal(), "https://inline", "https://file")
	for _, test := range []struct {
		name  string
		given bool
		first bool // the file exists at the start
		want  string
	}{
		{"a file at the default path", false, true, "https://file"},
		{"a file at a given path", true, true, "https://file"},
		{"no file", false, false, "https://inline"},
		{"no file at a given path", true, false, "https://inline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kubeconfig")
			if test.first {
				writeFile(t, path, []byte(file))
			}
			client, err := Connect(config.K8s{KubeconfigPath: path, KubeconfigPathGiven: test.given, Kubeconfig: inline}, "test")
			if err != nil {
				t.Fatal(err)
			}
			if test.first {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				writeFile(t, path, []byte(file))
			}
			client.Connection.rotation.look()
			if got := client.Connection.rotation.newest().host.String(); !strings.HasPrefix(got, test.want) {
				t.Errorf("the plugin uses %s, want %s", got, test.want)
			}
		})
	}
}
