package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

func TestStatusOfACachedPodSendsNoRequest(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	jid := e.create(r).PodJID
	e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
	e.faults.set(func(int, string) fault { return refused })
	answer, err := e.Status(t.Context(), []corev1.Pod{localPod(r, jid)})
	e.must(err)
	if len(answer) != 1 || answer[0].JID != jid || answer[0].Containers[0].State.Waiting == nil {
		t.Errorf("Status returns %+v", answer)
	}
	if calls := e.faults.seen(); len(calls) > 0 {
		t.Errorf("the plugin sent %v", calls)
	}
}

// After a create, the watch needs a moment to bring the pod into the cache. Until then
// the API server is asked.
func TestStatusOfAPodThatIsNotInTheCache(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	jid := e.create(r).PodJID
	replica := e.replica(emptyCache{e.cluster})
	e.faults.set(nil)
	answer, err := replica.Status(t.Context(), []corev1.Pod{localPod(r, jid)})
	e.must(err)
	if len(answer) != 1 || answer[0].JID != jid || answer[0].Containers[0].State.Waiting == nil {
		t.Errorf("Status returns %+v", answer)
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"GET pods/name"}) {
		t.Errorf("the plugin sent %v", calls)
	}
}

// A pod is reported as gone only if neither a filled cache nor the API server has it.
func TestStatusReportsOnlyWhatIsCertain(t *testing.T) {
	e := newEnv(t)
	known, gone, notCreated := fullRequest(), fullRequest(), fullRequest()
	jid := e.create(known).PodJID
	e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(known.Pod.UID)) != nil })
	all := []corev1.Pod{localPod(gone, "a-job"), localPod(known, jid), localPod(notCreated, "")}

	answer, err := e.Status(t.Context(), all)
	e.must(err)
	if len(answer) != 3 || answer[0].Containers[0].State.Terminated == nil ||
		answer[0].Containers[0].State.Terminated.Reason != status.ReasonNotFound || answer[2].Containers[0].State.Waiting == nil {
		t.Errorf("Status returns %+v", answer)
	}

	e.faults.set(func(int, string) fault { return refused })
	answer, err = e.Status(t.Context(), all)
	e.must(err)
	if len(answer) != 1 || answer[0].UID != string(known.Pod.UID) {
		t.Errorf("without the API server Status returns %+v, want the cached pod only", answer)
	}
	if answer, err = e.Status(t.Context(), all[:1]); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("without any certain state Status returns %+v, %v", answer, err)
	}

	e.faults.set(nil)
	empty := e.replica(unsyncedCache{emptyCache{e.cluster}})
	if answer, err = empty.Status(t.Context(), all[:1]); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("with a cache that is not filled Status returns %+v, %v", answer, err)
	}
	answer, err = empty.Status(t.Context(), all[1:])
	e.must(err)
	if len(answer) != 2 || answer[0].JID != jid || answer[1].Containers[0].State.Waiting == nil {
		t.Errorf("with a cache that is not filled Status returns %+v", answer)
	}
}

// The plugin and the virtual kubelet restart together. While the pod cache is not
// filled, a create asks the API server for the pod before it creates anything.
func TestCreateBeforeTheCacheIsFilled(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	first := e.create(r)
	e.faults.set(nil)
	second, err := e.replica(unsyncedCache{emptyCache{e.cluster}}).Create(t.Context(), r)
	e.must(err)
	if second != first {
		t.Errorf("the first create returned %+v, the second %+v", first, second)
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"GET pods/name", "PATCH pods/name", "GET configmaps/name", "GET secrets/name", "GET persistentvolumeclaims/name"}) {
		t.Errorf("the plugin sent %v", calls)
	}
}

// unsyncedCache is a cluster whose pod cache is not filled yet.
type unsyncedCache struct{ emptyCache }

func (unsyncedCache) Synced() bool { return false }

// replica returns another Lifecycle for the same remote cluster.
func (e *env) replica(c lifecycle.Cluster) *lifecycle.Lifecycle {
	e.t.Helper()
	l := lifecycle.New(c, e.options)
	l.SetNamespaceMemory(time.Hour)
	e.t.Cleanup(func() { l.Close(e.t.Context()) })
	return l
}

var _ lifecycle.Cluster = (*cluster.Cluster)(nil)

// While a create is in flight, the pod waits. Nothing is asked: the remote API server may
// be what the create waits for. It is so also for a pod that has a job ID.
func TestStatusOfAPodThatIsBeingCreated(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := plainRequest()
	e.faults.set(func(int, string) fault { return refused })
	ctx, giveUp := context.WithCancel(t.Context())
	created := make(chan error, 1)
	go func() {
		_, err := e.Create(ctx, r)
		created <- err
	}()
	e.eventually("the create has sent a request", func() bool { return len(e.faults.seen()) > 0 })
	for _, jid := range []string{"", "a-job"} {
		answer, err := e.Status(t.Context(), []corev1.Pod{localPod(r, jid)})
		e.must(err)
		if len(answer) != 1 || answer[0].JID != jid || answer[0].Containers[0].State.Waiting == nil {
			t.Errorf("Status returns %+v", answer)
		}
	}
	if slices.Contains(e.faults.seen(), "GET pods/name") {
		t.Errorf("the requests are %v", e.faults.seen())
	}
	giveUp()
	if err := testkit.Receive(t, "the end of the create", created); err == nil {
		t.Error("the create did not fail")
	}
	if _, err := e.Status(t.Context(), []corev1.Pod{localPod(r, "a-job")}); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("after the create, the status is %v", err)
	}
}

// While the remote API server is away, only one pod in some seconds costs a request: the
// virtual kubelet asks for one pod after the other. When it is back, all pods have a
// status again.
func TestStatusWhileTheAPIServerIsAway(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	e.faults.set(func(int, string) fault { return refused })
	var last error
	for range 50 {
		if _, last = e.Status(t.Context(), []corev1.Pod{localPod(plainRequest(), "a-job")}); !errdefs.Is(last, errdefs.Unavailable) {
			t.Fatalf("the status is %v", last)
		}
	}
	if calls := e.faults.seen(); len(calls) >= 50 {
		t.Errorf("50 status calls sent %d requests: each waits for an answer", len(calls))
	}
	if !strings.Contains(last.Error(), "connection refused") {
		t.Errorf("the error does not say why: %v", last)
	}
	e.faults.set(nil)
	e.eventually("a pod has a status again", func() bool {
		answer, err := e.Status(t.Context(), []corev1.Pod{localPod(plainRequest(), "a-job")})
		return err == nil && len(answer) == 1
	})
}
