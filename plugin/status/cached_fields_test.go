package status_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// TestCachedPodHasTheSameStatus checks that the pod cache keeps every field that the
// status depends on, over generated pods with all their other fields set.
func TestCachedPodHasTheSameStatus(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for i := range generated {
		requested, remote := generate(random)
		fillIn(random, remote)
		disrupt(random, remote)
		cached := status.CachedFields(remote)
		of := status.Options{DisruptedExitCode: 250, Event: "FailedMount: no such volume"}.Of
		if diff := cmp.Diff(of(requested, remote), of(requested, cached)); diff != "" {
			t.Fatalf("pod %d: the status differs (-whole +cached)\n%s%s", i, diff, show(requested, remote))
		}
		if want, got := mesh.RequiredAction(remote), mesh.RequiredAction(cached); got != want {
			t.Fatalf("pod %d: the required action is %v, of the whole pod %v\n%s", i, got, want, show(requested, remote))
		}
		for _, label := range []string{wire.LabelOffloading, wire.LabelPodUID, wire.LabelInstance, wire.LabelAttempt} {
			if cached.Labels[label] != remote.Labels[label] {
				t.Fatalf("pod %d: label %s is lost", i, label)
			}
		}
		if cached.Annotations[wire.AnnotationOwned] != remote.Annotations[wire.AnnotationOwned] ||
			!reflect.DeepEqual(cached.Spec.SchedulingGates, remote.Spec.SchedulingGates) {
			t.Fatalf("pod %d: what the pod owns, or what it waits for, is lost", i)
		}
		if cached.Annotations[wire.AnnotationSourceNamespace] != "demo" || cached.Annotations[wire.AnnotationSourceName] != "pod" || cached.Spec.NodeName != "node-1" {
			t.Fatalf("pod %d: the name of its local pod, or its node, is lost", i)
		}
		for j := range remote.Spec.Containers {
			if !reflect.DeepEqual(cached.Spec.Containers[j].Resources, corev1.ResourceRequirements{Requests: remote.Spec.Containers[j].Resources.Requests}) {
				t.Fatalf("pod %d: the requests of container %d differ", i, j)
			}
		}
		if again := status.CachedFields(cached); !reflect.DeepEqual(again, cached) {
			t.Fatalf("pod %d: a cached pod changed when it was cached again\n%s", i, cmp.Diff(cached, again))
		}
	}
}

// fillIn sets the fields of a remote pod that a real one has and that generate leaves
// empty.
func fillIn(random *rand.Rand, pod *corev1.Pod) {
	pod.Name, pod.Namespace, pod.ResourceVersion, pod.Generation = "pod-uid", "offloading-demo", "7", 3
	pod.CreationTimestamp = metav1.Unix(1, 0)
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	pod.Labels = map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: "uid", wire.LabelInstance: "a", "app": "web"}
	pod.Annotations = map[string]string{wire.AnnotationSourceNamespace: "demo", wire.AnnotationSourceName: "pod", wire.AnnotationDefaultContainer: "main-0", "note": "long"}
	if random.IntN(2) == 0 {
		pod.Annotations[wire.AnnotationOwned] = "configmaps/settings,secrets/token"
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: wire.GateDependents}}
	} else {
		pod.Labels[wire.LabelAttempt] = "b"
	}
	pod.Status.PodIP, pod.Status.QOSClass = "192.0.2.7", corev1.PodQOSBurstable
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			statuses[i].ImageID, statuses[i].ContainerID = "sha256:abc", fmt.Sprintf("containerd://%d", i)
			statuses[i].AllocatedResources = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
		}
	}
	if random.IntN(4) == 0 {
		pod.Annotations[wire.AnnotationFinished] = "true"
	}
	if random.IntN(4) == 0 {
		pod.Annotations[wire.AnnotationFailed] = "no tun device"
	}
	if random.IntN(3) == 0 {
		pod.Spec.ActiveDeadlineSeconds = ptr.To(int64(random.IntN(3)))
	}
	if random.IntN(3) == 0 {
		pod.Status.Message = "the pod's own message"
	}
	if random.IntN(3) == 0 { // the mesh in an ordinary container
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: mesh.Container})
		pod.Status.ContainerStatuses = appendRandom(random, pod.Status.ContainerStatuses, mesh.Container)
	}
	pod.Spec.NodeName, pod.Spec.Volumes = "node-1", []corev1.Volume{{Name: "data"}}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			c.Image, c.Command = fmt.Sprintf("image:%d", i), []string{"run"}
			c.Env = []corev1.EnvVar{{Name: "A", Value: "b"}}
			c.Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), "nvidia.com/gpu": resource.MustParse("2")}
			c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
		}
	}
}
