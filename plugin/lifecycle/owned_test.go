package lifecycle_test

import (
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// listOwned lists the ConfigMaps and Secrets of a local pod, with any owner.
func (e *env) listOwned(r *wire.CreateRequest) []string {
	e.t.Helper()
	byUID := metav1.ListOptions{LabelSelector: wire.LabelPodUID + "=" + string(r.Pod.UID)}
	configMaps, err := e.admin.CoreV1().ConfigMaps(e.namespace).List(context.Background(), byUID)
	e.must(err)
	secrets, err := e.admin.CoreV1().Secrets(e.namespace).List(context.Background(), byUID)
	e.must(err)
	var names []string
	for _, o := range configMaps.Items {
		names = append(names, o.Name)
	}
	for _, o := range secrets.Items {
		names = append(names, o.Name)
	}
	return names
}

// No garbage collector runs here: the plugin itself deletes what a pod owned, as soon as
// the pod is gone, and not while the pod still ends.
func TestOwnedObjectsAreDeletedAfterTheirPod(t *testing.T) {
	e := newEnv(t)
	e.must(e.cluster.OnPodChange(e.HandlePodChange, func(pod *corev1.Pod, _ bool) { e.HandlePodGone(pod) }))
	r := fullRequest()
	e.create(r)
	e.bind(e.remotePod(r)) // its deletion waits for a kubelet
	pod := localPod(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.eventually("the pod cache has the deletion", func() bool {
		cached := e.cluster.CachedPod(string(r.Pod.UID))
		return cached != nil && cached.DeletionTimestamp != nil
	})
	if owned := e.listOwned(r); len(owned) != 2 {
		t.Errorf("while the pod ends, only these objects exist: %v", owned)
	}
	e.forceDelete("pod " + e.remotePod(r).Name)
	e.eventually("the owned objects are deleted", func() bool { return len(e.listOwned(r)) == 0 })
}

// Objects that a later pod owns, or that belong to another installation of the plugin,
// stay.
func TestOwnedObjectsOfOthersStay(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	e.create(r)
	gone := e.remotePod(r)
	earlier := gone.DeepCopy()
	earlier.UID = "an-earlier-pod"
	foreign := gone.DeepCopy()
	foreign.Labels[wire.LabelInstance] = "another"
	e.HandlePodGone(foreign)
	e.faults.set(nil)
	e.HandlePodGone(earlier)
	e.eventually("the plugin looks at the pod and both objects", func() bool { return len(e.faults.seen()) == 3 })
	if calls := e.faults.seen(); slices.ContainsFunc(calls, func(call string) bool { return call[:3] != "GET" }) {
		t.Errorf("the plugin sent %v", calls)
	}
	if owned := e.listOwned(r); len(owned) != 2 {
		t.Errorf("only these objects remain: %v", owned)
	}
}

// Somebody removes the label by which the plugin watches its pods. To the watch, that is
// the end of the pod. The pod still needs its objects.
func TestOwnedObjectsOfAPodThatStillExistsStay(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	e.create(r)
	e.faults.set(nil)
	e.HandlePodGone(e.remotePod(r))
	e.eventually("the plugin looks at the pod", func() bool { return slices.Contains(e.faults.seen(), "GET pods/name") })
	e.Close(t.Context()) // waits for the worker
	if owned := e.listOwned(r); len(owned) != 2 {
		t.Errorf("only these objects remain: %v", owned)
	}
}

// What cannot be read or deleted is left to the garbage collector. It does not delay the
// objects of other pods.
func TestOwnedObjectsThatCannotBeDeleted(t *testing.T) {
	for _, test := range []struct {
		call string
		left int // of the four objects of two pods
	}{
		{"GET pods/name", 2}, {"GET configmaps/name", 1}, {"DELETE configmaps/name", 1}, {"DELETE secrets/name", 1},
	} {
		t.Run(test.call, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			r, other := fullRequest(), fullRequest()
			e.create(r)
			e.create(other)
			pods := []*corev1.Pod{e.remotePod(r), e.remotePod(other)}
			e.failOnce(test.call, forbidden)
			for _, pod := range pods {
				e.forceDelete("pod " + pod.Name)
				e.HandlePodGone(pod)
			}
			e.eventually("all other objects are deleted", func() bool { return len(e.listOwned(r))+len(e.listOwned(other)) == test.left })
		})
	}
}
