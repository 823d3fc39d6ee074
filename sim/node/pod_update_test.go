package node

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

var startOfTest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func secondsAfterStart(n int) time.Time { return startOfTest.Add(time.Duration(n) * time.Second) }

// expectAt advances a pod to a second and compares its summary. If want ends with
// "...", only the beginning is compared.
func expectAt(t *testing.T, p *podState, second int, want string) {
	t.Helper()
	status, _, _ := p.advance(secondsAfterStart(second))
	got := summary(status)
	if beginning, ok := strings.CutSuffix(want, "..."); got != want && (!ok || !strings.HasPrefix(got, beginning)) {
		t.Errorf("after %d s the pod is %q, want %q", second, got, want)
	}
}

func runsForEver() scenario.Container { return scenario.Container{Run: seconds(0)} }

func TestDeadlineEndsRunningPod(t *testing.T) {
	pod := withDeadline(newPod(corev1.RestartPolicyNever, "main"), 10)
	p := newPodState(pod, scenario.Pod{Containers: map[string]scenario.Container{"main": runsForEver()}}, startOfTest)
	expectAt(t, p, 9, "Running main=running ready")
	expectAt(t, p, 10, "Failed/DeadlineExceeded main=Error:137")
	status, _, _ := p.advance(startOfTest.Add(time.Hour))
	if want := "Pod was active on the node longer than the specified deadline"; status.Message != want {
		t.Errorf("the message is %q, want %q", status.Message, want)
	}
}

// The time without a node does not count, and a pod that ended in time does not fail.
func TestDeadlineCountsFromScheduling(t *testing.T) {
	pod := withDeadline(newPod(corev1.RestartPolicyNever, "main"), 10)
	p := newPodState(pod, scenario.Pod{Schedule: *seconds(30), Unschedulable: "no node"}, startOfTest)
	expectAt(t, p, 29, "Pending no node")
	expectAt(t, p, 60, "Succeeded main=Completed:0")
}

// A deadline that is set on a waiting pod and is already over ends it at once, and no
// container starts after that.
func TestDeadlineSetOnWaitingPod(t *testing.T) {
	p := newPodState(newPod(corev1.RestartPolicyAlways, "side", "main"), scenario.Pod{Containers: map[string]scenario.Container{
		"side": {StartupFails: true, Run: seconds(3), ExitCodes: []int32{97}},
	}}, startOfTest)
	expectAt(t, p, 4, "Pending side=Error:97 main=PodInitializing...")
	if !p.update(secondsAfterStart(4), withDeadline(p.object.DeepCopy(), 1)) {
		t.Error("update returns false for a new deadline")
	}
	expectAt(t, p, 4, "Failed/DeadlineExceeded side=Error:97...")
	status, _, _ := p.advance(secondsAfterStart(400))
	if got := summary(status); strings.Contains(got, "running") {
		t.Errorf("after the deadline a container runs: %q", got)
	}
}

func TestSidecarThatNeverStartsBlocksThePod(t *testing.T) {
	p := newPodState(newPod(corev1.RestartPolicyNever, "side", "main"),
		scenario.Pod{Containers: map[string]scenario.Container{"side": {StartupFails: true}}}, startOfTest)
	expectAt(t, p, 3600, "Pending side=running main=PodInitializing")
	status, _, _ := p.advance(startOfTest.Add(time.Hour))
	if s := status.InitContainerStatuses[0]; *s.Started || s.Ready {
		t.Errorf("the sidecar is started or ready: %+v", s)
	}
}

// podWithAnnotationVolume returns a pod whose container "mesh" mounts the annotation "end".
func podWithAnnotationVolume(policy corev1.RestartPolicy) *corev1.Pod {
	pod := newPod(policy, "main", "mesh")
	pod.Spec.Volumes = []corev1.Volume{{Name: "pod", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{Path: "end", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['end']"}}},
	}}}}
	pod.Spec.Containers[1].VolumeMounts = []corev1.VolumeMount{{Name: "pod", MountPath: "/pod"}}
	return pod
}

func withAnnotations(pod *corev1.Pod, annotations map[string]string) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Annotations = annotations
	return pod
}

// A container that mounts an annotation ends with exit code 0 a second after the pod
// gets that annotation, and only that one.
func TestNewAnnotationEndsContainer(t *testing.T) {
	pod := podWithAnnotationVolume(corev1.RestartPolicyNever)
	p := newPodState(pod.DeepCopy(), scenario.Pod{Containers: map[string]scenario.Container{
		"main": {Run: seconds(5)}, "mesh": {Run: seconds(0), ExitCodes: []int32{1}},
	}}, startOfTest)
	expectAt(t, p, 20, "Running main=Completed:0 mesh=running")
	if p.update(secondsAfterStart(20), withAnnotations(pod, map[string]string{"other": "true", "end": ""})) {
		t.Error("update returns true for an annotation that no container mounts")
	}
	if !p.update(secondsAfterStart(20), withAnnotations(pod, map[string]string{"end": "true"})) {
		t.Error("update returns false for the annotation that a container mounts")
	}
	expectAt(t, p, 21, "Succeeded main=Completed:0 mesh=Completed:0")
}

// A container that waits for a restart when the annotation comes ends in its next run.
func TestNewAnnotationEndsNextRun(t *testing.T) {
	pod := podWithAnnotationVolume(corev1.RestartPolicyOnFailure)
	p := newPodState(pod.DeepCopy(), scenario.Pod{Containers: map[string]scenario.Container{
		"main": {Run: seconds(2)}, "mesh": {Run: seconds(4), ExitCodes: []int32{1}},
	}}, startOfTest)
	expectAt(t, p, 11, "Running main=Completed:0 mesh=CrashLoopBackOff*1(1)")
	p.update(secondsAfterStart(11), withAnnotations(pod, map[string]string{"end": "true"}))
	expectAt(t, p, 20, "Running main=Completed:0 mesh=running*2(1)")
	expectAt(t, p, 21, "Succeeded main=Completed:0 mesh=Completed:0*2(1)")
}

func TestAnnotationOfANewPodEndsNoContainer(t *testing.T) {
	pod := withAnnotations(podWithAnnotationVolume(corev1.RestartPolicyNever), map[string]string{"end": "true"})
	p := newPodState(pod, scenario.Pod{Containers: map[string]scenario.Container{"main": runsForEver(), "mesh": runsForEver()}}, startOfTest)
	expectAt(t, p, 5, "Running main=running mesh=running ready")
	if p.update(secondsAfterStart(5), pod.DeepCopy()) {
		t.Error("update returns true for an unchanged pod")
	}
}

// No other container starts before a sidecar has started. After that, an end of the
// sidecar does not affect them.
func TestContainersWaitForTheSidecar(t *testing.T) {
	p := newPodState(newPod(corev1.RestartPolicyNever, "side", "init", "main"), scenario.Pod{Containers: map[string]scenario.Container{
		"side": {Start: seconds(5), Run: seconds(4), ExitCodes: []int32{1}}, "init": {Run: seconds(1)}, "main": {Run: seconds(6)},
	}}, startOfTest)
	for _, step := range []struct {
		second  int
		started bool // the sidecar's
		want    string
	}{
		{4, false, "Pending side=PodInitializing init=PodInitializing main=PodInitializing"},
		{5, true, "Pending side=running init=PodInitializing main=PodInitializing"},
		{6, true, "Pending side=running init=running main=PodInitializing"},
		{8, true, "Running side=running init=Completed:0 main=running ready"},
		{9, false, "Running side=Error:1 init=Completed:0 main=running ready"},
		{10, true, "Running side=running*1(1) init=Completed:0 main=running ready"},
		{14, false, "Running side=CrashLoopBackOff*1(1) init=Completed:0 main=Completed:0"},
	} {
		expectAt(t, p, step.second, step.want)
		status, _, _ := p.advance(secondsAfterStart(step.second))
		if started := status.InitContainerStatuses[0].Started; *started != step.started {
			t.Errorf("after %d s the sidecar has started=%v, want %v", step.second, *started, step.started)
		}
	}
}
