package interruptions

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// startReplicas starts two plugins behind one address. Each of their requests to the API server waits a moment, which is
// random, so that the requests for one pod come in many orders.
func startReplicas(s *site) [2]*instance {
	s.t.Helper()
	replicas := [2]*instance{s.start(), s.start()}
	for n, replica := range replicas {
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(uint64(n), 20260301))
		replica.link.on(func(call) faulty.Fault {
			mu.Lock()
			pause := time.Duration(random.Int64N(int64(4 * time.Millisecond)))
			mu.Unlock()
			time.Sleep(pause)
			return ""
		})
	}
	return replicas
}

// Both replicas get the create of each pod at the same time: they agree on one pod, with each of its objects once.
func TestReplicasAgreeOnOnePod(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	replicas := startReplicas(s)
	all := requests(160)
	var jids [2][160]string
	atOnce(2*len(all), func(k int) { jids[k%2][k/2] = replicas[k%2].create(all[k/2]) })
	if t.Failed() {
		t.FailNow()
	}
	for n, r := range all {
		if jids[0][n] != jids[1][n] {
			t.Errorf("%s has the job IDs %s and %s", r.Pod.Name, jids[0][n], jids[1][n])
		}
	}
	s.checkWhole(all...)
	s.eventuallyRunning(all...)
	s.checkWhole(all...)
	atOnce(len(all), func(n int) { replicas[n%2].delete(all[n], jids[0][n]) })
	s.eventuallyNothingLeft()
	if got, want := s.retained(), retainedClaims(all); got != want {
		t.Errorf("%d claims are retained, want %d", got, want)
	}
}

// The delete of each pod arrives at one replica while the other one, or both, create the pod. Nothing is left, whatever
// comes first.
func TestDeleteAtAnotherReplica(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	replicas := startReplicas(s)
	replicas[0].delete(request(0), "") // nothing: the namespace does not exist
	all := requests(80)
	for n := range all {
		if n%4 == 2 { // the delete can delete what the variables need before it knows of the pod
			all[n] = named(neverStarted+all[n].Pod.Name, n)
		}
	}
	atOnce(len(all), func(n int) {
		var calls sync.WaitGroup
		calls.Go(func() { _, _ = replicas[0].tryCreate(all[n]) }) // may be refused: the pod was deleted
		if n%2 == 0 {
			calls.Go(func() { _, _ = replicas[1].tryCreate(all[n]) })
		}
		calls.Go(func() { replicas[1].delete(all[n], "") })
		calls.Wait()
	})
	s.eventuallyNothingLeft()
}

// A pod of the same name exists when the replica creates it, and does not exist any more when the replica looks at it:
// another replica has deleted it in between. It is wrong to say then that the plugin did not create the pod.
func TestPodVanishesAfterAConflict(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	replica := s.start()
	warmUp(replica)
	r := named(neverStarted+"vanishes", 1)
	name := scope.Scope{Prefix: s.prefix}.Name(r.Pod.Name, string(r.Pod.UID))
	pods := s.admin.CoreV1().Pods(s.namespace)
	var made, deleted sync.Once
	replica.link.on(func(c call) faulty.Fault {
		switch c.String() {
		case "POST pods":
			made.Do(func() {
				_, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
					wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: string(r.Pod.UID)}}, Spec: r.Pod.Spec}, metav1.CreateOptions{})
				if err != nil {
					t.Error(err)
				}
			})
		case "GET pods/name", "GET pods":
			deleted.Do(func() {
				if err := pods.Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}); err != nil {
					t.Error(err)
				}
			})
		}
		return ""
	})
	jid := replica.create(r)
	s.checkWhole(r)
	replica.delete(r, jid)
	s.eventuallyNothingLeft()
}

// warmUp lets a plugin create the namespace.
func warmUp(i *instance) {
	i.site.t.Helper()
	r := request(0)
	i.delete(r, i.create(r))
	i.site.eventuallyNothingLeft()
	i.link.forget()
}
