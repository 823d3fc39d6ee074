package interruptions

import (
	"context"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Objects of a pod that has not started are missing. A second create makes them again, at the same plugin and at one
// that has just started, and changes nothing else.
func TestSecondCreateCompletesThePod(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.start()
	var all []wire.CreateRequest
	for n := range shapes {
		all = append(all, named(neverStarted+"same", n), named(neverStarted+"other", n))
	}
	jids := first.createAll(all)
	uids := s.checkWhole(all...)
	core, everything := s.admin.CoreV1(), metav1.ListOptions{LabelSelector: scope.Selector()}
	s.must(core.Secrets(s.namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, everything))
	s.must(core.ConfigMaps(s.namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, everything))

	second := s.start()
	for n, r := range all {
		i := []*instance{first, second}[n%2]
		if jid := i.create(r); jid != jids[n] {
			t.Errorf("%s has the job ID %s, and had %s", r.Pod.Name, jid, jids[n])
		}
	}
	for n, uid := range s.checkWhole(all...) {
		if uid != uids[n] {
			t.Errorf("%s is another remote pod than before", all[n].Pod.Name)
		}
	}
	// Nothing is missing any more: a third create changes nothing.
	before := s.versions()
	second.createAll(all)
	if after := s.versions(); !maps.Equal(before, after) {
		t.Errorf("a third create changed objects: %v, before %v", after, before)
	}
	for n, r := range all {
		second.delete(r, jids[n])
	}
	s.eventuallyNothingLeft()
}

// Containers of the pod have started, and an object is missing. A second create answers with the same job ID, and sends
// no request that changes something.
func TestSecondCreateNeverTouchesAPodThatRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.start()
	all := requests(len(shapes))
	// A pod that is still Pending, whose first init container runs.
	initializing := named(neverStarted+"init", 1)
	all = append(all, initializing)
	jids := first.createAll(all)
	s.eventuallyRunning(all...)
	remote := s.pod(initializing)
	remote.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	_, err := s.admin.CoreV1().Pods(s.namespace).UpdateStatus(t.Context(), remote, metav1.UpdateOptions{})
	s.must(err)
	s.must(s.admin.CoreV1().ConfigMaps(s.namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: scope.Selector()}))

	second := s.start()
	statuses(t, first, all[:len(shapes)], jids) // until its cache has them
	for _, i := range []*instance{first, second} {
		i.link.forget()
		for n, r := range all {
			if i == first && r.Pod.Name == initializing.Pod.Name {
				continue // its cache may not have the state yet
			}
			if jid := i.create(r); jid != jids[n] {
				t.Errorf("%s has the job ID %s, and had %s", r.Pod.Name, jid, jids[n])
			}
		}
		if writes := i.link.writes(); len(writes) > 0 {
			t.Errorf("these requests change something: %v", writes)
		}
	}
	for n, r := range all {
		second.delete(r, jids[n])
	}
	s.eventuallyNothingLeft()
}

// Objects with the names of the pod's objects exist already: left over by an earlier version, which did not set owners,
// or by an earlier remote pod of this local pod. The create replaces them.
func TestCreateReplacesObjectsOfEarlierPods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.start()
	warmUp(i)
	another, err := s.admin.CoreV1().Pods(s.namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: neverStarted + "another"}, Spec: request(0).Pod.Spec}, metav1.CreateOptions{})
	s.must(err)
	owner := func(name string, uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: name, UID: uid}}
	}
	const gone = "6f7c1b5e-5c0e-4b52-b2f2-1c2f3e4d5a6b"
	for owned, owners := range map[string]func(name string) []metav1.OwnerReference{
		"by-nothing":          func(string) []metav1.OwnerReference { return nil },
		"by-another":          func(string) []metav1.OwnerReference { return owner(another.Name, another.UID) },
		"by-what-is-gone":     func(string) []metav1.OwnerReference { return owner("gone", gone) },
		"by-the-pod-s-former": func(name string) []metav1.OwnerReference { return owner(name, gone) },
	} {
		for n := 1; n < len(shapes); n++ {
			r := named("owned-"+owned, n)
			uid := string(r.Pod.UID)
			old := s.createDependents(r, map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: uid}, owners(scope.Scope{}.Name(r.Pod.Name, uid)))
			jid := i.create(r)
			s.checkWhole(r)
			s.eventuallyRunning(r)
			s.checkWhole(r)
			for _, o := range s.objects() {
				if old[o.meta.UID] {
					t.Errorf("%s is not made again", o)
				}
			}
			i.delete(r, jid)
		}
	}
	s.eventuallyNothingLeft()
}

// An object that is not the plugin's has the name of one of the pod's objects. The create fails, and keeps it.
func TestCreateKeepsObjectsThatAreNotThePlugins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.start()
	warmUp(i)
	r := request(1)
	foreign := s.createDependents(r, nil, nil)
	if jid, err := i.tryCreate(r); err == nil {
		t.Errorf("the create succeeds with the job ID %s", jid)
	}
	i.delete(r, "")
	s.eventuallyNothingLeft()
	configMaps, err := s.admin.CoreV1().ConfigMaps(s.namespace).List(t.Context(), metav1.ListOptions{})
	s.must(err)
	secrets, err := s.admin.CoreV1().Secrets(s.namespace).List(t.Context(), metav1.ListOptions{})
	s.must(err)
	for _, o := range configMaps.Items {
		delete(foreign, o.UID)
	}
	for _, o := range secrets.Items {
		delete(foreign, o.UID)
	}
	if len(foreign) > 0 {
		t.Errorf("%d objects that are not the plugin's are deleted", len(foreign))
	}
}

// createDependents creates a ConfigMap and a Secret with the names of those of a request, and returns their UIDs.
func (s *site) createDependents(r wire.CreateRequest, labels map[string]string, owners []metav1.OwnerReference) map[types.UID]bool {
	s.t.Helper()
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: scope.Scope{}.Name(name, string(r.Pod.UID)), Labels: labels, OwnerReferences: owners}
	}
	ctx := context.Background()
	configMap, err := s.admin.CoreV1().ConfigMaps(s.namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta("app"), Data: map[string]string{"key": "old"}}, metav1.CreateOptions{})
	s.must(err)
	uids := map[types.UID]bool{configMap.UID: true}
	if len(r.Containers[0].Secrets) > 0 {
		secret, err := s.admin.CoreV1().Secrets(s.namespace).Create(ctx, &corev1.Secret{ObjectMeta: meta("keys")}, metav1.CreateOptions{})
		s.must(err)
		uids[secret.UID] = true
	}
	return uids
}
