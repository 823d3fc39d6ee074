package lifecycle

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// Cluster is what the lifecycle asks of the remote cluster. Every error has a
// kind of plugin/errdefs: Unavailable may pass, Exists and NotFound say what
// they say, everything else will not change by trying again.
type Cluster interface {
	// Create creates an object and returns its UID.
	Create(ctx context.Context, object metav1.Object) (types.UID, error)
	NamespaceExists(ctx context.Context, name string) (bool, error)
	Claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error)
	// DeleteClaim deletes the claim of that UID; one that is gone is no error.
	DeleteClaim(ctx context.Context, namespace, name string, uid types.UID) error

	// CachedPod returns the pod of a local pod's UID as the cache knows it, or
	// nil; Synced says whether the cache knows the cluster at all.
	CachedPod(uid string) *corev1.Pod
	Synced() bool
	// FindPod asks the remote API server for it; nil when there is none.
	FindPod(ctx context.Context, namespace, uid string) (*corev1.Pod, error)
	// ListPods lists the offloaded pods of a remote namespace.
	ListPods(ctx context.Context, namespace string) ([]corev1.Pod, error)
	Logs(ctx context.Context, namespace, name string, options *corev1.PodLogOptions) (io.ReadCloser, error)

	// The deletes by a selector of plugin/scope; nothing to delete is no error.
	// grace is in seconds, nil leaves it to the pod.
	DeletePods(ctx context.Context, namespace, selector string, grace *int64) error
	DeleteConfigMaps(ctx context.Context, namespace, selector string) error
	DeleteSecrets(ctx context.Context, namespace, selector string) error
	Service(ctx context.Context, namespace, name string) (*corev1.Service, error)
	// DeleteService deletes the Service of that UID; one that is gone is no error.
	DeleteService(ctx context.Context, namespace, name string, uid types.UID) error

	// FailPod makes a pod fail and annotates why, AnnotatePod changes an annotation; a
	// pod that is gone is no error.
	FailPod(ctx context.Context, pod *corev1.Pod, annotation, why string) error
	AnnotatePod(ctx context.Context, pod *corev1.Pod, name, value string) error
}

// Tunnels is what the lifecycle asks of TCP tunnels: Helm releases in a remote
// namespace of their own. Errors have kinds as those of [Cluster].
type Tunnels interface {
	// Namespace is where they are.
	Namespace() string
	// Open makes sure that a release is there, with these labels if it makes it,
	// that leads the gateway's port of that number to the target's. It may be
	// repeated.
	Open(ctx context.Context, release string, labels map[string]string, port int32, target string) error
	// Close takes the releases away whose labels a selector of plugin/scope
	// selects; none is no error.
	Close(ctx context.Context, selector string) error
}

// Options configure a Lifecycle.
type Options struct {
	Translate translate.Options
	// CreateTimeout bounds one create, retries included. InterLink gives up
	// after 120 s, and the pod is then failed for good (contract, section 2).
	CreateTimeout time.Duration
	// Tunnels expose the TCP ports of pods; nil if that is not wanted.
	Tunnels Tunnels
	Log     *slog.Logger
}

// Lifecycle runs local pods in a remote cluster. Its methods are safe for
// concurrent use; calls for one pod take turns.
type Lifecycle struct {
	cluster Cluster
	options Options
	log     *slog.Logger

	// pods serialises what is done for one local UID, claims what is done with
	// one claim.
	pods, claims keyed
	// namespaces holds the remote namespaces that are known to be there.
	namespaces sync.Map
	arrivals   arrivals
	// undoing holds, by UID, the flags of undos that wait in the background: a
	// create that succeeds meanwhile raises it, and they are dropped.
	undoing sync.Map
	// needs holds, by remote UID, the pods whose need is being seen to.
	needs      sync.Map
	background *background
}

// New returns a lifecycle on a remote cluster. Call [Lifecycle.Close] to end
// its work in the background.
func New(cluster Cluster, options Options) *Lifecycle {
	return &Lifecycle{
		cluster:    cluster,
		options:    options,
		log:        options.Log,
		background: newBackground(),
	}
}

// Close gives the deletes and undoings that are still being retried until ctx
// is done, and logs what is left then.
func (l *Lifecycle) Close(ctx context.Context) { l.background.close(ctx) }
