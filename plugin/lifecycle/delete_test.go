package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func (e *env) create(r *wire.CreateRequest) wire.CreateResponse {
	e.t.Helper()
	answer, err := e.Create(e.t.Context(), r)
	e.must(err)
	return answer
}

func TestDeleteDeletesEverythingThatCreateCreated(t *testing.T) {
	e := newEnv(t)
	r, other := fullRequest(), fullRequest()
	e.create(r)
	e.create(other)
	e.faults.set(nil)
	pod := localPod(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
	if remaining := e.remaining(other); len(remaining) != fullCount {
		t.Errorf("of another pod only these objects remain: %v", remaining)
	}
	if calls := e.faults.seen(); calls[0] != "DELETE pods/name" {
		t.Errorf("the pod is not deleted first: %v", calls)
	}
}

// The delete of a pod is one request, whatever the pod owns.
func TestDeleteIsOneRequest(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	r.Pod.Annotations = nil
	r.Pod.Spec.Volumes = r.Pod.Spec.Volumes[:2] // without the claim
	r.Pod.Spec.Containers[0].VolumeMounts = r.Pod.Spec.Containers[0].VolumeMounts[:2]
	e.create(r)
	e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
	e.faults.set(nil)
	pod := localPod(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	if e.PendingJobs(r.Pod.UID) != 0 {
		t.Error("there is work for the retry queue")
	}
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"DELETE pods/name"}) {
		t.Errorf("the delete sent %v", calls)
	}
	if remaining := e.remaining(r); len(remaining) > 0 {
		t.Errorf("these objects remain: %v", remaining)
	}
}

// Pods of the Python plugin have other names and own nothing. A delete finds them in the
// cache and their objects by label. It also deletes what an earlier version created for a
// pod that never came to be.
func TestDeleteOfObjectsOfEarlierVersions(t *testing.T) {
	for _, withPod := range []bool{true, false} {
		t.Run(fmt.Sprintf("with a pod %v", withPod), func(t *testing.T) {
			e := newEnv(t)
			e.createNamespace()
			r := plainRequest()
			meta := metav1.ObjectMeta{Name: "cut-at-63-characters", Labels: map[string]string{
				wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: string(r.Pod.UID),
			}}
			core := e.admin.CoreV1()
			if withPod {
				_, err := core.Pods(e.namespace).Create(t.Context(), &corev1.Pod{ObjectMeta: meta, Spec: r.Pod.Spec}, metav1.CreateOptions{})
				e.must(err)
				e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
			}
			_, err := core.ConfigMaps(e.namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
			e.must(err)
			_, err = core.Secrets(e.namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: meta}, metav1.CreateOptions{})
			e.must(err)
			pod := localPod(r, "jid")
			e.must(e.Delete(t.Context(), &pod))
			e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
		})
	}
}

func TestDeleteOfAnUnknownPodSucceeds(t *testing.T) {
	e := newEnv(t)
	pod := localPod(plainRequest(), "")
	e.must(e.Delete(t.Context(), &pod))
}

// The remote pod gets the grace period of the local pod.
func TestDeletePassesTheGracePeriodOn(t *testing.T) {
	for _, test := range []struct {
		name  string
		grace *int64
		want  int64
	}{{"of the request", ptr.To[int64](7), 7}, {"of a finished pod", nil, 30}} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			r := plainRequest()
			e.create(r)
			e.bind(e.remotePod(r))
			pod := localPod(r, "jid")
			pod.DeletionGracePeriodSeconds = test.grace
			e.must(e.Delete(t.Context(), &pod))
			if got := e.remotePod(r).DeletionGracePeriodSeconds; got == nil || *got != test.want {
				t.Errorf("the grace period is %v, want %d", ptr.Deref(got, -1), test.want)
			}
		})
	}
}

// bind schedules a remote pod, so that its deletion waits for a kubelet.
func (e *env) bind(pod *corev1.Pod) {
	e.t.Helper()
	e.must(e.admin.CoreV1().Pods(pod.Namespace).Bind(context.Background(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Target:     corev1.ObjectReference{Kind: "Node", Name: "node"},
	}, metav1.CreateOptions{}))
	// A delete that the API server begins with a cached pod, which has no node yet, deletes the pod at
	// once, without a grace period, even after it has looked again.
	e.eventually("the API server's cache has the node of the pod", func() bool {
		cached, err := e.admin.CoreV1().Pods(pod.Namespace).Get(context.Background(), pod.Name, metav1.GetOptions{ResourceVersion: "0"})
		return err == nil && cached.Spec.NodeName != ""
	})
}

// Each request of a delete fails, with each fault. Delete returns no error all the
// same, and the retry queue finishes it, without a second call.
func TestFailedDeleteIsRetried(t *testing.T) {
	calls := []string{"DELETE pods/name", "GET persistentvolumeclaims/name", "GET pods", "DELETE persistentvolumeclaims/name"}
	for _, call := range calls {
		for _, with := range []fault{refused, lost, broken, forbidden} {
			t.Run(fmt.Sprintf("%s %s", call, with), func(t *testing.T) {
				t.Parallel()
				e := newEnv(t)
				r := fullRequest()
				e.create(r)
				e.failOnce(call, with)
				pod := localPod(r, "jid")
				e.must(e.Delete(t.Context(), &pod))
				e.eventually("the delete sends "+call, func() bool { return slices.Contains(e.faults.seen(), call) })
				e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
			})
		}
	}
}

// A delete arrives while a create is in flight, at each request of the create.
func TestDeleteCancelsACreateInFlight(t *testing.T) {
	for _, call := range newEnv(t).callsOfACreate() {
		t.Run(call, func(t *testing.T) {
			e := newEnv(t)
			e.createNamespace()
			r := fullRequest()
			pod := localPod(r, "")
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
			// The create may finish before the delete; then the delete deletes its objects.
			if _, err := e.Create(t.Context(), r); err != nil && !errdefs.Is(err, errdefs.Canceled) {
				t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
			}
			deletion.Wait()
			e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
		})
	}
}

// A request of a create hangs, at each request in turn. A delete ends the create.
func TestDeleteEndsACreateThatHangs(t *testing.T) {
	e := newEnv(t)
	for n, call := range e.callsOfACreate() {
		t.Run(fmt.Sprintf("%d %s", n, call), func(t *testing.T) {
			e := e.on(t)
			r := fullRequest()
			e.failOnce(call, hangs)
			created := make(chan error, 1)
			go func() {
				_, err := e.Create(t.Context(), r)
				created <- err
			}()
			e.eventually("the request hangs", func() bool { return slices.Contains(e.faults.seen(), call) })
			pod := localPod(r, "")
			e.must(e.Delete(t.Context(), &pod))
			if err := testkit.Receive(t, "the end of the create", created); !errdefs.Is(err, errdefs.Canceled) {
				t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
			}
			e.eventually("all objects are deleted", func() bool { return len(e.remaining(r)) == 0 })
		})
	}
}

// The claim of a deleted pod is gone already when the plugin looks at it, or when it deletes
// it: there is nothing left to do.
func TestClaimThatIsGoneAlready(t *testing.T) {
	for _, before := range []string{"GET persistentvolumeclaims/name", "DELETE persistentvolumeclaims/name"} {
		t.Run(before, func(t *testing.T) {
			e := newEnv(t)
			r := fullRequest()
			e.create(r)
			var once sync.Once
			e.faults.set(nil)
			e.faults.onCall(func(call string) {
				if call == before {
					once.Do(func() { e.forceDelete("claim " + claimOf(r)) })
				}
			})
			pod := localPod(r, "jid")
			e.must(e.Delete(t.Context(), &pod))
			e.waitIdle(r)
			if calls := e.faults.seen(); !slices.Contains(calls, before) {
				t.Errorf("the delete sent %v, so the test checks nothing", calls)
			}
			if strings.Contains(e.log.String(), "will be retried") {
				t.Error("the delete was retried")
			}
		})
	}
}

// The delete arrives before the create of the same pod.
func TestCreateAfterItsDeleteIsRefused(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	pod := localPod(r, "")
	e.must(e.Delete(t.Context(), &pod))
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if remaining := e.remaining(r); len(remaining) > 0 {
		t.Errorf("these objects remain: %v", remaining)
	}
}

// The plugin stops while a delete fails: it logs what remains, and does not wait.
func TestCloseLogsAnUnfinishedDelete(t *testing.T) {
	e := newEnv(t)
	r := plainRequest()
	e.create(r)
	e.failAlways("DELETE pods/name", forbidden)
	pod := localPod(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Close(ctx)
	if !strings.Contains(e.log.String(), "gave up: the plugin stops") {
		t.Error("the log does not say that the delete was given up")
	}
}
