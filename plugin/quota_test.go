package plugin_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// fullQuota is the connection to an API server that refuses all pods because of a quota. The
// first request to claim a stored create request never gets an answer, and does not end
// with its context.
type fullQuota struct {
	next           http.RoundTripper
	hung           atomic.Bool
	hangs, release chan struct{}
}

func (q *fullQuota) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods"):
		return &http.Response{
			StatusCode: http.StatusForbidden, Request: r, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,` +
				`"message":"pods \"p\" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=1, limited: pods=1"}`)),
		}, nil
	case r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/configmaps/"):
		if q.hung.CompareAndSwap(false, true) {
			close(q.hangs)
			<-q.release
		}
	}
	return q.next.RoundTrip(r)
}

// A try of a pod that waits for a quota hangs: what is left of a delete counts as work in the
// background, and a shutdown waits no longer than its grace.
func TestShutdownWhileATryOfAWaitingPodHangs(t *testing.T) {
	server := apiserver.ForTest(t)
	quota := &fullQuota{hangs: make(chan struct{}), release: make(chan struct{})}
	h := startOn(t, server, func(s *settings) {
		config := rest.CopyConfig(server.Config)
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { quota.next = next; return quota })
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		s.client, s.config.App.ShutdownGrace = client, time.Millisecond
	})
	t.Cleanup(func() { close(quota.release) })

	waits := podOf("waits", busybox("main"))
	h.create(waits)
	testkit.Receive(t, "a try of the pod hangs", quota.hangs)
	if !h.plugin.Idle() {
		t.Error("a pod that waits is taken for a delete")
	}
	h.delete(waits.Pod)
	if h.plugin.Idle() {
		t.Error("the plugin is idle, and the marker of the deleted pod is left")
	}
	h.stop()
	testkit.Receive(t, "the plugin has stopped", h.stopped)
}
