package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// hasClaim reports whether the claim of a request exists and is not being deleted.
func (e *env) hasClaim(r *wire.CreateRequest) bool {
	return slices.Contains(e.remaining(r), "claim "+claimOf(r))
}

// waitIdle waits until the retry queue has done its work for a pod.
func (e *env) waitIdle(r *wire.CreateRequest) {
	e.t.Helper()
	e.eventually("the retry queue is done", func() bool { return e.PendingJobs(r.Pod.UID) == 0 })
}

// sharingClaim returns a request for another pod that uses the claim of a pod. The
// template may be empty.
func sharingClaim(other *wire.CreateRequest, template string) *wire.CreateRequest {
	r := plainRequest()
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

func TestDeleteFollowsTheRetentionPolicy(t *testing.T) {
	for _, test := range []struct {
		template string
		kept     bool
	}{
		{`{"storage":"1Gi","retentionPolicy":"delete"}`, false},
		{`{"storage":"1Gi","retentionPolicy":"retain"}`, true},
		{`{"storage":"1Gi"}`, true},
	} {
		t.Run(test.template, func(t *testing.T) {
			e := newEnv(t)
			r := fullRequest()
			r.Pod.Annotations[wire.AnnotationRemotePVC+"."+claimOf(r)] = test.template
			e.create(r)
			pod := localPod(r, "jid")
			e.must(e.Delete(t.Context(), &pod))
			e.waitIdle(r)
			if kept := e.hasClaim(r); kept != test.kept {
				t.Errorf("the claim is kept: %v, want %v", kept, test.kept)
			}
		})
	}
}

func TestClaimIsKeptWhileAnotherPodUsesIt(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	e.create(first)
	second := sharingClaim(first, "")
	e.create(second)
	pod := localPod(first, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.waitIdle(first)
	if !e.hasClaim(first) {
		t.Fatal("the claim was deleted while another pod uses it")
	}
	pod = localPod(second, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.waitIdle(second)
	if e.hasClaim(first) {
		t.Error("the claim was not deleted with its last pod")
	}
}

func TestCreateFailsWithoutItsClaim(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := sharingClaim(fullRequest(), "")
	_, err := e.Create(t.Context(), r)
	if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), "does not exist in the remote namespace "+e.namespace) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if remaining := e.remaining(r); len(remaining) > 0 {
		t.Errorf("these objects remain: %v", remaining)
	}
}

// A user starts a job again while the claim of the last run is being deleted. The new
// pod must not use that claim.
func TestCreateWaitsForAClaimThatIsBeingDeleted(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	e.create(first)
	old := e.claim(first)
	pod := localPod(first, "jid")
	e.must(e.Delete(t.Context(), &pod)) // the claim keeps its finalizer, because no controller runs here
	e.waitIdle(first)
	if e.claim(first).DeletionTimestamp == nil {
		t.Fatal("the claim is not being deleted, so the test checks nothing")
	}
	second := sharingClaim(first, `{"storage":"1Gi"}`)
	e.faults.set(nil)
	var created sync.WaitGroup
	created.Go(func() {
		if _, err := e.Create(t.Context(), second); err != nil {
			t.Error(err)
		}
	})
	e.eventually("the create reads the claim again", func() bool {
		reads := 0
		for _, call := range e.faults.seen() {
			if call == "GET persistentvolumeclaims/name" {
				reads++
			}
		}
		return reads > 1
	})
	e.forceDelete("claim " + claimOf(first))
	created.Wait()
	if claim := e.claim(first); claim.UID == old.UID || claim.DeletionTimestamp != nil {
		t.Errorf("the pod uses claim %s; the old claim was %s", claim.UID, old.UID)
	}
}

// The plugin uses a claim of the site and never deletes it, whatever its policy is.
func TestClaimOfTheSiteIsKept(t *testing.T) {
	e := newEnv(t)
	e.createNamespace()
	r := fullRequest()
	e.createClaim(r, nil)
	before := e.claim(r)
	e.create(r)
	if after := e.claim(r); after.UID != before.UID || after.ResourceVersion != before.ResourceVersion {
		t.Error("the create changed the claim")
	}
	pod := localPod(r, "jid")
	e.must(e.Delete(t.Context(), &pod))
	e.waitIdle(r)
	if !e.hasClaim(r) {
		t.Error("the delete deleted the claim")
	}
}

// In single-namespace mode, pods of all local namespaces share one remote namespace. A
// pod must not read another namespace's data because two claims have the same name.
func TestClaimOfAnotherLocalNamespaceIsRefused(t *testing.T) {
	site := newEnv(t)
	site.createNamespace()
	e := newEnv(t, func(o *lifecycle.Options) {
		o.Translate.Scope = scope.Scope{Namespace: site.namespace, Instance: "test"}
	})
	first := fullRequest()
	e.create(first)
	second := sharingClaim(first, `{"storage":"1Gi"}`)
	second.Pod.Namespace = "another"
	_, err := e.Create(t.Context(), second)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "another local namespace") {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
}

func (e *env) createClaim(r *wire.CreateRequest, labels map[string]string) {
	e.t.Helper()
	e.createClaimNamed(claimOf(r), labels)
}

func (e *env) createClaimNamed(name string, labels map[string]string) {
	e.t.Helper()
	_, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Create(e.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: labels,
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

// otherInstance returns a plugin of another local cluster that has the same remote namespaces.
func (e *env) otherInstance() *lifecycle.Lifecycle {
	options := e.options
	options.Translate.Scope.Instance = "other"
	other := lifecycle.New(e.cluster, options)
	e.t.Cleanup(func() { other.Close(context.Background()) })
	return other
}

// Two local clusters have pods in the same remote namespace. A claim of one is not used by the
// other, and not deleted by it.
func TestClaimBelongsToOneInstance(t *testing.T) {
	for _, policy := range []string{translate.RetentionDelete, translate.RetentionRetain} {
		t.Run(policy, func(t *testing.T) {
			e := newEnv(t)
			first := fullRequest()
			first.Pod.Annotations[wire.AnnotationRemotePVC+"."+claimOf(first)] = `{"storage":"1Gi","retentionPolicy":"` + policy + `"}`
			e.create(first)
			other := e.otherInstance()
			template := first.Pod.Annotations[wire.AnnotationRemotePVC+"."+claimOf(first)]
			second := sharingClaim(first, template)
			_, err := other.Create(t.Context(), second)
			if want := "created by another installation of the plugin (instance test)"; !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), want) {
				t.Errorf("the create of the other instance returns %v, want %q", err, want)
			}

			// The pod that used the claim is gone, so only its instance keeps the claim from
			// the delete of the other.
			e.must(e.admin.CoreV1().Pods(e.namespace).Delete(t.Context(), e.remotePod(first).Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
			pod := localPod(second, "jid")
			e.must(other.Delete(t.Context(), &pod))
			e.eventually("the other instance has done its work", func() bool { return other.PendingJobs(second.Pod.UID) == 0 })
			if !e.hasClaim(first) {
				t.Error("the other instance has deleted the claim")
			}

			firstPod := localPod(first, "jid")
			e.must(e.Delete(t.Context(), &firstPod))
			e.waitIdle(first)
			if kept := e.hasClaim(first); kept != (policy == translate.RetentionRetain) {
				t.Errorf("after the delete of its own pod, the claim is kept: %v", kept)
			}
		})
	}
}

// A claim of the Python plugin names no instance; every instance can use it.
func TestClaimWithoutAnInstanceIsUsed(t *testing.T) {
	e := newEnv(t)
	first := fullRequest()
	e.create(first)
	claims := e.admin.CoreV1().PersistentVolumeClaims(e.namespace)
	_, err := claims.Patch(t.Context(), claimOf(first), types.MergePatchType, []byte(`{"metadata":{"labels":{"interlink.io/instance":null}}}`), metav1.PatchOptions{})
	e.must(err)
	_, err = e.otherInstance().Create(t.Context(), sharingClaim(first, ""))
	e.must(err)
}
