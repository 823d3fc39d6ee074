package lifecycle

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// rememberDeleteFor is how long the Lifecycle refuses creates of a pod after its delete,
// and deletes what another replica creates for it. A local UID is never used again, so a
// longer time would only take memory.
const rememberDeleteFor = 10 * time.Minute

// errDeleted is the cause with which a delete ends a create of the same pod.
var errDeleted = errdefs.New(errdefs.Canceled, "the pod was deleted before it was created")

// inFlight records the creates that run and the recent deletes. With it, a delete
// cancels the creates of the same pod that are in flight, and refuses those that
// arrive later (docs/contract.md, DELETE-6). The zero value is ready for use.
type inFlight struct {
	mu      sync.Mutex
	creates map[string]map[*context.CancelCauseFunc]struct{}
	deletes map[string]deletion
	// order has the deletes, the oldest first: a delete need not look at all others to
	// find those that are old enough to forget.
	order []deletedAt
}

// deletedAt is when a local pod was deleted.
type deletedAt struct {
	uid string
	at  time.Time
}

// deletion is a recent delete.
type deletion struct {
	at      time.Time
	pod     *corev1.Pod // what is needed to delete the pod again
	remotes []types.UID // the remote pods whose deletion has begun
}

// addCreate records a create. A delete of the same pod cancels the returned context
// with errDeleted. The caller calls done once.
func (f *inFlight) addCreate(ctx context.Context, uid string) (_ context.Context, done func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.deletes[uid]; ok {
		return nil, nil, errDeleted
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if f.creates == nil {
		f.creates = map[string]map[*context.CancelCauseFunc]struct{}{}
	}
	if f.creates[uid] == nil {
		f.creates[uid] = map[*context.CancelCauseFunc]struct{}{}
	}
	f.creates[uid][&cancel] = struct{}{}
	return ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		cancel(nil)
		if delete(f.creates[uid], &cancel); len(f.creates[uid]) == 0 {
			delete(f.creates, uid)
		}
	}, nil
}

// isCreating reports whether a create of a local pod is in flight.
func (f *inFlight) isCreating(uid string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.creates[uid]) > 0
}

// addDelete records a delete and cancels the creates of the same pod.
func (f *inFlight) addDelete(pod *corev1.Pod) {
	uid, now := string(pod.UID), time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deletes == nil {
		f.deletes = map[string]deletion{}
	}
	for len(f.order) > 0 && now.Sub(f.order[0].at) > rememberDeleteFor {
		if oldest := f.order[0]; f.deletes[oldest.uid].at.Equal(oldest.at) { // otherwise it was deleted again
			delete(f.deletes, oldest.uid)
		}
		f.order = f.order[1:]
	}
	f.order = append(f.order, deletedAt{uid, now})
	f.deletes[uid] = deletion{at: now, pod: forDelete(pod), remotes: f.deletes[uid].remotes}
	for cancel := range f.creates[uid] {
		(*cancel)(errDeleted)
	}
}

// addDeleted records that the deletion of a remote pod has begun.
func (f *inFlight) addDeleted(uid string, remote types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.deletes[uid]; ok {
		d.remotes = append(d.remotes, remote)
		f.deletes[uid] = d
	}
}

// missed returns a local pod that was deleted recently, if the deletion of this remote
// pod of it has not begun: another replica has created the remote pod. Otherwise it
// returns nil.
func (f *inFlight) missed(uid string, remote types.UID) *corev1.Pod {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.deletes[uid]; ok && !slices.Contains(d.remotes, remote) {
		return d.pod
	}
	return nil
}

// isDeleted reports whether a local pod was deleted recently.
func (f *inFlight) isDeleted(uid string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.deletes[uid]
	return ok
}

// forDelete returns a copy of a local pod with those fields that a delete needs.
func forDelete(pod *corev1.Pod) *corev1.Pod {
	reduced := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, DeletionGracePeriodSeconds: pod.DeletionGracePeriodSeconds,
	}}
	if claims, ok := pod.Annotations[wire.AnnotationRemotePVC]; ok {
		reduced.Annotations = map[string]string{wire.AnnotationRemotePVC: claims}
		for _, volume := range pod.Spec.Volumes {
			if volume.PersistentVolumeClaim != nil {
				reduced.Spec.Volumes = append(reduced.Spec.Volumes, volume)
			}
		}
	}
	return reduced
}
