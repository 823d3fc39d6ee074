package play

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
)

// imageVolumesSince are the first releases of container runtimes that mount images as volumes.
var imageVolumesSince = map[string]string{"containerd": "2.1.0", "cri-o": "1.31.0"}

// mountsImages reports whether the nodes of a cluster mount images as volumes. Their container runtimes
// must be able to, and the API server must keep such volumes of a pod: before Kubernetes 1.35, and
// without the feature gate ImageVolume, it drops them without a word.
func mountsImages(client kubernetes.Interface) bool {
	if client == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(nodes.Items) == 0 {
		return false
	}
	for i := range nodes.Items {
		if !runtimeMountsImages(nodes.Items[i].Status.NodeInfo.ContainerRuntimeVersion) {
			return false
		}
	}
	pod, err := client.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "image-volume-"},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "main", Image: "none"}},
			Volumes:    []corev1.Volume{{Name: "files", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "none"}}}},
		},
	}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return false
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Image != nil {
			return true
		}
	}
	return false
}

// runtimeMountsImages reads what a node says of its container runtime, such as containerd://2.1.4.
func runtimeMountsImages(runtime string) bool {
	name, release, _ := strings.Cut(runtime, "://")
	since, known := imageVolumesSince[name]
	v, err := version.ParseGeneric(release)
	return known && err == nil && v.AtLeast(version.MustParseGeneric(since))
}
