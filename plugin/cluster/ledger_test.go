package cluster_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

const ledgerName = "usage"

// ledgerFaults lets requests for ConfigMaps fail.
type ledgerFaults struct {
	next http.RoundTripper

	mu      sync.Mutex
	method  string
	fault   faulty.Fault
	silent  bool   // no answer until the caller leaves
	foreign string // an answer 200 that no API server gave
}

func (f *ledgerFaults) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	fault, silent, foreign, chosen := f.fault, f.silent, f.foreign, r.Method == f.method
	f.mu.Unlock()
	switch {
	case !chosen || !strings.Contains(r.URL.Path, "/configmaps"):
		return f.next.RoundTrip(r)
	case silent:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case foreign != "":
		return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(foreign))}, nil
	}
	return fault.RoundTrip(f.next, r)
}

func (f *ledgerFaults) set(method string, fault faulty.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.method, f.fault, f.silent, f.foreign = method, fault, false, ""
}

// newLedger returns a ledger in a namespace of its own, and what can let its calls fail.
func newLedger(t *testing.T, server *apiserver.Server) (*cluster.Ledger, *ledgerFaults, string) {
	t.Helper()
	faults := &ledgerFaults{}
	config := rest.CopyConfig(server.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { faults.next = next; return faults })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.New(client, "", status.CachedFields, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	namespace := server.Namespace(t)
	return c.Ledger(namespace, ledgerName), faults, namespace
}

// expectLedger checks what is stored, and returns its version.
func expectLedger(t *testing.T, l *cluster.Ledger, want string) string {
	t.Helper()
	text, version, err := l.Load(t.Context())
	if err != nil || text != want || version == "" {
		t.Fatalf("the ledger is %q of version %q, with the error %v; want %q", text, version, err, want)
	}
	return version
}

func saveLedger(t *testing.T, l *cluster.Ledger, text, version string) {
	t.Helper()
	if err := l.Save(t.Context(), text, version); err != nil {
		t.Fatal(err)
	}
}

func expectKind(t *testing.T, what string, err error, want errdefs.Kind) {
	t.Helper()
	if got := errdefs.KindOf(err); err == nil || got != want {
		t.Errorf("%s returns %v, of kind %q; want %q", what, err, got, want)
	}
}

// A text replaces only the one that was read, so that no update of another replica is lost.
func TestLedgerIsReplacedOnlyIfItIsTheOneThatWasRead(t *testing.T) {
	l, _, namespace := newLedger(t, apiserver.ForTest(t))
	_, _, err := l.Load(t.Context())
	expectKind(t, "the load of a ledger that does not exist", err, errdefs.NotFound)
	saveLedger(t, l, "one", "")
	first := expectLedger(t, l, "one")
	expectKind(t, "the first save of another replica", l.Save(t.Context(), "other", ""), errdefs.Exists)
	saveLedger(t, l, "two", first)
	expectKind(t, "the save over a later text", l.Save(t.Context(), "other", first), errdefs.Conflict)
	expectLedger(t, l, "two")

	object, err := apiserver.ForTest(t).Client.CoreV1().ConfigMaps(namespace).Get(t.Context(), ledgerName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(object.Labels) > 0 || len(object.OwnerReferences) > 0 {
		t.Errorf("the ledger has the labels %v and the owners %v, so a search for objects of pods could find it", object.Labels, object.OwnerReferences)
	}
}

// What fails has a kind, and changes nothing that is stored.
func TestLedgerCallsThatFail(t *testing.T) {
	server := apiserver.ForTest(t)
	for fault, want := range map[faulty.Fault]errdefs.Kind{
		faulty.Refused: errdefs.Unavailable, faulty.Overloaded: errdefs.Unavailable, faulty.Broken: errdefs.Unavailable,
		faulty.Forbidden: errdefs.Refused, faulty.Conflict: errdefs.Conflict,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			l, faults, _ := newLedger(t, server)
			faults.set(http.MethodPost, fault)
			expectKind(t, "the first save", l.Save(t.Context(), "one", ""), want)
			faults.set("", "")
			saveLedger(t, l, "one", "")
			version := expectLedger(t, l, "one")
			faults.set(http.MethodPatch, fault)
			expectKind(t, "the save", l.Save(t.Context(), "two", version), want)
			faults.set(http.MethodGet, fault)
			_, _, err := l.Load(t.Context())
			expectKind(t, "the load", err, want)
			faults.set("", "")
			saveLedger(t, l, "two", expectLedger(t, l, "one"))
			expectLedger(t, l, "two")
		})
	}
}

// An API server that does not answer ends no later than the caller's patience.
func TestLedgerCallsWithoutAnswer(t *testing.T) {
	l, faults, _ := newLedger(t, apiserver.ForTest(t))
	saveLedger(t, l, "one", "")
	version := expectLedger(t, l, "one")
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodPost} {
		faults.set(method, "")
		faults.mu.Lock()
		faults.silent = true
		faults.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		var err error
		switch method {
		case http.MethodGet:
			_, _, err = l.Load(ctx)
		case http.MethodPatch:
			err = l.Save(ctx, "two", version)
		case http.MethodPost:
			err = l.Save(ctx, "two", "")
		}
		cancel()
		expectKind(t, "a "+method+" without an answer", err, errdefs.Unavailable)
	}
	faults.set("", "")
	expectLedger(t, l, "one")
}

// The answer to a save that was carried out may be lost. The caller reads again, and finds its text.
func TestLedgerSaveWhoseAnswerIsLost(t *testing.T) {
	l, faults, _ := newLedger(t, apiserver.ForTest(t))
	faults.set(http.MethodPost, faulty.Lost)
	expectKind(t, "the first save", l.Save(t.Context(), "one", ""), errdefs.Unavailable)
	expectKind(t, "the first save again", l.Save(t.Context(), "one", ""), errdefs.Unavailable)
	faults.set("", "")
	expectKind(t, "the first save with an answer", l.Save(t.Context(), "one", ""), errdefs.Exists)
	version := expectLedger(t, l, "one")
	faults.set(http.MethodPatch, faulty.Lost)
	expectKind(t, "the save", l.Save(t.Context(), "two", version), errdefs.Unavailable)
	faults.set("", "")
	expectKind(t, "the same save again", l.Save(t.Context(), "two", version), errdefs.Conflict)
	expectLedger(t, l, "two")
}

// An answer 200 that is about another object comes from something else than the API server.
func TestLedgerAnswerOfSomethingElse(t *testing.T) {
	l, faults, _ := newLedger(t, apiserver.ForTest(t))
	saveLedger(t, l, "one", "")
	version := expectLedger(t, l, "one")
	faults.set(http.MethodPatch, "")
	faults.mu.Lock()
	faults.foreign = `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"another"}}`
	faults.mu.Unlock()
	expectKind(t, "the save", l.Save(t.Context(), "two", version), errdefs.Unavailable)
	faults.set("", "")
	expectLedger(t, l, "one")
}

// A ConfigMap of that name without a ledger is someone else's: it is never read as an empty one.
func TestLedgerOfSomeoneElse(t *testing.T) {
	server := apiserver.ForTest(t)
	l, _, namespace := newLedger(t, server)
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: ledgerName}, Data: map[string]string{"mine": "data"}}
	if _, err := server.Client.CoreV1().ConfigMaps(namespace).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, err := l.Load(t.Context())
	expectKind(t, "the load", err, errdefs.Invalid)
	expectKind(t, "the save", l.Save(t.Context(), "text", ""), errdefs.Exists)
}

// A ledger that is deleted while the plugin runs is stored again, and not as if it were changed.
func TestLedgerThatIsDeleted(t *testing.T) {
	server := apiserver.ForTest(t)
	l, _, namespace := newLedger(t, server)
	saveLedger(t, l, "one", "")
	version := expectLedger(t, l, "one")
	if err := server.Client.CoreV1().ConfigMaps(namespace).Delete(t.Context(), ledgerName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	expectKind(t, "the save", l.Save(t.Context(), "two", version), errdefs.NotFound)
	_, _, err := l.Load(t.Context())
	expectKind(t, "the load", err, errdefs.NotFound)
	saveLedger(t, l, "two", "")
	expectLedger(t, l, "two")
}
