package cluster

import (
	"context"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
)

// Cluster is a client of the remote cluster. Its methods are safe for concurrent
// use and end with their context.
type Cluster struct {
	client kubernetes.Interface
	pods   *podCache
}

// New returns a Cluster that uses client. namespace is the only namespace that the
// credentials may use, or empty for all namespaces. cachedFields returns a copy of a pod
// with those fields that the pod cache keeps. The pod cache is empty until
// [Cluster.Run].
func New(client kubernetes.Interface, namespace string, cachedFields func(*corev1.Pod) *corev1.Pod, log *slog.Logger) (*Cluster, error) {
	pods, err := newPodCache(client, namespace, cachedFields, log)
	if err != nil {
		return nil, err
	}
	return &Cluster{client: client, pods: pods}, nil
}

// Run fills the pod cache and keeps it up to date until ctx is done.
func (c *Cluster) Run(ctx context.Context) { c.pods.informer.RunWithContext(ctx) }

// Synced reports whether the pod cache has been filled. It stays true while the
// remote API server cannot be reached: the cache keeps the last known state.
func (c *Cluster) Synced() bool { return c.pods.informer.HasSynced() }

// OnPodChange calls changed for every offloaded pod that is added to the pod cache or
// changed in it, and deleted for every pod that does not exist any more, one at a time;
// they must not wait. The pods have only those fields that the cache keeps.
func (c *Cluster) OnPodChange(changed, deleted func(*corev1.Pod)) error {
	if err := c.pods.onChange(changed, deleted); err != nil {
		return fmt.Errorf("watch remote pods: %w", err)
	}
	return nil
}

// CachedPod returns, from the pod cache, the remote pod for the UID of a local pod,
// or nil. It is a copy and has only those fields that the cache keeps.
func (c *Cluster) CachedPod(uid string) *corev1.Pod { return preferred(c.pods.byUID(uid)) }

// CachedPods returns all remote pods for the UID of a local pod. There are several only
// if a site ran two plugins at the same time. See [Cluster.CachedPod].
func (c *Cluster) CachedPods(uid string) []*corev1.Pod { return c.pods.byUID(uid) }
