package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// After a restart, the virtual kubelet sends a create for a running pod again, with
// another body (docs/contract.md, CREATE-8 and CREATE-9). It gets the same answer, and
// nothing changes. A pod that has not started is marked, so that no rollback deletes it,
// and the plugin looks whether everything is there.
func TestSecondCreateChangesNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		running bool
		want    []string
	}{
		{"the pod runs", true, nil},
		{"the pod has not started", false, []string{"GET pods/name", "PATCH pods/name", "GET configmaps/name", "GET secrets/name", "GET persistentvolumeclaims/name"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			r := fullRequest()
			first := e.create(r)
			if test.running {
				e.setRunning(r)
			}
			before := e.remotePod(r)
			e.eventually("the pod cache has the pod", func() bool {
				cached := e.cluster.CachedPod(string(r.Pod.UID))
				return cached != nil && cached.ResourceVersion == before.ResourceVersion
			})

			e.faults.set(nil)
			repeated := fullRequest()
			repeated.Pod = *r.Pod.DeepCopy()
			repeated.Pod.Spec.Containers[0].Image = "changed"
			repeated.Containers = nil // translate would refuse this request
			if second := e.create(repeated); second != first {
				t.Errorf("the first create returned %+v, the second %+v", first, second)
			}
			if calls := e.faults.seen(); !slices.Equal(calls, test.want) {
				t.Errorf("the second create sent %v, want %v", calls, test.want)
			}
			after := e.remotePod(r)
			if marked := after.Annotations[wire.AnnotationCreatedAgain] != ""; marked == test.running {
				t.Errorf("the pod is marked: %v", marked)
			}
			if test.running && after.ResourceVersion != before.ResourceVersion {
				t.Error("the second create changed the pod")
			}
		})
	}
}

// setRunning starts the containers of the remote pod, as a kubelet does.
func (e *env) setRunning(r *wire.CreateRequest) {
	e.t.Helper()
	pod := e.remotePod(r)
	pod.Status.Phase = corev1.PodRunning
	_, err := e.admin.CoreV1().Pods(pod.Namespace).UpdateStatus(context.Background(), pod, metav1.UpdateOptions{})
	e.must(err)
}

// Two replicas share no memory: the second create finds the objects of the first.
func TestCreateByAnotherReplica(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	first, err := e.Create(t.Context(), r)
	e.must(err)
	second, err := e.replica(emptyCache{e.cluster}).Create(t.Context(), r)
	e.must(err)
	if second != first {
		t.Errorf("the first create returned %+v, the second %+v", first, second)
	}
}

// A create finds a pod that has not started, and a Secret that an earlier pod owned. Each of
// its requests fails once, before or after it is carried out. The create succeeds all the
// same, and its pod stays.
func TestSecondCreateRetriesEachTransientFault(t *testing.T) {
	e := newEnv(t)
	for _, call := range []string{"GET pods/name", "PATCH pods/name", "GET configmaps/name", "GET secrets/name", "DELETE secrets/name", "POST secrets"} {
		for _, fault := range []fault{refused, lost, overloaded, broken} {
			t.Run(fmt.Sprintf("%s %s", call, fault), func(t *testing.T) {
				e := e.on(t)
				r := fullRequest()
				e.create(r)
				before := e.remotePod(r)
				e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
				e.disown(r)
				e.failOnce(call, fault)
				e.create(r)
				if !slices.Contains(e.faults.seen(), call) {
					t.Fatalf("the create did not send %s, so the test checks nothing", call)
				}
				if after := e.remotePod(r); after.UID != before.UID {
					t.Error("the pod was created again")
				}
				e.faults.set(nil)
				e.expectOwned(r)
				e.mustDelete(r)
			})
		}
	}
}

// A second create that may not mark the pod fails. The pod of the first create stays.
func TestSecondCreateThatFailsKeepsThePod(t *testing.T) {
	for _, call := range []string{"GET pods/name", "PATCH pods/name", "DELETE secrets/name", "POST secrets"} {
		t.Run(call, func(t *testing.T) {
			e := newEnv(t)
			r := fullRequest()
			e.create(r)
			before := e.remotePod(r)
			e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
			e.disown(r)
			e.failAlways(call, forbidden)
			if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
				t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
			}
			e.eventually("the retry queue is done", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
			if after := e.remotePod(r); after.UID != before.UID || after.DeletionTimestamp != nil {
				t.Error("the pod was deleted")
			}
		})
	}
}

// disown lets the Secret of the request's pod belong to a pod that does not exist.
func (e *env) disown(r *wire.CreateRequest) {
	e.t.Helper()
	secrets := e.admin.CoreV1().Secrets(e.namespace)
	list, err := secrets.List(context.Background(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))})
	e.must(err)
	for i := range list.Items {
		list.Items[i].OwnerReferences[0].UID = "an-earlier-pod"
		_, err = secrets.Update(context.Background(), &list.Items[i], metav1.UpdateOptions{})
		e.must(err)
	}
}
