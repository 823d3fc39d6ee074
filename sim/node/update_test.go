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
	status, _, _ := p.next(start.Add(time.Hour))
	if want := "Pod was active on the node longer than the specified deadline"; status.Message != want {
		t.Errorf("it says %q", status.Message)
	}

	// It counts from when the pod has a node; one that has ended before is left alone.
	late := podOf(corev1.RestartPolicyNever, "main")
	late.Spec.ActiveDeadlineSeconds = ptr.To[int64](10)
	p = newPlay(late, scenario.Pod{Schedule: *seconds(30), Unschedulable: "no node"}, start)
	if got := at(p, start, 29); got != "Pending no node" {
		t.Errorf("without a node it shows %s", got)
	}
	if got := at(p, start, 60); got != "Succeeded main=Completed:0" {
		t.Errorf("after its end it shows %s", got)
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
	p := newPlay(pod.DeepCopy(), scenario.Pod{Containers: map[string]scenario.Container{
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

	// While it waits for its next run, it ends in that.
	p = newPlay(withPolicy(pod, corev1.RestartPolicyOnFailure), scenario.Pod{Containers: map[string]scenario.Container{
		"main": {Run: seconds(2)}, "mesh": {Run: seconds(4), ExitCodes: []int32{1}},
	}}, start)
	if got := at(p, start, 11); got != "Running main=Completed:0 mesh=CrashLoopBackOff*1(1)" {
		t.Errorf("it shows %s", got)
	}
	p.update(start.Add(11*time.Second), told)
	if got := at(p, start, 20); got != "Running main=Completed:0 mesh=running*2(1)" {
		t.Errorf("in its next run it shows %s", got)
	}
	if got := at(p, start, 21); got != "Succeeded main=Completed:0 mesh=Completed:0*2(1)" {
		t.Errorf("after that it shows %s", got)
	}

	// An annotation that was there from the beginning is one to read.
	p = newPlay(told, scenario.Pod{Containers: map[string]scenario.Container{"main": {Run: seconds(0)}, "mesh": {Run: seconds(0)}}}, start)
	if got := at(p, start, 5); got != "Running main=running mesh=running ready" {
		t.Errorf("it shows %s", got)
	}
	if p.update(start.Add(5*time.Second), told.DeepCopy()) {
		t.Error("it ends by what it has always had")
	}
}

func withPolicy(pod *corev1.Pod, policy corev1.RestartPolicy) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.RestartPolicy = policy
	return pod
}

// Nobody starts before a sidecar has, which takes as long as the scenario says; once
// it has, it may come and go.
func TestSidecarStartsFirst(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := newPlay(podOf(corev1.RestartPolicyNever, "side", "init", "main"), scenario.Pod{Containers: map[string]scenario.Container{
		"side": {Start: seconds(5), Run: seconds(4), ExitCodes: []int32{1}}, "init": {Run: seconds(1)}, "main": {Run: seconds(6)},
	}}, start)
	for _, moment := range []struct {
		second  int
		started bool
		shows   string
	}{
		{4, false, "Pending side=PodInitializing init=PodInitializing main=PodInitializing"},
		{5, true, "Pending side=running init=PodInitializing main=PodInitializing"},
		{6, true, "Pending side=running init=running main=PodInitializing"},
		{8, true, "Running side=running init=Completed:0 main=running ready"},
		{9, false, "Running side=Error:1 init=Completed:0 main=running ready"},
		{10, true, "Running side=running*1(1) init=Completed:0 main=running ready"},
		{14, false, "Running side=CrashLoopBackOff*1(1) init=Completed:0 main=Completed:0"},
	} {
		status, _, _ := p.next(start.Add(time.Duration(moment.second) * time.Second))
		if got := brief(status); got != moment.shows || *status.InitContainerStatuses[0].Started != moment.started {
			t.Errorf("after %d s it shows %s, started %v", moment.second, got, *status.InitContainerStatuses[0].Started)
		}
	}
}
