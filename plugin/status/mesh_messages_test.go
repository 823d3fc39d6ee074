package status_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// withMesh adds the mesh's container and its status to the remote pod: as a sidecar
// before the pod's own containers, or as an ordinary container after them.
func withMesh(remote *corev1.Pod, s corev1.ContainerStatus) {
	s.Name = mesh.Container
	if strings.HasPrefix(s.Image, "ordinary") {
		remote.Spec.Containers = append(remote.Spec.Containers, corev1.Container{Name: s.Name})
		remote.Status.ContainerStatuses = append(remote.Status.ContainerStatuses, s)
		return
	}
	remote.Spec.InitContainers = append([]corev1.Container{sidecar(s.Name)}, remote.Spec.InitContainers...)
	remote.Status.InitContainerStatuses = append(list{s}, remote.Status.InitContainerStatuses...)
}

func ended(code int32, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", Message: message}}
}

func waitsFor(name, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

// TestMeshMessages checks what the user reads about a mesh: why the pod waits or
// failed, and nothing about the container of the mesh.
func TestMeshMessages(t *testing.T) {
	for _, test := range []struct {
		name            string
		status          corev1.PodStatus
		mesh            corev1.ContainerStatus
		state, messages string
	}{
		{"mesh is starting", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: running, Started: ptr.To(false)}, "a waiting PodInitializing", "the mesh network is starting"},
		{"mesh is starting, no other status yet", corev1.PodStatus{Phase: corev1.PodPending},
			corev1.ContainerStatus{State: running, Started: ptr.To(false)}, "a waiting PodInitializing", "the mesh network is starting"},
		{"image of the mesh cannot be pulled", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			waitsFor("", "ImagePullBackOff", "no such image"), "a waiting PodInitializing", "the mesh network cannot start yet: ImagePullBackOff: no such image"},
		{"mesh is ready", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: running, Started: ptr.To(true)}, "a waiting PodInitializing", ""},
		{"mesh failed to start, and the pod has not failed yet", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: ended(97, "no tun"), Started: ptr.To(false)}, "a waiting PodInitializing", "the mesh network failed to start; the pod will fail"},
		{"mesh failed to start", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", Message: "Pod was active", ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: ended(97, "no tun\nmesh-setup: the script ended\n")}, "a ended MeshFailed 137", "the mesh network failed to start: no tun\nmesh-setup: the script ended"},
		{"mesh failed to start, and its next run was stopped", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: ended(0, ""), LastTerminationState: ended(97, "no tun")}, "a ended MeshFailed 137", "the mesh network failed to start: no tun"},
		{"mesh failed to start, and the kubelet no longer reports that run", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: ended(0, ""), Image: "annotated"}, "a ended MeshFailed 137", "the mesh network failed to start: no tun"},
		{"mesh could not run", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: ended(128, "")}, "a ended MeshFailed 137", "the mesh network failed to start: mesh-setup terminated with exit code 128 (Error)"},
		{"ordinary container never started", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: list{{Name: "a", State: ended(0, "")}}},
			corev1.ContainerStatus{State: waitsFor("", "ImagePullBackOff", "no").State, Image: "ordinary"}, "a ended MeshFailed 137",
			"the mesh network failed to start: mesh-setup never started: ImagePullBackOff: no; the container itself terminated with exit code 0"},
		{"ordinary container failed later, the others succeeded", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: list{{Name: "a", State: ended(0, "")}}},
			corev1.ContainerStatus{State: ended(1, "gone"), Image: "ordinary"}, "a ended Error 0", ""},
		{"ordinary container failed later, and so did another container", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: list{{Name: "a", State: ended(3, "no")}}},
			corev1.ContainerStatus{State: ended(1, "gone"), Image: "ordinary"}, "a ended Error 3", "no"},
		{"ordinary container failed later, and the pod was evicted", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "disk", ContainerStatuses: list{{Name: "a", State: ended(0, "")}}},
			corev1.ContainerStatus{State: ended(1, "gone"), Image: "ordinary"}, "a ended Evicted 137", "Evicted: disk; the container itself terminated with exit code 0"},
		{"user's deadline passed while the mesh was starting", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", Message: "Pod was active", ContainerStatuses: list{waitsFor("a", "PodInitializing", "")}},
			corev1.ContainerStatus{State: ended(0, "")}, "a ended DeadlineExceeded 137", "DeadlineExceeded: Pod was active"},
		{"user's deadline passed later", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", Message: "Pod was active", ContainerStatuses: list{{Name: "a", State: ended(137, "")}}},
			corev1.ContainerStatus{State: ended(143, "")}, "a ended Error 137", "DeadlineExceeded: Pod was active"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requested, remote := pods("Never", test.status, "a")
			withMesh(remote, test.mesh)
			if test.mesh.Image == "annotated" {
				remote.Annotations = map[string]string{wire.AnnotationFailed: "no tun"}
			}
			answer := status.Of(requested, remote)
			if got := brief(answer.Containers[0]); got != test.state || len(answer.Containers) != 1 || len(answer.InitContainers) != 0 {
				t.Errorf("got %q, want %q", got, test.state)
			}
			message := ""
			switch s := answer.Containers[0].State; {
			case s.Waiting != nil:
				message = s.Waiting.Message
			case s.Terminated != nil:
				message = s.Terminated.Message
			}
			if message != test.messages {
				t.Errorf("the user reads %q, want %q", message, test.messages)
			}
		})
	}
}
