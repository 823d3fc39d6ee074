package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const preExec = "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n#!/bin/sh\n: >$TMPDIR/mesh-ready\nEOFMESH"

// newMeshEnv returns an env whose Lifecycle handles the changes of pods. Meshes run
// in a sidecar, or else in an ordinary container.
func newMeshEnv(t *testing.T, sidecar bool) *env {
	t.Helper()
	e := newEnv(t, func(o *lifecycle.Options) {
		o.Translate.Mesh = mesh.Options{Enabled: true, Scripts: config.AnyScript, Image: "mesh:1", InitContainer: sidecar}
	})
	e.must(e.cluster.OnPodChange(e.HandlePodChange, func(pod *corev1.Pod, _ bool) { e.HandlePodGone(pod) }))
	return e
}

// createMeshPod creates a pod with a mesh.
func (e *env) createMeshPod() *wire.CreateRequest {
	e.t.Helper()
	r := plainRequest()
	r.Pod.Annotations = map[string]string{wire.AnnotationPreExec: preExec}
	r.Pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	e.create(r)
	return r
}

// setStatus changes the status of a remote pod, as its kubelet does.
func (e *env) setStatus(pod *corev1.Pod, change func(*corev1.PodStatus)) {
	e.t.Helper()
	pod = pod.DeepCopy()
	change(&pod.Status)
	_, err := e.admin.CoreV1().Pods(pod.Namespace).UpdateStatus(context.Background(), pod, metav1.UpdateOptions{})
	e.must(err)
}

// meshFailed is the status of a pod whose mesh failed.
func meshFailed(s *corev1.PodStatus) {
	s.Phase = corev1.PodPending
	s.InitContainerStatuses = []corev1.ContainerStatus{{Name: mesh.Container, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: mesh.ExitStartFailed},
	}}}
}

// onlyMeshRuns is the status of a pod that only its mesh container keeps running.
func onlyMeshRuns(s *corev1.PodStatus) {
	s.Phase = corev1.PodRunning
	s.ContainerStatuses = []corev1.ContainerStatus{
		{Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
		{Name: mesh.Container, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	}
}

func isMarkedFinished(pod *corev1.Pod) bool {
	return pod.Annotations[wire.AnnotationFinished] == "true"
}

func isMarkedFailed(pod *corev1.Pod) bool {
	return pod.Spec.ActiveDeadlineSeconds != nil && *pod.Spec.ActiveDeadlineSeconds == 1 &&
		pod.Annotations[wire.AnnotationFailed] == "mesh-setup terminated with exit code 97 ()"
}

// A required action is done, also if its first request fails or its answer is lost. It
// is not repeated after that.
func TestRequiredActionIsDone(t *testing.T) {
	for _, test := range []struct {
		name    string
		sidecar bool
		status  func(*corev1.PodStatus)
		done    func(*corev1.Pod) bool
	}{
		{"mesh failed", true, meshFailed, isMarkedFailed},
		{"only the mesh runs", false, onlyMeshRuns, isMarkedFinished},
	} {
		for _, first := range []fault{"", refused, lost, overloaded, broken} {
			t.Run(fmt.Sprintf("%s, first request %q", test.name, first), func(t *testing.T) {
				e := newMeshEnv(t, test.sidecar)
				r := e.createMeshPod()
				e.faults.set(func(n int, call string) fault {
					if n == 0 {
						return first
					}
					return ""
				})
				e.setStatus(e.remotePod(r), test.status)
				e.eventually("the action is done", func() bool { return test.done(e.remotePod(r)) })
				if first != "" && first != overloaded { // client-go itself repeats a request after 429
					e.eventually("the action is retried", func() bool { return len(e.faults.seen()) > 1 })
				}
				for _, call := range e.faults.seen() {
					if call != "PATCH pods/name" {
						t.Errorf("the plugin also sent %s", call)
					}
				}
			})
		}
	}
}

// A missing permission is logged. The action is not retried until the pod changes
// again.
func TestRequiredActionWithoutPermission(t *testing.T) {
	e := newMeshEnv(t, true)
	r := e.createMeshPod()
	e.faults.set(func(int, string) fault { return forbidden })
	e.setStatus(e.remotePod(r), meshFailed)
	uid := e.remotePod(r).UID
	e.eventually("the action is tried and not retried", func() bool { return len(e.faults.seen()) > 0 && e.PendingJobs(uid) == 0 })
	if isMarkedFailed(e.remotePod(r)) {
		t.Error("the action succeeded without the permission")
	}
	if !strings.Contains(e.log.String(), "failed permanently") {
		t.Error("the log does not say that the action failed")
	}
	e.faults.set(nil)
	e.setStatus(e.remotePod(r), func(s *corev1.PodStatus) { meshFailed(s); s.Message = "another change" })
	e.eventually("the action is done", func() bool { return isMarkedFailed(e.remotePod(r)) })
}

// The plugin does nothing for a pod of another installation, and for a pod that was
// replaced by another pod with the same name.
func TestNoRequiredActionForOtherPods(t *testing.T) {
	e := newMeshEnv(t, true)
	r := e.createMeshPod()
	other := e.remotePod(r).DeepCopy()
	other.Labels[wire.LabelInstance] = "another"
	meshFailed(&other.Status)
	e.faults.set(nil)
	e.HandlePodChange(other)
	replaced := e.remotePod(r).DeepCopy()
	replaced.UID = "another-uid"
	meshFailed(&replaced.Status)
	e.HandlePodChange(replaced)
	e.eventually("the action for the replaced pod ends", func() bool { return e.PendingJobs(replaced.UID) == 0 })
	if strings.Contains(e.log.String(), "failed permanently") {
		t.Error("the action for the replaced pod failed")
	}
	if calls := e.faults.seen(); len(calls) != 1 || isMarkedFailed(e.remotePod(r)) {
		t.Errorf("the plugin sent %v; the pod is marked as failed: %v", calls, isMarkedFailed(e.remotePod(r)))
	}
}
