package fakecluster

import (
	"context"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Options of a cluster. The zero value is a cluster with the namespace "default",
// the real time and no logs.
type Options struct {
	// Now is the time of creations and deletions.
	Now func() time.Time
	// Logs opens the log of a pod's container, as its kubelet would; the options
	// name one that the pod has. An error that is none of the API server's becomes
	// a bad request with its words, as a kubelet's does.
	Logs func(ctx context.Context, pod *corev1.Pod, options *corev1.PodLogOptions) (io.ReadCloser, error)
	// Version is what the API server calls itself; the default is v1.37.0.
	Version string
}

// Cluster is a remote cluster in memory. It is safe for concurrent use.
type Cluster struct {
	options Options
	client  *client

	mu      sync.RWMutex
	version int64 // the highest resource version, of all resources as in etcd
	tables  map[schema.GroupVersionResource]*table
}

// New returns a cluster with no other object than the namespace "default".
func New(options Options) *Cluster {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Version == "" {
		options.Version = "v1.37.0"
	}
	c := &Cluster{options: options, version: 1, tables: map[schema.GroupVersionResource]*table{}}
	set := &fake.Clientset{}
	set.AddReactor("*", "*", c.react)
	set.AddWatchReactor("*", c.watch)
	c.client = &client{Clientset: set, cluster: c, discovery: newDiscovery(options.Version)}
	// Nothing is there yet that it could collide with.
	_, _ = c.create(namespaces, "", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	return c
}

// Client returns a client of the cluster, the same at each call.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// client mends the parts of the fake clientset that no reactor can reach.
type client struct {
	*fake.Clientset
	cluster   *Cluster
	discovery discovery.DiscoveryInterfaces
}

var _ kubernetes.Interface = &client{}

func (c *client) Discovery() discovery.DiscoveryInterfaces { return c.discovery }

func (c *client) CoreV1() typedcore.CoreV1Interface {
	// The fake keeps a copy of every object that was ever sent to it.
	c.ClearActions()
	return core{c.Clientset.CoreV1(), c.cluster}
}

type core struct {
	typedcore.CoreV1Interface
	cluster *Cluster
}

func (c core) Pods(namespace string) typedcore.PodInterface {
	return pods{c.CoreV1Interface.Pods(namespace), c.cluster, namespace}
}

type pods struct {
	typedcore.PodInterface
	cluster   *Cluster
	namespace string
}

// Bind goes to the client's namespace; the fake goes to the binding's, which
// need not say it.
func (p pods) Bind(ctx context.Context, binding *corev1.Binding, options metav1.CreateOptions) error {
	if binding.Namespace == "" {
		binding = binding.DeepCopy()
		binding.Namespace = p.namespace
	}
	return p.PodInterface.Bind(ctx, binding, options)
}
