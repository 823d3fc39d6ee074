package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func seconds(n int) *metav1.Duration {
	return &metav1.Duration{Duration: time.Duration(n) * time.Second}
}

func withDeadline(pod *corev1.Pod, seconds int64) *corev1.Pod {
	pod.Spec.ActiveDeadlineSeconds = &seconds
	return pod
}

// newPod returns a pod with containers of these names. A name that begins with "init"
// is an init container, one that begins with "side" a sidecar.
func newPod(policy corev1.RestartPolicy, names ...string) *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: policy}}
	for _, name := range names {
		c := corev1.Container{Name: name, Image: "busybox"}
		switch {
		case strings.HasPrefix(name, "side"):
			c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
			fallthrough
		case strings.HasPrefix(name, "init"):
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
		default:
			pod.Spec.Containers = append(pod.Spec.Containers, c)
		}
	}
	return pod
}

// summary returns a status as one line: the phase and reason, then each container with
// its state, "*" and its restarts, and the exit code of its last run in parentheses.
func summary(s corev1.PodStatus) string {
	text := string(s.Phase)
	if s.Reason != "" {
		text += "/" + s.Reason
	}
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
		for _, c := range list {
			text += " " + c.Name + "="
			switch {
			case c.State.Waiting != nil:
				text += c.State.Waiting.Reason
			case c.State.Running != nil:
				text += "running"
			case c.State.Terminated != nil:
				text += fmt.Sprintf("%s:%d", c.State.Terminated.Reason, c.State.Terminated.ExitCode)
			}
			if c.RestartCount > 0 {
				text += fmt.Sprintf("*%d", c.RestartCount)
			}
			if last := c.LastTerminationState.Terminated; last != nil {
				text += fmt.Sprintf("(%d)", last.ExitCode)
			}
		}
	}
	for _, c := range s.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			text += " ready"
		}
		if c.Reason == corev1.PodReasonUnschedulable {
			text += " " + c.Message
		}
	}
	return text
}

// Each pod advances to each of its transitions. A line of want is "second: summary",
// followed by the side effects.
func TestPodStates(t *testing.T) {
	type containers = map[string]scenario.Container
	for _, test := range []struct {
		name     string
		pod      *corev1.Pod
		behavior scenario.Pod
		deleteAt int // the second of a deletion with a grace period of 30 s
		until    int // the last second of the test; 0 means until nothing changes any more
		want     []string
	}{
		{name: "default", pod: newPod("Never", "a"), want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "2: Succeeded a=Completed:0"}},
		{name: "failure", pod: newPod("Never", "a", "b"), behavior: scenario.Pod{Containers: containers{
			"a": {ExitCodes: []int32{3}, Message: "no"}, "b": {Run: seconds(5)}}}, want: []string{
			"0: Pending a=ContainerCreating b=ContainerCreating", "1: Running a=running b=running ready",
			"2: Running a=Error:3 b=running", "6: Failed a=Error:3 b=Completed:0"}},
		{name: "out of memory", pod: newPod("Never", "a"), behavior: scenario.Pod{Containers: containers{"a": {ExitCodes: []int32{137}, Reason: "OOMKilled"}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "2: Failed a=OOMKilled:137"}},
		{name: "init containers run in order", pod: newPod("Never", "init1", "init2", "a"), want: []string{
			"0: Pending init1=PodInitializing init2=PodInitializing a=PodInitializing",
			"1: Pending init1=running init2=PodInitializing a=PodInitializing",
			"2: Pending init1=Completed:0 init2=PodInitializing a=PodInitializing",
			"3: Pending init1=Completed:0 init2=running a=PodInitializing",
			"4: Pending init1=Completed:0 init2=Completed:0 a=PodInitializing",
			"5: Running init1=Completed:0 init2=Completed:0 a=running ready",
			"6: Succeeded init1=Completed:0 init2=Completed:0 a=Completed:0"}},
		{name: "init container fails", pod: newPod("Never", "init1", "init2", "a"), behavior: scenario.Pod{Containers: containers{"init1": {ExitCodes: []int32{2}}}}, want: []string{
			"0: Pending init1=PodInitializing init2=PodInitializing a=PodInitializing",
			"1: Pending init1=running init2=PodInitializing a=PodInitializing",
			"2: Failed init1=Error:2 init2=PodInitializing a=PodInitializing"}},
		{name: "init container is restarted", pod: newPod("Always", "init1", "a"), behavior: scenario.Pod{Containers: containers{
			"init1": {ExitCodes: []int32{2, 0}}, "a": {Run: seconds(0)}}}, want: []string{
			"0: Pending init1=PodInitializing a=PodInitializing", "1: Pending init1=running a=PodInitializing",
			"2: Pending init1=Error:2 a=PodInitializing", "3: Pending init1=running*1(2) a=PodInitializing",
			"4: Pending init1=Completed:0*1(2) a=PodInitializing", "5: Running init1=Completed:0*1(2) a=running ready"}},
		{name: "sidecar", pod: newPod("Never", "side", "a"), want: []string{
			"0: Pending side=PodInitializing a=PodInitializing", "1: Pending side=running a=PodInitializing",
			"2: Running side=running a=running ready", "3: Running side=running a=Completed:0",
			"4: Succeeded side=Error:143 a=Completed:0"}},
		{name: "back-off", pod: newPod("OnFailure", "a"), behavior: scenario.Pod{Containers: containers{"a": {ExitCodes: []int32{1, 2, 3, 0}}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "2: Running a=Error:1",
			"3: Running a=running*1(1) ready", "4: Running a=CrashLoopBackOff*1(2)", "14: Running a=running*2(2) ready",
			"15: Running a=CrashLoopBackOff*2(3)", "35: Running a=running*3(3) ready", "36: Succeeded a=Completed:0*3(3)"}},
		{name: "always", pod: newPod("Always", "a"), until: 30, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "2: Running a=Completed:0",
			"3: Running a=running*1(0) ready", "4: Running a=CrashLoopBackOff*1(0)", "14: Running a=running*2(0) ready", "15: Running a=CrashLoopBackOff*2(0)"}},
		{name: "image pull fails", pod: newPod("Always", "a"), behavior: scenario.Pod{Containers: containers{"a": {ImagePullError: "no such tag"}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Pending a=ErrImagePull", "11: Pending a=ImagePullBackOff"}},
		{name: "container cannot be created", pod: newPod("Always", "a", "b"), behavior: scenario.Pod{Containers: containers{"a": {CreateError: "no secret"}, "b": {Run: seconds(0)}}}, want: []string{
			"0: Pending a=ContainerCreating b=ContainerCreating", "1: Pending a=CreateContainerConfigError b=running"}},
		{name: "unschedulable", pod: newPod("Always", "a"), behavior: scenario.Pod{Unschedulable: "0/1 nodes"}, want: []string{"0: Pending 0/1 nodes"}},
		{name: "scheduled later", pod: newPod("Never", "a"), behavior: scenario.Pod{Unschedulable: "0/1 nodes", Schedule: *seconds(60)}, want: []string{
			"0: Pending 0/1 nodes", "60: Pending a=ContainerCreating", "61: Running a=running ready", "62: Succeeded a=Completed:0"}},
		{name: "evicted", pod: newPod("Always", "init1", "a", "b"), behavior: scenario.Pod{
			Containers: containers{"a": {Run: seconds(0)}, "b": {Start: seconds(60)}}, Events: []scenario.Event{{At: *seconds(5), Evict: "disk"}}}, want: []string{
			"0: Pending init1=PodInitializing a=PodInitializing b=PodInitializing", "1: Pending init1=running a=PodInitializing b=PodInitializing",
			"2: Pending init1=Completed:0 a=PodInitializing b=PodInitializing", "3: Pending init1=Completed:0 a=running b=PodInitializing",
			"5: Failed/Evicted init1=Completed:0 a=Error:137 b=PodInitializing"}},
		{name: "deadline", pod: withDeadline(newPod("Never", "a"), 3600), behavior: scenario.Pod{
			Containers: containers{"a": {Run: seconds(0)}}, Events: []scenario.Event{{At: *seconds(5), Deadline: true}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "5: Failed/DeadlineExceeded a=Error:137"}},
		{name: "deadline event of a pod without a deadline", pod: newPod("Never", "a"), behavior: scenario.Pod{
			Containers: containers{"a": {Run: seconds(6)}}, Events: []scenario.Event{{At: *seconds(5), Deadline: true}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "5: Running a=running ready", "7: Succeeded a=Completed:0"}},
		{name: "node lost", pod: newPod("Never", "a"), behavior: scenario.Pod{
			Containers: containers{"a": {Run: seconds(10)}}, Events: []scenario.Event{{At: *seconds(5), LoseNode: true}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "5: Running a=running ready",
			"45: Running/NodeLost a=running", "305: Failed/NodeLost a=running", "365: Failed/NodeLost a=running forceDelete"}},
		{name: "deleted by an event", pod: newPod("Never", "a"), behavior: scenario.Pod{
			Containers: containers{"a": {Run: seconds(0)}}, Events: []scenario.Event{{At: *seconds(5), Delete: true}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "5: Running a=running ready delete"}},
		{name: "deleted", pod: newPod("Always", "a"), deleteAt: 5, behavior: scenario.Pod{Containers: containers{"a": {Run: seconds(0)}}}, want: []string{
			"0: Pending a=ContainerCreating", "1: Running a=running ready", "5: Running a=running ready", "6: Failed a=Error:143 forceDelete"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Unix(0, 0)
			p := newPodState(test.pod, test.behavior, start)
			after := func(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }
			var got []string
			for now := start; ; {
				if test.deleteAt > 0 && now.Equal(after(test.deleteAt)) {
					p.terminate(now, 30*time.Second)
				}
				status, effects, next := p.advance(now)
				line := fmt.Sprintf("%d: %s", int(now.Sub(start).Seconds()), summary(status))
				if effects.delete {
					line += " delete"
				}
				if effects.forceDelete {
					line += " forceDelete"
				}
				got = append(got, line)
				if deletion := after(test.deleteAt); now.Before(deletion) && (next.IsZero() || next.After(deletion)) {
					next = deletion
				}
				if next.IsZero() || test.until > 0 && next.After(after(test.until)) {
					break
				}
				now = next
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
