package lifecycle_test

import (
	"context"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// staleCache is a cluster whose pod cache still has a pod that is gone.
type staleCache struct {
	*cluster.Cluster
	pod *corev1.Pod
}

func (s staleCache) CachedPod(string) *corev1.Pod    { return s.pod }
func (s staleCache) CachedPods(string) []*corev1.Pod { return []*corev1.Pod{s.pod} }

// A create failed and deleted its pod, and the cache has not heard of the deletion yet. The
// next create must not take that pod for its own.
func TestCreateWhileTheCacheHasThePodOfAFailedCreate(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	e.create(r)
	stale := e.remotePod(r)
	e.forceDelete("pod " + stale.Name)
	answer, err := e.replica(staleCache{e.cluster, stale}).Create(t.Context(), r)
	e.must(err)
	if pod := e.remotePod(r); answer.PodJID != pod.Name || pod.UID == stale.UID {
		t.Errorf("the create returned %+v for the pod %s", answer, pod.UID)
	}
	e.expectOwned(r)
}

// Another replica created the pod again. What that pod owns must stay.
func TestCreateWhileTheCacheHasAnEarlierPod(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	e.create(r)
	stale := e.remotePod(r)
	e.forceDelete("pod " + stale.Name)
	another := e.replica(emptyCache{e.cluster})
	_, err := another.Create(t.Context(), r)
	e.must(err)
	before := e.ownedUIDs(r)
	_, err = e.replica(staleCache{e.cluster, stale}).Create(t.Context(), r)
	e.must(err)
	e.expectOwned(r)
	if after := e.ownedUIDs(r); after != before {
		t.Errorf("the owned objects were %s, and now are %s", before, after)
	}
}

// ownedUIDs returns the UIDs of the objects that the pod of a request owns.
func (e *env) ownedUIDs(r *wire.CreateRequest) (uids string) {
	e.t.Helper()
	owned, _ := scope.Owned(e.remotePod(r))
	for _, object := range owned {
		found, err := e.cluster.Get(context.Background(), object)
		e.must(err)
		uids += string(found.GetUID()) + " "
	}
	return uids
}

// A create cannot create a Secret. Meanwhile another replica completes the pod and answers.
// The rollback of the first create must not delete the pod.
func TestRollbackKeepsAPodThatAnotherReplicaCompleted(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	another := e.replica(syncedCache{emptyCache{e.healthy()}})
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "POST secrets" {
			once.Do(func() {
				_, err := another.Create(context.Background(), r)
				e.must(err)
			})
		}
	})
	e.failAlways("POST secrets", forbidden)
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
		t.Fatalf("the create returned %v", err)
	}
	e.eventually("the rollback has run", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
	if remaining := e.remaining(r); len(remaining) != fullCount {
		t.Errorf("these objects remain: %v", remaining)
	}
	e.expectOwned(r)
}

// syncedCache is a cluster whose pod cache counts as filled.
type syncedCache struct{ emptyCache }

func (syncedCache) Synced() bool { return true }

// A create sends its pod, and the request is lost. Meanwhile another replica creates the
// pod and answers. The pod is not the first create's, and its rollback must not delete it.
func TestRollbackKeepsAPodThatAnotherReplicaCreated(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	another := e.replica(syncedCache{emptyCache{e.healthy()}})
	lostOnce, forbid := false, "POST secrets"
	e.faults.set(func(_ int, call string) fault {
		switch {
		case call == "POST pods" && !lostOnce:
			lostOnce = true
			_, err := another.Create(context.Background(), r)
			e.must(err)
			return refused
		case call == forbid, call == "PATCH pods/name": // it cannot mark the pod either
			return forbidden
		}
		return ""
	})
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
		t.Fatalf("the create returned %v", err)
	}
	e.eventually("the rollback has run", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
	if remaining := e.remaining(r); len(remaining) != fullCount {
		t.Errorf("these objects remain: %v", remaining)
	}
	e.expectOwned(r)
}
