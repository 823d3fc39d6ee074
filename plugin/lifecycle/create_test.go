package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestCreateCreatesTheNamespaceThenThePodThenWhatThePodOwns(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	answer := e.create(r)
	calls := e.faults.seen()
	pod := e.remotePod(r)
	if answer.PodUID != string(r.Pod.UID) || answer.PodJID != pod.Name {
		t.Errorf("the create returned %+v for the remote pod %s", answer, pod.Name)
	}
	if objects := e.remaining(r); len(objects) != fullCount {
		t.Errorf("these objects exist: %v", objects)
	}
	e.expectOwned(r)
	order := []string{"POST namespaces", "GET persistentvolumeclaims/name", "POST persistentvolumeclaims", "POST pods", "PATCH persistentvolumeclaims/name"}
	if len(calls) != len(order)+2 || !slices.Equal(calls[:len(order)], order) {
		t.Errorf("the create sent %v", calls)
	}

	e.faults.set(nil)
	e.create(plainRequest())
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"POST pods"}) {
		t.Errorf("the second create sent %v, want only the pod", calls)
	}
}

// expectOwned checks that the pod of a full request owns its ConfigMap and its Secret,
// that it says so, and that no gate keeps it from starting.
func (e *env) expectOwned(r *wire.CreateRequest) {
	e.t.Helper()
	pod := e.remotePod(r)
	if len(pod.Spec.SchedulingGates) > 0 {
		e.t.Errorf("the pod still has the gates %v", pod.Spec.SchedulingGates)
	}
	owned, _ := scope.Owned(pod)
	if len(owned) != 2 {
		e.t.Errorf("the pod says that it owns %q", pod.Annotations[wire.AnnotationOwned])
	}
	for _, object := range owned {
		found, err := e.cluster.Get(context.Background(), object)
		e.must(err)
		want := []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}}
		if diff := cmp.Diff(want, found.GetOwnerReferences()); diff != "" {
			e.t.Errorf("owners of %s (-want +got)\n%s", found.GetName(), diff)
		}
	}
}

func TestConcurrentCreatesOfAPodCreateOnePod(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	var answers sync.Map
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			answer, err := e.Create(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			answers.Store(i, answer.PodJID)
		})
	}
	group.Wait()
	jid := e.remotePod(r).Name
	answers.Range(func(_, answer any) bool {
		if answer != jid {
			t.Errorf("a create returned %v, the pod is %s", answer, jid)
		}
		return true
	})
	if objects := e.remaining(r); len(objects) != fullCount {
		t.Errorf("these objects exist: %v", objects)
	}
}

// Each request of a create fails once with each transient fault. The create succeeds,
// and creates each object once.
func TestCreateRetriesEachTransientFault(t *testing.T) {
	e := newEnv(t)
	calls := e.callsOfACreate()
	for n, call := range calls {
		for _, fault := range []fault{refused, lost, overloaded, broken} {
			t.Run(fmt.Sprintf("%d %s %s", n, call, fault), func(t *testing.T) {
				e := e.on(t)
				r := fullRequest()
				e.failOnce(call, fault)
				answer, err := e.Create(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if pod := e.remotePod(r); answer.PodJID != pod.Name {
					t.Errorf("the create returned %s for pod %s", answer.PodJID, pod.Name)
				}
				if objects := e.remaining(r); len(objects) != fullCount {
					t.Errorf("these objects exist: %v", objects)
				}
				e.expectOwned(r)
				e.mustDelete(r)
			})
		}
	}
}

// A user deletes a namespace that the plugin remembers. The next create creates it again.
func TestDeletedNamespaceIsCreatedAgain(t *testing.T) {
	e := newEnv(t)
	_, err := e.Create(t.Context(), plainRequest())
	e.must(err)
	e.must(e.admin.CoreV1().Namespaces().Delete(t.Context(), e.namespace, metav1.DeleteOptions{}))
	// No namespace controller runs here: the namespace stays Terminating, and the create waits.
	var group sync.WaitGroup
	r := fullRequest()
	group.Go(func() {
		if _, err := e.Create(t.Context(), r); err != nil {
			t.Error(err)
		}
	})
	e.eventually("the create finds the terminating namespace", func() bool { return slices.Contains(e.faults.seen(), "POST pods") })
	e.finalizeNamespace()
	group.Wait()
	if objects := e.remaining(r); len(objects) != fullCount {
		t.Errorf("these objects exist: %v", objects)
	}
}

// finalizeNamespace finishes the deletion of the namespace, as the namespace controller
// does when the namespace is empty.
func (e *env) finalizeNamespace() {
	e.t.Helper()
	namespace, err := e.admin.CoreV1().Namespaces().Get(context.Background(), e.namespace, metav1.GetOptions{})
	e.must(err)
	namespace.Spec.Finalizers = nil
	_, err = e.admin.CoreV1().Namespaces().Finalize(context.Background(), namespace, metav1.UpdateOptions{})
	e.must(err)
}

// A request that the remote cluster does not permit is not retried. The error has the
// API server's text.
func TestExceededQuotaFailsAtOnce(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
	}
	quota, err := e.admin.CoreV1().ResourceQuotas(e.namespace).Create(t.Context(), quota, metav1.CreateOptions{})
	e.must(err)
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}}
	_, err = e.admin.CoreV1().ResourceQuotas(e.namespace).UpdateStatus(t.Context(), quota, metav1.UpdateOptions{})
	e.must(err)

	r := fullRequest()
	e.faults.set(nil)
	_, err = e.Create(t.Context(), r)
	if !errdefs.Is(err, errdefs.OverQuota) || !strings.Contains(err.Error(), "exceeded quota") {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 }) // the claim, in the background
	posts := 0
	for _, call := range e.faults.seen() {
		if call == "POST pods" {
			posts++
		}
	}
	if posts != 1 {
		t.Errorf("the create sent the pod %d times, want once", posts)
	}
}

func TestInvalidPodFailsAtOnce(t *testing.T) {
	e := newEnv(t)
	r := plainRequest()
	r.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: -1}}
	_, err := e.Create(t.Context(), r)
	if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), "containerPort") {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
}

// A pod with the name of the remote pod, but without its label, is not the plugin's.
func TestPodOfAnotherOwnerIsNotUsed(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := plainRequest()
	_, err := e.admin.CoreV1().Pods(e.namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: scope.Scope{}.Name("pod", string(r.Pod.UID))},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}, metav1.CreateOptions{})
	e.must(err)
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Exists) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
}

// The caller disconnects during a create: the create is rolled back.
func TestCreateRollsBackWhenTheCallerDisconnects(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	ctx, disconnect := context.WithCancel(t.Context())
	defer disconnect()
	e.faults.onCall(func(call string) {
		if call == "POST secrets" {
			disconnect()
		}
	})
	_, err := e.Create(ctx, r)
	if !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
}

// callsOfACreate returns the requests of a create without faults, each once.
func (e *env) callsOfACreate() []string {
	e.t.Helper()
	e.createNamespace()
	r := fullRequest()
	e.faults.set(nil)
	_, err := e.Create(e.t.Context(), r)
	e.must(err)
	var calls []string
	for _, call := range e.faults.seen() {
		if !strings.Contains(call, " namespaces") && !slices.Contains(calls, call) { // the namespace has its own tests
			calls = append(calls, call)
		}
	}
	if len(calls) != 6 {
		e.t.Fatalf("the create sent %v, want 6 requests", calls)
	}
	return calls
}

// on returns the same environment for a subtest.
func (e *env) on(t *testing.T) *env {
	sub := *e
	sub.t = t
	t.Cleanup(func() { sub.faults.set(nil) })
	return &sub
}

func (e *env) failOnce(call string, with fault) {
	failed := false
	e.faults.set(func(_ int, c string) fault {
		if c == call && !failed {
			failed = true
			return with
		}
		return ""
	})
}

func (e *env) failAlways(call string, with fault) {
	e.faults.set(func(_ int, c string) fault {
		if c == call {
			return with
		}
		return ""
	})
}

func (e *env) mustDelete(r *wire.CreateRequest) {
	e.t.Helper()
	pod := localPod(r, "")
	e.must(e.Delete(e.t.Context(), &pod))
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
}

// Each request of a create is refused once in words that pass by themselves. The create
// succeeds all the same.
func TestCreateRepeatsWhatIsRefusedForNow(t *testing.T) {
	e := newEnv(t)
	notYet := faulty.ForbiddenWithText("status unknown for quota: q, resources: pods")
	for n, call := range e.callsOfACreate() {
		t.Run(fmt.Sprintf("%d %s", n, call), func(t *testing.T) {
			e := e.on(t)
			r := fullRequest()
			e.failOnce(call, notYet)
			e.create(r)
			if objects := e.remaining(r); len(objects) != fullCount {
				t.Errorf("these objects exist: %v", objects)
			}
			e.expectOwned(r)
			e.mustDelete(r)
		})
	}
}
