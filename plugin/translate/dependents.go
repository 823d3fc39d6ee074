package translate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Dependents returns the objects that the Pod owns: the ConfigMaps, the Secrets, and
// the Service.
func (o *Objects) Dependents() []metav1.Object {
	var dependents []metav1.Object
	for _, configMap := range o.ConfigMaps {
		dependents = append(dependents, configMap)
	}
	for _, secret := range o.Secrets {
		dependents = append(dependents, secret)
	}
	if o.Service != nil {
		dependents = append(dependents, o.Service)
	}
	return dependents
}

// markOwner writes on the Pod which objects it owns. The annotation is there even if
// the list is empty: by it, a pod of this version is told from an earlier one.
func (o *Objects) markOwner() {
	names := []string{}
	for _, dependent := range o.Dependents() {
		names = append(names, ownedName(dependent))
	}
	o.Pod.Annotations[wire.AnnotationOwned] = strings.Join(names, ",")
}

// ownedName returns "<resource>/<name>", as [wire.AnnotationOwned] lists a dependent.
func ownedName(dependent metav1.Object) string {
	switch dependent.(type) {
	case *corev1.ConfigMap:
		return ownedConfigMap(dependent.GetName())
	case *corev1.Secret:
		return ownedSecret(dependent.GetName())
	default:
		return "services/" + dependent.GetName()
	}
}

func ownedConfigMap(name string) string { return "configmaps/" + name }

func ownedSecret(name string) string { return "secrets/" + name }
