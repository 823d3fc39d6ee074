package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// withRules gives a Lifecycle rules for claims.
func withRules(t *testing.T, text string) option {
	t.Helper()
	rules, err := claimrules.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return func(o *lifecycle.Options) { o.Translate.ClaimRules = rules }
}

// withClaim returns a request for a pod that mounts a claim and has no annotation.
func withClaim(volume, claim string) *wire.CreateRequest {
	r := plainRequest()
	r.Pod.Spec.Volumes = []corev1.Volume{{Name: volume, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
	r.Pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: volume, MountPath: "/data"}}
	return r
}

// claimNames lists the claims of the remote namespace that are not being deleted.
func (e *env) claimNames() []string {
	e.t.Helper()
	list, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).List(context.Background(), metav1.ListOptions{})
	e.must(err)
	var names []string
	for _, claim := range list.Items {
		if claim.DeletionTimestamp == nil {
			names = append(names, claim.Name)
		}
	}
	return names
}

func (e *env) deleteAndWait(l *lifecycle.Lifecycle, r *wire.CreateRequest) {
	e.t.Helper()
	pod := localPod(r, "jid")
	e.must(l.Delete(e.t.Context(), &pod))
	e.eventually("the delete has done all of its work", func() bool { return l.PendingJobs(r.Pod.UID) == 0 })
}

// ofStatefulSet creates the claims of a StatefulSet's templates, which go or stay as the rule says.
const ofStatefulSet = `[{volumes: [data], remote: "{claim}.{namespace}", create: {storage: 1Gi, retentionPolicy: POLICY}}]`

func TestClaimByRule(t *testing.T) {
	for policy, left := range map[string][]string{"delete": nil, "retain": {"data-db-1.demo"}} {
		t.Run(policy, func(t *testing.T) {
			e := newEnv(t, withRules(t, strings.ReplaceAll(ofStatefulSet, "POLICY", policy)))
			first, second := withClaim("data", "data-db-1"), withClaim("data", "data-db-1")
			e.create(first)
			e.create(second)
			claim, err := e.admin.CoreV1().PersistentVolumeClaims(e.namespace).Get(t.Context(), "data-db-1.demo", metav1.GetOptions{})
			e.must(err)
			if claim.Annotations[wire.AnnotationSourceName] != "data-db-1" || claim.Annotations[wire.AnnotationCreatedFor] != string(first.Pod.UID) {
				t.Errorf("the claim has the annotations %v", claim.Annotations)
			}
			if name := e.remotePod(second).Spec.Volumes[0].PersistentVolumeClaim.ClaimName; name != "data-db-1.demo" {
				t.Errorf("the pod uses claim %s", name)
			}
			e.deleteAndWait(e.Lifecycle, first)
			if got := e.claimNames(); !slices.Equal(got, []string{"data-db-1.demo"}) {
				t.Errorf("while a pod uses the claim, there are %q", got)
			}
			e.deleteAndWait(e.Lifecycle, second)
			if got := e.claimNames(); !slices.Equal(got, left) {
				t.Errorf("after the last pod there are the claims %q, want %q", got, left)
			}
		})
	}
}

// A delete finds the claims of the create: those recorded on the remote pod if the rules have
// changed, and those of the rules if the remote pod is gone.
func TestDeleteFindsTheClaimsOfTheCreate(t *testing.T) {
	rules := withRules(t, strings.ReplaceAll(ofStatefulSet, "POLICY", "delete"))
	t.Run("the rules have changed", func(t *testing.T) {
		e := newEnv(t, rules)
		r := withClaim("data", "data-db-1")
		e.create(r)
		options := e.options
		options.Translate.ClaimRules = nil
		later := lifecycle.New(e.cluster, options)
		t.Cleanup(func() { later.Close(context.Background()) })
		e.deleteAndWait(later, r)
		if got := e.claimNames(); len(got) > 0 {
			t.Errorf("the claims %q are left", got)
		}
	})
	t.Run("the remote pod is gone", func(t *testing.T) {
		e := newEnv(t, rules)
		r := withClaim("data", "data-db-1")
		e.create(r)
		now := int64(0)
		e.must(e.admin.CoreV1().Pods(e.namespace).Delete(t.Context(), e.remotePod(r).Name, metav1.DeleteOptions{GracePeriodSeconds: &now}))
		e.deleteAndWait(e.Lifecycle, r)
		if got := e.claimNames(); len(got) > 0 {
			t.Errorf("the claims %q are left", got)
		}
	})
}

// A second create of a pod that has not started creates a claim of a rule again.
func TestClaimByRuleIsCreatedAgain(t *testing.T) {
	e := newEnv(t, withRules(t, strings.ReplaceAll(ofStatefulSet, "POLICY", "retain")))
	r := withClaim("data", "data-db-1")
	e.create(r)
	claims := e.admin.CoreV1().PersistentVolumeClaims(e.namespace)
	_, err := claims.Patch(t.Context(), "data-db-1.demo", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	e.must(err)
	e.must(claims.Delete(t.Context(), "data-db-1.demo", metav1.DeleteOptions{}))
	e.create(r)
	if got := e.claimNames(); !slices.Equal(got, []string{"data-db-1.demo"}) {
		t.Errorf("after the second create there are the claims %q", got)
	}
}

// A create that fails after it has made a claim of a rule deletes it.
func TestFailedCreateDeletesTheClaimOfItsRule(t *testing.T) {
	e := newEnv(t, withRules(t, strings.ReplaceAll(ofStatefulSet, "POLICY", "retain")))
	r := withClaim("data", "data-db-1")
	r.Pod.Spec.Containers[0].Image = "" // the remote API server refuses the pod
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Invalid) {
		t.Fatalf("the create returns %v", err)
	}
	e.waitIdle(r)
	if got := e.claimNames(); len(got) > 0 {
		t.Errorf("the claims %q are left", got)
	}
}

// Where all tenants share one remote namespace, each sees only its own folder of a claim of the
// site, however it names the claim.
func TestClaimOfTheSiteByRule(t *testing.T) {
	site := newEnv(t)
	site.createNamespace()
	const rules = `
- {namespaces: ["demo", "team-*"], claims: [home], remote: shared, subPath: "{namespace}"}
- {claims: [cvmfs], readOnly: true}
- {volumes: [data], create: {storage: 1Gi}}`
	e := newEnv(t, withRules(t, rules), func(o *lifecycle.Options) {
		o.Translate.Scope = scope.Scope{Namespace: site.namespace, Instance: "test"}
		o.Translate.UnsupportedVolumes = config.RefuseClaims
	})
	missing := withClaim("home", "home")
	if _, err := e.Create(t.Context(), missing); !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), "persistent volume claim shared does not exist in the remote namespace "+e.namespace+": the site must create it") {
		t.Errorf("without the claim, the create returns %v", err)
	}
	for _, name := range []string{"shared", "cvmfs"} {
		site.createClaimNamed(name, nil)
	}
	create := func(namespace, volume, claim, annotation string) (*wire.CreateRequest, error) {
		r := withClaim(volume, claim)
		r.Pod.Namespace = namespace
		if annotation != "" {
			r.Pod.Annotations = map[string]string{wire.AnnotationRemotePVC: annotation}
		}
		_, err := e.Create(t.Context(), r)
		return r, err
	}
	for _, test := range []struct {
		namespace, volume, claim, annotation string
		readOnly                             bool
		subPath, refused                     string
	}{
		{"demo", "home", "home", "", false, "demo", ""},
		{"team-b", "home", "home", "", false, "team-b", ""},
		{"team-b", "x", "shared", "shared", false, "team-b", ""},
		{"team-b", "x", "cvmfs", "", true, "", ""},
		{"team-b", "x", "cvmfs", "cvmfs", true, "", ""},
		{"other", "home", "home", "", false, "", "no rule in [offloading] claims matches it"},
		{"other", "x", "shared", "shared", false, "", "the site gives claim shared to pods of other namespaces"},
		{"other", "data", "shared", "", false, "", "the site gives claim shared to pods of other namespaces"},
		{"demo", "data", "shared", "", false, "demo", ""},
		{"demo", "data", "own", "", false, "", ""},
		{"other", "data", "own", "", false, "", "was created for a pod of another local namespace"},
	} {
		r, err := create(test.namespace, test.volume, test.claim, test.annotation)
		if test.refused != "" {
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%+v: the create returns %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		mount := e.remotePod(r).Spec.Containers[0].VolumeMounts[0]
		if mount.ReadOnly != test.readOnly || mount.SubPath != test.subPath {
			t.Errorf("%+v: the mount is %+v", test, mount)
		}
		e.deleteAndWait(e.Lifecycle, r)
	}
	if got := e.claimNames(); !slices.Contains(got, "shared") || !slices.Contains(got, "cvmfs") {
		t.Errorf("after all deletes there are the claims %q", got)
	}
}
