package cluster

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// ClassKind is a kind of object of the whole cluster that pods and claims name.
type ClassKind struct{ Resource, Group string }

// The kinds of classes.
var (
	RuntimeClasses  = ClassKind{"runtimeclasses", "node.k8s.io"}
	PriorityClasses = ClassKind{"priorityclasses", "scheduling.k8s.io"}
	StorageClasses  = ClassKind{"storageclasses", "storage.k8s.io"}
)

// ClassPermission is the permission to look whether classes of a kind exist. Only --check does.
func ClassPermission(kind ClassKind) Permission {
	return Permission{Verb: "get", Resource: kind.Resource, Group: kind.Group, Optional: true,
		Why: "look whether the classes of the configuration exist"}
}

// ClassExists reports whether a class exists.
func (r Reviewer) ClassExists(ctx context.Context, kind ClassKind, name string) (bool, error) {
	var object metav1.Object
	var err error
	switch options := (metav1.GetOptions{}); kind {
	case RuntimeClasses:
		object, err = r.client.NodeV1().RuntimeClasses().Get(ctx, name, options)
	case PriorityClasses:
		object, err = r.client.SchedulingV1().PriorityClasses().Get(ctx, name, options)
	default:
		object, err = r.client.StorageV1().StorageClasses().Get(ctx, name, options)
	}
	err = wrap(checkFound(err, object, name), "get", kind.Resource+" "+name)
	if errdefs.Is(err, errdefs.NotFound) {
		return false, nil
	}
	return err == nil, err
}
