package orphans

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cluster is the remote cluster, as the search uses it. Every error has a kind of
// plugin/errdefs.
type Cluster interface {
	// Synced reports whether the pod cache has been filled.
	Synced() bool
	// Pod asks the remote API server for the pod with a name. The error is of kind
	// NotFound if it does not exist.
	Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error)
	// MarkPod sets an annotation of a pod; an empty value removes it. If unchanged is
	// true, the error is of kind Conflict if the pod has another resource version. The
	// error is of kind NotFound if the pod does not exist any more.
	MarkPod(ctx context.Context, pod *corev1.Pod, annotation, value string, unchanged bool) error
	// Delete deletes the object with the name and the UID of object. If unchanged is true,
	// the error is of kind Conflict if the object has another resource version.
	Delete(ctx context.Context, object metav1.Object, grace *int64, unchanged bool) error

	// EachPod calls each for every pod that matches a selector, with its whole
	// specification. Namespace is empty for all namespaces, here and below. An error of
	// each ends the list.
	EachPod(ctx context.Context, namespace, selector string, each func(*corev1.Pod) error) error
	// EachMetadata calls each with the metadata of every object of a resource that
	// matches a selector, page by page.
	EachMetadata(ctx context.Context, resource, namespace, selector string, each func(*metav1.ObjectMeta) error) error
}

// Tunnels are the TCP tunnels of pods: Helm releases in a remote namespace of their own.
type Tunnels interface {
	// Namespace returns the namespace of the releases.
	Namespace() string
	// Close uninstalls the releases whose labels match a selector of plugin/scope.
	Close(ctx context.Context, selector string) error
}
