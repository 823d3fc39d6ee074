package translate

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Dependents returns the objects that the Pod owns: the ConfigMaps, the Secrets, and
// the Services.
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
	for _, service := range o.Shared {
		dependents = append(dependents, service)
	}
	return dependents
}
