package cluster

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
)

// Namespace returns a namespace.
func (c *Cluster) Namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	namespace, err := c.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	return namespace, wrap(checkFound(err, namespace, name), "get", "namespace "+name)
}

// AnnotateNamespace sets an annotation of a namespace, and returns the namespace; an empty
// value removes it. The error is of kind Conflict if the namespace has another resource
// version than namespace, and of kind NotFound if it does not exist any more.
func (c *Cluster) AnnotateNamespace(ctx context.Context, namespace *corev1.Namespace, name, value string) (*corev1.Namespace, error) {
	annotations := map[string]any{name: value}
	if value == "" {
		annotations[name] = nil
	}
	body, err := patchBody(namespace, map[string]any{
		"metadata": map[string]any{"annotations": annotations, "resourceVersion": namespace.ResourceVersion},
	})
	if err != nil {
		return nil, fmt.Errorf("annotate %s: %w", describe(namespace), err)
	}
	patched, err := c.client.CoreV1().Namespaces().Patch(ctx, namespace.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{})
	if err == nil && patched.UID != namespace.UID {
		err = errdefs.New(errdefs.Unavailable, "the answer is not this object")
	}
	if err != nil {
		return nil, wrapPatch(err, "annotate", namespace)
	}
	return patched, nil
}

// fieldManager is the manager of the fields of a namespace template:
// https://kubernetes.io/docs/reference/using-api/server-side-apply/
const fieldManager = "interlink-kubernetes-plugin"

// Apply creates an object of a namespace template, or changes it if it exists, by
// server-side apply. It takes over fields that others have changed. The error is of kind
// NotFound if the namespace does not exist.
func (c *Cluster) Apply(ctx context.Context, namespace string, object nstemplate.Object) error {
	force := true
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: &force}
	applied, err := c.apply(ctx, namespace, object, options)
	switch {
	case apierrors.IsNotFound(err) && !isAbout(err, namespace):
		err = errdefs.New(errdefs.Unavailable, "the answer is not about namespace %s: %w", namespace, err)
	case err == nil && (applied.GetName() != object.Name || applied.GetUID() == ""):
		err = errdefs.New(errdefs.Unavailable, "the answer is not this object")
	}
	return wrap(err, "apply", fmt.Sprintf("%s %s/%s of the namespace template", object.Kind, namespace, object.Name))
}

func (c *Cluster) apply(ctx context.Context, namespace string, object nstemplate.Object, options metav1.PatchOptions) (metav1.Object, error) {
	core, name, kind, body := c.client.CoreV1(), object.Name, types.ApplyPatchType, object.Manifest
	switch object.Resource {
	case "configmaps":
		return core.ConfigMaps(namespace).Patch(ctx, name, kind, body, options)
	case "limitranges":
		return core.LimitRanges(namespace).Patch(ctx, name, kind, body, options)
	case "resourcequotas":
		return core.ResourceQuotas(namespace).Patch(ctx, name, kind, body, options)
	case "secrets":
		return core.Secrets(namespace).Patch(ctx, name, kind, body, options)
	case "serviceaccounts":
		return core.ServiceAccounts(namespace).Patch(ctx, name, kind, body, options)
	case "networkpolicies":
		return c.client.NetworkingV1().NetworkPolicies(namespace).Patch(ctx, name, kind, body, options)
	case "roles":
		return c.client.RbacV1().Roles(namespace).Patch(ctx, name, kind, body, options)
	case "rolebindings":
		return c.client.RbacV1().RoleBindings(namespace).Patch(ctx, name, kind, body, options)
	}
	return nil, errdefs.New(errdefs.Internal, "the plugin does not apply %s", object.Resource)
}

// isAbout reports whether an answer is about the object with a name.
func isAbout(err error, name string) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Name == name
}
