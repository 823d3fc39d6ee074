package quotawait

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Cluster is the remote cluster. Every error has a kind of plugin/errdefs.
type Cluster interface {
	// Create creates an object. The error is of kind Exists if its name is taken.
	Create(ctx context.Context, object metav1.Object) (metav1.Object, error)
	// Get returns the object of the same kind, namespace and name. The error is of kind
	// NotFound if it does not exist.
	Get(ctx context.Context, object metav1.Object) (metav1.Object, error)
	// Delete deletes the object with the name and the UID of object. The error is of
	// kind NotFound if it does not exist any more.
	Delete(ctx context.Context, object metav1.Object, grace *int64, unchanged bool) error
	// AnnotateConfigMap sets annotations of the ConfigMap with the name and the UID of
	// configMap; nil removes one. The error is of kind NotFound if it does not exist any
	// more. If unchanged is true, the error is of kind Conflict if it has another resource
	// version.
	AnnotateConfigMap(ctx context.Context, configMap *corev1.ConfigMap, annotations map[string]any, unchanged bool) error
	// AnnotateClaim sets an annotation of the claim with the name and the UID of claim. The
	// error is of kind NotFound if it does not exist any more.
	AnnotateClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim, name, value string) (*corev1.PersistentVolumeClaim, error)
	// ListConfigMaps returns the ConfigMaps that match a selector in all namespaces that
	// the plugin uses.
	ListConfigMaps(ctx context.Context, selector string) ([]corev1.ConfigMap, error)
	// EachPod calls each for every pod in a namespace that matches a selector. An error of
	// each ends the list, and is returned as it is.
	EachPod(ctx context.Context, namespace, selector string, each func(*corev1.Pod) error) error
	// WatchQuotas calls changed with the namespace of every ResourceQuota that exists, is
	// added or changed, until the watch ends.
	WatchQuotas(ctx context.Context, changed func(namespace string)) error
}

// Creator creates the pods of stored requests.
type Creator interface {
	// CreateStored creates the remote objects of a local pod, and calls commit as its last
	// step. If commit reports that the request was not kept, CreateStored deletes the pod.
	// The error is of kind OverQuota if a quota still refuses the pod, and of kind Canceled
	// if the local pod was deleted.
	CreateStored(ctx context.Context, request *wire.CreateRequest, commit func(context.Context) (kept bool, err error)) error
	// IsDeleted reports whether a local pod was deleted recently.
	IsDeleted(uid string) bool
}
