package interlink_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// podOf returns the manifest of a pod with these containers.
func podOf(name string, containers ...string) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name = name
	for _, c := range containers {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: c, Image: "busybox"})
	}
	return pod
}

func TestDisabledContainersAreMissingFromTheCreateOnly(t *testing.T) {
	pod := podOf("p", "a", "b")
	pod.Spec.InitContainers = []corev1.Container{{Name: "i", Image: "busybox"}, {Name: "j", Image: "busybox"}}
	pod.Annotations = map[string]string{
		"interlink.eu/disable-offload-containers": "b, none", "interlink.eu/disable-offload-init-containers": " i",
	}
	admitted := interlink.Admit(pod, interlink.Options{})
	body, err := interlink.CreateRequest(admitted, interlink.Objects{}, interlink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range body.Containers {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"j", "a"}, names); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if n := len(body.Pod.Spec.InitContainers) + len(body.Pod.Spec.Containers); n != 2 {
		t.Errorf("the pod has %d containers; want 2", n)
	}
	status := interlink.StatusRequest(interlink.WithInitialStatus(admitted, interlink.Options{}), "jid")[0]
	if len(status.Spec.Containers) != 2 || len(status.Spec.InitContainers) != 2 || len(status.Status.ContainerStatuses) != 2 {
		t.Error("the status request does not have the containers that stay local")
	}
}

func TestPodWithAMissingVolumeIsNotSent(t *testing.T) {
	pod := podOf("p", "a")
	pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: "none", Optional: ptr.To(true)},
	}}}
	if _, err := interlink.CreateRequest(interlink.Admit(pod, interlink.Options{}), interlink.Objects{}, interlink.Options{}); err == nil {
		t.Error("no error although the Secret is missing")
	}
}
