package cluster_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

// someFail lets the first lists and watches of quotas fail, and can break off those that are open.
type someFail struct {
	next http.RoundTripper

	mu    sync.Mutex
	fault faulty.Fault
	lists bool // whether lists fail, or watches; a watch that begins with all objects is a list
	left  int
	// gone lets the next watch that goes on from a resource version be answered 410.
	gone bool
	open []io.Closer
}

func (s *someFail) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/resourcequotas") || r.Method != http.MethodGet {
		return s.next.RoundTrip(r)
	}
	query := r.URL.Query()
	watches := query.Get("watch") != ""
	lists := !watches || query.Get("sendInitialEvents") == "true"
	s.mu.Lock()
	fails := s.left > 0 && lists == s.lists
	if fails {
		s.left--
	}
	gone := s.gone && !lists
	if gone {
		s.gone = false
	}
	s.mu.Unlock()
	switch {
	case gone:
		return &http.Response{StatusCode: http.StatusGone, Request: r, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`))}, nil
	case fails:
		return s.fault.RoundTrip(s.next, r)
	}
	answer, err := s.next.RoundTrip(r)
	if err == nil && watches {
		s.mu.Lock()
		s.open = append(s.open, answer.Body)
		s.mu.Unlock()
	}
	return answer, err
}

// breakOff ends all watches that are open.
func (s *someFail) breakOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, body := range s.open {
		_ = body.Close()
	}
	s.open = nil
}

// watchQuotas watches the quotas of a namespace through a transport, until the test ends. The value of a quota is its name and its limit of pods.
func watchQuotas(t *testing.T, server *apiserver.Server, namespace string, transport *someFail) (*cluster.Reduced[string], *testkit.Log) {
	t.Helper()
	config := rest.CopyConfig(server.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { transport.next = next; return transport })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	log := testkit.NewLog(t)
	c, err := cluster.New(client, "", status.CachedFields, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	quotas, err := cluster.ReduceQuotas(c, namespace, func(q *corev1.ResourceQuota) string {
		pods := q.Spec.Hard[corev1.ResourcePods]
		return q.Name + "=" + pods.String()
	}, func() {}, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { quotas.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); testkit.Receive(t, "the end of the watch", ended) })
	return quotas, log
}

func addQuota(t *testing.T, server *apiserver.Server, namespace, name, pods string) {
	t.Helper()
	if _, err := server.Client.CoreV1().ResourceQuotas(namespace).Create(t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse(pods)}}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// expectQuotas waits until these are known.
func expectQuotas(t *testing.T, quotas *cluster.Reduced[string], want ...string) {
	t.Helper()
	testkit.Eventually(t, "the quotas are "+strings.Join(want, " "), func() bool {
		return quotas.Synced() && slices.Equal(slices.Sorted(quotas.All()), want)
	})
}

// Whatever fails, and however, the objects are known in the end, and the log says it once.
func TestReducedObjectsSurviveFailures(t *testing.T) {
	server := apiserver.ForTest(t)
	for _, fault := range []faulty.Fault{faulty.Refused, faulty.Overloaded, faulty.Broken, faulty.Forbidden} {
		for name, lists := range map[string]bool{"list": true, "watch": false} {
			t.Run(name+" "+string(fault), func(t *testing.T) {
				t.Parallel()
				namespace := server.Namespace(t)
				addQuota(t, server, namespace, "a", "1")
				transport := &someFail{fault: fault, lists: lists, left: 2}
				quotas, log := watchQuotas(t, server, namespace, transport)
				expectQuotas(t, quotas, "a=1")
				transport.breakOff() // the informer goes on where it was
				addQuota(t, server, namespace, "b", "2")
				expectQuotas(t, quotas, "a=1", "b=2")
				if quotas.LastHeard().IsZero() {
					t.Error("nothing was heard")
				}
				if n := strings.Count(log.String(), "cannot be watched"); n > 1 {
					t.Errorf("the log says %d times that the quotas cannot be watched", n)
				}
			})
		}
	}
}

// A watch that the API server cannot continue (410) begins again: what was deleted meanwhile is gone.
func TestReducedObjectsAreListedAgain(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	addQuota(t, server, namespace, "a", "1")
	addQuota(t, server, namespace, "b", "2")
	transport := &someFail{}
	quotas, log := watchQuotas(t, server, namespace, transport)
	expectQuotas(t, quotas, "a=1", "b=2")
	transport.mu.Lock()
	transport.gone = true
	transport.mu.Unlock()
	transport.breakOff()
	if err := server.Client.CoreV1().ResourceQuotas(namespace).Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	addQuota(t, server, namespace, "c", "3")
	expectQuotas(t, quotas, "b=2", "c=3")
	if strings.Contains(log.String(), "cannot be watched") {
		t.Error("the log takes an answer 410 for a failure")
	}
}
