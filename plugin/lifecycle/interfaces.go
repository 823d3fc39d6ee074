package lifecycle

import (
	"context"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Cluster is the remote cluster, as the lifecycle uses it. Every error has a kind of
// plugin/errdefs. A retry may solve errors of the kinds Unavailable, Conflict and
// NotYet, and no other errors.
type Cluster interface {
	// Create creates an object and returns it as the API server has stored it. The error is
	// of kind Exists if an object with that name exists already.
	Create(ctx context.Context, object metav1.Object) (metav1.Object, error)
	// Get returns the object of the same kind, namespace and name. The error is of kind
	// NotFound if it does not exist; also in Namespace, Pod and Claim.
	Get(ctx context.Context, object metav1.Object) (metav1.Object, error)
	// Delete deletes the object with the name and the UID of object. The error is of
	// kind NotFound if it does not exist any more. grace is the grace period of a pod in
	// seconds; with nil, the pod's own applies. If unchanged is true, the error is of
	// kind Conflict if the object has another resource version.
	Delete(ctx context.Context, object metav1.Object, grace *int64, unchanged bool) error
	// AddOwner adds an owner to those of a Service. The error is of kind NotFound if the Service
	// does not exist any more.
	AddOwner(ctx context.Context, service *corev1.Service, owner metav1.OwnerReference) error
	Namespace(ctx context.Context, name string) (*corev1.Namespace, error)
	// AnnotateNamespace sets an annotation of a namespace, and returns the namespace; an
	// empty value removes it. The error is of kind Conflict if the namespace has another
	// resource version than namespace, and of kind NotFound if it does not exist any more.
	AnnotateNamespace(ctx context.Context, namespace *corev1.Namespace, name, value string) (*corev1.Namespace, error)
	// Apply creates an object of a namespace template, or changes it if it exists. The
	// error is of kind NotFound if the namespace does not exist.
	Apply(ctx context.Context, namespace string, object nstemplate.Object) error
	Claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error)

	// CachedPod returns the remote pod for the UID of a local pod from the pod
	// cache, or nil. CachedPods returns all remote pods for the UID.
	CachedPod(uid string) *corev1.Pod
	CachedPods(uid string) []*corev1.Pod
	// EndedPod returns the last state of a remote pod for the UID of a local pod that had
	// ended before it was deleted, as far as the pod cache remembers it, or nil.
	EndedPod(uid string) *corev1.Pod
	// Synced reports whether the pod cache has been filled.
	Synced() bool
	// Pod asks the remote API server for the pod with a name.
	Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error)
	Logs(ctx context.Context, namespace, name string, options *corev1.PodLogOptions) (io.ReadCloser, error)
	// PodEvents lists the events of a pod.
	PodEvents(ctx context.Context, pod *corev1.Pod) ([]corev1.Event, error)

	// ListPods lists the offloaded pods in a remote namespace. DeleteConfigMaps and
	// DeleteSecrets delete the objects that match a selector of plugin/scope; it is not
	// an error if there are none. They are slow, and only for work in the background.
	ListPods(ctx context.Context, namespace string) ([]corev1.Pod, error)
	DeleteConfigMaps(ctx context.Context, namespace, selector string) error
	DeleteSecrets(ctx context.Context, namespace, selector string) error

	// RemoveGate removes a scheduling gate. The error is of kind NotFound if the pod does
	// not exist any more.
	RemoveGate(ctx context.Context, pod *corev1.Pod, gate string) error
	// FailPod lets a pod fail and writes the reason into an annotation. AnnotatePod
	// sets an annotation. The error is of kind NotFound if the pod does not exist any
	// more.
	FailPod(ctx context.Context, pod *corev1.Pod, annotation, reason string) error
	AnnotatePod(ctx context.Context, pod *corev1.Pod, name, value string) error
	// AnnotateClaim sets an annotation of a claim, and returns the claim. The error is of
	// kind NotFound if the claim does not exist any more.
	AnnotateClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim, name, value string) (*corev1.PersistentVolumeClaim, error)
}

// Observer learns which local pods exist, as far as requests show it. Its methods return
// at once.
type Observer interface {
	// Asked says that virtual nodes ask about these pods. The field Spec.NodeName of a pod
	// is its virtual node.
	Asked(pods []corev1.Pod)
	// Mentioned says that a local pod exists, from another request.
	Mentioned(uid string)
}

// Tunnels opens and closes the TCP tunnels of pods: Helm releases in a remote
// namespace of their own. Its errors have kinds, like those of [Cluster].
type Tunnels interface {
	// Namespace returns the namespace of the releases.
	Namespace() string
	// Open installs a release that connects the port of the gateway with the same
	// port of the target. The labels are set on a new release only. It may be
	// called again for the same release.
	Open(ctx context.Context, release string, labels map[string]string, port int32, target string) error
	// Close uninstalls the releases whose labels match a selector of plugin/scope.
	// It is not an error if there are none.
	Close(ctx context.Context, selector string) error
}

// WaitingPods keeps the create requests of pods that a full ResourceQuota of the remote
// cluster refuses. It stores them in the remote cluster, so that they are known after a
// restart and to all replicas, and calls [Lifecycle.CreateStored] when the quota may permit
// a pod. Its errors have kinds, like those of [Cluster].
type WaitingPods interface {
	// Accept stores a create request that failed with an error of kind OverQuota. If the
	// pod cannot wait, nothing is stored, and Accept returns that error with the reason.
	Accept(ctx context.Context, request *wire.CreateRequest, failure error) error
	// Cached returns the state of a local pod that is known to wait. It sends no request.
	Cached(pod *corev1.Pod) (status.Waiting, bool)
	// Find is like Cached, but asks the remote API server.
	Find(ctx context.Context, pod *corev1.Pod) (status.Waiting, bool, error)
	// MayWait reports whether the request of a local pod is, or may be, stored. It is
	// false only if none is known, and sends no request.
	MayWait(pod *corev1.Pod) bool
	// UsesClaim reports whether a local pod that waits uses a persistent volume claim of a
	// remote namespace, apart from the local pod with a UID.
	UsesClaim(ctx context.Context, namespace, claim, exceptUID string) (bool, error)
	// Remove removes the stored request of a local pod, and reports whether there was one.
	// A replica that creates the pod at this time deletes it again.
	Remove(ctx context.Context, pod *corev1.Pod) (found bool, err error)
}
