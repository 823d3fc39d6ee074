package inspect_test

import (
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	clienttesting "k8s.io/client-go/testing"
)

// restrictedClient has the permission to list single namespaces, but not the whole
// cluster.
type restrictedClient struct{ kubernetes.Interface }

func (c restrictedClient) CoreV1() typedcore.CoreV1Interface {
	forbidden := &fake.Clientset{}
	forbidden.AddReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource(action.GetResource().Resource), "", nil)
	})
	return restrictedCore{c.Interface.CoreV1(), forbidden.CoreV1()}
}

type restrictedCore struct {
	typedcore.CoreV1Interface
	wholeCluster typedcore.CoreV1Interface
}

func (c restrictedCore) in(namespace string) typedcore.CoreV1Interface {
	if namespace == "" {
		return c.wholeCluster
	}
	return c.CoreV1Interface
}

func (c restrictedCore) Pods(namespace string) typedcore.PodInterface {
	return c.in(namespace).Pods(namespace)
}

func (c restrictedCore) ConfigMaps(namespace string) typedcore.ConfigMapInterface {
	return c.in(namespace).ConfigMaps(namespace)
}

func (c restrictedCore) Secrets(namespace string) typedcore.SecretInterface {
	return c.in(namespace).Secrets(namespace)
}

func (c restrictedCore) Services(namespace string) typedcore.ServiceInterface {
	return c.in(namespace).Services(namespace)
}

func (c restrictedCore) PersistentVolumeClaims(namespace string) typedcore.PersistentVolumeClaimInterface {
	return c.in(namespace).PersistentVolumeClaims(namespace)
}
