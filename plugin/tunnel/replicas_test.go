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

// replica is another plugin at the same namespace.
func (e *env) replica() *tunnel.Tunnels {
	e.Helper()
	return newEnv(e.T, func(o *tunnel.Options) { o.BastionNamespace = e.namespace }).Tunnels
}

// at does something before the first request of that kind is sent.
func (e *env) at(what string, do func()) {
	done := false
	e.faults.set(func(_ int, r *http.Request) fault {
		if !done && about(r) == what {
			done = true
			do()
		}
		return ""
	})
}

// attempt returns whose the record is.
func (e *env) attempt() string {
	e.Helper()
	list, err := e.admin.CoreV1().Secrets(e.namespace).List(e.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	e.must(err)
	if len(list.Items) != 1 {
		e.Fatalf("there are %d records", len(list.Items))
	}
	return list.Items[0].Labels[wire.LabelAttempt]
}

// Two replicas open the same tunnel: whoever comes second leaves what the other
// one has made, says that it may be tried again, and finds it standing then.
func TestAnotherReplicaOpens(t *testing.T) {
	for _, moment := range []string{"create secrets", "create configmaps", "create deployments.apps", "update secrets"} {
		t.Run("before "+moment, func(t *testing.T) {
			e := newEnv(t)
			other := e.replica()
			e.at(moment, func() { e.must(other.Open(t.Context(), release, labels("b"), 8080, target)) })
			if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Conflict) {
				t.Errorf("%v (%s), want a conflict", err, errdefs.KindOf(err))
			}
			e.standsWhole()
			if got := e.attempt(); got != "b" {
				t.Errorf("the record is of attempt %s", got)
			}
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			e.standsWhole()
			e.must(e.Close(t.Context(), scope.TunnelAttemptSelector(uid, "a"))) // the undo of what made nothing
			e.standsWhole()
		})
	}
}

// What looks half made is finished by the other replica before it is taken away.
func TestAnotherReplicaIsDone(t *testing.T) {
	e := newEnv(t)
	slow := newEnv(t, func(o *tunnel.Options) { o.BastionNamespace = e.namespace })
	paused, resume, done := make(chan struct{}), make(chan struct{}), make(chan error)
	slow.at("update secrets", func() { close(paused); <-resume })
	go func() { done <- slow.Open(t.Context(), release, labels("b"), 8080, target) }()
	<-paused
	e.at("update secrets", func() { close(resume); e.must(<-done) }) // it would say that it uninstalls
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Conflict) {
		t.Errorf("%v (%s), want a conflict", err, errdefs.KindOf(err))
	}
	e.standsWhole()
	if got := e.attempt(); got != "b" {
		t.Errorf("the record is of attempt %s", got)
	}
}

// Another replica closes a tunnel that is being opened: nothing is left that no
// record tells of.
func TestAnotherReplicaCloses(t *testing.T) {
	for _, moment := range []string{"create configmaps", "create deployments.apps", "update secrets"} {
		t.Run("before "+moment, func(t *testing.T) {
			e := newEnv(t)
			other := e.replica()
			e.at(moment, func() { e.must(other.Close(t.Context(), scope.TunnelSelector(uid))) })
			if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Conflict) {
				t.Errorf("%v (%s), want a conflict", err, errdefs.KindOf(err))
			}
			e.isEmpty()
		})
	}
}

// Both close: the second one finds it done.
func TestAnotherReplicaClosesToo(t *testing.T) {
	for _, moment := range []string{"update secrets", "delete deployments.apps", "get secrets", "delete secrets"} {
		t.Run("before "+moment, func(t *testing.T) {
			e := newEnv(t)
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			other := e.replica()
			e.at(moment, func() { e.must(other.Close(t.Context(), scope.TunnelSelector(uid))) })
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.isEmpty()
		})
	}
}

// That a release is deployed must be in its record: for everybody else it is half
// made, and would be made anew.
func TestRecordIsNotFinished(t *testing.T) {
	e := newEnv(t)
	e.faults.set(func(n int, r *http.Request) fault {
		if about(r) == "update secrets" && len(e.there()) == len(whole) {
			return broken
		}
		return ""
	})
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("%v (%s), want unavailable", err, errdefs.KindOf(err))
	}
	e.faults.set(nil)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.standsWhole()
}
