package orphans_test

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// remote is the remote cluster for one process.
type remote struct{ *process }

var errKilled = errors.New("the process was killed")

// call takes a moment of time, and is carried out at its end. Another moment passes until the
// answer arrives.
func (r remote) call(ctx context.Context, carryOut func() error) error {
	return r.callAt(ctx, r.world.crash, carryOut)
}

// callAt is call with another crash than that of the world.
func (r remote) callAt(ctx context.Context, crash func(*process), carryOut func() error) error {
	if err := pause(ctx); err != nil {
		return err
	}
	if r.isKilled(crash) {
		return errKilled
	}
	err := carryOut()
	if r.isKilled(crash) {
		return errKilled
	}
	if waitErr := pause(ctx); waitErr != nil {
		return waitErr
	}
	return err
}

// isKilled reports whether the process is killed, maybe at this moment.
func (r remote) isKilled(crash func(*process)) bool {
	if crash != nil {
		crash(r.process)
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	return r.killed
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r remote) Synced() bool { return true }

func (r remote) find(namespace, name string) (*corev1.Pod, error) {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	pod := r.world.pods[types.NamespacedName{Namespace: namespace, Name: name}]
	if pod == nil {
		return nil, errdefs.New(errdefs.NotFound, "no pod %s/%s", namespace, name)
	}
	return pod.DeepCopy(), nil
}

func (r remote) Pod(ctx context.Context, namespace, name string) (pod *corev1.Pod, err error) {
	err = r.call(ctx, func() (err error) { pod, err = r.find(namespace, name); return err })
	return pod, err
}

func (r remote) MarkPod(ctx context.Context, pod *corev1.Pod, annotation, value string, unchanged bool) error {
	return r.call(ctx, func() error {
		if r.world.markFails != nil {
			return r.world.markFails
		}
		found, err := r.find(pod.Namespace, pod.Name)
		switch {
		case err != nil:
			return err
		case found.UID != pod.UID:
			return errdefs.New(errdefs.NotFound, "another pod")
		case unchanged && found.ResourceVersion != pod.ResourceVersion:
			return errdefs.New(errdefs.Conflict, "changed")
		}
		if value == "" {
			delete(found.Annotations, annotation)
		} else {
			r.world.marks++
			found.Annotations[annotation] = value
		}
		r.world.put(found)
		return nil
	})
}

func (r remote) Delete(ctx context.Context, object metav1.Object, _ *int64, unchanged bool) error {
	return r.call(ctx, func() error {
		if _, isPod := object.(*corev1.Pod); !isPod {
			return r.deleteObject(object, unchanged)
		}
		found, err := r.find(object.GetNamespace(), object.GetName())
		switch {
		case err != nil:
			return err
		case found.UID != object.GetUID():
			return errdefs.New(errdefs.NotFound, "another pod")
		case !unchanged:
			return errors.New("a delete without the resource version as precondition")
		case found.ResourceVersion != object.GetResourceVersion():
			return errdefs.New(errdefs.Conflict, "changed")
		}
		w := r.world
		w.mu.Lock()
		delete(w.pods, types.NamespacedName{Namespace: found.Namespace, Name: found.Name})
		w.deleted = append(w.deleted, found.Name)
		watchers := w.watching()
		w.mu.Unlock()
		for _, p := range watchers {
			p.HandlePodGone(found)
		}
		return nil
	})
}

func (r remote) deleteObject(object metav1.Object, unchanged bool) error {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	resource := scope.ResourceOf(object)
	if _, isClaim := object.(*corev1.PersistentVolumeClaim); isClaim {
		resource = "persistentvolumeclaims"
	}
	found := r.world.objects[resource][object.GetName()]
	switch {
	case found == nil:
		return errdefs.New(errdefs.NotFound, "no object %s", object.GetName())
	case !unchanged || found.UID != object.GetUID() || found.ResourceVersion != object.GetResourceVersion():
		return errors.New("a delete without the UID and the resource version as preconditions")
	}
	delete(r.world.objects[resource], object.GetName())
	r.world.deleted = append(r.world.deleted, object.GetName())
	return nil
}

// EachPod ends a list with an error of each, as the real one does.
func (r remote) EachPod(_ context.Context, _, selector string, each func(*corev1.Pod) error) error {
	matching, err := labels.Parse(selector)
	if err != nil {
		return err
	}
	r.world.mu.Lock()
	var found []*corev1.Pod
	for _, pod := range r.world.pods {
		if matching.Matches(labels.Set(pod.Labels)) {
			found = append(found, pod)
		}
	}
	r.world.mu.Unlock()
	for _, pod := range found {
		if err := each(pod); err != nil {
			return err
		}
	}
	return nil
}

func (r remote) EachMetadata(_ context.Context, resource, _, selector string, each func(*metav1.ObjectMeta) error) error {
	matching, err := labels.Parse(selector)
	if err != nil {
		return err
	}
	r.world.mu.Lock()
	var found []metav1.ObjectMeta
	for _, meta := range r.world.objects[resource] {
		if matching.Matches(labels.Set(meta.Labels)) {
			found = append(found, *meta)
		}
	}
	r.world.mu.Unlock()
	for i := range found {
		if err := each(&found[i]); err != nil {
			return err
		}
	}
	return r.world.listFails[resource]
}
