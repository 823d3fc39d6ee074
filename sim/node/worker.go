package node

import (
	"container/heap"
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// retryAfter is when a call that failed is made again, in the clock's time.
const retryAfter = time.Second

type news struct {
	pod  *corev1.Pod
	gone bool
}

// worker plays a share of the pods, one at a time.
type worker struct {
	nodes *Nodes
	wake  chan struct{}
	plays map[types.UID]*entry // of run alone

	mu    sync.Mutex
	queue []news
	due   wakes
	busy  bool
	seen  map[types.UID]string // the resource version that was last heard of
}

// entry is a play with what it still owes the API server.
type entry struct {
	*play
	key     types.NamespacedName
	uid     types.UID
	owed    wish
	written corev1.PodStatus
	at      time.Time
	index   int // in the heap; -1 outside
}

func newWorker(n *Nodes) *worker {
	return &worker{nodes: n, wake: make(chan struct{}, 1), plays: map[types.UID]*entry{}, seen: map[types.UID]string{}}
}

func (w *worker) tell(n news) {
	w.mu.Lock()
	w.queue = append(w.queue, n)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) next() (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.queue) > 0:
		return w.nodes.options.Clock.Now(), true
	case len(w.due) > 0:
		return w.due[0].at, true
	}
	return time.Time{}, false
}

// settled counts the pods of this worker, and says whether they are among these
// in these versions and it has nothing to do.
func (w *worker) settled(pods map[types.UID]string) (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.idle() {
		return 0, false
	}
	for uid, version := range w.seen {
		if pods[uid] != version {
			return 0, false
		}
	}
	return len(w.seen), true
}

// idle says that there is nothing to do now. The caller holds mu.
func (w *worker) idle() bool {
	return !w.busy && len(w.queue) == 0 && (len(w.due) == 0 || w.due[0].at.After(w.nodes.options.Clock.Now()))
}

func (w *worker) run(ctx context.Context) {
	clock := w.nodes.options.Clock
	for ctx.Err() == nil {
		w.mu.Lock()
		queue := w.queue
		w.queue, w.busy = nil, true
		w.mu.Unlock()
		for _, n := range queue {
			w.hear(ctx, n)
		}
		var timer <-chan time.Time
		w.mu.Lock()
		var e *entry
		if len(w.due) > 0 {
			if wait := w.due[0].at.Sub(clock.Now()); wait > 0 {
				timer = clock.After(wait)
			} else {
				e = w.due[0]
			}
		}
		w.busy = e != nil
		w.mu.Unlock()
		if e != nil {
			w.play(ctx, e)
			continue
		}
		select {
		case <-timer:
		case <-w.wake:
		case <-ctx.Done():
		}
	}
}

func (w *worker) hear(ctx context.Context, n news) {
	now, e := w.nodes.options.Clock.Now(), w.plays[n.pod.UID]
	if n.gone {
		w.mu.Lock()
		delete(w.seen, n.pod.UID)
		w.mu.Unlock()
		if e != nil {
			w.forget(e)
		}
		return
	}
	behaviour, ours := w.nodes.options.Behaviour(n.pod)
	if !ours {
		return
	}
	w.mu.Lock()
	w.seen[n.pod.UID] = n.pod.ResourceVersion
	w.mu.Unlock()
	if e == nil {
		// What had ended before these nodes came is left as it is.
		if n.pod.Status.Phase == corev1.PodSucceeded || n.pod.Status.Phase == corev1.PodFailed {
			return
		}
		e = &entry{
			play: newPlay(n.pod.DeepCopy(), behaviour, now), uid: n.pod.UID, index: -1,
			key: types.NamespacedName{Namespace: n.pod.Namespace, Name: n.pod.Name},
		}
		w.plays[e.uid] = e
		w.play(ctx, e)
	}
	if e.update(now, n.pod) {
		w.play(ctx, e)
	}
	if n.pod.DeletionTimestamp != nil && e.lost.IsZero() {
		e.delete(now, time.Duration(ptr.Deref(n.pod.DeletionGracePeriodSeconds, 0))*time.Second)
		w.play(ctx, e)
	}
}

func (w *worker) forget(e *entry) {
	delete(w.plays, e.uid)
	w.nodes.logs.forget(e.key)
	w.schedule(e, time.Time{})
}

// play brings a pod up to the present: here, then on the API server.
func (w *worker) play(ctx context.Context, e *entry) {
	now := w.nodes.options.Clock.Now()
	status, wish, at := e.next(now)
	for _, r := range wish.runs {
		w.nodes.logs.begin(e.key, r)
	}
	for _, c := range e.all() {
		if c.step != running {
			w.nodes.logs.end(e.key, c.spec.Name)
		}
	}
	e.owed.bind = e.owed.bind || wish.bind
	e.owed.delete = e.owed.delete || wish.delete
	e.owed.remove = e.owed.remove || wish.remove
	switch err := w.write(ctx, e, status); {
	case err == nil:
		w.schedule(e, at)
	case apierrors.IsNotFound(err):
		w.forget(e)
	case ctx.Err() == nil:
		w.nodes.options.Log.Warn("a simulated node could not write; it tries again", "pod", e.key.String(), "error", err)
		w.schedule(e, now.Add(retryAfter))
	}
}

// write brings the API server up to date, in the order of real life.
func (w *worker) write(ctx context.Context, e *entry, status corev1.PodStatus) error {
	pods := w.nodes.options.Client.CoreV1().Pods(e.key.Namespace)
	meta := metav1.ObjectMeta{Name: e.key.Name, Namespace: e.key.Namespace, UID: e.uid}
	exact := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &e.uid}}
	if e.owed.bind {
		target := corev1.ObjectReference{Kind: "Node", Name: w.nodes.options.Name}
		// Bound or going already: the watch will tell.
		if err := pods.Bind(ctx, &corev1.Binding{ObjectMeta: meta, Target: target}, metav1.CreateOptions{}); err != nil && !apierrors.IsConflict(err) {
			return err
		}
		e.owed.bind = false
		e.pod.Spec.NodeName = w.nodes.options.Name
	}
	if len(status.Conditions) > 0 && !equality.Semantic.DeepEqual(e.written, status) {
		// With its labels: an API server takes over those of a status update too.
		pod := &corev1.Pod{ObjectMeta: *e.pod.ObjectMeta.DeepCopy(), Spec: e.pod.Spec, Status: status}
		pod.ResourceVersion = ""
		written, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
		if err != nil {
			return gone(err)
		}
		e.written = status
		// Before the watch tells: who read the pod before this must not think it settled.
		w.mu.Lock()
		if _, ours := w.seen[e.uid]; ours {
			w.seen[e.uid] = written.ResourceVersion
		}
		w.mu.Unlock()
	}
	if e.owed.delete {
		if err := pods.Delete(ctx, e.key.Name, exact); err != nil {
			return gone(err)
		}
		e.owed.delete = false
	}
	if e.owed.remove {
		exact.GracePeriodSeconds = ptr.To[int64](0)
		if err := pods.Delete(ctx, e.key.Name, exact); err != nil {
			return gone(err)
		}
		e.owed.remove = false
	}
	return nil
}

// gone turns a conflict into not found: nothing is written but under a UID, so
// another pod has the name now.
func gone(err error) error {
	if apierrors.IsConflict(err) {
		return apierrors.NewNotFound(corev1.Resource("pods"), err.Error())
	}
	return err
}

// schedule says when a pod is next played; the zero time is never.
func (w *worker) schedule(e *entry, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.index >= 0 {
		heap.Remove(&w.due, e.index)
	}
	if e.at = at; !at.IsZero() {
		heap.Push(&w.due, e)
	}
}

// wakes is a heap of entries by time.
type wakes []*entry

func (h wakes) Len() int           { return len(h) }
func (h wakes) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h wakes) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

// Push is heap.Interface's.
func (h *wakes) Push(x any) { e := x.(*entry); e.index = len(*h); *h = append(*h, e) }

// Pop is heap.Interface's.
func (h *wakes) Pop() any {
	last := (*h)[len(*h)-1]
	*h, last.index = (*h)[:len(*h)-1], -1
	return last
}
