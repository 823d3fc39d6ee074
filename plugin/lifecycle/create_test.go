package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestCreateMakesDependentsThenThePod(t *testing.T) {
	e := newEnv(t)
	r := request()
	answer, err := e.Create(t.Context(), r)
	e.must(err)
	if answer.PodUID != string(r.Pod.UID) || answer.PodJID != string(e.remotePod(r).UID) {
		t.Errorf("answered %+v for the remote pod %s", answer, e.remotePod(r).UID)
	}
	if left := e.left(r); len(left) != complete {
		t.Errorf("made %v", left)
	}
	calls := e.faults.seen()
	if first, last := calls[0], calls[len(calls)-1]; first != "POST namespaces" || last != "POST pods" {
		t.Errorf("the namespace is not first or the pod not last: %v", calls)
	}

	e.faults.set(nil)
	_, err = e.Create(t.Context(), plain())
	e.must(err)
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"POST pods"}) {
		t.Errorf("the namespace is not remembered: %v", calls)
	}
}

// After a restart of the virtual kubelet, with another body: the same answer,
// and nothing touched.
func TestSecondCreateTouchesNothing(t *testing.T) {
	e := newEnv(t)
	r := request()
	first, err := e.Create(t.Context(), r)
	e.must(err)
	e.eventually("the cache knows the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
	before := e.remotePod(r)

	e.faults.set(nil)
	again := request()
	again.Pod = *r.Pod.DeepCopy()
	again.Pod.Spec.Containers[0].Image = "changed"
	again.Containers = nil // so that it could not even be translated
	second, err := e.Create(t.Context(), again)
	e.must(err)
	if second != first {
		t.Errorf("answered %+v, then %+v", first, second)
	}
	if calls := e.faults.seen(); len(calls) > 0 {
		t.Errorf("a second create called %v", calls)
	}
	if after := e.remotePod(r); after.ResourceVersion != before.ResourceVersion {
		t.Error("the running pod was touched")
	}
}

func TestConcurrentCreatesOfOnePodMakeOne(t *testing.T) {
	e := newEnv(t)
	r := request()
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
	jid := string(e.remotePod(r).UID)
	answers.Range(func(_, answer any) bool {
		if answer != jid {
			t.Errorf("answered %v, the pod is %s", answer, jid)
		}
		return true
	})
	if left := e.left(r); len(left) != complete {
		t.Errorf("made %v", left)
	}
}

// Two replicas share no memory: the second one meets what the first one made.
func TestCreateByAnotherReplica(t *testing.T) {
	e := newEnv(t)
	r := request()
	first, err := e.Create(t.Context(), r)
	e.must(err)
	second, err := e.replica(blind{e.cluster}).Create(t.Context(), r)
	e.must(err)
	if second != first {
		t.Errorf("answered %+v, then %+v", first, second)
	}
}

// Every call that a create makes fails once in each way that may pass: the
// create succeeds all the same, once and whole.
func TestCreateSurvivesEachPassingFault(t *testing.T) {
	e := newEnv(t)
	calls := e.callsOfACreate()
	for n, call := range calls {
		for _, fault := range []fault{refused, lost, overloaded, broken} {
			t.Run(fmt.Sprintf("%d %s %s", n, call, fault), func(t *testing.T) {
				e := e.on(t)
				r := request()
				e.failOnce(call, fault)
				answer, err := e.Create(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if pod := e.remotePod(r); answer.PodJID != string(pod.UID) {
					t.Errorf("answered %s for pod %s", answer.PodJID, pod.UID)
				}
				if left := e.left(r); len(left) != complete {
					t.Errorf("made %v", left)
				}
				e.mustDelete(r)
			})
		}
	}
}

// Somebody deletes the namespace that a create remembers.
func TestNamespaceIsMadeAgain(t *testing.T) {
	e := newEnv(t)
	_, err := e.Create(t.Context(), plain())
	e.must(err)
	e.must(e.admin.CoreV1().Namespaces().Delete(t.Context(), e.namespace, metav1.DeleteOptions{}))
	// No controller empties it here: while it waits for one, creates wait too.
	var group sync.WaitGroup
	r := request()
	group.Go(func() {
		if _, err := e.Create(t.Context(), r); err != nil {
			t.Error(err)
		}
	})
	e.eventually("the create meets the ending namespace", func() bool { return slices.Contains(e.faults.seen(), "POST configmaps") })
	e.finalizeNamespace()
	group.Wait()
	if left := e.left(r); len(left) != complete {
		t.Errorf("made %v", left)
	}
}

// finalizeNamespace lets a namespace that is being deleted go, as the namespace
// controller does when it is empty.
func (e *env) finalizeNamespace() {
	e.t.Helper()
	namespace, err := e.admin.CoreV1().Namespaces().Get(context.Background(), e.namespace, metav1.GetOptions{})
	e.must(err)
	namespace.Spec.Finalizers = nil
	_, err = e.admin.CoreV1().Namespaces().Finalize(context.Background(), namespace, metav1.UpdateOptions{})
	e.must(err)
}

// What the remote cluster does not permit fails at once, in its own words.
func TestQuotaFailsAtOnce(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
	}
	quota, err := e.admin.CoreV1().ResourceQuotas(e.namespace).Create(t.Context(), quota, metav1.CreateOptions{})
	e.must(err)
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}}
	_, err = e.admin.CoreV1().ResourceQuotas(e.namespace).UpdateStatus(t.Context(), quota, metav1.UpdateOptions{})
	e.must(err)

	r := request()
	e.faults.set(nil)
	_, err = e.Create(t.Context(), r)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "exceeded quota") {
		t.Errorf("failed with %v (%s)", err, errdefs.KindOf(err))
	}
	if left := e.left(r); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	posts := 0
	for _, call := range e.faults.seen() {
		if call == "POST pods" {
			posts++
		}
	}
	if posts != 1 {
		t.Errorf("the pod was tried %d times", posts)
	}
}

func TestInvalidPodFailsAtOnce(t *testing.T) {
	e := newEnv(t)
	r := plain()
	r.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: -1}}
	_, err := e.Create(t.Context(), r)
	if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), "containerPort") {
		t.Errorf("failed with %v (%s)", err, errdefs.KindOf(err))
	}
}

// A foreign pod that stands where the remote pod would is not taken for it.
func TestForeignPodIsNotAdopted(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	r := plain()
	_, err := e.admin.CoreV1().Pods(e.namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: scope.Scope{}.Name("pod", string(r.Pod.UID))},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}, metav1.CreateOptions{})
	e.must(err)
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Exists) {
		t.Errorf("ended with %v (%s)", err, errdefs.KindOf(err))
	}
}

// The caller leaves in the middle: what was made is undone.
func TestCreateUndoesWhenTheCallerLeaves(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	r := request()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	e.faults.onCall(func(call string) {
		if call == "POST pods" {
			leave()
		}
	})
	_, err := e.Create(ctx, r)
	if !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("ended with %v (%s)", err, errdefs.KindOf(err))
	}
	if left := e.left(r); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// callsOfACreate returns the calls of an undisturbed create, each once.
func (e *env) callsOfACreate() []string {
	e.t.Helper()
	e.makeNamespace()
	r := request()
	e.faults.set(nil)
	_, err := e.Create(e.t.Context(), r)
	e.must(err)
	var calls []string
	for _, call := range e.faults.seen() {
		if call != "POST namespaces" && !slices.Contains(calls, call) { // the namespace has a test of its own
			calls = append(calls, call)
		}
	}
	if len(calls) != 5 {
		e.t.Fatalf("a create called %v", calls)
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
	pod := local(r, "")
	e.must(e.Delete(e.t.Context(), &pod))
	e.eventually("nothing is left", func() bool { return len(e.left(r)) == 0 })
}
