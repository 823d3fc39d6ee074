package scope

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// OwnedList returns the value of [wire.AnnotationOwned] for the objects that a remote pod
// owns. They are ConfigMaps, Secrets and Services in the namespace of the pod.
func OwnedList(objects []metav1.Object) string {
	entries := make([]string, len(objects))
	for i, object := range objects {
		entries[i] = ResourceOf(object) + "/" + object.GetName()
	}
	return strings.Join(entries, ",")
}

// Owned returns the objects in [wire.AnnotationOwned] of a remote pod, with their names and
// namespaces only. It ignores what OwnedList did not write. ok is false if the pod
// does not have the annotation: a pod of an earlier version owns nothing.
func Owned(pod metav1.Object) (objects []metav1.Object, ok bool) {
	list, ok := pod.GetAnnotations()[wire.AnnotationOwned]
	for entry := range strings.SplitSeq(list, ",") {
		resource, name, _ := strings.Cut(entry, "/")
		meta := metav1.ObjectMeta{Namespace: pod.GetNamespace(), Name: name}
		switch {
		case name == "":
		case resource == "configmaps":
			objects = append(objects, &corev1.ConfigMap{ObjectMeta: meta})
		case resource == "secrets":
			objects = append(objects, &corev1.Secret{ObjectMeta: meta})
		case resource == "services":
			objects = append(objects, &corev1.Service{ObjectMeta: meta})
		}
	}
	return objects, ok
}

// ResourceOf returns the resource of an object that a pod owns, such as "secrets".
func ResourceOf(object metav1.Object) string {
	switch object.(type) {
	case *corev1.ConfigMap:
		return "configmaps"
	case *corev1.Secret:
		return "secrets"
	case *corev1.Service:
		return "services"
	}
	return fmt.Sprintf("%T", object) // Owned ignores it
}
