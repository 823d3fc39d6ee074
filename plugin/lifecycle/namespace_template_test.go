package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The objects of the templates of these tests are a LimitRange, a NetworkPolicy and a
// ConfigMap. version is in all of them.
func templateOf(t *testing.T, version string) *nstemplate.Template {
	t.Helper()
	template, err := nstemplate.Parse([]byte(strings.ReplaceAll(`
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, annotations: {version: "VERSION"}}
spec: {limits: [{type: Container, defaultRequest: {cpu: 10m}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, annotations: {version: "VERSION"}}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: names, annotations: {version: "VERSION"}}
data: {local: $(LOCAL_NAMESPACE), remote: $(REMOTE_NAMESPACE), version: "VERSION"}
`, "VERSION", version)))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func withTemplate(template *nstemplate.Template) option {
	return func(o *lifecycle.Options) { o.NamespaceTemplate = template }
}

// newNamespace and otherHash are the requests for the namespace of a pod: if it does not
// exist, and if it has the hash of another template.
var (
	applies      = []string{"PATCH limitranges/name", "PATCH networkpolicies/name", "PATCH configmaps/name", "PATCH namespaces/name"}
	newNamespace = slices.Concat([]string{"POST namespaces", "GET namespaces/name"}, applies)
	otherHash    = slices.Concat([]string{"POST namespaces", "GET namespaces/name", "PATCH namespaces/name"}, applies)
)

// hash returns the hash of the template that the remote namespace says it has.
func (e *env) hash() string {
	e.t.Helper()
	namespace, err := e.admin.CoreV1().Namespaces().Get(context.Background(), e.namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ""
	}
	e.must(err)
	return namespace.Annotations[wire.AnnotationNamespaceTemplate]
}

// templateObjects returns, by kind, the version of each object of a template that exists.
func (e *env) templateObjects() map[string]string {
	e.t.Helper()
	ctx, versions := context.Background(), map[string]string{}
	list := metav1.ListOptions{LabelSelector: wire.LabelNamespaceTemplate}
	add := func(kind string, meta metav1.ObjectMeta) { versions[kind] = meta.Annotations["version"] }
	limits, err := e.admin.CoreV1().LimitRanges(e.namespace).List(ctx, list)
	e.must(err)
	for _, o := range limits.Items {
		add("LimitRange", o.ObjectMeta)
	}
	policies, err := e.admin.NetworkingV1().NetworkPolicies(e.namespace).List(ctx, list)
	e.must(err)
	for _, o := range policies.Items {
		add("NetworkPolicy", o.ObjectMeta)
	}
	configMaps, err := e.admin.CoreV1().ConfigMaps(e.namespace).List(ctx, list)
	e.must(err)
	for _, o := range configMaps.Items {
		add("ConfigMap", o.ObjectMeta)
		if o.Data["version"] != o.Annotations["version"] || o.Data["local"] != "demo" || o.Data["remote"] != e.namespace {
			e.t.Errorf("the ConfigMap has %v", o.Data)
		}
	}
	return versions
}

// expectTemplate checks that the namespace has all objects of a template, and its hash.
func (e *env) expectTemplate(template *nstemplate.Template, version string) {
	e.t.Helper()
	if got := e.hash(); got != template.Hash() {
		e.t.Errorf("the namespace has the hash %q, want %q", got, template.Hash())
	}
	objects := e.templateObjects()
	for _, kind := range []string{"LimitRange", "NetworkPolicy", "ConfigMap"} {
		if objects[kind] != version {
			e.t.Errorf("the %s is of version %q, want %q", kind, objects[kind], version)
		}
	}
}

func (e *env) podCount() int {
	e.t.Helper()
	pods, err := e.admin.CoreV1().Pods(e.namespace).List(context.Background(), metav1.ListOptions{})
	e.must(err)
	return len(pods.Items)
}

// The objects of the template are there before the first pod. They outlive it, and a later
// create sends nothing for them.
func TestNamespaceTemplate(t *testing.T) {
	template := templateOf(t, "1")
	e := newEnv(t, withTemplate(template))
	r := plainRequest()
	e.create(r)
	if calls, want := e.faults.seen(), append(slices.Clone(newNamespace), "POST pods"); !slices.Equal(calls, want) {
		t.Errorf("the create sent %v, want %v", calls, want)
	}
	e.expectTemplate(template, "1")
	e.faults.set(nil)
	e.create(plainRequest())
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"POST pods"}) {
		t.Errorf("the second create sent %v", calls)
	}
	e.mustDelete(r)
	e.expectTemplate(template, "1")

	e.faults.set(nil)
	_, err := e.replica(e.cluster).Create(t.Context(), plainRequest())
	e.must(err)
	if calls := e.faults.seen(); !slices.Equal(calls, []string{"POST namespaces", "GET namespaces/name", "POST pods"}) {
		t.Errorf("the create after a restart sent %v", calls)
	}
}

// Another template is applied to a namespace that exists, over what others have changed.
func TestAnotherTemplate(t *testing.T) {
	e := newEnv(t, withTemplate(templateOf(t, "1")))
	e.create(plainRequest())
	_, err := e.admin.CoreV1().ConfigMaps(e.namespace).Patch(t.Context(), "names", types.MergePatchType,
		[]byte(`{"data":{"version":"by hand","more":"by hand"}}`), metav1.PatchOptions{})
	e.must(err)
	e.options.NamespaceTemplate = templateOf(t, "2")
	e.faults.set(nil)
	_, err = e.replica(e.cluster).Create(t.Context(), plainRequest())
	e.must(err)
	if calls, want := e.faults.seen(), append(slices.Clone(otherHash), "POST pods"); !slices.Equal(calls, want) {
		t.Errorf("the create sent %v, want %v", calls, want)
	}
	e.expectTemplate(e.options.NamespaceTemplate, "2")
	names, err := e.admin.CoreV1().ConfigMaps(e.namespace).Get(t.Context(), "names", metav1.GetOptions{})
	e.must(err)
	if names.Data["more"] != "by hand" {
		t.Error("a field that the template does not have was changed")
	}
}

// crash sends a create, and lets the plugin crash at its n-th request, before or after the
// API server carries that out.
func (e *env) crash(l *lifecycle.Lifecycle, n int, after bool) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	defer cancel()
	e.faults.set(func(call int, _ string) fault {
		if call < n {
			return ""
		}
		if call == n && after {
			return lost
		}
		cancel()
		return refused
	})
	if _, err := l.Create(ctx, plainRequest()); err == nil {
		e.t.Error("the create succeeds")
	}
	e.faults.set(nil)
}

// The plugin crashes at each request for a new namespace, and for one of another template:
// before or after it is carried out. There is no pod, and the hash is there only if all
// objects are there. The next create completes the namespace.
func TestCrashLeavesNoOpenNamespace(t *testing.T) {
	for _, changed := range []bool{false, true} {
		calls := newNamespace
		if changed {
			calls = otherHash
		}
		for n, call := range calls {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("changed %v, %d %s, after it %v", changed, n, call, after), func(t *testing.T) {
					t.Parallel()
					first, second := templateOf(t, "1"), templateOf(t, "2")
					e := newEnv(t, withTemplate(first))
					before := 0
					if changed {
						e.create(plainRequest())
						before = 1
					}
					e.options.NamespaceTemplate = second
					e.crash(e.replica(e.cluster), n, after)
					if got := e.podCount(); got != before {
						t.Errorf("the namespace has %d pods, want %d", got, before)
					}
					switch e.hash() {
					case "":
					case first.Hash():
						e.expectTemplate(first, "1")
					default:
						e.expectTemplate(second, "2")
					}
					if isLast := n == len(calls)-1 && after; (e.hash() == second.Hash()) != isLast {
						t.Errorf("the namespace has the hash %q", e.hash())
					}
					_, err := e.replica(e.cluster).Create(t.Context(), plainRequest())
					e.must(err)
					e.expectTemplate(second, "2")
				})
			}
		}
	}
}

// Each request for a namespace fails once. The create succeeds all the same, and the
// namespace is complete.
func TestTemplateIsRetried(t *testing.T) {
	for n, call := range otherHash {
		for _, with := range []fault{refused, lost, overloaded, broken, faulty.Conflict} {
			if with == faulty.Conflict && call == "POST namespaces" {
				continue // it has another meaning there
			}
			t.Run(fmt.Sprintf("%d %s %s", n, call, with), func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, withTemplate(templateOf(t, "1")))
				e.create(plainRequest())
				e.options.NamespaceTemplate = templateOf(t, "2")
				e.faults.set(func(i int, _ string) fault {
					if i == n {
						return with
					}
					return ""
				})
				_, err := e.replica(e.cluster).Create(t.Context(), plainRequest())
				e.must(err)
				e.expectTemplate(e.options.NamespaceTemplate, "2")
			})
		}
	}
}

// A request of the template is refused for good: the create fails, and says which. The
// refusal of a quota is not one that the pod can wait for.
func TestTemplateIsRefused(t *testing.T) {
	for n, call := range newNamespace[1:] {
		for _, with := range []fault{forbidden, faulty.ForbiddenWithText("exceeded quota: q, requested: count/configmaps=1")} {
			if with != forbidden && strings.HasSuffix(call, "namespaces/name") {
				continue // no quota is for this request
			}
			t.Run(fmt.Sprintf("%d %s %s", n, call, with), func(t *testing.T) {
				e := newEnv(t, withTemplate(templateOf(t, "1")))
				e.failAlways(call, with)
				_, err := e.Create(t.Context(), plainRequest())
				if !errdefs.Is(err, errdefs.Refused) {
					t.Errorf("the create returned %v (%s)", err, errdefs.KindOf(err))
				}
				want := map[string]string{
					"GET namespaces/name":        "whether the namespace template must be applied is not known",
					"PATCH limitranges/name":     "apply LimitRange " + e.namespace + "/defaults of the namespace template",
					"PATCH networkpolicies/name": "apply NetworkPolicy " + e.namespace + "/deny of the namespace template",
					"PATCH configmaps/name":      "apply ConfigMap " + e.namespace + "/names of the namespace template",
					"PATCH namespaces/name":      "annotate namespace " + e.namespace,
				}[call]
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the create returned %v, want %q", err, want)
				}
				if e.podCount() != 0 || e.hash() != "" {
					t.Errorf("the namespace has %d pods and the hash %q", e.podCount(), e.hash())
				}
			})
		}
	}
}
