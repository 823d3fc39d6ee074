package play

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// On real nodes a step waits for what the scenario expects before it.
func TestStepsWaitForRealNodes(t *testing.T) {
	const pending, running, succeeded, failed = corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed
	type phases = []corev1.PodPhase
	deletes := timedStep{Step: scenario.Step{Delete: "pod"}}
	remoteDeletes, expires := timedStep{deleteRemotePod: "pod"}, timedStep{expireDeadline: "pod"}
	restarts := timedStep{Step: scenario.Step{RestartVirtualKubelet: &scenario.Restart{}}}
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	for _, test := range []struct {
		name     string
		step     timedStep
		expected phases
		shown    phases
		quick    corev1.ContainerState // expected to exit with 0
		want     bool
	}{
		{"delete of a pod that is to succeed first", deletes, phases{pending, running, succeeded}, phases{pending, running}, runs, false},
		{"delete after the pod succeeded", deletes, phases{pending, running, succeeded}, phases{pending, running, succeeded}, ended, true},
		{"delete of a pod that does not run yet", deletes, phases{pending, running}, phases{pending}, runs, false},
		{"delete of a running pod", deletes, phases{pending, running}, phases{pending, running}, runs, true},
		{"delete of a pod that stays Pending", deletes, phases{pending}, phases{pending}, runs, true},
		{"delete of a pod that failed instead", deletes, phases{pending, running, succeeded}, phases{pending, failed}, runs, true},
		{"delete of another pod", timedStep{Step: scenario.Step{Delete: "other"}}, phases{pending, running}, phases{pending}, runs, true},
		{"loss of the remote pod before the pod runs", remoteDeletes, phases{pending, running, failed}, phases{pending}, ended, false},
		{"loss of the remote pod of a running pod", remoteDeletes, phases{pending, running, failed}, phases{pending, running}, ended, true},
		{"deadline before a container has exited with 0", expires, phases{pending, running, failed}, phases{pending, running}, runs, false},
		{"deadline after a container has exited with 0", expires, phases{pending, running, failed}, phases{pending, running}, ended, true},
		{"restart before the pod runs", restarts, phases{pending, running, pending, running, succeeded}, phases{pending}, runs, false},
		{"restart while the pod runs", restarts, phases{pending, running, pending, running, succeeded}, phases{pending, running}, runs, true},
		{"restart while the pod stays Pending", restarts, phases{pending}, phases{pending}, runs, true},
		{"second create", timedStep{Step: scenario.Step{Create: "pod"}}, phases{pending, running}, phases{pending}, runs, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			expected := scenario.PodExpectation{Phases: test.expected, Containers: map[string]scenario.ContainerExpectation{"quick": {ExitCode: ptr.To[int32](0)}}}
			status := corev1.PodStatus{Phase: test.shown[len(test.shown)-1], ContainerStatuses: []corev1.ContainerStatus{{Name: "quick", State: test.quick}}}
			if got := shownBefore(test.step, "pod", expected, test.shown, status); got != test.want {
				t.Errorf("the step can happen: %v, want %v", got, test.want)
			}
		})
	}
}

// A pod has started when a node has done something with it, or when the scheduler
// found no node for it.
func TestPodsThatNoNodeHasStarted(t *testing.T) {
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	pod := func(states ...corev1.ContainerState) (pod corev1.Pod) {
		for _, state := range states {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{State: state})
		}
		return pod
	}
	unscheduled := pod()
	unscheduled.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}
	initialized := pod(waiting("PodInitializing"))
	initialized.Status.InitContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	for name, tc := range map[string]struct {
		pod  corev1.Pod
		want bool
	}{
		"new":                 {pod(), true},
		"being created":       {pod(waiting("ContainerCreating"), waiting("")), true},
		"no node":             {unscheduled, false},
		"init container runs": {initialized, false},
		"one of two runs":     {pod(waiting("ContainerCreating"), corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}), false},
		"no image":            {pod(waiting("ErrImagePull")), false},
		"ended":               {pod(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}), false},
	} {
		if got := notStarted(tc.pod); got != tc.want {
			t.Errorf("%s: not started is %v, want %v", name, got, tc.want)
		}
	}
}

// A pod counts as running only while one of the user's own containers runs.
func TestRuns(t *testing.T) {
	local := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	for _, test := range []struct {
		name          string
		phase         corev1.PodPhase
		main, sidecar corev1.ContainerState
		want          bool
	}{
		{"the container runs", corev1.PodRunning, running, running, true},
		{"only a container that the plugin added runs", corev1.PodRunning, ended, running, false},
		{"another container has not started", corev1.PodPending, running, corev1.ContainerState{}, false},
		{"the pod has ended", corev1.PodSucceeded, ended, ended, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			remote := &corev1.Pod{Status: corev1.PodStatus{Phase: test.phase, ContainerStatuses: []corev1.ContainerStatus{
				{Name: "main", State: test.main}, {Name: "mesh-setup", State: test.sidecar},
			}}}
			if got := runs(local, remote); got != test.want {
				t.Errorf("runs is %v, want %v", got, test.want)
			}
		})
	}
}

// A poll must show Running only if real nodes reported it before the poll, early enough
// for the plugin, and still after the poll.
func TestPodsThatRanBetweenPolls(t *testing.T) {
	const short = "{start: 1s, run: 15s}"
	runs, ended := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	// An observation at a second; poll is how long before it a poll started, 0 for none.
	type observation struct {
		at    time.Duration
		phase corev1.PodPhase
		main  corev1.ContainerState
		poll  time.Duration
	}
	const pending, running, succeeded = corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded
	const s, ms = time.Second, time.Millisecond
	for _, test := range []struct {
		name, main string
		seen       []observation
		want       bool
	}{
		{"never running", short, []observation{{5 * s, pending, corev1.ContainerState{}, ms}, {10 * s, succeeded, ended, ms}}, true},
		{"running between polls only", short, []observation{{5 * s, pending, corev1.ContainerState{}, ms}, {6 * s, running, runs, 0}, {10 * s, succeeded, ended, ms}}, true},
		{"running at one poll", short, []observation{{4 * s, running, runs, 0}, {9*s + 10*ms, running, runs, 10 * ms}, {14 * s, succeeded, ended, ms}}, false},
		{"the run began just before the poll", short, []observation{{5 * s, running, runs, 0}, {9*s + 10*ms, running, runs, 10 * ms}, {14 * s, succeeded, ended, ms}}, true},
		{"the run ended during the poll", short, []observation{{3 * s, running, runs, 0}, {6 * s, succeeded, ended, s}}, true},
		{"the container ended between two runs at the poll", short, []observation{{3 * s, running, runs, 0}, {4 * s, running, ended, 0}, {5 * s, running, runs, ms}, {9 * s, running, ended, 0}}, true},
		{"a long run is always required", "{start: 1s, run: 16s}", []observation{{5 * s, pending, corev1.ContainerState{}, ms}, {10 * s, succeeded, ended, ms}}, false},
		{"a run until the container is stopped is always required", "{start: 1s, run: 0s}", []observation{{5 * s, pending, corev1.ContainerState{}, ms}}, false},
		{"the default is a short run", "{}", []observation{{10 * s, succeeded, ended, ms}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := scenario.Parse("short.yaml", fmt.Appendf(nil, shortScenario, test.main))
			if err != nil {
				t.Fatal(err)
			}
			clock := testingclock.NewFakeClock(time.Unix(0, 0))
			env := &environment{
				file: file, remote: fakecluster.New(fakecluster.Options{}).Client(), keys: map[types.UID]string{"u": "short"},
				localPods: inspect.NewLocalPods([]types.UID{"u"}), clock: &realtimeClock{Clock: clock},
			}
			for _, o := range test.seen {
				clock.SetTime(time.Unix(0, 0).Add(o.at))
				remote := corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{wire.LabelPodUID: "u"}},
					Status:     corev1.PodStatus{Phase: o.phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: o.main}}},
				}
				env.running.observe(env, []corev1.Pod{remote})
				if o.poll > 0 {
					env.running.observePoll(clock.Now().Add(-o.poll))
				}
			}
			if got := env.ranBetweenPolls("short"); got != test.want {
				t.Errorf("ran between polls: %v, want %v", got, test.want)
			}
		})
	}
}

// shortScenario is a scenario whose only container does what is inserted.
const shortScenario = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: short}
spec:
  description: A pod runs for a short time.
  nodes: {short: {containers: {main: %s}}}
  until: 30s
  expect:
    pods: {short: {phases: [Pending, Running]}}
---
apiVersion: v1
kind: Pod
metadata: {name: short}
spec:
  restartPolicy: Never
  containers: [{name: main, image: "busybox:1.37"}]
`
