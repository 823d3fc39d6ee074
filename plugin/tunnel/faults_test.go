package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// about says what a request asks for, as a right.
func about(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	at := slices.Index(parts, "namespaces")
	if at < 0 {
		return "" // discovery
	}
	group := ""
	if parts[0] == "apis" {
		group = "." + parts[1]
	}
	verb := map[string]string{"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch"}[r.Method]
	if verb == "get" && len(parts) == at+3 {
		verb = "list"
	}
	return verb + " " + parts[at+2] + group
}

// Each request of an Open fails, in each way, and so does each of a Close: what
// was not done is told, what was begun can be taken away or finished, and nothing
// is ever there that Close does not find.
func TestEachRequestFails(t *testing.T) {
	count := newEnv(t)
	count.faults.set(nil)
	count.must(count.Open(t.Context(), release, labels("a"), 8080, target))
	opening := len(count.faults.requests())
	count.faults.set(nil)
	count.must(count.Close(t.Context(), scope.TunnelSelector(uid)))
	closing := len(count.faults.requests())
	t.Logf("%d requests to open a first tunnel, %d to close it", opening, closing)
	// A fault is struck by a call, or by all from there on: Helm's own tidying fails too.
	for _, f := range []fault{refused, lost, broken, forbidden} {
		for _, forGood := range []bool{false, true} {
			if f == lost && forGood {
				continue // to the client, the same as refused: but it tries each read for 10 s
			}
			t.Run(fmt.Sprintf("%s, for good %v", f, forGood), func(t *testing.T) {
				e := newEnv(t)
				strike := func(at int) func(int, *http.Request) fault {
					return func(n int, r *http.Request) fault {
						if n == at || forGood && n > at {
							return f
						}
						return ""
					}
				}
				for n := range opening {
					e.faults.set(strike(n))
					err := e.Open(t.Context(), release, labels("a"), 8080, target)
					e.faults.set(nil)
					if err != nil {
						if !errdefs.Is(err, expected(f)) {
							t.Errorf("request %d of Open: %v is %s", n, err, errdefs.KindOf(err))
						}
						if n%2 == 0 { // or it is tried again
							e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
							e.isEmpty()
						}
					}
					e.must(e.Open(t.Context(), release, labels("b"), 8080, target))
					if there := e.there(); len(there) != len(whole) {
						t.Errorf("request %d of Open failed, and after another try there is %q", n, there)
					}
					e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
					e.isEmpty()
				}
				for n := range closing {
					e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
					e.faults.set(strike(n))
					err := e.Close(t.Context(), scope.TunnelSelector(uid))
					e.faults.set(nil)
					if err == nil && forGood && len(e.there()) > 0 {
						t.Errorf("request %d of Close failed and was not told; left is %q", n, e.there())
					}
					e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
					e.isEmpty()
				}
			})
		}
	}
}

// expected is the kind of error that a fault comes to.
func expected(f fault) errdefs.Kind {
	if f == forbidden {
		return errdefs.Refused
	}
	return errdefs.Unavailable
}

// Nothing is asked for that Rights does not list, and all that it lists.
func TestRights(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	requests := e.faults.requests()
	e.faults.set(func(_ int, r *http.Request) fault { // one that is undone
		if about(r) == "create deployments.apps" {
			return broken
		}
		return ""
	})
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); err == nil {
		t.Error("an Open without its Deployment says that it is done")
	}
	e.isEmpty()
	used := map[string]bool{}
	for _, r := range append(requests, e.faults.requests()...) {
		if what := about(r); what != "" {
			used[what] = true
		}
	}
	for _, r := range tunnel.RequiredPermissions() {
		right := r.Verb + " " + r.Resource
		if r.Group != "" {
			right += "." + r.Group
		}
		if !used[right] {
			t.Errorf("%s is listed and not used", right)
		}
		delete(used, right)
	}
	for right := range used {
		t.Errorf("%s is used and not listed", right)
	}
}

// Many at once, of one pod and of others, as creates and deletes come.
func TestSideBySide(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			other := fmt.Sprintf("%08d-ca03-4864-a97c-dabccaa67f8e", i)
			l := labels("a")
			l[wire.LabelTunnelUID] = other
			for _, port := range []int32{80, 443} {
				if err := e.Open(t.Context(), scope.Scope{}.ReleaseName(port, other), l, port, target); err != nil {
					t.Error(err)
				}
			}
			if err := e.Close(t.Context(), scope.TunnelSelector(other)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	e.standsWhole()
}

// A create that was cancelled must not find Helm at work behind its back.
func TestCanceled(t *testing.T) {
	e := newEnv(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the pod was deleted")
	e.faults.set(func(n int, r *http.Request) fault {
		if about(r) == "create configmaps" {
			cancel(why)
		}
		return ""
	})
	if err := e.Open(ctx, release, labels("a"), 8080, target); !errors.Is(err, why) {
		t.Errorf("it ended with %v", err)
	}
	e.standsWhole() // the caller undoes it
	e.faults.set(nil)
	if err := e.Open(ctx, release, labels("a"), 8080, target); !errors.Is(err, why) || len(e.faults.requests()) > 0 {
		t.Errorf("it ended with %v after %d requests", err, len(e.faults.requests()))
	}
	if err := e.Close(ctx, scope.TunnelSelector(uid)); err == nil {
		t.Error("a Close that was cancelled says that it is done")
	}
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	e.isEmpty()
}

func writeChart(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// What a chart refuses is told in words, without the key.
func TestChartsThatRefuse(t *testing.T) {
	// schema may follow the template.
	chart := func(template string, schema ...string) func(*tunnel.Options) {
		return func(o *tunnel.Options) {
			o.BastionChartPath = t.TempDir()
			files := map[string]string{
				"Chart.yaml": "apiVersion: v2\nname: bastion\nversion: 1.0.0\n", "templates/all.yaml": template,
			}
			if len(schema) > 0 {
				files["values.schema.json"] = schema[0]
			}
			writeChart(t, o.BastionChartPath, files)
		}
	}
	for name, test := range map[string]struct {
		change func(*tunnel.Options)
		says   string
	}{
		"a value that is needed": {func(o *tunnel.Options) { o.GatewayHost = "" }, "host"},
		"the schema":             {func(o *tunnel.Options) { o.GatewayPort = 0 }, "port"},
		"a schema of the key": {chart("", `{"properties":{"tunnel":{"properties":{"gateway":{"properties":{"ssh":{"properties":{"privateKey":{"pattern":"^none$"}}}}}}}}}`),
			"[private key]"},
		"a template":               {chart(`{{ fail (printf "no: %s" .Values.tunnel.gateway.ssh.privateKey) }}`), "no: [private key]"},
		"a template, key decoded":  {chart(`{{ fail (printf "no: %s" (b64dec .Values.tunnel.gateway.ssh.privateKey)) }}`), "[private key]"},
		"the manifest":             {chart("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {{ .Values.tunnel.gateway.ssh.privateKey }}\n"), ""},
		"the API server":           {chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NO_NAME}\n"), "NO_NAME"},
		"a kind that is not known": {chart("apiVersion: example.org/v1\nkind: Nothing\nmetadata: {name: x}\n"), "Nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, test.change)
			err := e.Open(t.Context(), release, labels("a"), 8080, target)
			if err == nil || !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("%v (%s), want invalid and %q", err, errdefs.KindOf(err), test.says)
			}
			if !strings.Contains(err.Error(), e.options.BastionChartPath) {
				t.Errorf("%v does not name the chart %s", err, e.options.BastionChartPath)
			}
			if shown(err.Error()) != "" || shown(e.log.String()) != "" {
				t.Errorf("the key is in %v, or in the log", err)
			}
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.isEmpty()
		})
	}
	if _, err := tunnel.New(nil, tunnel.Options{TCPTunnel: config.TCPTunnel{BastionChartPath: "testdata/nowhere"}}); err == nil || !strings.Contains(err.Error(), "testdata/nowhere") {
		t.Errorf("a chart that is not there: %v", err)
	}
}

// Why a release cannot be taken away is told, though Helm does not.
func TestCloseIsRefused(t *testing.T) {
	for _, what := range []string{"update secrets", "delete deployments.apps", "delete secrets"} {
		t.Run(what, func(t *testing.T) {
			e := newEnv(t)
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			e.faults.set(func(_ int, r *http.Request) fault {
				if about(r) == what {
					return faulty.Says("you may not, said the policy")
				}
				return ""
			})
			err := e.Close(t.Context(), scope.TunnelSelector(uid))
			if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "you may not, said the policy") {
				t.Errorf("%v (%s), want the refusal", err, errdefs.KindOf(err))
			}
			e.faults.set(nil)
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.isEmpty()
		})
	}
}

func TestNamespaceIsGone(t *testing.T) {
	e := newEnv(t, func(o *tunnel.Options) { o.BastionNamespace = "nowhere" })
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.NotFound) {
		t.Errorf("%v (%s), want not found: the caller makes the namespace then", err, errdefs.KindOf(err))
	}
}

// A host key that nobody looks at would be worse than none.
func TestHostKeyThatAChartDoesNotKnow(t *testing.T) {
	remote := &rest.Config{Host: "https://127.0.0.1:1"}
	for chart, wants := range map[string]string{"": "", "testdata/python": "hostKey"} {
		_, err := tunnel.New(remote, tunnel.Options{TCPTunnel: config.TCPTunnel{BastionChartPath: chart, GatewaySSHHostKey: "ssh-ed25519 AAAA"}})
		if (err == nil) != (wants == "") || err != nil && !strings.Contains(err.Error(), wants) {
			t.Errorf("chart %q: %v", chart, err)
		}
	}
}
