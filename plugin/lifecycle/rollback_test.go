package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Each request of a create is forbidden. The create fails at once with the API server's
// text, and no object remains.
func TestCreateRollsBackAfterEachPermanentFault(t *testing.T) {
	e := newEnv(t)
	for n, call := range e.callsOfACreate() {
		t.Run(fmt.Sprintf("%d %s", n, call), func(t *testing.T) {
			e := e.on(t)
			r := fullRequest()
			e.failAlways(call, forbidden)
			_, err := e.Create(t.Context(), r)
			if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "injected") {
				t.Errorf("the create returned %v (%s), want the API server's 403", err, errdefs.KindOf(err))
			}
			if remaining := e.remaining(r); len(remaining) > 0 {
				t.Errorf("these objects remain: %v", remaining)
			}
		})
	}
}

// The API server becomes unreachable at each request of a create, before or after it
// has carried out the request. The create fails, and rolls back as soon as the API
// server can be reached again.
func TestCreateRollsBackWhenTheAPIServerIsBack(t *testing.T) {
	calls := newEnv(t).callsOfACreate()
	for n, call := range calls {
		for _, last := range []fault{refused, lost} {
			t.Run(fmt.Sprintf("%d %s %s", n, call, last), func(t *testing.T) {
				e := newEnv(t, createTimeout(time.Second))
				e.createNamespace()
				r := fullRequest()
				unreachable := e.becomeUnreachable(call, last, 3)
				_, err := e.Create(t.Context(), r)
				if !unreachable() {
					t.Fatal("the API server was never unreachable, so the test checks nothing")
				}
				if !errdefs.Is(err, errdefs.Unavailable) {
					t.Errorf("the create returned %v (%s), want unavailable", err, errdefs.KindOf(err))
				}
				if remaining := e.remaining(r); len(remaining) > 0 {
					t.Errorf("these objects remain: %v", remaining)
				}
			})
		}
	}
}

// The API server is unreachable for longer than the caller waits. The retry queue
// finishes the rollback.
func TestRollbackIsFinishedAfterTheAnswer(t *testing.T) {
	e := newEnv(t, createTimeout(5*time.Second))
	e.createNamespace()
	r := fullRequest()
	e.becomeUnreachable("POST pods", lost, 1_000_000)
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("the create returned %v (%s), want unavailable", err, errdefs.KindOf(err))
	}
	if remaining := e.remaining(r); len(remaining) != fullCount {
		t.Errorf("these objects remain: %v, want all: no delete was possible yet", remaining)
	}
	e.faults.set(nil)
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
}

// becomeUnreachable lets the API server become unreachable at a request, which fails
// with the given fault. The server can be reached again after a number of rollbacks has
// failed. The returned function reports whether the server became unreachable.
func (e *env) becomeUnreachable(at string, with fault, failedRollbacks int) func() bool {
	var unreachable atomic.Bool
	rollbacks := 0
	e.faults.set(func(_ int, call string) fault {
		if call == "GET pods" { // the first request of a rollback
			rollbacks++
		}
		switch {
		case !unreachable.Load() && call == at:
			unreachable.Store(true)
			return with
		case unreachable.Load() && rollbacks <= failedRollbacks:
			return refused
		}
		return ""
	})
	return unreachable.Load
}

// A rollback deletes what the create created, and keeps what existed before.
func TestRollbackKeepsExistingObjects(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	e.createClaim(r, nil)
	before := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name:   scope.Scope{}.Name("config", string(r.Pod.UID)),
		Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: string(r.Pod.UID)},
	}}
	_, err := e.admin.CoreV1().ConfigMaps(e.namespace).Create(t.Context(), before, metav1.CreateOptions{})
	e.must(err)

	e.failAlways("POST pods", forbidden)
	if _, err = e.Create(t.Context(), r); err == nil {
		t.Fatal("the create did not fail")
	}
	if remaining := e.remaining(r); len(remaining) != 2 {
		t.Errorf("these objects remain: %v, want the ConfigMap and the claim that existed before", remaining)
	}
}

// A rollback that fails is retried.
func TestFailedRollbackIsRetried(t *testing.T) {
	e := newEnv(t, createTimeout(time.Second))
	e.createNamespace()
	r := fullRequest()
	var deletesPermitted atomic.Bool
	e.faults.set(func(_ int, call string) fault {
		if call == "POST pods" || strings.HasPrefix(call, "DELETE ") && !deletesPermitted.Load() {
			return forbidden
		}
		return ""
	})
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
		t.Fatalf("the create returned %v", err)
	}
	if remaining := e.remaining(r); len(remaining) == 0 {
		t.Fatal("the rollback did not fail, so the test checks nothing")
	}
	deletesPermitted.Store(true)
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
}

// A create fails, and its rollback fails too and waits in the retry queue. Then the
// virtual kubelet restarts and creates the pod again. The rollback must not delete the
// objects of that later create.
func TestPendingRollbackKeepsALaterCreate(t *testing.T) {
	for _, podWasCreated := range []bool{true, false} {
		t.Run(fmt.Sprintf("pod was created %v", podWasCreated), func(t *testing.T) {
			e := newEnv(t, createTimeout(2*time.Second))
			e.createNamespace()
			r := fullRequest()
			e.faults.set(func(_ int, call string) fault {
				switch {
				case call == "POST pods" && podWasCreated:
					return lost
				case call == "POST pods", call == "GET pods", strings.HasPrefix(call, "DELETE "):
					return forbidden // the requests of the rollback
				}
				return ""
			})
			if _, err := e.Create(t.Context(), r); err == nil {
				t.Fatal("the create did not fail")
			}
			if e.PendingJobs(r.Pod.UID) != 1 {
				t.Fatal("no rollback is pending, so the test checks nothing")
			}
			e.faults.set(nil)
			answer := e.create(r)
			e.eventually("the rollback has run", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
			if pod := e.remotePod(r); answer.PodJID != string(pod.UID) {
				t.Errorf("the create returned %s for pod %s", answer.PodJID, pod.UID)
			}
			if remaining := e.remaining(r); len(remaining) != fullCount {
				t.Errorf("of the later create these objects remain: %v", remaining)
			}
		})
	}
}

// The namespace is deleted with everything in it just before the pod is created. The
// create starts again from the beginning, so that the pod has its other objects.
func TestNamespaceIsDeletedDuringACreate(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "POST pods" {
			once.Do(func() {
				e.must(e.admin.CoreV1().Namespaces().Delete(context.Background(), e.namespace, metav1.DeleteOptions{}))
				for _, name := range e.remaining(r) { // as the namespace controller does
					e.forceDelete(name)
				}
				e.finalizeNamespace()
			})
		}
	})
	e.create(r)
	if objects := e.remaining(r); len(objects) != fullCount {
		t.Errorf("these objects exist: %v", objects)
	}
}
