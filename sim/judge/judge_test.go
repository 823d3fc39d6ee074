package judge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const scenarioText = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: judge}
spec:
  description: A pod runs.
  until: 1m
  expect:
    remote: {Pod: 1}
    left: {ConfigMap: 1}
    pods:
      web:
        phases: [Pending, Failed]
        initContainers:
          first: {state: terminated, exitCode: 0}
        containers:
          main: {state: terminated, exitCode: 3, restartCount: 1, lastExitCode: 2, message: out of}
        env: {main: {A: "1"}}
        files: {main: {/c/a: "1"}}
        remotePod: {spec: {hostname: web}}
        logs:
        - {container: main, tail: 2, lines: [x]}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers: [{name: first}]
  containers: [{name: main}]
`

// expectedObservation returns an observation of scenarioText without any difference.
func expectedObservation() *Observation {
	ended := func(code int32, message string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message}}
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Hostname: "web", Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "o"}},
	}}}, Containers: []corev1.Container{{
		Name: "main", Env: []corev1.EnvVar{{Name: "A", Value: "1"}}, VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/c"}},
	}}}}
	object := corev1.ConfigMap{Data: map[string]string{"a": "1"}}
	object.Name = "o"
	return &Observation{
		Pods: map[string]*Pod{"web": {
			Phases: []corev1.PodPhase{corev1.PodPending, corev1.PodFailed},
			Status: corev1.PodStatus{
				InitContainerStatuses: []corev1.ContainerStatus{{Name: "first", State: ended(0, "")}},
				ContainerStatuses: []corev1.ContainerStatus{{
					Name: "main", RestartCount: 1, State: ended(3, "it ran out of memory"), LastTerminationState: ended(2, ""),
				}},
			},
			Logs: []Log{{Text: "x\n"}},
		}},
		Created:    &inspect.Snapshot{Pods: []corev1.Pod{*pod}, ConfigMaps: []corev1.ConfigMap{object}},
		Left:       &inspect.Snapshot{ConfigMaps: []corev1.ConfigMap{object}},
		RemotePods: map[string]*corev1.Pod{"web": pod},
	}
}

// Each difference is a sentence, and one that explains others comes first.
func TestDifferences(t *testing.T) {
	file, err := scenario.Parse("judge.yaml", []byte(scenarioText))
	if err != nil {
		t.Fatal(err)
	}
	if found := differences(file, expectedObservation()); len(found) > 0 {
		t.Fatalf("%q", found)
	}
	main := func(s *Pod) *corev1.ContainerStatus { return &s.Status.ContainerStatuses[0] }
	for _, test := range []struct {
		name   string
		change func(*Observation, *Pod)
		want   string
	}{
		{"refused", func(_ *Observation, s *Pod) {
			s.Refusal = &Refusal{Status: 500, Text: "create of pod web was answered 500: no"}
		}, "CREATE-4: pod web was refused: create of pod web was answered 500: no"},
		{"not sent", func(_ *Observation, s *Pod) { s.NotSent = errors.New("nothing to send") }, "CREATE-1: pod web: nothing to send"},
		{"violation", func(o *Observation, _ *Pod) { o.Violations = []Difference{{Rule: "STATUS-10", Text: "at 5s: oops"}} }, "STATUS-10: at 5s: oops"},
		{"phases", func(_ *Observation, s *Pod) {
			s.Phases, s.Status.Reason, s.Status.Message = s.Phases[:1], "R", "words"
		}, "STATUS-37: pod web showed the phases Pending (R: words); expected were Pending, Failed"},
		{"no container", func(_ *Observation, s *Pod) { s.Status.ContainerStatuses = nil }, "STATUS-30: container main of pod web is not shown"},
		{"no init container", func(_ *Observation, s *Pod) { s.Status.InitContainerStatuses = nil }, "STATUS-30: init container first of pod web is not shown"},
		{"a container that the plugin added", func(_ *Observation, s *Pod) {
			s.Status.ContainerStatuses = append(s.Status.ContainerStatuses, corev1.ContainerStatus{Name: "mesh-setup"})
		}, "STATUS-30: pod web shows a container mesh-setup, which it does not have"},
		{"an init container that the plugin added", func(_ *Observation, s *Pod) {
			s.Status.InitContainerStatuses = append(s.Status.InitContainerStatuses, corev1.ContainerStatus{Name: "mesh-setup"})
		}, "STATUS-30: pod web shows an init container mesh-setup, which it does not have"},
		{"state", func(_ *Observation, s *Pod) {
			main(s).State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "R", Message: "m"}}
		}, "STATUS-32: container main of pod web is waiting (R: m), expected terminated"},
		{"no state", func(_ *Observation, s *Pod) { main(s).State = corev1.ContainerState{} }, "STATUS-32: container main of pod web is waiting, expected terminated"},
		{"exit code", func(_ *Observation, s *Pod) { main(s).State.Terminated.ExitCode = 0 }, "STATUS-18: container main of pod web has exit code 0, expected 3"},
		{"message", func(_ *Observation, s *Pod) { main(s).State.Terminated.Message = "" }, `STATUS-25: container main of pod web has message "", expected a message that contains "out of"`},
		{"restarts", func(_ *Observation, s *Pod) { main(s).RestartCount = 0 }, "STATUS-25: container main of pod web has restart count 0, expected 1"},
		{"exit code of the previous run", func(_ *Observation, s *Pod) { main(s).LastTerminationState.Terminated.ExitCode = 9 }, "STATUS-31: container main of pod web has exit code of the previous run 9, expected 2"},
		{"no previous run", func(_ *Observation, s *Pod) { main(s).LastTerminationState = corev1.ContainerState{} }, "STATUS-31: container main of pod web shows no previous run, expected one with exit code 2"},
		{"number of remote objects", func(o *Observation, _ *Pod) { o.Created.Pods = nil }, "CREATE-18: the remote cluster has 0 Pods while the pods exist, expected 1"},
		{"no remote pod", func(o *Observation, _ *Pod) { o.RemotePods = nil }, "CREATE-18: pod web has no remote pod"},
		{"part of the remote pod", func(o *Observation, _ *Pod) { o.RemotePods["web"].Spec.Hostname = "" }, `CREATE-19: remote pod of web: spec.hostname is absent, not "web"`},
		{"no variable", func(o *Observation, _ *Pod) { o.RemotePods["web"].Spec.Containers[0].Env = nil }, "ENV-20: container main of the remote pod of web has no variable A"},
		{"variable", func(o *Observation, _ *Pod) { o.RemotePods["web"].Spec.Containers[0].Env[0].Value = "2" }, `ENV-20: container main of the remote pod of web has variable A with value "2", expected "1"`},
		{"file", func(o *Observation, _ *Pod) { o.Created.ConfigMaps[0].Data["a"] = "2" }, `VOL-12: container main of the remote pod of web has file /c/a with content "2", expected "1"`},
		{"no object", func(o *Observation, _ *Pod) { o.Created.ConfigMaps = nil }, "CREATE-18: container main of the remote pod of web cannot start: volume v: the remote cluster has no ConfigMap o"},
		{"log", func(_ *Observation, s *Pod) { s.Logs[0].Text = "x\ny\n" }, `LOGS-1: log 1 of pod web (main, tail 2) is "x", "y", expected "x"`},
		{"log refused", func(_ *Observation, s *Pod) { s.Logs[0].Err = errors.New("Status code: 404") }, "LOGS-1: log 1 of pod web (main, tail 2): Status code: 404"},
		{"log not requested", func(_ *Observation, s *Pod) { s.Logs = nil }, "LOGS-1: log 1 of pod web (main, tail 2) was not requested"},
		{"an object is left", func(o *Observation, _ *Pod) {
			pod := corev1.Pod{}
			pod.Name, pod.Namespace = "p", "ns"
			o.Left.Pods = []corev1.Pod{pod}
		}, "DELETE-1: the remote cluster has 1 Pod after all pods are deleted, expected 0: [ns/p]"},
		{"an object without an owner is left", func(o *Observation, _ *Pod) {
			o.Left.Secrets = []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s"}}}
		}, "DELETE-1: the remote cluster has 1 Secret after all pods are deleted, expected 0: [ns/s (it has no owner)]"},
		{"an object that must be left is missing", func(o *Observation, _ *Pod) { o.Left.ConfigMaps = nil }, "DELETE-10: the remote cluster has 0 ConfigMaps after all pods are deleted, expected 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := expectedObservation()
			test.change(seen, seen.Pods["web"])
			if found := differences(file, seen); len(found) == 0 || found[0].String() != test.want {
				t.Errorf("%q\nwant first %q", found, test.want)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	expected := scenario.PodExpectation{Refused: "a <claim> is missing"}
	for _, test := range []struct {
		refusal *Refusal
		shown   string
		want    string
	}{
		{&Refusal{Status: 422}, "x: a &lt;claim&gt; is missing", ""},
		{nil, "", "not refused"},
		{&Refusal{Status: 422}, "no", "CREATE-5: pod web was refused, but the answer does not contain"},
		{&Refusal{Text: "create of pod web was not answered: EOF"}, "EOF", "was not answered"},
	} {
		seen := &Pod{Refusal: test.refusal, Status: corev1.PodStatus{Message: test.shown}}
		if got := fmt.Sprint(compareCreate("web", expected, seen)); (test.want == "") != (got == "[]") || !strings.Contains(got, test.want) {
			t.Errorf("%v %q: %s", test.refusal, test.shown, got)
		}
	}
}

// A kubelet forgets the previous run of a container; then the one counts that it
// showed while the container ran. The end that it shows of a waiting container may
// be that of the last run.
func TestPreviousRunIsRemembered(t *testing.T) {
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	status := func(state, last corev1.ContainerState) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: state, LastTerminationState: last}}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodEnding"}}
	seen := expectedObservation()
	pod := seen.Pods["web"]
	pod.Status.ContainerStatuses[0].LastTerminationState = corev1.ContainerState{}
	file, err := scenario.Parse("judge.yaml", []byte(scenarioText))
	if err != nil {
		t.Fatal(err)
	}
	if found := differences(file, seen); len(found) != 1 || !strings.Contains(found[0].Text, "shows no previous run") {
		t.Errorf("never shown: %q", found)
	}
	pod.RememberPreviousRuns(status(running, ended(2)))
	pod.RememberPreviousRuns(status(waiting, ended(3)))
	if found := differences(file, seen); len(found) > 0 {
		t.Errorf("%q", found)
	}
	pod.RememberPreviousRuns(status(running, ended(4)))
	if found := differences(file, seen); len(found) != 1 || !strings.Contains(found[0].Text, "4, expected 2") {
		t.Errorf("%q", found)
	}
}

func TestExpectedReasonHasAlternatives(t *testing.T) {
	waiting := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "B"}}}
	for reason, allowed := range map[string]bool{"B": true, "A|B": true, "A": false, "A|C": false} {
		if found := compareContainer("c", scenario.ContainerExpectation{Reason: reason}, waiting); (len(found) == 0) != allowed {
			t.Errorf("%s: %q", reason, found)
		}
	}
}

// Real nodes on a loaded machine may report only the end of a short run.
func TestRunningIsNotRequiredOfPodThatRanBetweenPolls(t *testing.T) {
	const pending, running, succeeded, failed = corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed
	type phases = []corev1.PodPhase
	ends := phases{pending, running, succeeded}
	for _, test := range []struct {
		name            string
		betweenPolls    bool
		expected, shown phases
		wantSame        bool
		wantNotRequired bool
	}{
		{"Running is missing after a run at a poll", false, ends, phases{pending, succeeded}, false, false},
		{"Running is missing after a run between polls", true, ends, phases{pending, succeeded}, true, true},
		{"all phases after a run between polls", true, ends, ends, true, false},
		{"another end after a run between polls", true, ends, phases{pending, failed}, false, false},
		{"no end after a run between polls", true, ends, phases{pending}, false, false},
		{"a pod that stays Running never ran", true, phases{pending, running}, phases{pending}, false, false},
		{"a pod that is not to run", true, phases{pending, failed}, phases{pending, failed}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			expected := scenario.PodExpectation{Phases: test.expected}
			seen := &Pod{Phases: test.shown, RanBetweenPolls: test.betweenPolls}
			if found := StatusDifferences("web", expected, seen); (len(found) == 0) != test.wantSame {
				t.Errorf("the differences are %q", found)
			}
			if got := RunningNotRequired(expected, seen); got != test.wantNotRequired {
				t.Errorf("Running is not required: %v, want %v", got, test.wantNotRequired)
			}
		})
	}
}

// Many fields that differ are one difference.
func TestManyDifferentFields(t *testing.T) {
	fields := []string{"a", "b", "c", "d", "e"}
	if found := compareManifest("web", fields); len(found) != 5 || found[4].String() != "CREATE-19: remote pod of web: e" {
		t.Errorf("%q", found)
	}
	found := compareManifest("web", append(fields, "f"))
	if len(found) != 1 || found[0].String() != "CREATE-19: remote pod of web: 6 fields differ, such as a; b; c; d; e" || !slices.Equal(found[0].FollowOns, []string{"f"}) {
		t.Errorf("%q %q", found, found[0].FollowOns)
	}
}

// A plugin may refuse at once, in words, what can never run; then nothing else is expected of
// that pod.
func TestMayRefuse(t *testing.T) {
	file, err := scenario.Parse("judge.yaml", []byte(strings.Replace(scenarioText, "        initContainers:", "        mayRefuse: true\n        initContainers:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		refusal *Refusal
		allowed bool
	}{
		{"in words", &Refusal{Status: 422, Text: "no room", HasWords: true}, true},
		{"without words", &Refusal{Status: 500, Text: "x"}, false},
		{"no answer", &Refusal{Text: "EOF", HasWords: true}, false},
		{"an answer that is not understood", &Refusal{Status: 200, Text: "x", HasWords: true}, false},
		{"not refused", nil, false},
	} {
		seen := &Observation{Pods: map[string]*Pod{"web": {Refusal: test.refusal}}}
		got := Judge(file.Portable(nil), seen)
		if (len(got.Differences)+len(got.NotJudged) == 0) != test.allowed || (len(got.Notes) == 1) != test.allowed {
			t.Errorf("%s: %+v", test.name, got)
		}
		if got := Judge(file.ForThisPlugin(), seen); len(got.Differences) == 0 {
			t.Errorf("%s, this plugin: %+v", test.name, got)
		}
		seen.Violations = []Difference{{Rule: "DELETE-2", Text: "x"}}
		if got := Judge(file.Portable(nil), seen); len(got.Differences) == 0 {
			t.Errorf("%s: a violation is lost", test.name)
		}
	}
}
