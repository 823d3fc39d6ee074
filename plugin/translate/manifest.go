package translate

import (
	"bytes"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// scheme maps the Go types of core objects to their kinds.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	if err := corev1.AddToScheme(s); err != nil {
		panic(err) // only if two kinds of core/v1 had the same name
	}
	return s
}()

// Manifest returns the objects as a YAML manifest, in the order of their creation, for
// people to read or to apply. Comments list the warnings, the claims that must exist,
// the Helm releases, and the scheduling gate. The manifest contains the data of the Secrets.
func (o *Objects) Manifest() ([]byte, error) {
	var out bytes.Buffer
	for _, warning := range o.Warnings {
		fmt.Fprintf(&out, "# warning: %s\n", warning)
	}
	var objects []runtime.Object
	if o.Namespace != nil {
		objects = append(objects, o.Namespace)
	}
	for _, claim := range o.Claims {
		if claim.Object == nil {
			fmt.Fprintf(&out, "# persistent volume claim %s/%s must exist\n", o.Pod.Namespace, claim.Name)
			continue
		}
		objects = append(objects, claim.Object)
	}
	for _, tunnel := range o.Tunnels {
		fmt.Fprintf(&out, "# Helm release %s forwards to %s:%d\n", tunnel.Release, tunnel.Target, tunnel.Port)
	}
	if len(o.Pod.Spec.SchedulingGates) > 0 {
		fmt.Fprintf(&out, "# the pod starts when its scheduling gate %s is removed\n", wire.GateDependents)
	}
	objects = append(objects, o.Pod)
	for _, dependent := range o.Dependents() {
		objects = append(objects, dependent.(runtime.Object)) // as all types of core/v1 are
	}
	for _, object := range objects {
		document, err := document(object)
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(document)
	}
	return out.Bytes(), nil
}

// document returns one object as YAML, with its kind and without its status.
func document(object runtime.Object) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("write %T as YAML: %w", object, err)
	}
	kinds, _, err := scheme.ObjectKinds(object)
	if err != nil {
		return nil, fmt.Errorf("write %T as YAML: %w", object, err)
	}
	fields["apiVersion"], fields["kind"] = kinds[0].ToAPIVersionAndKind()
	delete(fields, "status")
	if meta, ok := fields["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
	}
	return yaml.Marshal(fields)
}
