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

// Every call that a create makes fails for good: the create fails at once with
// the API server's words, and nothing is left.
func TestCreateUndoesAfterEachLastingFault(t *testing.T) {
	e := newEnv(t)
	for n, call := range e.callsOfACreate() {
		t.Run(fmt.Sprintf("%d %s", n, call), func(t *testing.T) {
			e := e.on(t)
			r := request()
			e.failAlways(call, forbidden)
			_, err := e.Create(t.Context(), r)
			if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "injected") {
				t.Errorf("failed with %v (%s), want the API server's refusal", err, errdefs.KindOf(err))
			}
			if left := e.left(r); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// The API server goes away in the middle, at each call, whether or not that call
// was carried out. The create gives up, and undoes as soon as the API server is
// back.
func TestCreateUndoesWhenTheClusterGoesAway(t *testing.T) {
	calls := newEnv(t).callsOfACreate()
	for n, call := range calls {
		for _, last := range []fault{refused, lost} {
			t.Run(fmt.Sprintf("%d %s %s", n, call, last), func(t *testing.T) {
				e := newEnv(t, createTimeout(time.Second))
				e.makeNamespace()
				r := request()
				away := e.goAway(call, last, 3)
				_, err := e.Create(t.Context(), r)
				if !away() {
					t.Fatal("the API server did not go away, so the test tests nothing")
				}
				if !errdefs.Is(err, errdefs.Unavailable) {
					t.Errorf("failed with %v (%s), want unavailable", err, errdefs.KindOf(err))
				}
				if left := e.left(r); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// It stays away for longer than the create can wait with its answer: the undoing
// goes on in the background.
func TestCreateUndoesWhenTheClusterStaysAway(t *testing.T) {
	e := newEnv(t, createTimeout(5*time.Second))
	e.makeNamespace()
	r := request()
	e.goAway("POST pods", lost, 1_000_000)
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("failed with %v (%s), want unavailable", err, errdefs.KindOf(err))
	}
	if left := e.left(r); len(left) != complete {
		t.Errorf("left is %v, want all: nothing could be undone yet", left)
	}
	e.faults.set(nil)
	e.eventually("nothing is left", func() bool { return len(e.left(r)) == 0 })
}

// goAway lets the API server go away at a call, which ends as last says, and
// come back when undoing calls have been refused for the given number of times.
// It returns whether the API server went away.
func (e *env) goAway(at string, last fault, refusals int) func() bool {
	var away atomic.Bool
	undoing := 0
	e.faults.set(func(_ int, call string) fault {
		if call == "GET pods" { // undoing begins with a look for the pod
			undoing++
		}
		switch {
		case !away.Load() && call == at:
			away.Store(true)
			return last
		case away.Load() && undoing <= refusals:
			return refused
		}
		return ""
	})
	return away.Load
}

// A create undoes what it made itself, and nothing that was there before.
func TestUndoSparesWhatWasThere(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	r := request()
	e.makeClaim(r, nil)
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
	if left := e.left(r); len(left) != 2 {
		t.Errorf("left is %v, want the ConfigMap and the claim that were there", left)
	}
}

// An undo that fails is not forgotten.
func TestUndoIsRepeated(t *testing.T) {
	e := newEnv(t, createTimeout(time.Second))
	e.makeNamespace()
	r := request()
	var may atomic.Bool
	e.faults.set(func(_ int, call string) fault {
		if call == "POST pods" || strings.HasPrefix(call, "DELETE ") && !may.Load() {
			return forbidden
		}
		return ""
	})
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
		t.Fatalf("the create ended with %v", err)
	}
	if left := e.left(r); len(left) == 0 {
		t.Fatal("the undo did not fail, so the test tests nothing")
	}
	may.Store(true)
	e.eventually("nothing is left", func() bool { return len(e.left(r)) == 0 })
}

// A create fails although its pod was made, and its undoing waits, since the API
// server is away. Meanwhile the virtual kubelet has restarted and creates the pod
// again: what that one is answered with stays, with all that belongs to it.
func TestPendingUndoSparesALaterCreate(t *testing.T) {
	for _, podWasMade := range []bool{true, false} {
		t.Run(fmt.Sprintf("pod was made %v", podWasMade), func(t *testing.T) {
			e := newEnv(t, createTimeout(2*time.Second))
			e.makeNamespace()
			r := request()
			e.faults.set(func(_ int, call string) fault {
				switch {
				case call == "POST pods" && podWasMade:
					return lost
				case call == "POST pods", call == "GET pods", strings.HasPrefix(call, "DELETE "):
					return forbidden // what would find or undo it
				}
				return ""
			})
			if _, err := e.Create(t.Context(), r); err == nil {
				t.Fatal("the create did not fail")
			}
			if !e.undoing() {
				t.Fatal("no undo is waiting, so the test tests nothing")
			}
			e.faults.set(nil)
			answer := e.create(r)
			e.eventually("the undo has run", func() bool { return !e.undoing() })
			if pod := e.remotePod(r); answer.PodJID != string(pod.UID) {
				t.Errorf("answered %s for pod %s", answer.PodJID, pod.UID)
			}
			if left := e.left(r); len(left) != complete {
				t.Errorf("of the later create %v is left", left)
			}
		})
	}
}

// The namespace vanishes with all that is in it, just before the pod is created:
// a pod without its ConfigMaps and Secrets would be no success.
func TestNamespaceVanishesInTheMiddle(t *testing.T) {
	e := newEnv(t)
	r := request()
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "POST pods" {
			once.Do(func() {
				e.must(e.admin.CoreV1().Namespaces().Delete(context.Background(), e.namespace, metav1.DeleteOptions{}))
				for _, name := range e.left(r) { // which the namespace controller would do
					e.remove(name)
				}
				e.finalizeNamespace()
			})
		}
	})
	e.create(r)
	if left := e.left(r); len(left) != complete {
		t.Errorf("made %v", left)
	}
}
