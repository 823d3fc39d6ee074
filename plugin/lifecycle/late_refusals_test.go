package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// emptyCluster is a remote cluster without pods, which creates everything at once. It needs
// no network, so that the clock of a test can be virtual.
type emptyCluster struct{ lifecycle.Cluster }

func (emptyCluster) Synced() bool                                           { return true }
func (emptyCluster) CachedPod(string) *corev1.Pod                           { return nil }
func (emptyCluster) CachedPods(string) []*corev1.Pod                        { return nil }
func (emptyCluster) DeleteConfigMaps(context.Context, string, string) error { return nil }
func (emptyCluster) DeleteSecrets(context.Context, string, string) error    { return nil }
func (emptyCluster) Create(_ context.Context, object metav1.Object) (metav1.Object, error) {
	return object, nil
}
func (emptyCluster) Pod(_ context.Context, _, name string) (*corev1.Pod, error) {
	return nil, errdefs.New(errdefs.NotFound, "pod %s does not exist", name)
}

// withVirtualClock runs a test with a lifecycle that refuses pods with hostNetwork, and a
// clock that passes only while the test waits.
func withVirtualClock(t *testing.T, test func(t *testing.T, l *lifecycle.Lifecycle)) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(emptyCluster{}, lifecycle.Options{CreateTimeout: 100 * time.Second, Log: slog.New(slog.DiscardHandler)})
		defer l.Close(t.Context())
		test(t, l)
	})
}

// ownedRequest returns a request for a pod that is refused, and that a controller owns.
func ownedRequest(version, kind string, controller types.UID) *wire.CreateRequest {
	r := plainRequest()
	r.Pod.Spec.HostNetwork = true
	if kind != "" {
		r.Pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: "owner", UID: controller, Controller: ptr.To(true)}}
	}
	return r
}

// refuse sends a create that must be refused, and returns how late its answer is.
func refuse(ctx context.Context, t *testing.T, l *lifecycle.Lifecycle, r *wire.CreateRequest) time.Duration {
	t.Helper()
	begin := time.Now()
	_, err := l.Create(ctx, r)
	if !errdefs.Is(err, errdefs.Refused) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if late, ok := errors.AsType[*lifecycle.LateError](err); ok {
		late.Wait()
	}
	return time.Since(begin)
}

func TestRefusalsOfAControllersPodsAreLate(t *testing.T) {
	growing := []time.Duration{0, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second, 100 * time.Second, 100 * time.Second}
	for _, test := range []struct {
		name, version, kind string
		late                bool
	}{
		{"ReplicaSet", "apps/v1", "ReplicaSet", true},
		{"StatefulSet", "apps/v1", "StatefulSet", true},
		{"DaemonSet", "apps/v1", "DaemonSet", true},
		{"ReplicationController", "v1", "ReplicationController", true},
		{"Job", "batch/v1", "Job", false},
		{"a ReplicaSet of another group", "example.org/v1", "ReplicaSet", false},
		{"no owner", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
				var got []time.Duration
				for range growing {
					got = append(got, refuse(t.Context(), t, l, ownedRequest(test.version, test.kind, "a")))
				}
				want := make([]time.Duration, len(growing))
				if test.late {
					want = growing
				}
				if !slices.Equal(got, want) {
					t.Errorf("the answers are late by %v, want %v", got, want)
				}
			})
		})
	}
}

// An owner that is not the controller does not replace a pod.
func TestRefusalOfAPodWithoutAController(t *testing.T) {
	withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
		for range 3 {
			r := ownedRequest("apps/v1", "ReplicaSet", "a")
			r.Pod.OwnerReferences[0].Controller = nil
			if late := refuse(t.Context(), t, l, r); late != 0 {
				t.Errorf("the answer is late by %s", late)
			}
		}
	})
}

// A controller that replaces each Failed pod at once makes few of them in 5 minutes.
func TestRefusalsAreNoStorm(t *testing.T) {
	withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
		failed := 0
		for begin := time.Now(); time.Since(begin) < 5*time.Minute; {
			refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", "a"))
			failed++
		}
		if failed >= 10 {
			t.Errorf("a controller made %d Failed pods in 5 minutes", failed)
		}
	})
}

func TestRefusalsOfEachControllerAreCountedApart(t *testing.T) {
	withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
		a, b := ownedRequest("apps/v1", "ReplicaSet", "a"), ownedRequest("apps/v1", "ReplicaSet", "b")
		for _, step := range []struct {
			request *wire.CreateRequest
			want    time.Duration
		}{{a, 0}, {a, 2 * time.Second}, {b, 0}, {a, 4 * time.Second}, {b, 2 * time.Second}} {
			if late := refuse(t.Context(), t, l, step.request); late != step.want {
				t.Errorf("the answer is late by %s, want %s", late, step.want)
			}
		}
		good := ownedRequest("apps/v1", "ReplicaSet", "a")
		good.Pod.Spec.HostNetwork = false
		if _, err := l.Create(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		if late := refuse(t.Context(), t, l, a); late != 0 {
			t.Errorf("after a pod of the controller was created, the answer is late by %s", late)
		}
		refuse(t.Context(), t, l, b)
		time.Sleep(16 * time.Minute)
		if late := refuse(t.Context(), t, l, b); late != 0 {
			t.Errorf("16 minutes later, the answer is late by %s", late)
		}
	})
}

// No answer comes later than the create timeout.
func TestRefusalIsNotLaterThanTheCreateTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(emptyCluster{}, lifecycle.Options{CreateTimeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler)})
		defer l.Close(t.Context())
		for range 20 {
			if late := refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", "a")); late > 5*time.Second {
				t.Errorf("the answer is late by %s", late)
			}
		}
	})
}

// While a refusal waits, its pod is waiting, and it holds up nothing: neither other creates,
// nor a delete of its pod, which ends it. So does the end of the request, and of the plugin.
func TestRefusalThatWaitsHoldsUpNothing(t *testing.T) {
	for name, end := range map[string]func(l *lifecycle.Lifecycle, r *wire.CreateRequest, leave context.CancelFunc){
		"a delete": func(l *lifecycle.Lifecycle, r *wire.CreateRequest, _ context.CancelFunc) {
			_ = l.Delete(context.Background(), &r.Pod)
		},
		"the caller leaves": func(_ *lifecycle.Lifecycle, _ *wire.CreateRequest, leave context.CancelFunc) { leave() },
		"the plugin stops": func(l *lifecycle.Lifecycle, _ *wire.CreateRequest, _ context.CancelFunc) {
			l.AnswerNow()
			l.AnswerNow()
		},
	} {
		t.Run(name, func(t *testing.T) {
			withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
				for range 6 {
					refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", "a"))
				}
				r := ownedRequest("apps/v1", "ReplicaSet", "a")
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				answered := make(chan time.Duration, 1)
				go func() { answered <- refuse(ctx, t, l, r) }()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if held := l.HeldCreates(); held != 0 {
					t.Errorf("%d places in the queue of creates are held", held)
				}
				states, err := l.Status(t.Context(), []corev1.Pod{r.Pod})
				if err != nil || len(states) != 1 || len(states[0].Containers) != 1 || states[0].Containers[0].State.Waiting == nil {
					t.Errorf("the status is %+v (%v), want waiting", states, err)
				}
				good := plainRequest()
				if _, err := l.Create(t.Context(), good); err != nil {
					t.Errorf("another create: %v", err)
				}
				end(l, r, leave)
				if late := <-answered; late != 10*time.Second {
					t.Errorf("the answer is late by %s", late)
				}
			})
		})
	}
}

// A stored request has no caller that would wait.
func TestRefusalOfAStoredRequestIsNotLate(t *testing.T) {
	withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
		for range 3 {
			begin := time.Now()
			err := l.CreateStored(t.Context(), ownedRequest("apps/v1", "ReplicaSet", "a"), nil)
			if late := time.Since(begin); !errdefs.Is(err, errdefs.Refused) || late != 0 {
				t.Errorf("the create returned %v after %s", err, late)
			}
		}
	})
}

// A user who makes ever new controllers does not fill the memory.
func TestFewControllersAreRemembered(t *testing.T) {
	withVirtualClock(t, func(t *testing.T, l *lifecycle.Lifecycle) {
		for n := range 5000 {
			refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", types.UID(fmt.Sprint(n))))
			time.Sleep(time.Millisecond)
		}
		if got := l.RememberedControllers(); got != 4096 {
			t.Errorf("%d controllers are remembered, want 4096", got)
		}
		if late := refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", "4999")); late == 0 {
			t.Error("the last controller is forgotten")
		}
		if late := refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", "0")); late != 0 {
			t.Error("the first controller is not forgotten")
		}
		time.Sleep(time.Hour)
		refuse(t.Context(), t, l, ownedRequest("apps/v1", "ReplicaSet", "new"))
		if got := l.RememberedControllers(); got != 1 {
			t.Errorf("an hour later, %d controllers are remembered, want 1", got)
		}
	})
}
