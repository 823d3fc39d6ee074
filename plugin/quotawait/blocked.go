package quotawait

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// countsStored has the resources of a quota that count stored requests and their markers.
var countsStored = map[string]bool{"secrets": true, "count/secrets": true, "configmaps": true, "count/configmaps": true}

// givenUp ends the message of a pod that fails so that others can be created.
const givenUp = "the requests of pods that wait use up the quota, and nothing else will free room: this pod, the youngest of them, fails"

// block is a state of a namespace: only what is stored for pods that wait keeps them from
// being created. It would last for ever.
type block struct {
	keys  []key // the pods that wait
	since time.Time
}

// endBlock lets the youngest pod in a namespace fail if the pods that wait there have been
// blocking each other for a time. It is called after all of them were tried.
func (w *Waiting) endBlock(ctx context.Context, namespace string, b *block) {
	waiting, stored := w.index.waiting(namespace)
	blocked := areBlocked(waiting, stored)
	var keys []key
	for i := range waiting {
		keys = append(keys, waiting[i].key)
	}
	if blocked && !slices.Equal(keys, b.keys) {
		*b = block{keys, time.Now()}
	}
	isDue := blocked && time.Since(b.since) >= w.timing.blocked
	if isDue || blocked && w.isBlocked(namespace) {
		hasPods, err := w.hasPods(ctx, namespace)
		if err != nil {
			w.log.Warn("cannot find out whether pods that wait for a quota block each other", "namespace", namespace, "error", err)
			return
		}
		blocked = !hasPods
	}
	if !blocked {
		*b = block{}
		w.setBlocked(namespace, false)
		return
	}
	if !isDue {
		return
	}
	w.setBlocked(namespace, true)
	if err := w.giveUp(ctx, &waiting[len(waiting)-1]); err != nil {
		w.log.Warn("pods that wait for a quota block each other", "namespace", namespace, "error", err)
	}
}

// areBlocked reports whether the quota would permit the pod that has been waiting longest, if nothing were
// stored, and each pod that waits is refused because of ConfigMaps or Secrets.
func areBlocked(waiting []entry, stored int) bool {
	for i := range waiting {
		if e := &waiting[i]; e.holder != "" || !e.lastRefusal.countsStored() {
			return false
		}
	}
	return len(waiting) > 0 && waiting[0].lastRefusal.fitsWithout(stored)
}

// hasPods reports whether a namespace has an offloaded pod: its end would free room. A pod that is
// deleted before it has started is that of a try.
func (w *Waiting) hasPods(ctx context.Context, namespace string) (bool, error) {
	err := w.cluster.EachPod(ctx, namespace, scope.Selector(), func(pod *corev1.Pod) error {
		if pod.DeletionTimestamp != nil && !podstate.HasStarted(pod) {
			return nil
		}
		return errFound
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// errFound ends a list at the first object.
var errFound = errors.New("found")

// giveUp writes on the marker of a pod that waits that it has failed. It does nothing if
// another replica works on the pod, or it was deleted.
func (w *Waiting) giveUp(ctx context.Context, e *entry) error {
	found, err := w.get(ctx, &corev1.ConfigMap{ObjectMeta: e.key.meta()})
	marker, ok := found.(*corev1.ConfigMap)
	if err != nil || !ok {
		return ignoreNotFound(err)
	}
	s := stateOf(marker)
	if s.ended == "" && s.holder == "" {
		s.ended = e.lastRefusal.text + ": " + givenUp
		err = w.cluster.AnnotateConfigMap(ctx, marker, map[string]any{wire.AnnotationWaitEnded: s.ended}, true)
		if errdefs.Is(err, errdefs.Conflict) || errdefs.Is(err, errdefs.NotFound) {
			return nil // the next try looks again
		}
		if err != nil {
			return err
		}
		w.log.Warn("pods that wait for a quota block each other: the youngest fails", "secret", e.key.String(), "reason", e.lastRefusal.text)
	}
	w.index.put(e.key, s, time.Now())
	w.wake(e.key.namespace)
	return nil
}

// isBlocked reports whether the pods that wait in a namespace block each other: a pod that began
// to wait now would use the room that has just been made.
func (w *Waiting) isBlocked(namespace string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blocked[namespace]
}

func (w *Waiting) setBlocked(namespace string, blocked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if blocked {
		w.blocked[namespace] = true
	} else {
		delete(w.blocked, namespace)
	}
}
