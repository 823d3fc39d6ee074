package plugin

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// pageRows keeps the row of each remote pod for the page. It follows the changes of pods: the cache keeps pods encoded, and
// to decode all of them for each page would take half a second for 10,000 pods. The zero value is ready.
type pageRows struct {
	mu   sync.Mutex
	kept map[types.NamespacedName]*keptRow // by the remote namespace and name
}

// keptRow is what a row needs that does not change with time alone.
type keptRow struct {
	row            admin.Pod
	uid, remoteUID string
	// attention is when somebody should look at the pod; zero if it is well.
	attention time.Time
	// marked is the value of the annotation that marks an orphan, or empty.
	marked string
}

// at returns the row at a time.
func (k *keptRow) at(now time.Time) admin.Pod {
	row := k.row
	row.Stuck = !k.attention.IsZero() && now.After(k.attention)
	return row
}

// change keeps the new state of a remote pod.
func (r *pageRows) change(pod *corev1.Pod) {
	row := newKeptRow(pod)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil {
		r.kept = map[types.NamespacedName]*keptRow{}
	}
	r.kept[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = row
}

// forget forgets a remote pod that is gone; not another pod of the same name.
func (r *pageRows) forget(pod *corev1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
	if kept := r.kept[key]; kept != nil && kept.remoteUID == string(pod.UID) {
		delete(r.kept, key)
	}
}

// all returns the rows, in no order. The caller does not change them.
func (r *pageRows) all() []*keptRow {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*keptRow, 0, len(r.kept))
	for _, row := range r.kept {
		all = append(all, row)
	}
	return all
}

// has reports whether there is a remote pod of a name.
func (r *pageRows) has(namespace, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[types.NamespacedName{Namespace: namespace, Name: name}] != nil
}

// newKeptRow returns what the page keeps of a remote pod.
func newKeptRow(pod *corev1.Pod) *keptRow {
	row, attention := rowOf(pod)
	return &keptRow{
		row: row, attention: attention, uid: pod.Labels[wire.LabelPodUID], remoteUID: string(pod.UID),
		marked: pod.Annotations[wire.AnnotationUnaskedSince],
	}
}
