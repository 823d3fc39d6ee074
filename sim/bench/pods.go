package bench

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// podKind is a kind of pod to create and delete.
type podKind struct {
	name string
	// configMaps and secrets are the numbers of objects that the pod mounts, each an object of its own.
	configMaps, secrets int
}

// podKinds are those of the lines for create and delete.
var podKinds = []podKind{
	{name: "alone"},
	{name: "with ConfigMap and Secret", configMaps: 1, secrets: 1},
}

// workload is one local pod, as InterLink sends it and as the plugin creates it.
type workload struct {
	create, delete []byte
	remote         *translate.Objects
}

// workloads returns pods of one kind. The remote objects are those of the default configuration.
func workloads(kind podKind, namespace string, count int) ([]workload, error) {
	all := make([]workload, count)
	for i := range all {
		pod, objects := kind.pod(namespace, fmt.Sprintf("pod-%d", i))
		admitted := interlink.Admit(pod, interlink.Options{})
		request, err := interlink.CreateRequest(admitted, interlink.AdmitObjects(objects, interlink.Options{}), interlink.Options{})
		if err != nil {
			return nil, err
		}
		if all[i].create, err = json.Marshal(request); err != nil {
			return nil, err
		}
		if all[i].delete, err = json.Marshal(interlink.DeleteRequest(admitted, true, time.Now())); err != nil {
			return nil, err
		}
		if all[i].remote, err = remoteObjects(all[i].create); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// remoteObjects returns what the plugin creates, with its default configuration, for the body of a create.
func remoteObjects(body []byte) (*translate.Objects, error) {
	var request wire.CreateRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	return translate.ToObjects(&request, plugin.TranslateOptions(config.Defaults()))
}

// pod returns the manifest of a pod, and of what it mounts. It has no token of a service account, which
// would be one more Secret.
func (k podKind) pod(namespace, name string) (*corev1.Pod, interlink.Objects) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app": "bench"}},
		Spec: corev1.PodSpec{
			RestartPolicy:                corev1.RestartPolicyNever,
			AutomountServiceAccountToken: ptr.To(false),
			Containers: []corev1.Container{{
				Name: "main", Image: "busybox:1.37", Command: []string{"sleep", "1"},
				Env: []corev1.EnvVar{{Name: "STEP", Value: "1"}},
			}},
		},
	}
	var objects interlink.Objects
	mount := func(name string, source corev1.VolumeSource) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
		main := &pod.Spec.Containers[0]
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
	for i := range k.configMaps {
		name := fmt.Sprintf("config-%d", i)
		objects.ConfigMaps = append(objects.ConfigMaps, corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string]string{"settings": "a: 1\nb: 2\n"},
		})
		mount(name, corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}})
	}
	for i := range k.secrets {
		name := fmt.Sprintf("secret-%d", i)
		objects.Secrets = append(objects.Secrets, corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string][]byte{"password": []byte("not a secret")},
		})
		mount(name, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}})
	}
	return pod, objects
}
