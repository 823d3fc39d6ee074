package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The delete of one pod has found that no other pod uses the claim, and is about to delete
// it. Then another replica creates a pod that uses the claim. The claim stays.
func TestClaimThatACreateBeginsToUseStays(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	e.create(first)
	second := sharingClaim(first, "")
	another := e.replica(syncedCache{emptyCache{e.healthy()}})
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "DELETE persistentvolumeclaims/name" {
			once.Do(func() {
				_, err := another.Create(context.Background(), second)
				e.must(err)
			})
		}
	})
	before := e.claim(first)
	pod := localPod(first, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.waitIdle(first)
	if !slices.Contains(e.faults.seen(), "DELETE persistentvolumeclaims/name") {
		t.Fatal("the claim was not about to be deleted, so the test checks nothing")
	}
	if after := e.claim(first); after.UID != before.UID || after.DeletionTimestamp != nil {
		t.Error("the claim was deleted")
	}
	pod = localPod(second, "jid")
	e.must(another.Delete(t.Context(), &pod))
	e.eventually("the claim is deleted with its last pod", func() bool { return !e.hasClaim(first) })
}

// The same for the rollback of a create that made the claim. It deletes the claim whatever
// its policy is, because its own create has failed.
func TestClaimThatACreateUsesSurvivesTheRollbackOfAnother(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	const kept = `{"storage":"1Gi"}`
	first.Pod.Annotations[wire.AnnotationRemotePVC+"."+claimOf(first)] = kept
	second := sharingClaim(first, kept)
	another := e.replica(syncedCache{emptyCache{e.healthy()}})
	var once sync.Once
	e.faults.set(func(_ int, call string) fault {
		if call == "POST secrets" {
			return faulty.ForbiddenWithText("no")
		}
		return ""
	})
	e.faults.onCall(func(call string) {
		if call == "DELETE persistentvolumeclaims/name" {
			once.Do(func() {
				_, err := another.Create(context.Background(), second)
				e.must(err)
			})
		}
	})
	if _, err := e.Create(t.Context(), first); err == nil {
		t.Fatal("the create did not fail")
	}
	e.waitIdle(first)
	if !slices.Contains(e.faults.seen(), "DELETE persistentvolumeclaims/name") {
		t.Fatal("the claim was not about to be deleted, so the test checks nothing")
	}
	if claim := e.claim(first); claim.DeletionTimestamp != nil {
		t.Error("the claim that the second pod uses was deleted")
	}
}

// A create has found the claim. Then the delete of another pod deletes the claim, before
// the pod exists or just after. The pod has a claim in the end: a new one.
func TestClaimThatIsDeletedDuringACreateIsCreatedAgain(t *testing.T) {
	for _, test := range []struct {
		at   string
		held bool // the claim keeps its finalizer for a moment: it is used
	}{
		{"POST pods", false}, {"PATCH persistentvolumeclaims/name", false}, {"PATCH persistentvolumeclaims/name", true},
	} {
		t.Run(fmt.Sprintf("%s held %v", test.at, test.held), func(t *testing.T) {
			e := newEnv(t)
			first := fullRequest()
			e.create(first)
			old := e.claim(first)
			var deleted, gone sync.Once
			e.faults.onCall(func(call string) {
				switch {
				case call == test.at:
					deleted.Do(func() {
						claims := e.admin.CoreV1().PersistentVolumeClaims(e.namespace)
						e.must(claims.Delete(context.Background(), old.Name, metav1.DeleteOptions{})) // it found no pod before
						if !test.held {
							e.forceDelete("claim " + old.Name)
						}
					})
				case call == "GET persistentvolumeclaims/name" && test.held && !e.hasClaim(first):
					gone.Do(func() { e.forceDelete("claim " + old.Name) })
				}
			})
			second := sharingClaim(first, first.Pod.Annotations[wire.AnnotationRemotePVC+"."+claimOf(first)])
			e.create(second)
			e.remotePod(second)
			if claim := e.claim(first); claim.UID == old.UID || claim.DeletionTimestamp != nil {
				t.Errorf("the pod uses the claim %s that is deleted at %v; the old claim was %s", claim.UID, claim.DeletionTimestamp, old.UID)
			}
		})
	}
}

// The pod of a create runs already when the create finds that its claim is being deleted:
// Kubernetes keeps the claim until the pod has ended. The pod must not be deleted.
func TestPodThatRunsKeepsItsClaim(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	e.create(first)
	second := sharingClaim(first, "")
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "PATCH persistentvolumeclaims/name" {
			once.Do(func() {
				e.setRunning(second)
				e.must(e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Delete(context.Background(), claimOf(first), metav1.DeleteOptions{}))
			})
		}
	})
	e.create(second)
	if pod := e.remotePod(second); pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
		t.Errorf("the pod is %s, deleted at %v", pod.Status.Phase, pod.DeletionTimestamp)
	}
}

// A create ended before it had changed its claim: a second create does so, also if the
// claim is gone.
func TestSecondCreateKeepsTheClaim(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("gone %v", gone), func(t *testing.T) {
			e := newEnv(t)
			r := fullRequest()
			e.create(r)
			e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
			claims := e.admin.CoreV1().PersistentVolumeClaims(e.namespace)
			if gone {
				e.forceDelete("claim " + claimOf(r))
			} else {
				claim := e.claim(r)
				claim.Annotations[wire.AnnotationUsedBy] = "another pod"
				_, err := claims.Update(t.Context(), claim, metav1.UpdateOptions{})
				e.must(err)
			}
			e.create(r)
			if claim, pod := e.claim(r), e.remotePod(r); claim.Annotations[wire.AnnotationUsedBy] != string(pod.UID) {
				t.Errorf("the claim is used by %q, the pod is %s", claim.Annotations[wire.AnnotationUsedBy], pod.UID)
			}
		})
	}
}

// A pod exists that has not started, and its claim is not usable. That is no reason for a second create to
// fail, since the pod would fail for good: it waits, or starts with the claim that it has.
func TestSecondCreateDoesNotWaitForAClaim(t *testing.T) {
	for name, change := range map[string]func(*env, *wire.CreateRequest){
		"being deleted under a pod on a node": func(e *env, r *wire.CreateRequest) {
			e.bind(e.remotePod(r))
			e.must(e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Delete(e.t.Context(), claimOf(r), metav1.DeleteOptions{}))
		},
		"of the site, and gone": func(e *env, r *wire.CreateRequest) {
			delete(r.Pod.Annotations, wire.AnnotationRemotePVC+"."+claimOf(r))
			pod := e.remotePod(r)
			delete(pod.Annotations, wire.AnnotationRemotePVC+"."+claimOf(r))
			_, err := e.admin.CoreV1().Pods(e.namespace).Update(e.t.Context(), pod, metav1.UpdateOptions{})
			e.must(err)
			e.forceDelete("claim " + claimOf(r))
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			r := fullRequest()
			first := e.create(r)
			change(e, r)
			before := e.remotePod(r)
			e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
			second, err := e.Create(t.Context(), r)
			if err != nil || second != first {
				t.Errorf("the second create returns %+v, %v; the first %+v", second, err, first)
			}
			if after := e.remotePod(r); after.UID != before.UID || after.DeletionTimestamp != nil {
				t.Errorf("the pod %s became %s, deleted at %v", before.UID, after.UID, after.DeletionTimestamp)
			}
		})
	}
}

// A pod exists that has not started, and its claim is deleted while a second create completes
// the pod. The pod stays, since the caller of the first create may have the answer; the claim is created again.
func TestSecondCreateKeepsThePodWhoseClaimIsDeleted(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	e.create(r)
	before := e.remotePod(r)
	e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
	claim := e.claim(r)
	claim.Annotations[wire.AnnotationUsedBy] = "another pod"
	_, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Update(t.Context(), claim, metav1.UpdateOptions{})
	e.must(err)
	var once sync.Once
	e.faults.onCall(func(call string) {
		if call == "PATCH persistentvolumeclaims/name" {
			once.Do(func() { e.forceDelete("claim " + claimOf(r)) })
		}
	})
	e.create(r)
	if pod := e.remotePod(r); pod.UID != before.UID || pod.DeletionTimestamp != nil {
		t.Errorf("the pod %s became %s, deleted at %v", before.UID, pod.UID, pod.DeletionTimestamp)
	}
	if after := e.claim(r); after.UID == claim.UID || after.Annotations[wire.AnnotationUsedBy] != string(before.UID) {
		t.Errorf("the claim is %s, used by %q", after.UID, after.Annotations[wire.AnnotationUsedBy])
	}
}

// The pods that use a claim cannot be listed: that does not mean that there are none.
func TestClaimIsKeptWhileItsUsersAreNotKnown(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	e.create(first)
	second := sharingClaim(first, "")
	e.create(second)
	lists := 0
	e.faults.set(func(_ int, call string) fault {
		if call == "GET pods" {
			if lists++; lists == 1 {
				return broken
			}
		}
		return ""
	})
	pod := localPod(first, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.waitIdle(first)
	if lists < 2 || !e.hasClaim(first) {
		t.Errorf("the pods were listed %d times, and the claim is kept: %v", lists, e.hasClaim(first))
	}
}

// healthy returns the same remote cluster, with a client whose requests never fail.
func (e *env) healthy() *cluster.Cluster {
	e.t.Helper()
	healthy, err := cluster.New(e.admin, "", status.CachedFields, e.log.Logger())
	e.must(err)
	return healthy
}
