package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// ringRequest returns a create request for a pod with the subdomain ring.
func ringRequest() *wire.CreateRequest {
	r := plainRequest()
	r.Pod.Spec.Subdomain = "ring"
	return r
}

// ring returns the remote Service ring.
func (e *env) ring() *corev1.Service {
	e.t.Helper()
	service, err := e.admin.CoreV1().Services(e.namespace).Get(context.Background(), "ring", metav1.GetOptions{})
	e.must(err)
	return service
}

// expectOwners checks that the remote pods of these requests, and no others, own the Service.
func (e *env) expectOwners(requests ...*wire.CreateRequest) {
	e.t.Helper()
	var want, got []string
	for _, r := range requests {
		want = append(want, string(e.remotePod(r).UID))
	}
	for _, owner := range e.ring().OwnerReferences {
		got = append(got, string(owner.UID))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		e.t.Errorf("the Service has the owners %v, want %v", got, want)
	}
}

// All pods of a job own the Service of its name, however many are created at once. A pod starts
// only when the Service exists.
func TestPodsShareAService(t *testing.T) {
	e := newEnv(t)
	requests := make([]*wire.CreateRequest, 20)
	var group errgroup.Group
	for i := range requests {
		requests[i] = ringRequest()
		group.Go(func() error {
			_, err := e.Create(t.Context(), requests[i])
			return err
		})
	}
	e.must(group.Wait())
	e.expectOwners(requests...)
	selector := metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: e.ring().Spec.Selector})
	selected, err := e.admin.CoreV1().Pods(e.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	e.must(err)
	if len(selected.Items) != len(requests) {
		t.Errorf("the Service selects %d pods, want %d", len(selected.Items), len(requests))
	}
	if gates := e.remotePod(requests[0]).Spec.SchedulingGates; len(gates) > 0 {
		t.Errorf("the pod waits for %v", gates)
	}

	e.faults.set(nil)
	_, err = e.Create(t.Context(), requests[0]) // InterLink sends a create again
	e.must(err)
	e.expectOwners(requests...)
	other := plainRequest()
	e.create(other)
	e.expectOwners(requests...)
}

// A pod that is gone does not take the Service from the others. The last one does, where the garbage
// collector is slow.
func TestServiceStaysForTheOtherPods(t *testing.T) {
	e := newEnv(t)
	first, second := ringRequest(), ringRequest()
	e.create(first)
	e.create(second)
	gone := e.remotePod(first)
	e.forceDelete("pod " + gone.Name)
	e.DeleteOwned(t.Context(), gone)
	if owners := e.ring().OwnerReferences; len(owners) != 2 { // only the garbage collector removes one
		t.Errorf("the Service has the owners %v", owners)
	}

	third := ringRequest()
	third.Pod.Spec.Subdomain = "alone"
	e.create(third)
	gone = e.remotePod(third)
	e.forceDelete("pod " + gone.Name)
	e.DeleteOwned(t.Context(), gone)
	if _, err := e.admin.CoreV1().Services(e.namespace).Get(t.Context(), "alone", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Service of a pod that is gone: error %v", err)
	}
}

// A pod begins to use a Service between the two requests with which the plugin deletes it after its
// last pod.
func TestServiceStaysForAPodThatComesNow(t *testing.T) {
	e := newEnv(t)
	first, second := ringRequest(), ringRequest()
	e.create(first)
	gone := e.remotePod(first)
	e.forceDelete("pod " + gone.Name)
	other := e.replica(syncedCache{emptyCache{e.healthy()}})
	came := false
	e.faults.onCall(func(call string) {
		if call == "DELETE services/name" && !came {
			came = true
			_, err := other.Create(context.Background(), second)
			e.must(err)
		}
	})
	e.DeleteOwned(t.Context(), gone)
	if !came {
		t.Fatal("the plugin did not begin to delete the Service")
	}
	uid := e.remotePod(second).UID
	if owners := e.ring().OwnerReferences; !slices.ContainsFunc(owners, func(o metav1.OwnerReference) bool { return o.UID == uid }) {
		t.Errorf("the Service has the owners %v", owners)
	}
}

// A Service that the plugin did not create for the same local namespace is not used, and not
// changed.
func TestServiceOfOthersIsNotUsed(t *testing.T) {
	ours := func() *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name:        "ring",
				Labels:      map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "test"},
				Annotations: map[string]string{wire.AnnotationSourceNamespace: "demo"},
			},
			Spec: corev1.ServiceSpec{ClusterIP: "None", Selector: map[string]string{wire.LabelInstance: "test", wire.LabelServicePrefix + "ring": "true"}},
		}
	}
	for _, test := range []struct {
		name   string
		change func(*corev1.Service)
		want   string // "": the Service is used
	}{
		{"of the plugin", func(*corev1.Service) {}, ""},
		{"of the site", func(s *corev1.Service) { s.Labels = nil }, "this installation of the plugin did not create it"},
		{"of another installation", func(s *corev1.Service) { s.Labels[wire.LabelInstance] = "other" }, "this installation of the plugin did not create it"},
		{"of another local namespace", func(s *corev1.Service) { s.Annotations[wire.AnnotationSourceNamespace] = "other" }, "it is that of another local namespace"},
		{"with another selector", func(s *corev1.Service) { s.Spec.Selector["app"] = "x" }, "it selects other pods"},
		{"with a selector of other pods", func(s *corev1.Service) {
			s.Spec.Selector = map[string]string{wire.LabelInstance: "test", "app": "x"}
		}, "it selects other pods"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			e.createNamespace()
			service := ours()
			test.change(service)
			_, err := e.admin.CoreV1().Services(e.namespace).Create(t.Context(), service, metav1.CreateOptions{})
			e.must(err)
			r := ringRequest()
			_, err = e.Create(t.Context(), r)
			if test.want == "" {
				e.must(err)
				e.expectOwners(r)
				return
			}
			if !errdefs.Is(err, errdefs.Exists) || !strings.Contains(err.Error(), "service "+e.namespace+"/ring exists, and the pod cannot use it: "+test.want) {
				t.Errorf("error %v", err)
			}
			if owners := e.ring().OwnerReferences; len(owners) > 0 {
				t.Errorf("the Service has the owners %v", owners)
			}
			if left := e.remaining(r); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// The last pod of a Service goes, and the garbage collector deletes the Service, between two
// requests of a create: the Service is created again.
func TestServiceThatGoesIsCreatedAgain(t *testing.T) {
	for _, at := range []string{"GET services/name", "PATCH services/name"} {
		t.Run(at, func(t *testing.T) {
			e := newEnv(t)
			first, second := ringRequest(), ringRequest()
			e.create(first)
			var once atomic.Bool
			e.faults.onCall(func(call string) {
				if call == at && once.CompareAndSwap(false, true) {
					e.must(e.admin.CoreV1().Services(e.namespace).Delete(context.Background(), "ring", metav1.DeleteOptions{}))
				}
			})
			e.create(second)
			if !once.Load() {
				t.Fatalf("the create sent no %s", at)
			}
			e.expectOwners(second)
		})
	}
}

// Each request for a Service can fail.
func TestFailuresOfServiceRequests(t *testing.T) {
	shared := newEnv(t)
	owners := []*wire.CreateRequest{ringRequest()}
	shared.create(owners[0])
	for _, call := range []string{"POST services", "GET services/name", "PATCH services/name"} {
		for _, with := range []fault{refused, lost, overloaded, broken} {
			t.Run(fmt.Sprint(call, " ", with), func(t *testing.T) {
				e, r := shared.on(t), ringRequest()
				e.failOnce(call, with)
				e.create(r)
				owners = append(owners, r)
				e.expectOwners(owners...)
			})
		}
		t.Run(call+" is forbidden", func(t *testing.T) {
			e, r := shared.on(t), ringRequest()
			e.failAlways(call, forbidden)
			if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Refused) {
				t.Errorf("error %v", err)
			}
			e.eventually("nothing of the pod is left", func() bool { return len(e.remaining(r)) == 0 })
			e.expectOwners(owners...)
		})
	}
}

// The number of owners of a Service is bounded.
func TestServiceHasABoundedNumberOfOwners(t *testing.T) {
	e := newEnv(t)
	first := ringRequest()
	e.create(first)
	service := e.ring()
	for i := range lifecycle.MaxServiceOwners - 1 {
		service.OwnerReferences = append(service.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "other", UID: types.UID(fmt.Sprint("other-", i))})
	}
	_, err := e.admin.CoreV1().Services(e.namespace).Update(t.Context(), service, metav1.UpdateOptions{})
	e.must(err)
	second := ringRequest()
	if _, err := e.Create(t.Context(), second); !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "has 256 pods already") {
		t.Errorf("error %v", err)
	}
	if left := e.remaining(second); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	_, err = e.Create(t.Context(), first) // it is an owner already
	e.must(err)
}
