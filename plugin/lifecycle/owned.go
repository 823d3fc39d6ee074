package lifecycle

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// ownedWorkers is the number of pods whose objects are deleted at the same time. Each
	// object takes two requests. Where creates run beside, fewer workers fall behind, and
	// more do not delete more (docs/performance.md).
	ownedWorkers = 16
	// maxGonePods limits the pods that wait. The garbage collector deletes the objects
	// of those for which there is no place.
	maxGonePods = 10_000
	// ownedTimeout limits the deletes of one pod's objects.
	ownedTimeout = 30 * time.Second
	// collectorFirst is how long the garbage collector has the objects for itself. Where
	// it is fast enough, the plugin then finds them gone.
	collectorFirst = 5 * time.Second
)

// ownedDeletes deletes the objects of pods that are gone, by name. The garbage collector
// of a cluster deletes some 20 objects a second, which is too slow where pods come fast
// (docs/performance.md). It deletes what fails here, and what a restart of the plugin
// interrupts. The zero value is ready for use.
type ownedDeletes struct {
	start   sync.Once
	pods    chan gonePod
	ctx     context.Context
	stop    context.CancelFunc
	workers sync.WaitGroup
}

// gonePod is a pod that does not exist any more.
type gonePod struct {
	pod *corev1.Pod
	due time.Time // when the plugin deletes the objects that the pod owned
}

// HandlePodGone deletes the objects that a remote pod owned, if the garbage collector does
// not do so soon. It is called when a pod does not exist any more, and returns at once.
// It does not modify the pod.
func (l *Lifecycle) HandlePodGone(pod *corev1.Pod) {
	owned, _ := scope.Owned(pod)
	if pod.Labels[wire.LabelInstance] != l.options.Translate.Scope.Instance || len(owned) == 0 {
		return
	}
	o := &l.owned
	o.start.Do(func() {
		o.pods = make(chan gonePod, maxGonePods)
		o.ctx, o.stop = context.WithCancel(context.Background())
		for range ownedWorkers {
			o.workers.Go(func() { l.deleteAllOwned(o.ctx, o.pods) })
		}
	})
	select {
	case o.pods <- gonePod{pod, time.Now().Add(collectorFirst)}:
	default:
		l.logLeft(pod, errdefs.New(errdefs.Unavailable, "%d pods that are gone wait already", maxGonePods))
	}
}

// deleteAllOwned deletes the objects of one pod after the other until ctx is done. While
// it waits for one pod to be due, no later pod is.
func (l *Lifecycle) deleteAllOwned(ctx context.Context, pods <-chan gonePod) {
	for {
		select {
		case gone := <-pods:
			select {
			case <-time.After(time.Until(gone.due)):
				l.deleteOwned(ctx, gone.pod)
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// deleteOwned deletes the objects that a pod owned. It deletes nothing if the pod still
// exists: the watch also loses sight of a pod whose label somebody removes. An object of
// the same name that a later pod owns stays, and so does a Service that another pod owns
// too, or begins to own at this moment: it is deleted only if it has not changed.
func (l *Lifecycle) deleteOwned(ctx context.Context, pod *corev1.Pod) {
	ctx, cancel := context.WithTimeout(ctx, ownedTimeout)
	defer cancel()
	switch found, err := l.cluster.Pod(ctx, pod.Namespace, pod.Name); {
	case err == nil && found.UID == pod.UID:
		return
	case err != nil && !errdefs.Is(err, errdefs.NotFound):
		l.logLeft(pod, err)
		return
	}
	owned, _ := scope.Owned(pod)
	for _, object := range owned {
		found, err := l.cluster.Get(ctx, object)
		if err == nil && len(found.GetOwnerReferences()) == 1 && isOwnedBy(found, pod.UID) {
			_, canBeShared := object.(*corev1.Service)
			err = l.cluster.Delete(ctx, found, nil, canBeShared)
		}
		if err != nil && !errdefs.Is(err, errdefs.NotFound) {
			l.logLeft(pod, err)
		}
	}
}

func (l *Lifecycle) logLeft(pod *corev1.Pod, err error) {
	l.log.Debug("an object of a pod that is gone is left to the garbage collector", "remote", pod.Namespace+"/"+pod.Name, "error", err)
}

// close stops the workers.
func (o *ownedDeletes) close() {
	o.start.Do(func() {}) // from now on, nothing starts them
	if o.stop != nil {
		o.stop()
	}
	o.workers.Wait()
}
