package chaos

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// grace is the grace period of all pods, in seconds.
const grace = 1

// plainPod returns a pod that needs no other object.
func plainPod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Annotations: map[string]string{}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: ptr.To[int64](grace),
			Containers: []corev1.Container{{Name: "main", Image: "busybox:1.37", Command: []string{"sleep", "3600"}}},
		},
	}
}

// fullPod returns a pod with two ConfigMaps, a Secret, a projected volume and a claim
// that is deleted with it. One ConfigMap is optional, so that the remote pod has a gate.
// Admission adds another projected volume, with a token.
func fullPod(namespace, name string) (*corev1.Pod, interlink.Objects) {
	pod := plainPod(namespace, name)
	claim := "data-" + name
	template, _ := json.Marshal(map[string]string{"storage": "1Gi", "retentionPolicy": "delete"}) // it cannot fail
	pod.Annotations[wire.AnnotationRemotePVC] = claim
	pod.Annotations[wire.AnnotationClaimPrefix+claim] = string(template)
	pod.Spec.Volumes = []corev1.Volume{
		configMapVolume("settings", false), configMapVolume("extras", true),
		{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "keys"}}},
		{Name: "podinfo", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
			ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}},
		}}}}},
		{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}},
	}
	mountAll(pod)
	return pod, interlink.Objects{
		ConfigMaps: []corev1.ConfigMap{configMap(namespace, "settings"), configMap(namespace, "extras")},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "keys", Namespace: namespace}, Data: map[string][]byte{"key": []byte("value")}}},
	}
}

// wholePod says how many remote objects of each kind a pod of [fullPod] has.
var wholePod = map[string]int{"pods": 1, "configmaps": 2, "secrets": 3, "persistentvolumeclaims": 1}

// podWithConfigMaps returns a pod that mounts some ConfigMaps.
func podWithConfigMaps(namespace, name string, count int) (*corev1.Pod, interlink.Objects) {
	pod, objects := plainPod(namespace, name), interlink.Objects{}
	for i := range count {
		pod.Spec.Volumes = append(pod.Spec.Volumes, configMapVolume(fmt.Sprintf("settings-%d", i), false))
		objects.ConfigMaps = append(objects.ConfigMaps, configMap(namespace, fmt.Sprintf("settings-%d", i)))
	}
	mountAll(pod)
	return pod, objects
}

func configMapVolume(name string, optional bool) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: &optional,
	}}}
}

func configMap(namespace, name string) corev1.ConfigMap {
	return corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string]string{"key": "value of " + name}}
}

// mountAll mounts all volumes of a pod in its container.
func mountAll(pod *corev1.Pod) {
	main := &pod.Spec.Containers[0]
	for _, v := range pod.Spec.Volumes {
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/mnt/" + v.Name})
	}
}
