package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const preExec = "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n#!/bin/sh\n: >$TMPDIR/mesh-ready\nEOFMESH"

// meshed is a create request for a pod with a mesh.
func meshed() *wire.CreateRequest {
	r := plain()
	r.Pod.Annotations = map[string]string{wire.AnnotationPreExec: preExec}
	r.Pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	return r
}

// followed is an env whose lifecycle is told of what becomes of pods.
func followed(t *testing.T, sidecar bool) *env {
	t.Helper()
	e := newEnv(t, func(o *lifecycle.Options) { o.Translate.Mesh = mesh.Options{Image: "mesh:1", InitContainer: sidecar} })
	e.must(e.cluster.OnPodChange(e.HandlePodChange))
	return e
}

// say writes a pod's status, as its kubelet would.
func (e *env) say(pod *corev1.Pod, change func(*corev1.PodStatus)) {
	e.t.Helper()
	pod = pod.DeepCopy()
	change(&pod.Status)
	_, err := e.admin.CoreV1().Pods(pod.Namespace).UpdateStatus(context.Background(), pod, metav1.UpdateOptions{})
	e.must(err)
}

// fails is what a kubelet says of a mesh that did not come up.
func fails(s *corev1.PodStatus) {
	s.Phase = corev1.PodPending
	s.InitContainerStatuses = []corev1.ContainerStatus{{Name: mesh.Container, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: mesh.ExitNotUp},
	}}}
}

// finishes is what it says of a pod that only an ordinary mesh keeps running.
func finishes(s *corev1.PodStatus) {
	s.Phase = corev1.PodRunning
	s.ContainerStatuses = []corev1.ContainerStatus{
		{Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
		{Name: mesh.Container, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	}
}

func told(pod *corev1.Pod) bool { return pod.Annotations[wire.AnnotationFinished] == "true" }

func over(pod *corev1.Pod) bool {
	return pod.Spec.ActiveDeadlineSeconds != nil && *pod.Spec.ActiveDeadlineSeconds == 1 &&
		pod.Annotations[wire.AnnotationFailed] == "mesh-setup ended with exit code 97 ()"
}

// What a pod needs is done, whatever becomes of the first calls: not carried out,
// or carried out and the answer lost. Nothing is done twice once it is done.
func TestNeedsAreSeenTo(t *testing.T) {
	for _, test := range []struct {
		name    string
		sidecar bool
		says    func(*corev1.PodStatus)
		done    func(*corev1.Pod) bool
	}{
		{"a mesh that did not come up", true, fails, over},
		{"a mesh that outlives the pod", false, finishes, told},
	} {
		for _, what := range []fault{"", refused, lost, overloaded, broken} {
			t.Run(fmt.Sprintf("%s, %q first", test.name, what), func(t *testing.T) {
				e := followed(t, test.sidecar)
				r := meshed()
				_, err := e.Create(t.Context(), r)
				e.must(err)
				e.faults.set(func(n int, call string) fault {
					if n == 0 {
						return what
					}
					return ""
				})
				e.say(e.remotePod(r), test.says)
				e.eventually("it is done", func() bool { return test.done(e.remotePod(r)) })
				if what != "" && what != overloaded { // client-go itself repeats what was too much
					e.eventually("it was tried again", func() bool { return len(e.faults.seen()) > 1 })
				}
				for _, call := range e.faults.seen() {
					if call != "PATCH pods/name" {
						t.Errorf("it also called %s", call)
					}
				}
			})
		}
	}
}

// A missing right is told, and ends nothing else; the next change tries again.
func TestNeedWithoutTheRight(t *testing.T) {
	e := followed(t, true)
	r := meshed()
	_, err := e.Create(t.Context(), r)
	e.must(err)
	e.faults.set(func(int, string) fault { return forbidden })
	e.say(e.remotePod(r), fails)
	e.eventually("it is told", func() bool {
		e.log.mu.Lock()
		defer e.log.mu.Unlock()
		return strings.Contains(e.log.text.String(), "cannot be done")
	})
	e.log.mu.Lock()
	if strings.Contains(e.log.text.String(), "done at last") {
		t.Error("it is told as done, too")
	}
	e.log.mu.Unlock()
	e.faults.set(nil)
	e.say(e.remotePod(r), func(s *corev1.PodStatus) { fails(s); s.Message = "another change" })
	e.eventually("it is done", func() bool { return over(e.remotePod(r)) })
}

// Pods of another installation are its own affair, and one that is gone is nobody's.
func TestNeedsOfOthers(t *testing.T) {
	e := followed(t, true)
	r := meshed()
	_, err := e.Create(t.Context(), r)
	e.must(err)
	other := e.remotePod(r).DeepCopy()
	other.Labels[wire.LabelInstance] = "another"
	fails(&other.Status)
	e.faults.set(nil)
	e.HandlePodChange(other)
	gone := e.remotePod(r).DeepCopy()
	gone.UID = "another-uid" // a later pod of the same name must not be ended
	fails(&gone.Status)
	e.HandlePodChange(gone)
	e.eventually("the pod of that UID is looked for", func() bool { return len(e.faults.seen()) > 0 })
	e.eventually("and given up", func() bool {
		e.log.mu.Lock()
		defer e.log.mu.Unlock()
		return strings.Contains(e.log.text.String(), "done at last") && !strings.Contains(e.log.text.String(), "cannot be done")
	})
	if len(e.faults.seen()) != 1 || over(e.remotePod(r)) {
		t.Errorf("called %v; the pod is over: %v", e.faults.seen(), over(e.remotePod(r)))
	}
}
