package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Cluster is a client of the remote cluster. Its methods are safe for concurrent
// use and end with their context.
type Cluster struct {
	client kubernetes.Interface
	rest   rest.Interface // below client; nil if that is a fake
	pods   *podCache
	// monitor is nil if the connection of the client is not known.
	monitor *monitor
	// namespace is the only namespace that the plugin uses; empty for all.
	namespace string
}

// New returns a Cluster that uses client, which may be a [Client]. namespace is the only namespace that the
// credentials may use, or empty for all namespaces. cachedFields returns a copy of a pod
// with those fields that the pod cache keeps. The pod cache is empty until
// [Cluster.Run].
func New(client kubernetes.Interface, namespace string, cachedFields func(*corev1.Pod) *corev1.Pod, log *slog.Logger) (*Cluster, error) {
	pods, err := newPodCache(client, namespace, cachedFields, log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{client: client, rest: restClient(client), pods: pods, namespace: namespace}
	if connected, ok := client.(*Client); ok {
		c.monitor = newMonitor(connected.Connection, pods.source, NewReviewer(client), namespace, log)
	}
	return c, nil
}

// Run fills the pod cache and keeps it up to date until ctx is done.
func (c *Cluster) Run(ctx context.Context) {
	var running sync.WaitGroup
	if c.monitor != nil {
		running.Go(func() { c.monitor.run(ctx) })
	}
	c.pods.informer.RunWithContext(ctx)
	running.Wait()
}

// Refused returns since when the remote API server refuses the plugin, and why: it does not
// accept its credentials, or does not permit it to list and watch pods.
func (c *Cluster) Refused() Trouble {
	if c.monitor == nil {
		return Trouble{}
	}
	return c.monitor.connection.health.refused()
}

// Unreachable returns since when no remote API server answers, and why.
func (c *Cluster) Unreachable() Trouble {
	if c.monitor == nil {
		return Trouble{}
	}
	return c.monitor.connection.health.unreachable()
}

// Credentials say how the credentials for the remote cluster are.
type Credentials struct {
	// Loaded is when those that are used were read first, and Read when they were last read
	// without an error. They are zero if the connection is not known.
	Loaded, Read time.Time
	// Failure is why the newest ones cannot be read; empty if they can.
	Failure string
}

// Credentials returns how the credentials for the remote cluster are.
func (c *Cluster) Credentials() Credentials {
	if c.monitor == nil {
		return Credentials{}
	}
	return c.monitor.connection.rotation.state()
}

// LastHeard returns when the remote API server last said something about pods: a list, an event
// of the watch, or the bookmark that it sends every minute. It is zero if it never did.
func (c *Cluster) LastHeard() time.Time { return c.pods.source.lastHeard() }

// Followed returns when the last list of all pods was complete, and until when the remote API server has
// told all about pods since then: this is LastHeard, without what is heard during a list. Both are zero before the
// first list is complete. The pod cache has what was told until then a moment later.
func (c *Cluster) Followed() (listed, until time.Time) {
	if !c.Synced() {
		return time.Time{}, time.Time{}
	}
	return c.pods.source.lastFollowed()
}

// Stale returns since when the pod cache is stale, because nothing was heard for longer than the
// API server is silent. A cluster whose connection is not known is never stale: it may send no bookmarks.
func (c *Cluster) Stale() Trouble {
	if c.monitor == nil {
		return Trouble{}
	}
	return c.monitor.stale()
}

// Synced reports whether the pod cache has been filled. It stays true while the
// remote API server cannot be reached: the cache keeps the last known state.
func (c *Cluster) Synced() bool { return c.pods.informer.HasSynced() }

// OnPodChange calls changed for every offloaded pod that is added to the pod cache or
// changed in it, and deleted for every pod that does not exist any more, one at a time;
// they must not wait. The pods have only those fields that the cache keeps. seen is false if the pod was
// deleted while there was no watch: then it may have changed after this state, for instance ended.
func (c *Cluster) OnPodChange(changed func(*corev1.Pod), deleted func(pod *corev1.Pod, seen bool)) error {
	if err := c.pods.onChange(changed, deleted); err != nil {
		return fmt.Errorf("watch remote pods: %w", err)
	}
	return nil
}

// CachedPod returns, from the pod cache, the remote pod for the UID of a local pod,
// or nil. It is a copy and has only those fields that the cache keeps.
func (c *Cluster) CachedPod(uid string) *corev1.Pod { return preferred(c.pods.byUID(uid)) }

// CachedPodByName returns, from the pod cache, the remote pod with a name, or nil. See [Cluster.CachedPod].
func (c *Cluster) CachedPodByName(namespace, name string) *corev1.Pod {
	return c.pods.byName(namespace, name)
}

// EndedPod returns the last state of a remote pod, for the UID of a local pod, that had ended
// before it was deleted, as the watch of this process saw it; or nil. Such a pod is remembered
// for an hour, unless very many are deleted. It is a copy and has only those fields that the
// cache keeps.
func (c *Cluster) EndedPod(uid string) *corev1.Pod { return c.pods.ended.find(uid) }

// CachedPods returns all remote pods for the UID of a local pod. There are several only
// if a site ran two plugins at the same time. See [Cluster.CachedPod].
func (c *Cluster) CachedPods(uid string) []*corev1.Pod { return c.pods.byUID(uid) }
