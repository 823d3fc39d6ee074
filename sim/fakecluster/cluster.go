package fakecluster

import (
	"context"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
)

// Options configure a [Cluster]. The zero value is a cluster with the namespace
// "default", the real time and empty logs.
type Options struct {
	// Now returns the time for creation and deletion timestamps; the default is time.Now.
	Now func() time.Time
	// Logs opens the log of one container, as the kubelet of its pod does. The options
	// always name a container of the pod. An error that is not an API status becomes a
	// Bad Request with its text, as the API server does with a kubelet's error. Without
	// Logs all logs are empty.
	Logs func(ctx context.Context, pod *corev1.Pod, options *corev1.PodLogOptions) (io.ReadCloser, error)
	// Version is the version that the API server reports; the default is v1.37.0.
	Version string
	// HoldCollection holds the garbage collector until Collect is called, so that a test
	// sees what exists before. Otherwise it has done its work when a request returns; a
	// real one is later by some milliseconds, or more if it has much to do.
	HoldCollection bool
	// Collected, if not nil, is called with each object that the garbage collector deletes
	// because its owners are gone. It must neither block nor change the object.
	Collected func(kind string, object metav1.Object)
}

// Cluster is a remote cluster in memory. It is safe for concurrent use.
type Cluster struct {
	options Options
	client  *client

	mu      sync.RWMutex
	version int64 // the highest resource version; all resources share it, as in etcd
	stores  map[schema.GroupVersionResource]*store

	collector collector
}

// New returns a cluster whose only object is the namespace "default".
func New(options Options) *Cluster {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Version == "" {
		options.Version = "v1.37.0"
	}
	c := &Cluster{
		options: options, version: 1, stores: map[schema.GroupVersionResource]*store{},
		collector: collector{objects: map[types.UID]reference{}, dependents: map[types.UID]map[reference]bool{}},
	}
	clientset := &fake.Clientset{}
	clientset.AddReactor("*", "*", c.dispatch)
	clientset.AddWatchReactor("*", c.watch)
	c.client = &client{Clientset: clientset, cluster: c, discovery: newDiscovery(options.Version)}
	// An empty cluster has no object that could conflict with this one.
	_, _ = c.create(namespaces, "", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	return c
}

// Client returns the client of the cluster. Each call returns the same client.
func (c *Cluster) Client() kubernetes.Interface { return c.client }
