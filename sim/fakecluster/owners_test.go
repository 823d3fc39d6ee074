package fakecluster_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// owners sends the requests of the steps to any cluster. A request that fails ends the
// test: the steps are about what the garbage collector does afterwards.
type owners struct {
	t                *testing.T
	client           kubernetes.Interface
	namespace, other string
}

func (o owners) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// pod creates a pod; a bound pod has a node, and so a grace period.
func (o owners) pod(name string, bound bool, refs ...metav1.OwnerReference) metav1.OwnerReference {
	o.t.Helper()
	pod := newPod(name, "a")
	pod.OwnerReferences = refs
	created, err := o.client.CoreV1().Pods(o.namespace).Create(o.t.Context(), pod, metav1.CreateOptions{})
	o.must(err)
	if bound {
		binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: "nowhere"}}
		o.must(o.client.CoreV1().Pods(o.namespace).Bind(o.t.Context(), binding, metav1.CreateOptions{}))
	}
	return metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: name, UID: created.UID}
}

func (o owners) configMap(name string, refs ...metav1.OwnerReference) metav1.OwnerReference {
	o.t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: refs}}
	created, err := o.client.CoreV1().ConfigMaps(o.namespace).Create(o.t.Context(), object, metav1.CreateOptions{})
	o.must(err)
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: created.UID}
}

// held creates a ConfigMap with a finalizer; release removes it.
func (o owners) held(name string, refs ...metav1.OwnerReference) (release func()) {
	o.t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: refs, Finalizers: []string{"test/held"}}}
	configMaps := o.client.CoreV1().ConfigMaps(o.namespace)
	_, err := configMaps.Create(o.t.Context(), object, metav1.CreateOptions{})
	o.must(err)
	return func() {
		o.t.Helper()
		patch := []byte(`{"metadata":{"$deleteFromPrimitiveList/finalizers":["test/held"]}}`)
		_, err := configMaps.Patch(o.t.Context(), name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		o.must(err)
	}
}

func (o owners) delete(owner metav1.OwnerReference, options metav1.DeleteOptions) {
	o.t.Helper()
	options.Preconditions = &metav1.Preconditions{UID: &owner.UID}
	switch owner.Kind {
	case "Pod":
		o.must(o.client.CoreV1().Pods(o.namespace).Delete(o.t.Context(), owner.Name, options))
	default:
		o.must(o.client.CoreV1().ConfigMaps(o.namespace).Delete(o.t.Context(), owner.Name, options))
	}
}

// exists returns one line for each object of the steps.
func (o owners) exists() []string {
	var lines []string
	add := func(kind string, object metav1.Object) {
		line := kind + " " + object.GetName()
		for _, owner := range object.GetOwnerReferences() {
			line += fmt.Sprintf(" of %s %s", owner.Kind, strings.Replace(owner.Name, o.namespace, "NS", 1))
		}
		if object.GetDeletionTimestamp() != nil {
			line += fmt.Sprintf(" deleted %d", ptr.Deref(object.GetDeletionGracePeriodSeconds(), -1))
		}
		lines = append(lines, line+strings.Join(object.GetFinalizers(), ","))
	}
	ctx, core := o.t.Context(), o.client.CoreV1()
	pods, err := core.Pods(o.namespace).List(ctx, metav1.ListOptions{})
	o.must(err)
	for i := range pods.Items {
		add("Pod", &pods.Items[i])
	}
	configMaps, err := core.ConfigMaps(o.namespace).List(ctx, metav1.ListOptions{})
	o.must(err)
	for i := range configMaps.Items {
		add("ConfigMap", &configMaps.Items[i])
	}
	secrets, err := core.Secrets(o.namespace).List(ctx, metav1.ListOptions{})
	o.must(err)
	for i := range secrets.Items {
		add("Secret", &secrets.Items[i])
	}
	services, err := core.Services(o.namespace).List(ctx, metav1.ListOptions{})
	o.must(err)
	for i := range services.Items {
		add("Service", &services.Items[i])
	}
	return lines
}
