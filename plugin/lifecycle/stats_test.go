package lifecycle_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
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
