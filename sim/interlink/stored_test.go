package interlink

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// The copy of the virtual kubelet has a Secret's value in place of the reference, unless a
// variable was added to the container first.
func TestStoredVariables(t *testing.T) {
	secret := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "default"}, Data: map[string][]byte{"key": []byte("value")}}
	password := corev1.EnvVar{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "key",
	}}}
	all := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}}
	for _, test := range []struct {
		name       string
		kubelet    scenario.VirtualKubelet
		envFrom    []corev1.EnvFromSource
		stayLocal  string
		isResolved bool
	}{
		{name: "every variable is resolved before the create", kubelet: scenario.VirtualKubelet{}},
		{name: "nothing is added", kubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true}, isResolved: true},
		{name: "the address of the API server is added", kubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true, KubernetesAPI: "10.0.0.1:443"}},
		{name: "a variable of envFrom is added", kubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true}, envFrom: []corev1.EnvFromSource{all}},
		{name: "the container is not sent", kubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true}, stayLocal: "main"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := Options{VirtualKubelet: test.kubelet, Clock: time.Now}
			pod := Admit(&corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "app", Annotations: map[string]string{"interlink.eu/disable-offload-containers": test.stayLocal}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Env: []corev1.EnvVar{password}, EnvFrom: test.envFrom}}},
			}, options)
			stored := WithStoredVariables(pod, Objects{Secrets: []corev1.Secret{secret}}, options)
			variable := stored.Spec.Containers[0].Env[0]
			if isResolved := variable.Value == "value" && variable.ValueFrom == nil; isResolved != test.isResolved {
				t.Errorf("the stored variable is %v, resolved: %v, expected %v", variable, isResolved, test.isResolved)
			}
			if len(stored.Spec.Containers[0].Env) != 1 || len(stored.Spec.Containers[0].EnvFrom) != len(test.envFrom) {
				t.Errorf("the stored container is %v, expected what the user wrote otherwise", stored.Spec.Containers[0])
			}
			if pod.Spec.Containers[0].Env[0].ValueFrom == nil {
				t.Error("the pod of the local API server was changed")
			}
		})
	}
}
