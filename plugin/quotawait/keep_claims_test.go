package quotawait_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The delete of a claim's last pod has found no pod that waits, and is about to delete the claim. Then another
// replica accepts a pod that will use it, also if its first request to keep the claim fails. The claim stays.
func TestClaimOfAPodThatBeginsToWait(t *testing.T) {
	for _, fault := range []faulty.Fault{"", faulty.Broken, faulty.Lost, faulty.Refused, faulty.Overloaded} {
		t.Run("fault "+string(fault), func(t *testing.T) {
			e, holder, first, second := newSharedClaim(t)
			r, other := e.start(func(s *settings) { s.idle = true }), e.start(func(s *settings) { s.idle = true })
			r.create(holder)
			r.create(first)
			keeps, deletes := 0, 0
			r.link.set(func(_ int, call string) faulty.Fault {
				if call == "PATCH persistentvolumeclaims/name" {
					if keeps++; keeps == 1 {
						return fault
					}
				}
				return ""
			})
			other.link.set(func(_ int, call string) faulty.Fault {
				if call == "DELETE persistentvolumeclaims/name" {
					if deletes++; deletes == 1 {
						r.create(second)
					}
				}
				return ""
			})
			other.remove(first)
			testkit.Eventually(t, "the delete has done all of its work", other.Idle)
			if deletes != 1 {
				t.Errorf("%d requests to delete the claim", deletes)
			}
			e.eventuallyHas(slices.Concat(e.created(holder), e.stored(second), []string{"claim data"})...)
			e.end(holder)
			e.start()
			e.eventuallyHas(append(e.created(second), "claim data")...)
		})
	}
}

// newSharedClaim returns requests for a pod without a claim, a pod with a claim, and one with the same claim,
// which the quota refuses as long as the first pod exists.
func newSharedClaim(t *testing.T) (e *env, holder, first, second *wire.CreateRequest) {
	t.Helper()
	e = newEnv(t, "requests.cpu=2")
	holder, first, second = e.request("holder", false), e.withClaim("first", "data"), e.withClaim("second", "data")
	for cpu, requests := range map[string][]*wire.CreateRequest{"1": {holder, first}, "2": {second}} {
		for _, request := range requests {
			(&requestOf{request}).cpu(cpu)
		}
	}
	return e, holder, first, second
}

// A pod does not begin to wait if its claim cannot be kept: the claim could be gone when the pod is created.
func TestClaimThatCannotBeKept(t *testing.T) {
	for _, request := range []string{"GET", "PATCH"} {
		t.Run(request, func(t *testing.T) {
			e, holder, first, second := newSharedClaim(t)
			r := e.start(func(s *settings) { s.idle = true })
			r.create(holder)
			r.create(first)
			stored := false
			r.link.set(func(_ int, call string) faulty.Fault {
				stored = stored || call == "POST secrets"
				if stored && call == request+" persistentvolumeclaims/name" {
					return faulty.ForbiddenWithText("no")
				}
				return ""
			})
			if err := r.createFails(second); !errdefs.Is(err, errdefs.OverQuota) || !strings.Contains(err.Error(), "it cannot wait") {
				t.Errorf("the error is %v (%s)", err, errdefs.KindOf(err))
			}
			r.stop()
			e.start()
			e.eventuallyHas(slices.Concat(e.created(holder), e.created(first), []string{"claim data"})...)
		})
	}
}

// A pod waits also if its claim is gone at that moment: its creation makes a new one.
func TestClaimThatIsGone(t *testing.T) {
	for _, at := range []string{"GET", "PATCH"} {
		t.Run(at, func(t *testing.T) {
			e, holder, first, second := newSharedClaim(t)
			r := e.start(func(s *settings) { s.idle = true })
			r.create(holder)
			r.create(first)
			stored, gone := false, false
			r.link.set(func(_ int, call string) faulty.Fault {
				stored = stored || call == "POST secrets"
				if stored && !gone && call == at+" persistentvolumeclaims/name" {
					gone = true
					e.forceDeleteClaim("data")
				}
				return ""
			})
			r.create(second)
			e.eventuallyHas(slices.Concat(e.created(holder), e.created(first), e.stored(second))...)
			e.end(holder)
			e.end(first)
			e.start()
			e.eventuallyHas(append(e.created(second), "claim data")...)
		})
	}
}

// forceDeleteClaim deletes a claim, also if pods use it.
func (e *env) forceDeleteClaim(name string) {
	claims := e.admin.CoreV1().PersistentVolumeClaims(e.namespace)
	e.must(claims.Delete(context.Background(), name, metav1.DeleteOptions{}))
	_, err := claims.Patch(context.Background(), name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	e.must(err)
}

// The plugin does not change a claim of the site for a pod that waits: it never deletes that claim.
func TestClaimOfTheSiteIsNotChanged(t *testing.T) {
	e := newEnv(t, "pods=1")
	r := e.start(func(s *settings) { s.idle = true })
	first, second := e.request("first", false), e.withClaim("second", "data")
	created, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	e.must(err)
	r.create(first)
	r.create(second)
	found, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Get(t.Context(), "data", metav1.GetOptions{})
	e.must(err)
	if found.ResourceVersion != created.ResourceVersion || len(found.Annotations) > 0 {
		t.Errorf("the claim has changed: %v", found.Annotations)
	}
	e.eventuallyHas(slices.Concat(e.created(first), e.stored(second), []string{"claim data"})...)
}
