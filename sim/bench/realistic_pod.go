package bench

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// realisticPod returns the manifest of a pod like that of a workflow engine, and what it mounts: an init
// container, a container with a probe, variables and six volumes (one of them the token, which admission
// adds).
func realisticPod(namespace, name string) (*corev1.Pod, interlink.Objects) {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: namespace} }
	objects := interlink.Objects{
		ConfigMaps: []corev1.ConfigMap{
			{ObjectMeta: meta("settings"), Data: map[string]string{"settings.yaml": "steps: 10\nrate: 0.01\n"}},
			{ObjectMeta: meta("scripts"), Data: map[string]string{"run.sh": "#!/bin/sh\nexec python train.py\n"}},
		},
		Secrets: []corev1.Secret{{ObjectMeta: meta("storage"), Data: map[string][]byte{"key": []byte("not a secret")}}},
	}
	local := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	volumes := []corev1.Volume{
		{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: local("settings")}}},
		{Name: "scripts", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: local("scripts")}}},
		{Name: "storage", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "storage"}}},
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse("10Gi"))}}},
		{Name: "podinfo", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
		}}}},
	}
	var mounts []corev1.VolumeMount
	for _, v := range volumes {
		mounts = append(mounts, corev1.VolumeMount{Name: v.Name, MountPath: "/mnt/" + v.Name})
	}
	variables := []corev1.EnvVar{{Name: "STORAGE_KEY", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: local("storage"), Key: "key"},
	}}}
	for i := range 10 {
		variables = append(variables, corev1.EnvVar{Name: fmt.Sprintf("STEP_PARAMETER_%d", i), Value: fmt.Sprintf("value-%d-of-%s", i, name)})
	}
	container := func(name, image string) corev1.Container {
		quantities := corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("1Gi")}
		return corev1.Container{
			Name: name, Image: image, Env: variables, VolumeMounts: mounts,
			Command:   []string{"/bin/sh", "-c", "exec /mnt/scripts/run.sh --settings /mnt/settings/settings.yaml"},
			Resources: corev1.ResourceRequirements{Requests: quantities, Limits: quantities},
		}
	}
	main := container("main", "registry.example.org/science/training:2026.11")
	main.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"test", "-e", "/mnt/scratch/ready"}}}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace,
			Labels:      map[string]string{"app.kubernetes.io/name": "training", "app.kubernetes.io/part-of": "workflow", "workflow-run": "run-2026-11"},
			Annotations: map[string]string{"workflow.example.org/node": "train(0)", "workflow.example.org/outputs": `{"artifacts":[]}`},
		},
		Spec: corev1.PodSpec{
			RestartPolicy:  corev1.RestartPolicyNever,
			InitContainers: []corev1.Container{container("fetch", "registry.example.org/science/fetch:1.4")},
			Containers:     []corev1.Container{main},
			Volumes:        volumes,
		},
	}
	return pod, objects
}

// runningStatus returns the status that a kubelet writes for a pod that runs.
func runningStatus(pod *corev1.Pod) corev1.PodStatus {
	started := metav1.NewTime(time.Now().Add(-time.Minute).Truncate(time.Second))
	status := corev1.PodStatus{
		ObservedGeneration: 1,
		Phase:              corev1.PodRunning, QOSClass: corev1.PodQOSGuaranteed, StartTime: &started,
		HostIP: "192.0.2.17", HostIPs: []corev1.HostIP{{IP: "192.0.2.17"}},
		PodIP: "198.51.100.23", PodIPs: []corev1.PodIP{{IP: "198.51.100.23"}, {IP: "2001:db8::17"}},
	}
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled,
	} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: started, ObservedGeneration: 1,
		})
	}
	for i := range pod.Spec.InitContainers {
		id := containerID(pod, i)
		s := containerStatus(&pod.Spec.InitContainers[i], id)
		s.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: started, FinishedAt: started, ContainerID: id}
		s.Started = ptr.To(false)
		status.InitContainerStatuses = append(status.InitContainerStatuses, s)
	}
	for i := range pod.Spec.Containers {
		s := containerStatus(&pod.Spec.Containers[i], containerID(pod, 100+i))
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: started}
		s.Started = ptr.To(true)
		status.ContainerStatuses = append(status.ContainerStatuses, s)
	}
	return status
}

// containerID returns an ID like that of containerd: 64 hexadecimal digits.
func containerID(pod *corev1.Pod, index int) string {
	digits := fmt.Sprintf("%x%04x", string(pod.UID), index)
	return "containerd://" + digits[len(digits)-64:]
}

func containerStatus(c *corev1.Container, id string) corev1.ContainerStatus {
	status := corev1.ContainerStatus{
		Name: c.Name, Ready: true, Image: c.Image, ContainerID: id,
		ImageID:            "registry.example.org/science/image@sha256:0d1cbd2e1e5d7ab0fbbc5b6ec4a5bbd2bd8c4d39b7a04be8fbb5d8d2a1f0a6c3",
		AllocatedResources: c.Resources.Requests, Resources: &c.Resources,
		User: &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{SupplementalGroups: []int64{0}}},
	}
	for _, m := range c.VolumeMounts {
		status.VolumeMounts = append(status.VolumeMounts, corev1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly})
	}
	return status
}
