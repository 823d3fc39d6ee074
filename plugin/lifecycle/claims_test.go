package lifecycle_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// hasClaim says whether the request's claim stands, not being deleted.
func (e *env) hasClaim(r *wire.CreateRequest) bool {
	return slices.Contains(e.left(r), "claim "+claimOf(r))
}

// using returns a request for a pod of its own that uses the claim of another.
func using(other *wire.CreateRequest, template string) *wire.CreateRequest {
	r := plain()
	claim := claimOf(other)
	r.Pod.Annotations = map[string]string{wire.AnnotationRemotePVC: claim}
	if template != "" {
		r.Pod.Annotations[wire.AnnotationRemotePVC+"."+claim] = template
	}
	r.Pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
	r.Pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	return r
}

func TestClaimPolicyDecidesAtDelete(t *testing.T) {
	for _, test := range []struct {
		template string
		stays    bool
	}{
		{`{"storage":"1Gi","retentionPolicy":"delete"}`, false},
		{`{"storage":"1Gi","retentionPolicy":"retain"}`, true},
		{`{"storage":"1Gi"}`, true},
	} {
		t.Run(test.template, func(t *testing.T) {
			e := newEnv(t)
			r := request()
			r.Pod.Annotations[wire.AnnotationRemotePVC+"."+claimOf(r)] = test.template
			e.create(r)
			pod := local(r, "jid")
			e.must(e.Delete(t.Context(), &pod))
			if stays := e.hasClaim(r); stays != test.stays {
				t.Errorf("the claim stays: %v, want %v", stays, test.stays)
			}
		})
	}
}

func TestClaimThatAnotherPodUsesStays(t *testing.T) {
	e := newEnv(t)
	first := request()
	e.create(first)
	second := using(first, "")
	e.create(second)
	pod := local(first, "jid")
	e.must(e.Delete(t.Context(), &pod))
	if !e.hasClaim(first) {
		t.Fatal("the claim went away under a pod that uses it")
	}
	pod = local(second, "jid")
	e.must(e.Delete(t.Context(), &pod))
	if e.hasClaim(first) {
		t.Error("the claim outlives its last pod")
	}
}

func TestClaimThatIsMissingFailsTheCreate(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	r := using(request(), "")
	_, err := e.Create(t.Context(), r)
	if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), "is not in the remote namespace "+e.namespace) {
		t.Errorf("the create ended with %v (%s)", err, errdefs.KindOf(err))
	}
	if left := e.left(r); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A job is run again while the claim of the run before is still going away: the
// new pod must not be given a claim that vanishes under it.
func TestClaimThatIsBeingDeletedIsWaitedFor(t *testing.T) {
	e := newEnv(t)
	first := request()
	e.create(first)
	old := e.claim(first)
	pod := local(first, "jid")
	e.must(e.Delete(t.Context(), &pod)) // its finalizer keeps the claim: no controller is here
	if e.claim(first).DeletionTimestamp == nil {
		t.Fatal("the claim is not being deleted, so the test tests nothing")
	}
	second := using(first, `{"storage":"1Gi"}`)
	e.faults.set(nil)
	var created sync.WaitGroup
	created.Go(func() {
		if _, err := e.Create(t.Context(), second); err != nil {
			t.Error(err)
		}
	})
	e.eventually("the create looks at the claim again", func() bool {
		looks := 0
		for _, call := range e.faults.seen() {
			if call == "GET persistentvolumeclaims/name" {
				looks++
			}
		}
		return looks > 1
	})
	e.remove("claim " + claimOf(first))
	created.Wait()
	if claim := e.claim(first); claim.UID == old.UID || claim.DeletionTimestamp != nil {
		t.Errorf("the pod was given claim %s (old: %s)", claim.UID, old.UID)
	}
}

// A claim that the site made is used and never deleted, whatever it says.
func TestClaimOfTheSiteIsUsedAndStays(t *testing.T) {
	e := newEnv(t)
	e.makeNamespace()
	r := request()
	e.makeClaim(r, nil)
	before := e.claim(r)
	e.create(r)
	if after := e.claim(r); after.UID != before.UID || after.ResourceVersion != before.ResourceVersion {
		t.Error("the claim was touched")
	}
	pod := local(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	if !e.hasClaim(r) {
		t.Error("the claim was deleted")
	}
}

// In single-namespace mode pods of all local namespaces meet: equal names must
// not let one read the other's data.
func TestClaimOfAnotherLocalNamespaceIsRefused(t *testing.T) {
	base := newEnv(t)
	base.makeNamespace()
	e := newEnv(t, func(o *lifecycle.Options) {
		o.Translate.Scope = scope.Scope{Namespace: base.namespace, Instance: "test"}
	})
	first := request()
	e.create(first)
	second := using(first, `{"storage":"1Gi"}`)
	second.Pod.Namespace = "another"
	_, err := e.Create(t.Context(), second)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "another local namespace") {
		t.Errorf("the create ended with %v (%s)", err, errdefs.KindOf(err))
	}
}

func (e *env) makeClaim(r *wire.CreateRequest, labels map[string]string) {
	e.t.Helper()
	_, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Create(e.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: claimOf(r), Labels: labels,
			Annotations: map[string]string{wire.AnnotationRetention: translate.RetentionDelete},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	e.must(err)
}

func (e *env) claim(r *wire.CreateRequest) *corev1.PersistentVolumeClaim {
	e.t.Helper()
	claim, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Get(e.t.Context(), claimOf(r), metav1.GetOptions{})
	e.must(err)
	return claim
}
