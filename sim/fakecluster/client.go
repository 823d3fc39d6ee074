package fakecluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
)

// client replaces the parts of the fake clientset that do not go through a reactor:
// discovery, logs and bindings.
type client struct {
	*fake.Clientset
	cluster   *Cluster
	discovery discovery.DiscoveryInterfaces
}

var _ kubernetes.Interface = &client{}

// Discovery returns a client that knows the version of the API server.
func (c *client) Discovery() discovery.DiscoveryInterfaces { return c.discovery }

// CoreV1 returns the client of the core group.
func (c *client) CoreV1() typedcore.CoreV1Interface {
	// The fake clientset keeps a copy of each request until ClearActions is called:
	// without this, the memory of a long run grows without a limit.
	c.ClearActions()
	return coreClient{c.Clientset.CoreV1(), c.cluster}
}

type coreClient struct {
	typedcore.CoreV1Interface
	cluster *Cluster
}

// Pods returns the client of the pods of a namespace.
func (c coreClient) Pods(namespace string) typedcore.PodInterface {
	return podClient{c.CoreV1Interface.Pods(namespace), c.cluster, namespace}
}

type podClient struct {
	typedcore.PodInterface
	cluster   *Cluster
	namespace string
}

// Bind uses the namespace of the client if the binding has none, as a real client
// does. The fake clientset uses only the namespace of the binding.
func (p podClient) Bind(ctx context.Context, binding *corev1.Binding, options metav1.CreateOptions) error {
	if binding.Namespace == "" {
		binding = binding.DeepCopy()
		binding.Namespace = p.namespace
	}
	return p.PodInterface.Bind(ctx, binding, options)
}
