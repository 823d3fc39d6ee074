package lifecycle_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Six pods share a claim, which does not exist yet. One request of one of them hangs: the
// other five do not wait for it.
func TestAStalledRequestDelaysNoOtherPod(t *testing.T) {
	for _, call := range []string{
		"POST namespaces", "GET persistentvolumeclaims/name", "POST persistentvolumeclaims", "POST pods",
		"PATCH persistentvolumeclaims/name", "POST configmaps",
	} {
		t.Run(call, func(t *testing.T) {
			e := newEnv(t)
			var requests []*wire.CreateRequest
			for range 6 {
				r := fullRequest()
				if len(requests) > 0 {
					shareClaim(r, requests[0])
				}
				requests = append(requests, r)
			}
			goOn, stalled := make(chan struct{}), make(chan struct{})
			var first atomic.Bool
			e.faults.onCall(func(c string) {
				if c == call && first.CompareAndSwap(false, true) {
					close(stalled)
					<-goOn
				}
			})
			created := make(chan error, len(requests))
			var group sync.WaitGroup
			for _, r := range requests {
				group.Go(func() {
					_, err := e.Create(t.Context(), r)
					created <- err
				})
			}
			testkit.Receive(t, "a request that hangs", stalled)
			for n := range len(requests) - 1 {
				if err := testkit.Receive(t, fmt.Sprintf("create %d of the five that do not hang", n+1), created); err != nil {
					t.Error(err)
				}
			}
			if len(created) > 0 {
				t.Error("the create whose request hangs has ended, so the test checks nothing")
			}
			close(goOn)
			group.Wait()
			e.must(<-created)
			for _, r := range requests {
				e.remotePod(r)
			}
			if !e.hasClaim(requests[0]) {
				t.Error("the claim does not exist")
			}
		})
	}
}

// shareClaim lets a full request use the claim of another one.
func shareClaim(r, other *wire.CreateRequest) {
	own, shared := claimOf(r), claimOf(other)
	r.Pod.Annotations = map[string]string{
		wire.AnnotationRemotePVC:                other.Pod.Annotations[wire.AnnotationRemotePVC],
		wire.AnnotationRemotePVC + "." + shared: other.Pod.Annotations[wire.AnnotationRemotePVC+"."+shared],
	}
	for i := range r.Pod.Spec.Volumes {
		if claim := r.Pod.Spec.Volumes[i].PersistentVolumeClaim; claim != nil && claim.ClaimName == own {
			claim.ClaimName = shared
		}
	}
}

// An account may not create namespaces. Whether the namespace exists cannot be read at
// first: that is not the same as a namespace that does not exist.
func TestLookForANamespaceFailsOnce(t *testing.T) {
	for _, with := range []fault{refused, lost, overloaded, broken} {
		t.Run(string(with), func(t *testing.T) {
			e := newEnv(t)
			e.createNamespace()
			looks := 0
			e.faults.set(func(_ int, call string) fault {
				switch call {
				case "POST namespaces":
					return forbidden
				case "GET namespaces/name":
					if looks++; looks == 1 {
						return with
					}
				}
				return ""
			})
			e.create(plainRequest())
			if looks != 2 {
				t.Errorf("the create looked for the namespace %d times, want 2", looks)
			}
		})
	}
}

// An account may neither create namespaces nor read them: the error says both.
func TestLookForANamespaceIsRefused(t *testing.T) {
	e := newEnv(t)
	e.faults.set(func(_ int, call string) fault {
		if strings.HasSuffix(call, "namespaces") || strings.HasSuffix(call, "namespaces/name") {
			return forbidden
		}
		return ""
	})
	_, err := e.Create(t.Context(), plainRequest())
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "whether it exists is not known: get namespace "+e.namespace) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"POST namespaces", "GET namespaces/name"}) {
		t.Errorf("the create sent %v", calls)
	}
}

// A namespace that does not exist and may not be created fails the create at once.
func TestNamespaceThatMayNotBeCreated(t *testing.T) {
	e := newEnv(t)
	e.failAlways("POST namespaces", forbidden)
	if _, err := e.Create(t.Context(), plainRequest()); !errdefs.Is(err, errdefs.Refused) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"POST namespaces", "GET namespaces/name"}) {
		t.Errorf("the create sent %v", calls)
	}
}
