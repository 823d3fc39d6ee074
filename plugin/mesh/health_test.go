package mesh

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

type list = []corev1.ContainerStatus

// podWithMesh returns a remote pod with a container "a" and the mesh, which is a
// sidecar unless the image of its status is "ordinary".
func podWithMesh(policy corev1.RestartPolicy, phase corev1.PodPhase, mesh corev1.ContainerStatus, own list) *corev1.Pod {
	mesh.Name = Container
	pod := &corev1.Pod{
		Spec:   corev1.PodSpec{RestartPolicy: policy, Containers: []corev1.Container{{Name: "a"}}},
		Status: corev1.PodStatus{Phase: phase, ContainerStatuses: own},
	}
	if mesh.Image == "ordinary" {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: Container})
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, mesh)
	} else {
		pod.Spec.InitContainers = []corev1.Container{{Name: Container, RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}}
		pod.Status.InitContainerStatuses = list{mesh}
	}
	return pod
}

func ended(code int32, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", Message: message}}
}

func waitsFor(name, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func TestRequiredAction(t *testing.T) {
	pending := list{waitsFor("a", "PodInitializing", "")}
	ordinary := func(s corev1.ContainerStatus) corev1.ContainerStatus { s.Image = "ordinary"; return s }
	for _, test := range []struct {
		name   string
		policy corev1.RestartPolicy
		phase  corev1.PodPhase
		mesh   corev1.ContainerStatus
		mains  list
		change func(*corev1.Pod)
		want   Action
	}{
		{"the sidecar is starting", "Never", corev1.PodPending, corev1.ContainerStatus{State: running}, pending, nil, NoAction},
		{"the sidecar's image cannot be pulled", "Never", corev1.PodPending, waitsFor("", "ImagePullBackOff", "no"), pending, nil, NoAction},
		{"the sidecar reports that the mesh failed to start", "Always", corev1.PodPending, corev1.ContainerStatus{State: ended(97, "")}, pending, nil, FailPod},
		{"the sidecar reported it and was restarted", "Always", corev1.PodPending, corev1.ContainerStatus{State: running, LastTerminationState: ended(97, ""), RestartCount: 1}, pending, nil, FailPod},
		{"the sidecar's container cannot be run", "Never", corev1.PodPending, corev1.ContainerStatus{LastTerminationState: ended(128, "no such file")}, pending, nil, FailPod},
		{"the sidecar was killed before another container had started", "Never", corev1.PodPending, corev1.ContainerStatus{State: running, LastTerminationState: ended(137, "")}, pending, nil, FailPod},
		{"the sidecar was killed while the pod ran", "Never", corev1.PodRunning, corev1.ContainerStatus{State: running, LastTerminationState: ended(137, "")}, list{{Name: "a", State: running}}, nil, NoAction},
		{"the sidecar was killed after another container had terminated once", "Always", corev1.PodRunning, corev1.ContainerStatus{State: running, LastTerminationState: ended(1, "")}, list{{Name: "a", RestartCount: 1, LastTerminationState: ended(1, "")}}, nil, NoAction},
		{"the pod did not wait for the mesh, and the mesh failed to start", "Never", corev1.PodRunning, corev1.ContainerStatus{LastTerminationState: ended(97, "")}, list{{Name: "a", State: running}}, nil, FailPod},
		{"the pod has failed already", "Never", corev1.PodFailed, corev1.ContainerStatus{State: ended(97, "")}, pending, nil, NoAction},
		{"the pod's deadline has passed already", "Never", corev1.PodPending, corev1.ContainerStatus{State: ended(97, "")}, pending, func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To[int64](1) }, NoAction},
		{"the user's own deadline is later", "Never", corev1.PodPending, corev1.ContainerStatus{State: ended(97, "")}, pending, func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To[int64](60) }, FailPod},
		{"the pod is being deleted", "Never", corev1.PodPending, corev1.ContainerStatus{State: ended(97, "")}, pending, func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, NoAction},
		{"the kubelet stops a sidecar after the pod's containers", "Never", corev1.PodRunning, corev1.ContainerStatus{State: running}, list{{Name: "a", State: ended(0, "")}}, nil, NoAction},

		{"ordinary container, the pod's own container runs", "Never", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: running}), list{{Name: "a", State: running}}, nil, NoAction},
		{"ordinary container, alone", "Never", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: running}), list{{Name: "a", State: ended(3, "")}}, nil, StopMesh},
		{"ordinary container, alone, annotation is set", "Never", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: running}), list{{Name: "a", State: ended(3, "")}},
			func(p *corev1.Pod) { p.Annotations = map[string]string{wire.AnnotationFinished: "true"} }, NoAction},
		{"ordinary container, alone, terminated", "Never", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: ended(1, "")}), list{{Name: "a", State: ended(0, "")}}, nil, NoAction},
		{"ordinary container, alone, waits for its restart", "OnFailure", corev1.PodRunning, ordinary(waitsFor("", "CrashLoopBackOff", "")), list{{Name: "a", State: ended(0, "")}}, nil, StopMesh},
		{"ordinary container, alone, being created", "Never", corev1.PodPending, ordinary(waitsFor("", "ContainerCreating", "")), list{{Name: "a", State: ended(0, "")}}, nil, StopMesh},
		{"ordinary container, alone, cannot start", "Never", corev1.PodPending, ordinary(waitsFor("", "ImagePullBackOff", "no")), list{{Name: "a", State: ended(0, "")}},
			func(p *corev1.Pod) { p.Annotations = map[string]string{wire.AnnotationFinished: "true"} }, FailPod},
		{"ordinary container cannot start, the pod's own container runs", "Never", corev1.PodPending, ordinary(waitsFor("", "ImagePullBackOff", "no")), list{{Name: "a", State: running}}, nil, NoAction},
		{"ordinary container, the pod's own container will be restarted", "OnFailure", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: running}), list{{Name: "a", State: ended(3, "")}}, nil, NoAction},
		{"ordinary container, the pod's own container succeeded", "OnFailure", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: running}), list{{Name: "a", State: ended(0, "")}}, nil, StopMesh},
		{"ordinary container, the pod's own container is always restarted", "Always", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: running}), list{{Name: "a", State: ended(0, "")}}, nil, NoAction},
		{"ordinary container, no status of the pod's own container", "Never", corev1.PodPending, ordinary(corev1.ContainerStatus{State: running}), nil, nil, NoAction},
		{"ordinary container failed to start", "Never", corev1.PodRunning, ordinary(corev1.ContainerStatus{State: ended(97, "")}), list{{Name: "a", State: running}}, nil, FailPod},
		{"ordinary container failed after it had started", "Always", corev1.PodRunning, ordinary(corev1.ContainerStatus{LastTerminationState: ended(1, ""), State: running}), list{{Name: "a", State: running}}, nil, NoAction},
		{"ordinary container failed while the pod's own container waits", "Always", corev1.PodPending, ordinary(corev1.ContainerStatus{LastTerminationState: ended(1, ""), State: running}), pending, nil, NoAction},
	} {
		t.Run(test.name, func(t *testing.T) {
			remote := podWithMesh(test.policy, test.phase, test.mesh, test.mains)
			if test.change != nil {
				test.change(remote)
			}
			if got := RequiredAction(remote); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestPodWithoutMeshRequiresNoAction(t *testing.T) {
	remote := &corev1.Pod{
		Spec:   corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "a"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{{Name: "a", State: ended(ExitStartFailed, "")}}},
	}
	if got := RequiredAction(remote); got != NoAction {
		t.Errorf("a pod without a mesh requires %v", got)
	}
}

// A pod that has no mesh, or whose containers have no status yet, is not taken for one that
// only its mesh keeps running, or lets fail.
func TestPodWhoseStatusesAreMissing(t *testing.T) {
	done := list{{Name: "a", State: ended(0, "")}, {Name: "b", State: ended(0, "")}}
	two := []corev1.Container{{Name: "a"}, {Name: "b"}}
	without := &corev1.Pod{
		Spec:   corev1.PodSpec{RestartPolicy: "Never", Containers: two},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: done},
	}
	if action := RequiredAction(without); action != NoAction {
		t.Errorf("a pod without a mesh requires action %v", action)
	}
	for name, own := range map[string]list{
		"no status": nil, "waiting": {waitsFor("a", "", "")}, "running": {{Name: "a", State: running}},
	} {
		failed := podWithMesh("Never", corev1.PodFailed, corev1.ContainerStatus{Image: "ordinary", State: ended(1, "")}, own)
		if OnlyMeshFailed(failed) {
			t.Errorf("%s: only the mesh has failed", name)
		}
		failed.Status.Phase = corev1.PodRunning
		if action := RequiredAction(failed); action != NoAction {
			t.Errorf("%s: the pod requires action %v", name, action)
		}
	}
}
