package play

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

const judged = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: judged}
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

// good is an observation of judged in which nothing differs.
func good() *observation {
	ended := func(code int32, message string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message}}
	}
	closed := make(chan struct{})
	close(closed)
	pod := &corev1.Pod{Spec: corev1.PodSpec{Hostname: "web", Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "o"}},
	}}}, Containers: []corev1.Container{{
		Name: "main", Env: []corev1.EnvVar{{Name: "A", Value: "1"}}, VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/c"}},
	}}}}
	object := corev1.ConfigMap{Data: map[string]string{"a": "1"}}
	object.Name = "o"
	return &observation{
		pods: map[string]*podSeen{"web": {
			phases: []corev1.PodPhase{corev1.PodPending, corev1.PodFailed},
			status: corev1.PodStatus{
				InitContainerStatuses: []corev1.ContainerStatus{{Name: "first", State: ended(0, "")}},
				ContainerStatuses: []corev1.ContainerStatus{{
					Name: "main", RestartCount: 1, State: ended(3, "it ran out of memory"), LastTerminationState: ended(2, ""),
				}},
			},
			logs: []*answer{{text: "x\n", done: closed}},
		}},
		created:    &inspect.Snapshot{Pods: []corev1.Pod{*pod}, ConfigMaps: []corev1.ConfigMap{object}},
		left:       &inspect.Snapshot{ConfigMaps: []corev1.ConfigMap{object}},
		remotePods: map[string]*corev1.Pod{"web": pod},
	}
}

// Each thing that differs is said in words, and first what explains the others.
func TestJudge(t *testing.T) {
	file, err := scenario.Parse("judged.yaml", []byte(judged))
	if err != nil {
		t.Fatal(err)
	}
	if found := judge(file, good()); len(found) > 0 {
		t.Fatalf("%q", found)
	}
	main := func(s *podSeen) *corev1.ContainerStatus { return &s.status.ContainerStatuses[0] }
	for _, test := range []struct {
		name   string
		change func(*observation, *podSeen)
		want   string
	}{
		{"refused", func(_ *observation, s *podSeen) {
			s.refusal = &virtualkubelet.Refusal{Pod: "web", Status: 500, Body: "no"}
		}, "pod web was refused: create of pod web was answered 500: no"},
		{"not sent", func(_ *observation, s *podSeen) { s.unsent = errors.New("nothing to send") }, "pod web: nothing to send"},
		{"trouble", func(o *observation, _ *podSeen) { o.troubles = []string{"at 5s: oops"} }, "at 5s: oops"},
		{"phases", func(_ *observation, s *podSeen) {
			s.phases, s.status.Reason, s.status.Message = s.phases[:1], "R", "words"
		}, "pod web showed the phases [Pending], not [Pending Failed] (R: words)"},
		{"no container", func(_ *observation, s *podSeen) { s.status.ContainerStatuses = nil }, "container main of pod web is not shown"},
		{"no init container", func(_ *observation, s *podSeen) { s.status.InitContainerStatuses = nil }, "init container first of pod web is not shown"},
		{"a container of the plugin's", func(_ *observation, s *podSeen) {
			s.status.ContainerStatuses = append(s.status.ContainerStatuses, corev1.ContainerStatus{Name: "mesh-setup"})
		}, "pod web shows a container mesh-setup, which it does not have"},
		{"an init container of the plugin's", func(_ *observation, s *podSeen) {
			s.status.InitContainerStatuses = append(s.status.InitContainerStatuses, corev1.ContainerStatus{Name: "mesh-setup"})
		}, "pod web shows an init container mesh-setup, which it does not have"},
		{"state", func(_ *observation, s *podSeen) {
			main(s).State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "R", Message: "m"}}
		}, "container main of pod web is waiting (R: m), not terminated"},
		{"no state", func(_ *observation, s *podSeen) { main(s).State = corev1.ContainerState{} }, "container main of pod web is waiting, not terminated"},
		{"exit code", func(_ *observation, s *podSeen) { main(s).State.Terminated.ExitCode = 0 }, "container main of pod web has exit code 0, not 3"},
		{"message", func(_ *observation, s *podSeen) { main(s).State.Terminated.Message = "" }, `container main of pod web has message "", without the words "out of"`},
		{"restarts", func(_ *observation, s *podSeen) { main(s).RestartCount = 0 }, "container main of pod web has restart count 0, not 1"},
		{"last exit code", func(_ *observation, s *podSeen) { main(s).LastTerminationState.Terminated.ExitCode = 9 }, "container main of pod web has exit code of the run before the last 9, not 2"},
		{"no last run", func(_ *observation, s *podSeen) { main(s).LastTerminationState = corev1.ContainerState{} }, "container main of pod web shows no run before the last, with exit code 2"},
		{"remote count", func(o *observation, _ *podSeen) { o.created.Pods = nil }, "remotely stand 0 Pods while its pods are there, not 1"},
		{"no remote pod", func(o *observation, _ *podSeen) { o.remotePods = nil }, "pod web has no remote pod"},
		{"remote part", func(o *observation, _ *podSeen) { o.remotePods["web"].Spec.Hostname = "" }, `remote pod of web: spec.hostname is absent, not "web"`},
		{"no variable", func(o *observation, _ *podSeen) { o.remotePods["web"].Spec.Containers[0].Env = nil }, "container main of the remote pod of web finds no variable A"},
		{"variable", func(o *observation, _ *podSeen) { o.remotePods["web"].Spec.Containers[0].Env[0].Value = "2" }, `container main of the remote pod of web finds variable A with "2", not "1"`},
		{"file", func(o *observation, _ *podSeen) { o.created.ConfigMaps[0].Data["a"] = "2" }, `container main of the remote pod of web finds file /c/a with "2", not "1"`},
		{"no object", func(o *observation, _ *podSeen) { o.created.ConfigMaps = nil }, "container main of the remote pod of web cannot start: volume v: remotely there is no ConfigMap o"},
		{"log", func(_ *observation, s *podSeen) { s.logs[0].text = "x\ny\n" }, `log 1 of pod web (main, tail 2) is ["x" "y"], not ["x"]`},
		{"log refused", func(_ *observation, s *podSeen) { s.logs[0].err = errors.New("Status code: 404") }, "log 1 of pod web (main, tail 2): Status code: 404"},
		{"log not asked for", func(_ *observation, s *podSeen) { s.logs = nil }, "log 1 of pod web (main, tail 2) was never asked for"},
		{"left", func(o *observation, _ *podSeen) {
			pod := corev1.Pod{}
			pod.Name, pod.Namespace = "p", "ns"
			o.left.Pods = []corev1.Pod{pod}
		}, "remotely stand 1 Pods after all pods are deleted, not 0: [ns/p]"},
		{"left too little", func(o *observation, _ *podSeen) { o.left.ConfigMaps = nil }, "remotely stand 0 ConfigMaps after all pods are deleted, not 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := good()
			test.change(seen, seen.pods["web"])
			if found := judge(file, seen); len(found) == 0 || found[0] != test.want {
				t.Errorf("%q\nwant first %q", found, test.want)
			}
		})
	}
}

func TestJudgeRefusal(t *testing.T) {
	expected := scenario.PodExpectation{Refused: "a <claim> is missing"}
	for _, test := range []struct {
		refusal *virtualkubelet.Refusal
		shown   string
		want    string
	}{
		{&virtualkubelet.Refusal{Status: 422}, "x: a &lt;claim&gt; is missing", ""},
		{nil, "", "not refused"},
		{&virtualkubelet.Refusal{Status: 422}, "no", "without the words"},
		{&virtualkubelet.Refusal{Body: "EOF"}, "EOF", "was not answered"},
	} {
		seen := &podSeen{refusal: test.refusal, status: corev1.PodStatus{Message: test.shown}}
		if got := fmt.Sprint(judgeCreate("web", expected, seen)); (test.want == "") != (got == "[]") || !strings.Contains(got, test.want) {
			t.Errorf("%v %q: %s", test.refusal, test.shown, got)
		}
	}
}

func TestLines(t *testing.T) {
	stamp := time.Unix(0, 5).UTC().Format(time.RFC3339Nano)
	for _, test := range []struct {
		text       string
		timestamps bool
		want       string
	}{
		{"", false, "[] <nil>"},
		{"a\n\nb", false, `["a" "" "b"] <nil>`},
		{stamp + " a b\n" + stamp + " \n", true, `["a b" ""] <nil>`},
		{"a b\n", true, `[] line "a b" does not begin with a time`},
		{stamp, true, fmt.Sprintf("[] line %q does not begin with a time", stamp)},
	} {
		got, err := lines(test.text, test.timestamps)
		if got := fmt.Sprintf("%q %v", got, err); got != test.want {
			t.Errorf("%q: %s, want %s", test.text, got, test.want)
		}
	}
}

// A kubelet forgets the run before the last; the one that was shown while a
// container ran counts then. Of a container that waits, the end shown may be that
// of its last run.
func TestRunBeforeTheLastIsRemembered(t *testing.T) {
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	status := func(state, last corev1.ContainerState) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: state, LastTerminationState: last}}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodEnding"}}
	seen := good()
	pod := seen.pods["web"]
	pod.last = map[string]*corev1.ContainerStateTerminated{}
	pod.status.ContainerStatuses[0].LastTerminationState = corev1.ContainerState{}
	file, err := scenario.Parse("judged.yaml", []byte(judged))
	if err != nil {
		t.Fatal(err)
	}
	if found := judge(file, seen); len(found) != 1 || !strings.Contains(found[0], "shows no run before the last") {
		t.Errorf("never shown: %q", found)
	}
	pod.note(status(running, ended(2)))
	pod.note(status(waiting, ended(3)))
	if found := judge(file, seen); len(found) > 0 {
		t.Errorf("%q", found)
	}
	pod.note(status(running, ended(4)))
	if found := judge(file, seen); len(found) != 1 || !strings.Contains(found[0], "4, not 2") {
		t.Errorf("%q", found)
	}
}

func TestReasonIsEither(t *testing.T) {
	zero := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "B"}}}
	for reason, good := range map[string]bool{"B": true, "A|B": true, "A": false, "A|C": false} {
		if found := judgeContainer("c", scenario.ContainerExpectation{Reason: reason}, zero); (len(found) == 0) != good {
			t.Errorf("%s: %q", reason, found)
		}
	}
}
