package lifecycle_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

func TestStatusOfAKnownPodCallsNobody(t *testing.T) {
	e := newEnv(t)
	r := request()
	jid := e.create(r).PodJID
	e.eventually("the cache knows the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
	e.faults.set(func(int, string) fault { return refused })
	answer, err := e.Status(t.Context(), []corev1.Pod{local(r, jid)})
	e.must(err)
	if len(answer) != 1 || answer[0].JID != jid || answer[0].Containers[0].State.Waiting == nil {
		t.Errorf("answered %+v", answer)
	}
	if calls := e.faults.seen(); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
}

// Between a create and its echo on the watch, the API server is asked.
func TestStatusOfAPodThatTheCacheLacks(t *testing.T) {
	e := newEnv(t)
	r := request()
	jid := e.create(r).PodJID
	replica := e.replica(blind{e.cluster})
	e.faults.set(nil)
	answer, err := replica.Status(t.Context(), []corev1.Pod{local(r, jid)})
	e.must(err)
	if len(answer) != 1 || answer[0].JID != jid || answer[0].Containers[0].State.Waiting == nil {
		t.Errorf("answered %+v", answer)
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"GET pods"}) {
		t.Errorf("called %v", calls)
	}
}

// A pod is said to be gone only when a filled cache and a live read lack it.
func TestStatusNeverGuesses(t *testing.T) {
	e := newEnv(t)
	known, gone, coming := request(), request(), request()
	jid := e.create(known).PodJID
	e.eventually("the cache knows the pod", func() bool { return e.cluster.CachedPod(string(known.Pod.UID)) != nil })
	all := []corev1.Pod{local(gone, "a-job"), local(known, jid), local(coming, "")}

	answer, err := e.Status(t.Context(), all)
	e.must(err)
	if len(answer) != 3 || answer[0].Containers[0].State.Terminated == nil ||
		answer[0].Containers[0].State.Terminated.Reason != status.ReasonNotFound || answer[2].Containers[0].State.Waiting == nil {
		t.Errorf("answered %+v", answer)
	}

	e.faults.set(func(int, string) fault { return refused })
	answer, err = e.Status(t.Context(), all)
	e.must(err)
	if len(answer) != 1 || answer[0].UID != string(known.Pod.UID) {
		t.Errorf("with the API server away answered %+v, want what is known alone", answer)
	}
	if answer, err = e.Status(t.Context(), all[:1]); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("with nothing known answered %+v, %v", answer, err)
	}

	e.faults.set(nil)
	empty := e.replica(unfilled{blind{e.cluster}})
	if answer, err = empty.Status(t.Context(), all[:1]); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("with a cache that is being filled answered %+v, %v", answer, err)
	}
	answer, err = empty.Status(t.Context(), all[1:])
	e.must(err)
	if len(answer) != 2 || answer[0].JID != jid || answer[1].Containers[0].State.Waiting == nil {
		t.Errorf("with a cache that is being filled answered %+v", answer)
	}
}

// A create while the cache is being filled, after a restart of plugin and
// virtual kubelet together, asks the API server before it makes anything.
func TestCreateWhileTheCacheIsFilled(t *testing.T) {
	e := newEnv(t)
	r := request()
	first := e.create(r)
	e.faults.set(nil)
	second, err := e.replica(unfilled{blind{e.cluster}}).Create(t.Context(), r)
	e.must(err)
	if second != first {
		t.Errorf("answered %+v, then %+v", first, second)
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"GET pods"}) {
		t.Errorf("called %v", calls)
	}
}

// unfilled is a replica that has just started.
type unfilled struct{ blind }

func (unfilled) Synced() bool { return false }

// replica returns another lifecycle on the same remote cluster.
func (e *env) replica(c lifecycle.Cluster) *lifecycle.Lifecycle {
	e.t.Helper()
	l := lifecycle.New(c, e.options)
	e.t.Cleanup(func() { l.Close(e.t.Context()) })
	return l
}

var _ lifecycle.Cluster = (*cluster.Cluster)(nil)
