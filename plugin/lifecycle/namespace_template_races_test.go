package lifecycle_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The template is not applied to a namespace that the plugin did not create.
func TestTemplateIsOnlyForOwnNamespaces(t *testing.T) {
	for _, labels := range []map[string]string{nil, {wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "other"}} {
		e := newEnv(t, withTemplate(templateOf(t, "1")))
		e.createNamespaceWith(labels)
		e.create(plainRequest())
		if objects := e.templateObjects(); len(objects) > 0 || e.hash() != "" {
			t.Errorf("the namespace with the labels %v has %v and the hash %q", labels, objects, e.hash())
		}
		if !strings.Contains(e.log.String(), "the plugin did not create this remote namespace") {
			t.Error("the log does not say it")
		}
	}
}

// Many creates in a new namespace apply the template once.
func TestManyCreatesApplyTheTemplateOnce(t *testing.T) {
	e := newEnv(t, withTemplate(templateOf(t, "1")))
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := e.Create(t.Context(), plainRequest()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	e.expectTemplate(e.options.NamespaceTemplate, "1")
	hashes := 0
	for _, call := range e.faults.seen() {
		if call == "PATCH namespaces/name" {
			hashes++
		}
	}
	if hashes != 1 {
		t.Errorf("the hash was written %d times", hashes)
	}
}

// Replicas with different templates are at work at once, in a new namespace and in one that
// exists. Whichever is last: all objects are of the template whose hash the namespace has.
func TestReplicasWithDifferentTemplates(t *testing.T) {
	templates := map[string]*nstemplate.Template{}
	for _, version := range []string{"1", "2", "3"} {
		templates[version] = templateOf(t, version)
	}
	e := newEnv(t, withTemplate(templates["1"]))
	for range 10 {
		var group sync.WaitGroup
		for _, template := range templates {
			e.options.NamespaceTemplate = template
			l := e.replica(e.cluster)
			group.Go(func() {
				if _, err := l.Create(t.Context(), plainRequest()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		versions := e.templateObjects()
		version := versions["LimitRange"]
		if e.hash() != templates[version].Hash() || versions["NetworkPolicy"] != version || versions["ConfigMap"] != version {
			t.Fatalf("the namespace has %v and the hash %q", versions, e.hash())
		}
	}
}

// The namespace is deleted while the template is applied to it. The create begins again.
func TestNamespaceDeletedWhileTheTemplateIsApplied(t *testing.T) {
	for _, during := range []string{"PATCH networkpolicies/name", "PATCH namespaces/name"} {
		t.Run(during, func(t *testing.T) {
			e := newEnv(t, withTemplate(templateOf(t, "1")))
			var once sync.Once
			e.faults.onCall(func(call string) {
				if call == during {
					once.Do(e.deleteNamespace)
				}
			})
			e.create(plainRequest())
			e.expectTemplate(e.options.NamespaceTemplate, "1")
		})
	}
}

// deleteNamespace deletes the remote namespace at once: this API server has no controller
// that does it, so the objects in it stay.
func (e *env) deleteNamespace() {
	ctx, namespaces := context.Background(), e.admin.CoreV1().Namespaces()
	e.must(namespaces.Delete(ctx, e.namespace, metav1.DeleteOptions{}))
	leaving, err := namespaces.Get(ctx, e.namespace, metav1.GetOptions{})
	e.must(err)
	leaving.Spec.Finalizers = nil
	_, err = namespaces.Finalize(ctx, leaving, metav1.UpdateOptions{})
	e.must(err)
}

// What is known about a namespace is looked up again after a while: it may be another one.
func TestNamespaceIsLookedAtAgain(t *testing.T) {
	e := newEnv(t, withTemplate(templateOf(t, "1")))
	e.SetNamespaceMemory(0)
	e.create(plainRequest())
	e.deleteNamespace()
	e.createNamespaceWith(map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "test"})
	e.create(plainRequest())
	e.expectTemplate(e.options.NamespaceTemplate, "1")
	e.deleteNamespace()
	e.createNamespaceWith(nil)
	e.create(plainRequest())
	if e.IsOwnNamespace(e.namespace) {
		t.Error("the namespace of the site counts as the plugin's own")
	}
}

// Every kind that a template can have, apart from those of the other tests, can be applied,
// and changed.
func TestEveryKindCanBeApplied(t *testing.T) {
	text := `
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota}
spec: {hard: {count/services: "5"}}
---
apiVersion: v1
kind: Secret
metadata: {name: registry}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"VERSION":{}}}'}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default}
imagePullSecrets: [{name: registry}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, annotations: {version: "VERSION"}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, annotations: {version: "VERSION"}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: readers}]
`
	e := newEnv(t)
	for _, version := range []string{"1", "2"} {
		template, err := nstemplate.Parse([]byte(strings.ReplaceAll(text, "VERSION", version)))
		e.must(err)
		e.options.NamespaceTemplate = template
		_, err = e.replica(e.cluster).Create(t.Context(), plainRequest())
		e.must(err)
		if e.hash() != template.Hash() {
			t.Errorf("the namespace has the hash %q, want %q", e.hash(), template.Hash())
		}
		secret, err := e.admin.CoreV1().Secrets(e.namespace).Get(t.Context(), "registry", metav1.GetOptions{})
		e.must(err)
		if got := string(secret.Data[corev1.DockerConfigJsonKey]); got != `{"auths":{"`+version+`":{}}}` {
			t.Errorf("the Secret has %q", got)
		}
		role, err := e.admin.RbacV1().RoleBindings(e.namespace).Get(t.Context(), "readers", metav1.GetOptions{})
		e.must(err)
		if role.Annotations["version"] != version {
			t.Errorf("the RoleBinding is of version %q", role.Annotations["version"])
		}
	}
}
