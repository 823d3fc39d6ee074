package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
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
			e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
		})
	}
}

// The API server becomes unreachable at each request of a create, before or after it
// has carried out the request. The caller gives up. The create rolls back as soon as the
// API server can be reached again.
func TestCreateRollsBackWhenTheAPIServerIsBack(t *testing.T) {
	e := newEnv(t)
	for n, call := range e.callsOfACreate() {
		for _, last := range []fault{refused, lost} {
			t.Run(fmt.Sprintf("%d %s %s", n, call, last), func(t *testing.T) {
				e := e.on(t)
				r := fullRequest()
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				e.becomeUnreachable(call, last, 3, giveUp)
				if _, err := e.Create(ctx, r); err == nil {
					t.Error("the create did not fail, so the test checks nothing")
				}
				e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
			})
		}
	}
}

// The API server is unreachable for longer than the caller waits. The retry queue
// finishes the rollback.
func TestRollbackIsFinishedAfterTheAnswer(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	e.becomeUnreachable("POST secrets", lost, 1_000_000, giveUp)
	if _, err := e.Create(ctx, r); err == nil {
		t.Error("the create did not fail")
	}
	if remaining := e.remaining(r); len(remaining) < 2 {
		t.Errorf("these objects remain: %v, want at least the claim and the pod: no delete was possible yet", remaining)
	}
	e.faults.set(nil)
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
}

// becomeUnreachable lets the API server become unreachable at a request, which fails
// with the given fault. At the next request the caller gives up. The server can be
// reached again after a number of requests of the rollback have failed.
func (e *env) becomeUnreachable(at string, with fault, failedRollbacks int, giveUp func()) {
	unreachable, rollbacks := false, 0
	e.faults.set(func(_ int, call string) fault {
		switch {
		case !unreachable && call == at:
			unreachable = true
			return with
		case unreachable && rollbacks <= failedRollbacks:
			giveUp()
			if call == "GET pods/name" { // the first request of a rollback
				rollbacks++
			}
			return refused
		}
		return ""
	})
}

// A rollback deletes what the create created, and keeps what existed before.
func TestRollbackKeepsExistingObjects(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	e.createClaim(r, nil)
	e.failAlways("POST secrets", forbidden)
	if _, err := e.Create(t.Context(), r); err == nil {
		t.Fatal("the create did not fail")
	}
	e.eventually("the pod and what it owns are deleted", func() bool {
		return slices.Equal(e.remaining(r), []string{"claim " + claimOf(r)})
	})
	if e.PendingJobs(r.Pod.UID) != 0 {
		t.Error("a rollback is still pending")
	}
}

// A rollback that has only a pod to delete leaves nothing for later: the end of the create is the
// end of its requests.
func TestRollbackOfAPodIsDoneAtOnce(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	r.Pod.Annotations = nil
	r.Pod.Spec.Volumes, r.Pod.Spec.Containers[0].VolumeMounts = r.Pod.Spec.Volumes[:2], r.Pod.Spec.Containers[0].VolumeMounts[:2]
	e.failAlways("POST secrets", forbidden)
	if _, err := e.Create(t.Context(), r); err == nil {
		t.Fatal("the create did not fail")
	}
	e.Close(t.Context()) // runs what is left for later
	var calls []string
	for _, call := range e.faults.seen() {
		if strings.HasSuffix(call, " pods/name") {
			calls = append(calls, call)
		}
	}
	if want := []string{"GET pods/name", "DELETE pods/name"}; !slices.Equal(calls, want) {
		t.Errorf("the rollback sent %q, want %q", calls, want)
	}
}

// A rollback that fails, also in the background, is retried until it succeeds. Then it
// holds no lock: the pod can be created again.
func TestFailedRollbackIsRetried(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	deletes := 0
	e.faults.set(func(_ int, call string) fault {
		if call == "POST secrets" {
			return forbidden
		}
		if call == "DELETE pods/name" {
			if deletes++; deletes <= 3 { // in the create, and two times in the background
				return forbidden
			}
		}
		return ""
	})
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
		t.Fatalf("the create returned %v", err)
	}
	if remaining := e.remaining(r); len(remaining) == 0 {
		t.Fatal("the rollback did not fail, so the test checks nothing")
	}
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
	e.waitIdle(r)
	e.faults.set(nil)
	e.forceDelete("claim " + claimOf(r)) // no controller runs here that removes its finalizer
	e.create(r)
}

// The claim that a create made is gone when its rollback looks at it, or deletes it.
func TestRollbackOfAClaimThatIsGone(t *testing.T) {
	for _, before := range []string{"GET persistentvolumeclaims/name", "DELETE persistentvolumeclaims/name"} {
		t.Run(before, func(t *testing.T) {
			e := newEnv(t)
			e.createNamespace()
			r := fullRequest()
			var failed atomic.Bool
			var once sync.Once
			e.faults.set(func(_ int, call string) fault {
				if call == "POST secrets" {
					failed.Store(true)
					return forbidden
				}
				return ""
			})
			e.faults.onCall(func(call string) {
				if call == before && failed.Load() {
					once.Do(func() { e.forceDelete("claim " + claimOf(r)) })
				}
			})
			if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
				t.Fatalf("the create returned %v", err)
			}
			e.waitIdle(r)
			if calls := e.faults.seen(); !slices.Contains(calls, before) {
				t.Errorf("the create sent %v, so the test checks nothing", calls)
			}
			if strings.Contains(e.log.String(), "will be retried") {
				t.Error("the rollback was retried")
			}
		})
	}
}

// A create fails, and its rollback fails too and waits in the retry queue. Then the
// virtual kubelet restarts and creates the pod again. The rollback must not delete the
// objects of that later create.
func TestPendingRollbackKeepsALaterCreate(t *testing.T) {
	for _, at := range []string{"POST pods", "POST secrets"} {
		t.Run(at, func(t *testing.T) {
			e := newEnv(t, createTimeout(2*time.Second))
			e.createNamespace()
			r := fullRequest()
			e.faults.set(func(_ int, call string) fault {
				switch {
				case call == at:
					return lost
				case call == "GET pods/name", strings.HasPrefix(call, "DELETE "):
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
			e.create(r)
			e.eventually("the rollback has run", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
			if remaining := e.remaining(r); len(remaining) != fullCount {
				t.Errorf("of the later create these objects remain: %v", remaining)
			}
			e.expectOwned(r)
		})
	}
}

// Another replica has completed the pod of a create that fails, and a container of it has
// started. The rollback must not delete it: the other create has returned it.
func TestRollbackKeepsAPodThatHasStarted(t *testing.T) {
	e := newEnv(t, createTimeout(2*time.Second))
	r := fullRequest()
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "POST secrets" {
			once.Do(func() { e.setRunning(r) })
		}
	})
	e.failAlways("POST secrets", forbidden)
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
		t.Fatalf("the create returned %v", err)
	}
	e.eventually("the rollback has run", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
	if remaining := e.remaining(r); len(remaining) != fullCount-1 { // all but the Secret
		t.Errorf("these objects remain: %v", remaining)
	}
}

// The namespace is deleted with everything in it just before a Secret is created. The
// create starts again from the beginning, so that the pod has its other objects.
func TestNamespaceIsDeletedDuringACreate(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "POST secrets" {
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
