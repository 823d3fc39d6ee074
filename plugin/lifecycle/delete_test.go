package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func (e *env) create(r *wire.CreateRequest) wire.CreateResponse {
	e.t.Helper()
	answer, err := e.Create(e.t.Context(), r)
	e.must(err)
	return answer
}

func TestDeleteTakesAllThatCreateMade(t *testing.T) {
	e := newEnv(t)
	r, other := request(), request()
	e.create(r)
	e.create(other)
	e.faults.set(nil)
	pod := local(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	if left := e.left(r); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if left := e.left(other); len(left) != complete {
		t.Errorf("of another pod only %v is left", left)
	}
	if calls := e.faults.seen(); calls[0] != "DELETE pods" {
		t.Errorf("the pod does not go first: %v", calls)
	}
}

// The name and the mounts of what is deleted do not matter, the UID label does:
// ConfigMaps that a pod used by env alone go, and so does what a Python plugin
// made under names of its own.
func TestDeleteGoesByLabel(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	r := plain()
	meta := metav1.ObjectMeta{Name: "cut-at-63-characters", Labels: map[string]string{
		wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: string(r.Pod.UID),
	}}
	core := e.admin.CoreV1()
	_, err := core.Pods(e.namespace).Create(t.Context(), &corev1.Pod{ObjectMeta: meta, Spec: r.Pod.Spec}, metav1.CreateOptions{})
	e.must(err)
	_, err = core.ConfigMaps(e.namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
	e.must(err)
	_, err = core.Secrets(e.namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: meta}, metav1.CreateOptions{})
	e.must(err)
	pod := local(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	if left := e.left(r); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDeleteOfAnUnknownPodSucceeds(t *testing.T) {
	e := newEnv(t)
	pod := local(plain(), "")
	e.must(e.Delete(t.Context(), &pod))
}

// The grace period is the local pod's: on a node, the remote pod is marked with
// it and waits for its kubelet.
func TestDeleteKeepsTheGracePeriod(t *testing.T) {
	for _, test := range []struct {
		name  string
		grace *int64
		want  int64
	}{{"asked for", ptr.To[int64](7), 7}, {"of a finished pod", nil, 30}} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			r := plain()
			e.create(r)
			e.bind(e.remotePod(r))
			pod := local(r, "jid")
			pod.DeletionGracePeriodSeconds = test.grace
			e.must(e.Delete(t.Context(), &pod))
			if got := e.remotePod(r).DeletionGracePeriodSeconds; got == nil || *got != test.want {
				t.Errorf("the grace period is %v, want %d", ptr.Deref(got, -1), test.want)
			}
		})
	}
}

// bind schedules a remote pod, which makes its deletion wait for a kubelet.
func (e *env) bind(pod *corev1.Pod) {
	e.t.Helper()
	e.must(e.admin.CoreV1().Pods(pod.Namespace).Bind(context.Background(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Target:     corev1.ObjectReference{Kind: "Node", Name: "node"},
	}, metav1.CreateOptions{}))
}

// Each call of a delete fails, in each way: InterLink is told 200 all the same,
// and the rest is done in the background, without a second request.
func TestDeleteIsRepeatedUntilDone(t *testing.T) {
	calls := []string{"DELETE pods", "DELETE configmaps", "DELETE secrets",
		"GET persistentvolumeclaims/name", "GET pods", "DELETE persistentvolumeclaims/name"}
	for _, call := range calls {
		for _, with := range []fault{refused, lost, broken, forbidden} {
			t.Run(fmt.Sprintf("%s %s", call, with), func(t *testing.T) {
				t.Parallel()
				e := newEnv(t)
				r := request()
				e.create(r)
				e.failOnce(call, with)
				pod := local(r, "jid")
				e.must(e.Delete(t.Context(), &pod))
				if !slices.Contains(e.faults.seen(), call) {
					t.Fatalf("the delete never called %s, so the test tests nothing", call)
				}
				e.eventually("nothing is left", func() bool { return len(e.left(r)) == 0 })
			})
		}
	}
}

// The local pod is deleted while its create is in flight, at each of its calls.
func TestDeleteOvertakesACreateInFlight(t *testing.T) {
	for _, call := range newEnv(t).callsOfACreate() {
		t.Run(call, func(t *testing.T) {
			e := newEnv(t)
			e.makeNamespace()
			r := request()
			pod := local(r, "")
			var deletion sync.WaitGroup
			var once sync.Once
			e.faults.set(nil)
			e.faults.onCall(func(c string) {
				if c == call {
					once.Do(func() {
						started := make(chan struct{})
						deletion.Go(func() {
							close(started)
							if err := e.Delete(context.Background(), &pod); err != nil {
								t.Error(err)
							}
						})
						<-started
					})
				}
			})
			// It may win by a hair; then the delete takes what it made.
			if _, err := e.Create(t.Context(), r); err != nil && !errdefs.Is(err, errdefs.Canceled) {
				t.Errorf("the create ended with %v (%s)", err, errdefs.KindOf(err))
			}
			deletion.Wait()
			e.eventually("nothing is left", func() bool { return len(e.left(r)) == 0 })
		})
	}
}

// The delete arrives first: its request overtook the create's on the way.
func TestCreateAfterItsDeleteIsRefused(t *testing.T) {
	e := newEnv(t)
	r := request()
	pod := local(r, "")
	e.must(e.Delete(t.Context(), &pod))
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("the create ended with %v (%s)", err, errdefs.KindOf(err))
	}
	if left := e.left(r); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The plugin stops while a delete is still failing: it says what is left, and
// does not hang.
func TestCloseGivesUp(t *testing.T) {
	e := newEnv(t)
	r := plain()
	e.create(r)
	e.failAlways("DELETE pods", forbidden)
	pod := local(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Close(ctx)
}
