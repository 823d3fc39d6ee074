package interlink

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// Objects are the ConfigMaps and Secrets of the local cluster.
type Objects struct {
	ConfigMaps []corev1.ConfigMap
	Secrets    []corev1.Secret
}

// AdmitObjects returns what the local API server stores for the manifests of
// ConfigMaps and Secrets.
func AdmitObjects(objects Objects, options Options) Objects {
	var admitted Objects
	for _, manifest := range objects.ConfigMaps {
		object := manifest.DeepCopy()
		object.TypeMeta = metav1.TypeMeta{}
		admitMeta(&object.ObjectMeta, options)
		admitted.ConfigMaps = append(admitted.ConfigMaps, *object)
	}
	for _, manifest := range objects.Secrets {
		object := manifest.DeepCopy()
		object.TypeMeta = metav1.TypeMeta{}
		admitMeta(&object.ObjectMeta, options)
		object.Type = cmp.Or(object.Type, corev1.SecretTypeOpaque)
		podspec.MoveStringData(object)
		admitted.Secrets = append(admitted.Secrets, *object)
	}
	return admitted
}

// configMap finds a ConfigMap. Every namespace has the one with the certificate of
// the API server.
func (o Objects) configMap(namespace, name string) (*corev1.ConfigMap, error) {
	for i, c := range o.ConfigMaps {
		if c.Name == name && c.Namespace == namespace {
			return &o.ConfigMaps[i], nil
		}
	}
	if name == rootCA {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
			Data:       map[string]string{"ca.crt": certificate},
		}, nil
	}
	return nil, fmt.Errorf("the local cluster has no ConfigMap %s/%s", namespace, name)
}

func (o Objects) secret(namespace, name string) (*corev1.Secret, error) {
	for i, s := range o.Secrets {
		if s.Name == name && s.Namespace == namespace {
			return &o.Secrets[i], nil
		}
	}
	return nil, fmt.Errorf("the local cluster has no Secret %s/%s", namespace, name)
}

// certificate has the form of a certificate but holds none.
const certificate = "-----BEGIN CERTIFICATE-----\nU2ltdWxhdGVkLCBub3QgYSBjZXJ0aWZpY2F0ZS4=\n-----END CERTIFICATE-----\n"
