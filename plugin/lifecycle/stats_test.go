package lifecycle_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// The stats say how many creates run and wait, and since when, until they end.
func TestStatsOfCreates(t *testing.T) {
	b := newBurst(t)
	if s := b.life.Stats(); s.CreatesInFlight != 0 || s.CreatesQueued != 0 || !s.OldestCreate.IsZero() {
		t.Errorf("at the start: %+v", s)
	}
	before := time.Now()
	b.create("demo", 70) // one namespace has half of 128
	s := b.life.Stats()
	if s.CreatesInFlight != 64 || s.CreatesQueued != 6 || s.OldestCreate.Before(before) || s.OldestCreate.After(time.Now()) {
		t.Errorf("of 70 creates: %+v", s)
	}
	b.release()
	if s := b.life.Stats(); s.CreatesInFlight != 0 || s.CreatesQueued != 0 || !s.OldestCreate.IsZero() {
		t.Errorf("at the end: %+v", s)
	}
}

// A delete that fails is pending until it succeeds, and its failures count.
func TestStatsOfDeletes(t *testing.T) {
	e := newEnv(t)
	deletes := &brokenDeletes{Cluster: e.cluster}
	deletes.broken.Store(true)
	life := e.replica(deletes)
	r := plainRequest()
	if _, err := life.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if err := life.Delete(t.Context(), &r.Pod); err != nil {
		t.Fatal(err)
	}
	s := life.Stats()
	if s.PendingDeletes != 1 || s.PendingRollbacks != 0 || s.OldestDelete.Before(before) || s.Retries[errdefs.Unavailable] == 0 {
		t.Errorf("after a delete that failed: %+v", s)
	}
	deletes.broken.Store(false)
	e.eventually("the delete succeeds", func() bool { return life.PendingJobs(r.Pod.UID) == 0 })
	if s := life.Stats(); s.PendingDeletes != 0 || !s.OldestDelete.IsZero() {
		t.Errorf("after the delete succeeded: %+v", s)
	}
}

// brokenDeletes is a cluster whose deletes fail.
type brokenDeletes struct {
	*cluster.Cluster
	broken atomic.Bool
}

func (c *brokenDeletes) Delete(ctx context.Context, object metav1.Object, grace *int64, unchanged bool) error {
	if c.broken.Load() {
		return errdefs.New(errdefs.Unavailable, "injected")
	}
	return c.Cluster.Delete(ctx, object, grace, unchanged)
}

// A pod that is ended because its mesh network failed counts once.
func TestStatsOfMeshFailures(t *testing.T) {
	e := newMeshEnv(t, true)
	for n := range 2 {
		r := e.createMeshPod()
		e.setStatus(e.remotePod(r), meshFailed)
		e.eventually("the pod is ended", func() bool { return e.Stats().MeshFailures == uint64(n+1) })
		e.eventually("nothing is left to do", func() bool { return e.PendingJobs(e.remotePod(r).UID) == 0 })
	}
	if s := e.Stats(); s.MeshFailures != 2 {
		t.Errorf("%d pods were ended", s.MeshFailures)
	}
}

// Refusals count by what they are about, and warnings by the part of the pod. A namespace, a path and a resource that
// a user names are in none of them.
func TestStatsOfRefusalsAndWarnings(t *testing.T) {
	e := newEnv(t, func(o *lifecycle.Options) { o.Policy.Namespaces = []string{"demo", "local-*"} })
	life := e.replica(e.cluster)
	for n := range 5 {
		r := plainRequest()
		r.Pod.Namespace = fmt.Sprintf("hostile-%d", n)
		r.Pod.Spec.HostNetwork = true
		r.Pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: fmt.Sprintf("claim-%d", n)}}
		if _, err := life.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
			t.Errorf("the create returned %v", err)
		}
	}
	r := plainRequest()
	r.Pod.Namespace = "demo"
	r.Pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "a"}, {Name: "b"}}
	if _, err := life.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	other := plainRequest()
	other.Pod.Namespace = "demo"
	e.faults.set(func(_ int, call string) fault {
		if call == "POST pods" {
			return forbidden
		}
		return ""
	})
	if _, err := life.Create(t.Context(), other); !errdefs.Is(err, errdefs.Refused) {
		t.Errorf("the create that the API server forbids returned %v", err)
	}
	s := life.Stats()
	if want := map[string]uint64{"namespace": 5, "pod_security": 5, "remote": 1}; !maps.Equal(s.Refusals, want) {
		t.Errorf("the refusals are %v, want %v", s.Refusals, want)
	}
	if want := map[translate.WarningKind]uint64{translate.WarnResourceClaims: 1}; !maps.Equal(s.Warnings, want) {
		t.Errorf("the warnings are %v, want %v", s.Warnings, want)
	}
	for reason := range s.Refusals {
		if !slices.Contains(lifecycle.RefusalReasons, reason) {
			t.Errorf("the reason %s is not listed", reason)
		}
	}
}
