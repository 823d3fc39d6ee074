package plugin

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// noTunnels opens no tunnel; the checks read Helm's records by themselves.
type noTunnels struct{ lifecycle.Tunnels }

// often lets the checks run again after a moment, and wait not long for an answer.
func often(p *Plugin) {
	for _, check := range p.readiness.background {
		check.every, check.again, check.timeout = 10*time.Millisecond, 10*time.Millisecond, 2*time.Second
	}
}

func exposePorts(namespace string) func(*config.Config) {
	return func(cfg *config.Config) {
		cfg.Offloading.OrphanGrace = 0
		cfg.App.Instance, cfg.TCPTunnel.Enabled, cfg.TCPTunnel.BastionNamespace = "one", true, namespace
	}
}

// verbose waits until readyz?verbose has a line that begins in a way, and returns that line. A check that fails makes
// the answer 503, and not that of a kubelet.
func (o *outside) verbose(begins string) string {
	o.t.Helper()
	var found string
	testkit.Eventually(o.t, "readyz?verbose has the line "+begins, func() bool {
		code, text := o.get(http.DefaultClient, o.admin+"/readyz?verbose", "")
		if (code == http.StatusOK) == strings.Contains(text, "[-]") {
			o.t.Errorf("the answer is %d %s", code, text)
		}
		for line := range strings.Lines(text) {
			if found = line; strings.HasPrefix(line, begins) {
				return true
			}
		}
		return false
	})
	if code, text := o.get(http.DefaultClient, o.admin+"/readyz?exclude=remote-accepted&exclude=watch-fresh", ""); o.plugin.cluster.Synced() && code != http.StatusOK {
		o.t.Errorf("a kubelet gets %d %s", code, text)
	}
	return found
}

func (o *outside) countedReleases() string {
	_, text := o.get(http.DefaultClient, o.admin+"/metrics", "")
	_, rest, _ := strings.Cut(text, "\ninterlink_plugin_tunnel_releases ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// Each remote call of the checks fails in each way: the line of readyz?verbose says so, and the number of releases
// stays; afterwards the line is ok again. No request of readyz sends one of these calls.
func TestAFailureOfTheChecksIsSeenFromOutside(t *testing.T) {
	const (
		denied   = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"it is forbidden: a quota"}`
		releases = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"r","labels":{"name":"r"}}}]}`
	)
	for name, fail := range map[string]func(http.ResponseWriter, *http.Request){
		"403": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403); _, _ = io.WriteString(w, denied) },
		"500": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, strings.NewReplacer("403", "500", "Forbidden", "InternalError").Replace(denied))
		},
		"no answer":           func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"the connection ends": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"another program": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>log in</html>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var fails atomic.Pointer[string]
			none, remote := "", &apiServer{}
			fails.Store(&none)
			kubeconfig := played(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, resource, _ := strings.Cut(r.URL.Path, "v1/")
				switch {
				case *fails.Load() == resource:
					_, _ = io.Copy(io.Discard, r.Body) // so that the end of the request is seen
					fail(w, r)
				case strings.HasSuffix(resource, "secrets"):
					_, _ = io.WriteString(w, releases)
				default:
					remote.ServeHTTP(w, r)
				}
			}))
			o := runOutside(t, kubeconfig, noTunnels{}, exposePorts("bastions"), often)
			testkit.Eventually(t, "the pod cache is filled", o.plugin.cluster.Synced)
			for check, resource := range map[string]string{"rights": "selfsubjectaccessreviews", "tunnel-releases": "namespaces/bastions/secrets"} {
				o.verbose("[+]" + check + " ok\n")
				fails.Store(&resource)
				line := o.verbose("[-]" + check + " failed: ")
				if want := map[string]string{"rights": "check the permission to ", "tunnel-releases": "list secrets in namespace bastions: "}[check]; !strings.Contains(line, want) {
					t.Errorf("the line is %q, want %q in it", line, want)
				}
				if got := o.countedReleases(); check == "tunnel-releases" && got != "1" {
					t.Errorf("during the failure, the metric says %s releases", got)
				}
				fails.Store(&none)
				o.verbose("[+]" + check + " ok\n")
			}
		})
	}
	t.Run("requests send nothing", func(t *testing.T) {
		var lists, reviews atomic.Int64
		remote := &apiServer{}
		kubeconfig := played(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "secrets"):
				lists.Add(1)
			case strings.Contains(r.URL.Path, "/selfsubject"):
				reviews.Add(1)
			}
			remote.ServeHTTP(w, r)
		}))
		o := runOutside(t, kubeconfig, noTunnels{}, exposePorts("bastions"), func(p *Plugin) {
			for _, check := range p.readiness.background {
				check.every = time.Hour
			}
		})
		o.verbose("[+]tunnel-releases ok\n")
		o.verbose("[+]rights ok\n")
		before := reviews.Load()
		const requests = 20
		for range requests {
			o.verbose("[+]tunnel-releases ok\n")
		}
		if got := lists.Load(); got != 1 {
			t.Errorf("%d lists were sent, want 1", got)
		}
		// The check of rights asked for each of them once; the monitor of the connection asks once in a while by itself.
		if got := reviews.Load(); before < int64(len(o.plugin.readiness.required)) || got-before >= requests {
			t.Errorf("%d reviews were sent before %d requests, and %d then", before, requests, got-before)
		}
	})
}

// A file of credentials breaks while the plugin runs, and the API server does not accept the old ones any more: readyz
// says so, quotes nothing of the file, and says when all is well again.
func TestCredentialsThatBreakAreSeenFromOutside(t *testing.T) {
	remote := &apiServer{}
	good := played(t, remote)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(good)
	o := runOutside(t, "", nil, func(cfg *config.Config) {
		cfg.K8s = config.K8s{KubeconfigPath: file, KubeconfigPathGiven: true}
		cfg.Offloading.OrphanGrace = 0
	}, often)
	testkit.Eventually(t, "the pod cache is filled", o.plugin.cluster.Synced)
	o.verbose("[+]credentials ok\n")
	write("{ s3cret")
	remote.refuse.Store(true)
	line := o.verbose("[-]credentials failed: ")
	if !strings.Contains(line, "the newest cannot be read") || strings.Contains(line, "s3cret") || strings.Contains(line, file) {
		t.Errorf("the line is %q", line)
	}
	write(good)
	o.verbose("[+]credentials ok\n")
	remote.refuse.Store(false)
	o.verbose("[+]rights ok\n")
}

// The checks of a real account name the right that it does not have, until it has it, and count its own releases.
func TestRightsThatAreGrantedLater(t *testing.T) {
	server := apiserver.ForTest(t)
	pods, bastions := server.Namespace(t), server.Namespace(t)
	record := func(name, release, instance string) {
		t.Helper()
		labels := map[string]string{"owner": "helm", "name": release, wire.LabelInstance: instance, wire.LabelTunnelUID: "of-" + release}
		_, err := server.Client.CoreV1().Secrets(bastions).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	record("a.v1", "a", "one")
	record("a.v2", "a", "one") // of the same release
	record("b.v1", "b", "one")
	record("c.v1", "c", "two") // of another installation
	const user = "granted-later"
	account, err := server.AddUser(user)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := account.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Defaults()
	cfg.Offloading.Namespace = pods
	exposePorts(bastions)(&cfg)
	rules := map[string][]rbacv1.PolicyRule{} // what is required, by namespace, apart from two
	missing := map[string]rbacv1.PolicyRule{}
	for _, p := range RequiredPermissions(cfg, nil) {
		rule := rbacv1.PolicyRule{APIGroups: []string{p.Group}, Resources: []string{p.Resource}, Verbs: []string{p.Verb}}
		switch {
		case p.Optional:
		case p.Namespace == pods && p.String() == "patch pods", p.Namespace == bastions && p.String() == "list secrets":
			missing[p.Namespace] = rule
		default:
			rules[p.Namespace] = append(rules[p.Namespace], rule)
		}
	}
	grant := func(namespace string, rules ...rbacv1.PolicyRule) {
		t.Helper()
		if err := server.Grant(t.Context(), user, namespace, rules...); err != nil {
			t.Fatal(err)
		}
	}
	for namespace, rules := range rules {
		grant(namespace, rules...)
	}
	o := runOutside(t, string(kubeconfig), noTunnels{}, func(c *config.Config) {
		c.Offloading.Namespace = pods
		exposePorts(bastions)(c)
	}, often)
	both := fmt.Sprintf("[-]rights failed: permissions missing: patch pods in namespace %s, list secrets in namespace %s\n", pods, bastions)
	o.verbose(both)
	o.verbose("[-]tunnel-releases failed: list secrets in namespace " + bastions)
	o.verbose("[+]credentials ok\n")
	if got := o.countedReleases(); got != "0" {
		t.Errorf("without the right to list them, %s releases are counted", got)
	}
	grant(bastions, missing[bastions])
	o.verbose("[-]rights failed: permissions missing: patch pods in namespace " + pods + "\n")
	o.verbose("[+]tunnel-releases ok\n")
	if got := o.countedReleases(); got != "2" {
		t.Errorf("%s releases are counted, want 2", got)
	}
	grant(pods, missing[pods])
	o.verbose("[+]rights ok\n")
	if err := server.Client.CoreV1().Secrets(bastions).Delete(t.Context(), "b.v1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the release is gone", func() bool { return o.countedReleases() == "1" })
}
