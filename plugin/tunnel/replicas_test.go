package tunnel_test

import (
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// replica returns the tunnels of another replica in the same namespace.
func (e *env) replica() *tunnel.Tunnels {
	e.Helper()
	return newEnv(e.T, func(o *tunnel.Options) { o.BastionNamespace = e.namespace }).Tunnels
}

// before calls a function before the first request that needs a permission.
func (e *env) before(permission string, do func()) {
	done := false
	e.faults.set(func(_ int, r *http.Request) fault {
		if !done && permissionOf(r) == permission {
			done = true
			do()
		}
		return ""
	})
}

// recordInstance returns the instance label of the record.
func (e *env) recordInstance() string {
	e.Helper()
	list, err := e.admin.CoreV1().Secrets(e.namespace).List(e.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	e.must(err)
	if len(list.Items) != 1 {
		e.Fatalf("%d records exist, want 1", len(list.Items))
	}
	return list.Items[0].Labels[wire.LabelInstance]
}

// Two replicas open the same tunnel. The second one keeps the objects of the first,
// returns a conflict, and finds the tunnel complete when it retries.
func TestAnotherReplicaOpensTheTunnel(t *testing.T) {
	for _, moment := range []string{"create secrets", "create configmaps", "create deployments.apps", "update secrets"} {
		t.Run("before "+moment, func(t *testing.T) {
			e := newEnv(t)
			other := e.replica()
			e.before(moment, func() { e.must(other.Open(t.Context(), release, labels("b"), 8080, target)) })
			if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Conflict) {
				t.Errorf("the error is %v (%s), want a conflict", err, errdefs.KindOf(err))
			}
			e.checkComplete()
			if got := e.recordInstance(); got != "b" {
				t.Errorf("the record belongs to instance %s, want b", got)
			}
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			e.checkComplete()
			e.must(e.Close(t.Context(), selectorOf("a"))) // this instance created nothing
			e.checkComplete()
		})
	}
}

// A replica finds an unfinished release of another replica. The other one finishes it
// before the first uninstalls it.
func TestAnotherReplicaFinishesItsInstall(t *testing.T) {
	e := newEnv(t)
	slow := newEnv(t, func(o *tunnel.Options) { o.BastionNamespace = e.namespace })
	paused, resume, done := make(chan struct{}), make(chan struct{}), make(chan error)
	slow.before("update secrets", func() { close(paused); <-resume })
	go func() { done <- slow.Open(t.Context(), release, labels("b"), 8080, target) }()
	<-paused
	e.before("update secrets", func() { close(resume); e.must(<-done) }) // the first request of the uninstall
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Conflict) {
		t.Errorf("the error is %v (%s), want a conflict", err, errdefs.KindOf(err))
	}
	e.checkComplete()
	if got := e.recordInstance(); got != "b" {
		t.Errorf("the record belongs to instance %s, want b", got)
	}
}

// Another replica closes a tunnel that is being opened. No object remains without a
// record.
func TestAnotherReplicaClosesTheTunnel(t *testing.T) {
	for _, moment := range []string{"create configmaps", "create deployments.apps", "update secrets"} {
		t.Run("before "+moment, func(t *testing.T) {
			e := newEnv(t)
			other := e.replica()
			e.before(moment, func() { e.must(other.Close(t.Context(), scope.TunnelSelector(uid))) })
			if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Conflict) {
				t.Errorf("the error is %v (%s), want a conflict", err, errdefs.KindOf(err))
			}
			e.checkEmpty()
		})
	}
}

// Two replicas close the same tunnel. The second one finds it closed.
func TestTwoReplicasCloseTheTunnel(t *testing.T) {
	for _, moment := range []string{"update secrets", "delete deployments.apps", "get secrets", "delete secrets"} {
		t.Run("before "+moment, func(t *testing.T) {
			e := newEnv(t)
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			other := e.replica()
			e.before(moment, func() { e.must(other.Close(t.Context(), scope.TunnelSelector(uid))) })
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.checkEmpty()
		})
	}
}

// Another replica closes a tunnel after Close has found its record, and before it reads the
// release.
func TestTunnelIsClosedAfterCloseHasFoundIt(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	other, lists := e.replica(), 0
	e.faults.set(func(_ int, r *http.Request) fault {
		if permissionOf(r) == "list secrets" {
			if lists++; lists == 2 {
				e.must(other.Close(t.Context(), scope.TunnelSelector(uid)))
			}
		}
		return ""
	})
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	e.checkEmpty()
	if lists < 2 {
		t.Errorf("Close has listed records %d times, so no other replica has closed the tunnel", lists)
	}
}

// Another replica opens a tunnel again while it is being closed. Close does not delete the
// record of the new release, so that its objects can be found.
func TestAnotherReplicaOpensTheTunnelWhileItIsClosed(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	other := e.replica()
	// Close reads the record again before it deletes it, after it has deleted the objects.
	e.before("get secrets", func() { e.must(other.Open(t.Context(), release, labels("b"), 8080, target)) })
	if err := e.Close(t.Context(), selectorOf("a")); !errdefs.Is(err, errdefs.Conflict) {
		t.Errorf("the error is %v (%s), want a conflict", err, errdefs.KindOf(err))
	}
	e.checkComplete()
	if got := e.recordInstance(); got != "b" {
		t.Errorf("the record belongs to instance %s, want b", got)
	}
}

// Another replica closes a tunnel whose objects are complete, before its record says so, and
// the rollback fails after it has created a record. The record does not say that the release
// is deployed, so the next Open completes it.
func TestRollbackOfAClosedTunnelFails(t *testing.T) {
	e := newEnv(t)
	other, updates := e.replica(), 0
	e.faults.set(func(_ int, r *http.Request) fault {
		if permissionOf(r) != "update secrets" {
			return ""
		}
		if updates++; updates > 1 {
			return forbidden
		}
		e.must(other.Close(t.Context(), scope.TunnelSelector(uid)))
		return ""
	})
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); err == nil || updates < 2 {
		t.Errorf("Open returns %v after %d updates of the record, want an error after the rollback has failed", err, updates)
	}
	e.faults.set(nil)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.checkComplete()
}

// If the record does not say that the release is deployed, other replicas take it for
// unfinished. So Open then returns an error.
func TestOpenFailsIfTheRecordIsNotUpdated(t *testing.T) {
	e := newEnv(t)
	e.faults.set(func(n int, r *http.Request) fault {
		if permissionOf(r) == "update secrets" && len(e.objects()) == len(complete) {
			return broken
		}
		return ""
	})
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("the error is %v (%s), want unavailable", err, errdefs.KindOf(err))
	}
	e.faults.set(nil)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.checkComplete()
}
