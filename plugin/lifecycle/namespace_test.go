package lifecycle_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// createNamespaceWith creates the remote namespace with these labels.
func (e *env) createNamespaceWith(labels map[string]string) {
	e.t.Helper()
	_, err := e.admin.CoreV1().Namespaces().Create(e.t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace, Labels: labels}}, metav1.CreateOptions{})
	e.must(err)
}

// A create knows whether this installation of the plugin created the remote namespace. Only
// there does the pod keep the labels of the user as they are.
func TestWhoCreatedTheNamespace(t *testing.T) {
	own := map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "test"}
	for _, test := range []struct {
		name   string
		exists bool
		labels map[string]string
		call   string
		with   fault
		want   bool
	}{
		{"the create itself", false, nil, "", "", true},
		{"the create itself, but the answer is lost", false, nil, "POST namespaces", lost, true},
		{"an earlier create", true, own, "", "", true},
		{"an earlier create, and the account may not create namespaces", true, own, "POST namespaces", forbidden, true},
		{"the site", true, nil, "", "", false},
		{"the site, and the account may not create namespaces", true, nil, "POST namespaces", forbidden, false},
		{"another installation", true, map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "other"}, "", "", false},
		{"another plugin", true, map[string]string{wire.LabelOffloading: wire.Offloading}, "", "", false},
		{"somebody with half of the labels", true, map[string]string{wire.LabelInstance: "test"}, "", "", false},
		{"not known, because the account may not read it", true, own, "GET namespaces/name", forbidden, false},
		{"an earlier create, and the first look fails", true, own, "GET namespaces/name", broken, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			if test.exists {
				e.createNamespaceWith(test.labels)
			}
			if test.with == forbidden {
				e.failAlways(test.call, test.with)
			} else {
				e.failOnce(test.call, test.with)
			}
			for range 2 { // what is known at the first create, and at the second
				r := plainRequest()
				r.Pod.Labels = map[string]string{"app": "web"}
				e.create(r)
				if got := e.IsOwnNamespace(e.namespace); got != test.want {
					t.Errorf("the namespace is the plugin's own: %v, want %v", got, test.want)
				}
				if labels := e.remotePod(r).Labels; (labels["app"] != "") != test.want {
					t.Errorf("the pod was translated for another namespace: it has the labels %v", labels)
				}
			}
		})
	}
}

// An account that may create namespaces but not read them: what the plugin knows of its own
// namespace stays, so that pods of one Deployment do not get different labels.
func TestOwnNamespaceThatMayNotBeRead(t *testing.T) {
	e := newEnv(t)
	e.SetNamespaceMemory(0)
	e.failAlways("GET namespaces/name", forbidden)
	for range 2 {
		r := plainRequest()
		r.Pod.Labels = map[string]string{"app": "web"}
		e.create(r)
		if labels := e.remotePod(r).Labels; labels["app"] == "" {
			t.Errorf("the namespace counts as one of the site: the pod has the labels %v", labels)
		}
	}
}

// Two local namespaces never share a remote one by accident: the prefix a-b with the
// namespace c, and the prefix a of another installation with the namespace b-c.
func TestNamespaceOfAnotherLocalNamespace(t *testing.T) {
	other := map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "other"}
	for _, test := range []struct {
		name, source string
		labels       map[string]string
		refused      bool
	}{
		{"another local namespace of another installation", "x-demo", other, true},
		{"another local namespace of this installation, with an earlier prefix", "x-demo", map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "test"}, true},
		{"the same local namespace, on another virtual node", "demo", other, false},
		{"a namespace that no plugin created", "x-demo", nil, false},
		{"a namespace of an earlier version", "", other, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace, Labels: test.labels}}
			if test.source != "" {
				namespace.Annotations = map[string]string{wire.AnnotationSourceName: test.source}
			}
			_, err := e.admin.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
			e.must(err)
			r := fullRequest()
			_, err = e.Create(t.Context(), r)
			if refused := errdefs.Is(err, errdefs.Refused); refused != test.refused || !refused && err != nil {
				t.Errorf("the create returned %v", err)
			}
			if objects := e.remaining(r); test.refused && len(objects) > 0 {
				t.Errorf("these objects exist: %v", objects)
			}
		})
	}
}

// A namespace that is being deleted is waited for, and then created again.
func TestNamespaceThatIsBeingDeleted(t *testing.T) {
	e := newEnv(t)
	e.createNamespaceWith(nil)
	e.must(e.admin.CoreV1().Namespaces().Delete(t.Context(), e.namespace, metav1.DeleteOptions{}))
	looks := 0
	e.faults.set(nil)
	e.faults.onCall(func(call string) {
		if call != "GET namespaces/name" {
			return
		}
		if looks++; looks == 2 { // this API server has no controller that ends the namespace
			leaving, err := e.admin.CoreV1().Namespaces().Get(t.Context(), e.namespace, metav1.GetOptions{})
			e.must(err)
			leaving.Spec.Finalizers = nil
			_, err = e.admin.CoreV1().Namespaces().Finalize(t.Context(), leaving, metav1.UpdateOptions{})
			e.must(err)
		}
	})
	e.create(plainRequest())
	if !e.IsOwnNamespace(e.namespace) {
		t.Error("the plugin does not know that it created the namespace")
	}
	if looks != 2 {
		t.Errorf("the create looked at the namespace %d times, want 2", looks)
	}
}

// A pod that is refused leaves no namespace: it is translated before anything is created.
func TestRefusedPodLeavesNoNamespace(t *testing.T) {
	e := newEnv(t)
	r := fullRequest()
	r.Containers = nil // its ConfigMap and its Secret are missing
	if _, err := e.Create(t.Context(), r); !errdefs.Is(err, errdefs.Invalid) {
		t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
	}
	if calls := e.faults.seen(); len(calls) > 0 {
		t.Errorf("the create sent %v", calls)
	}
}

// The remote API server enforces the Pod Security Standard in a namespace that the plugin
// created, also on pods that come from elsewhere.
func TestNamespaceEnforcesAStandard(t *testing.T) {
	e := newEnv(t, func(o *lifecycle.Options) { o.Translate.PodSecurity = config.PodSecurityBaseline })
	e.create(plainRequest())
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "other"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: "busybox", SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)},
		}}},
	}
	_, err := e.admin.CoreV1().Pods(e.namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `violates PodSecurity "baseline:latest"`) {
		t.Errorf("the API server answers %v", err)
	}
}
