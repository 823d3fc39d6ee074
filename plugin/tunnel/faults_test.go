package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// failure is a fault that hits one request of a call, or that request and all later
// ones.
type failure struct {
	fault      fault
	persistent bool
	kind       errdefs.Kind // of the error that the call then returns
}

// at returns the fault of each request if the failure begins with request n.
func (f failure) at(n int) func(int, *http.Request) fault {
	return func(request int, _ *http.Request) fault {
		if request == n || f.persistent && request > n {
			return f.fault
		}
		return ""
	}
}

// Each request of Open and of Close fails with each fault. The call reports it, what it
// has created can be deleted or completed, and Close finds everything that exists.
func TestEachRequestFails(t *testing.T) {
	first := newEnv(t)
	requestsToOpen := first.count(func() error { return first.Open(t.Context(), release, labels("a"), 8080, target) })
	requestsToClose := first.count(func() error { return first.Close(t.Context(), scope.TunnelSelector(uid)) })
	for _, f := range []failure{
		{fault: refused, kind: errdefs.Unavailable},
		{fault: refused, kind: errdefs.Unavailable, persistent: true},
		{fault: lost, kind: errdefs.Unavailable}, // if it is persistent, it is the same as refused for a client
		{fault: broken, kind: errdefs.Unavailable},
		{fault: broken, kind: errdefs.Unavailable, persistent: true},
		{fault: forbidden, kind: errdefs.Refused},
		{fault: forbidden, kind: errdefs.Refused, persistent: true},
	} {
		t.Run(fmt.Sprintf("%s, persistent %v", f.fault, f.persistent), func(t *testing.T) {
			e := newEnv(t)
			for n := range requestsToOpen {
				e.openWithFailure(n, f)
			}
			for n := range requestsToClose {
				e.closeWithFailure(n, f)
			}
		})
	}
}

// count returns the number of requests that a call sends.
func (e *env) count(call func() error) int {
	e.Helper()
	e.faults.set(nil)
	e.must(call())
	return len(e.faults.requests())
}

// openWithFailure lets Open fail at request n. After that, another Open completes the
// tunnel; for every second request, Close deletes the remains first.
func (e *env) openWithFailure(n int, f failure) {
	e.Helper()
	e.faults.set(f.at(n))
	err := e.Open(e.Context(), release, labels("a"), 8080, target)
	e.faults.set(nil)
	if err != nil && !errdefs.Is(err, f.kind) {
		e.Errorf("request %d of Open fails: the error is %v of kind %s, want %s", n, err, errdefs.KindOf(err), f.kind)
	}
	if err != nil && n%2 == 0 {
		e.must(e.Close(e.Context(), scope.TunnelSelector(uid)))
		e.checkEmpty()
	}
	e.must(e.Open(e.Context(), release, labels("b"), 8080, target))
	if objects := e.objects(); len(objects) != len(complete) {
		e.Errorf("request %d of Open fails: after the next Open these objects exist: %q", n, objects)
	}
	e.must(e.Close(e.Context(), scope.TunnelSelector(uid)))
	e.checkEmpty()
}

// closeWithFailure lets Close fail at request n. After that, another Close deletes the
// remains.
func (e *env) closeWithFailure(n int, f failure) {
	e.Helper()
	e.must(e.Open(e.Context(), release, labels("a"), 8080, target))
	e.faults.set(f.at(n))
	err := e.Close(e.Context(), scope.TunnelSelector(uid))
	e.faults.set(nil)
	if remaining := e.objects(); err == nil && f.persistent && len(remaining) > 0 {
		e.Errorf("request %d of Close fails: Close returns no error, but these objects remain: %q", n, remaining)
	}
	e.must(e.Close(e.Context(), scope.TunnelSelector(uid)))
	e.checkEmpty()
}

// If a release cannot be uninstalled, the error has the API server's text, which Helm
// itself does not return.
func TestCloseReportsWhyItIsForbidden(t *testing.T) {
	for _, request := range []string{"update secrets", "delete deployments.apps", "delete secrets"} {
		t.Run(request, func(t *testing.T) {
			e := newEnv(t)
			e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
			e.faults.set(func(_ int, r *http.Request) fault {
				if permissionOf(r) == request {
					return faulty.ForbiddenWithText("not permitted by the policy")
				}
				return ""
			})
			err := e.Close(t.Context(), scope.TunnelSelector(uid))
			if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "not permitted by the policy") {
				t.Errorf("the error is %v (%s), want the refusal", err, errdefs.KindOf(err))
			}
			e.faults.set(nil)
			e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
			e.checkEmpty()
		})
	}
}

func TestOpenWithoutItsNamespace(t *testing.T) {
	e := newEnv(t, func(o *tunnel.Options) { o.BastionNamespace = "missing" })
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); !errdefs.Is(err, errdefs.NotFound) {
		t.Errorf("the error is %v (%s), want not found, so that the caller creates the namespace", err, errdefs.KindOf(err))
	}
}

// Tunnels of several pods are opened and closed at the same time.
func TestConcurrentTunnels(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			other := fmt.Sprintf("%08d-ca03-4864-a97c-dabccaa67f8e", i)
			l := labels("a")
			l[wire.LabelTunnelUID] = other
			for _, port := range []int32{80, 443} {
				if err := e.Open(t.Context(), scope.Scope{}.ReleaseName(port, other), l, port, target); err != nil {
					t.Error(err)
				}
			}
			if err := e.Close(t.Context(), scope.TunnelSelector(other)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	e.checkComplete()
}

// After a canceled Open no work continues, so that the caller can roll back.
func TestCanceledOpen(t *testing.T) {
	e := newEnv(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the pod was deleted")
	e.faults.set(func(n int, r *http.Request) fault {
		if permissionOf(r) == "create configmaps" {
			cancel(cause)
		}
		return ""
	})
	if err := e.Open(ctx, release, labels("a"), 8080, target); !errors.Is(err, cause) {
		t.Errorf("Open returns %v, want the cause", err)
	}
	e.checkComplete() // the caller rolls it back
	e.faults.set(nil)
	if err := e.Open(ctx, release, labels("a"), 8080, target); !errors.Is(err, cause) || len(e.faults.requests()) > 0 {
		t.Errorf("Open returns %v after %d requests, want the cause after none", err, len(e.faults.requests()))
	}
	if err := e.Close(ctx, scope.TunnelSelector(uid)); err == nil {
		t.Error("a canceled Close returns no error")
	}
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	e.checkEmpty()
}
