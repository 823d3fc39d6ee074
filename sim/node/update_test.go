package node

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// at plays a pod up to a second and says what it shows.
func at(p *play, start time.Time, second int) string {
	status, _, _ := p.next(start.Add(time.Duration(second) * time.Second))
	return brief(status)
}

func TestDeadline(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	long := scenario.Pod{Containers: map[string]scenario.Container{"main": {Run: seconds(0)}}}

	pod := podOf(corev1.RestartPolicyNever, "main")
	pod.Spec.ActiveDeadlineSeconds = ptr.To[int64](10)
	p := newPlay(pod, long, start)
	if got := at(p, start, 9); got != "Running main=running ready" {
		t.Errorf("before its deadline it shows %s", got)
	}
	if got := at(p, start, 10); got != "Failed/DeadlineExceeded main=Error:137" {
		t.Errorf("at its deadline it shows %s", got)
	}

	// One that is given to a pod which waits ends it at once, and nobody starts.
	p = newPlay(podOf(corev1.RestartPolicyAlways, "side", "main"), scenario.Pod{Containers: map[string]scenario.Container{
		"side": {StartupFails: true, Run: seconds(3), ExitCodes: []int32{97}},
	}}, start)
	if got := at(p, start, 4); !strings.HasPrefix(got, "Pending side=Error:97 main=PodInitializing") {
		t.Errorf("with a sidecar that fails it shows %s", got)
	}
	given := p.pod.DeepCopy()
	given.Spec.ActiveDeadlineSeconds = ptr.To[int64](1)
	if !p.update(start.Add(4*time.Second), given) {
		t.Error("a deadline is nothing new")
	}
	if got := at(p, start, 4); !strings.HasPrefix(got, "Failed/DeadlineExceeded side=Error:97") {
		t.Errorf("once its time is up it shows %s", got)
	}
	if got := at(p, start, 400); strings.Contains(got, "running") {
		t.Errorf("later it shows %s", got)
	}
}

func TestStartupFails(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := newPlay(podOf(corev1.RestartPolicyNever, "side", "main"), scenario.Pod{Containers: map[string]scenario.Container{"side": {StartupFails: true}}}, start)
	if got := at(p, start, 3600); got != "Pending side=running main=PodInitializing" {
		t.Errorf("it shows %s", got)
	}
	status, _, _ := p.next(start.Add(time.Hour))
	if s := status.InitContainerStatuses[0]; *s.Started || s.Ready {
		t.Errorf("the sidecar has started: %+v", s)
	}
}

// A container that mounts an annotation ends well a second after it is there.
func TestEndsByAnnotation(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pod := podOf(corev1.RestartPolicyNever, "main", "mesh")
	pod.Spec.Volumes = []corev1.Volume{{Name: "pod", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{Path: "end", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['end']"}}},
	}}}}
	pod.Spec.Containers[1].VolumeMounts = []corev1.VolumeMount{{Name: "pod", MountPath: "/pod"}}
	p := newPlay(pod, scenario.Pod{Containers: map[string]scenario.Container{
		"main": {Run: seconds(5)}, "mesh": {Run: seconds(0), ExitCodes: []int32{1}},
	}}, start)
	if got := at(p, start, 20); got != "Running main=Completed:0 mesh=running" {
		t.Errorf("it shows %s", got)
	}
	other := pod.DeepCopy()
	other.Annotations = map[string]string{"other": "true", "end": ""}
	if p.update(start.Add(20*time.Second), other) {
		t.Error("another annotation ends it")
	}
	told := pod.DeepCopy()
	told.Annotations = map[string]string{"end": "true"}
	if !p.update(start.Add(20*time.Second), told) {
		t.Error("the annotation does not end it")
	}
	if got := at(p, start, 21); got != "Succeeded main=Completed:0 mesh=Completed:0" {
		t.Errorf("then it shows %s", got)
	}
}
