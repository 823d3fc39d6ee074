package status_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// oracle is what the local cluster makes of answers: the virtual kubelet, by the
// table of the contract's section 2 as a machine, and the local API server behind
// it. It keeps one local pod.
type oracle struct {
	pod        *corev1.Pod
	phase      corev1.PodPhase
	init, main []corev1.ContainerStatus
}

// newOracle is a pod as the virtual kubelet has just created it: every container
// of the spec waits, those that stay local too, and nothing is known of init
// containers.
func newOracle(pod *corev1.Pod) *oracle {
	o := &oracle{pod: pod, phase: corev1.PodPending}
	for _, c := range pod.Spec.Containers {
		o.main = append(o.main, corev1.ContainerStatus{Name: c.Name, State: waits("Remote pod submitted")})
	}
	return o
}

// request is the pod as the next status request carries it: with what was
// reported before.
func (o *oracle) request() *corev1.Pod {
	pod := o.pod.DeepCopy()
	pod.Status = corev1.PodStatus{Phase: o.phase, InitContainerStatuses: o.init, ContainerStatuses: o.main}
	return pod.DeepCopy()
}

// place stores a reported container and returns where the virtual kubelet then
// looks for it: at the first place, if it had not known the container.
func place(known *[]corev1.ContainerStatus, reported corev1.ContainerStatus) int {
	reported = *reported.DeepCopy()
	i := slices.IndexFunc(*known, func(s corev1.ContainerStatus) bool { return s.Name == reported.Name })
	if i < 0 {
		*known = append(*known, reported)
		return 0
	}
	(*known)[i] = reported
	return i
}

// report takes one answer. An error is a panic of the virtual kubelet, or a
// status that the local API server refuses, so that it shows an older one.
func (o *oracle) report(answer wire.PodStatus) error {
	if o.final() {
		return nil
	}
	before := slices.Clone(o.main)
	if err := o.update(answer); err != nil {
		return err
	}
	if name := takenBack(o.pod, before, o.main); name != "" {
		return fmt.Errorf("refused: container %s had ended for good", name)
	}
	return nil
}

func (o *oracle) final() bool { return o.phase == corev1.PodSucceeded || o.phase == corev1.PodFailed }

// takenBack names a container that had ended and no longer has, though its
// restart policy does not run it again. An API server refuses such a status.
func takenBack(pod *corev1.Pod, before, after []corev1.ContainerStatus) string {
	for _, c := range pod.Spec.Containers {
		is := func(s corev1.ContainerStatus) bool { return s.Name == c.Name }
		i, j := slices.IndexFunc(before, is), slices.IndexFunc(after, is)
		if i < 0 || before[i].State.Terminated == nil || j >= 0 && after[j].State.Terminated != nil {
			continue
		}
		if !runsAgain(pod.Spec.RestartPolicy, c, before[i].State.Terminated.ExitCode) {
			return c.Name
		}
	}
	return ""
}

func (o *oracle) update(answer wire.PodStatus) error {
	initWaits, initRuns, failed := false, false, false
	initEnded := 0
	for _, reported := range answer.InitContainers {
		at := &o.init
		i := place(at, reported)
		switch state := reported.State; {
		case state.Terminated != nil:
			if (*at)[i].State.Terminated == nil {
				return fmt.Errorf("panic: init container %s is looked for at %s, which has not ended", reported.Name, (*at)[i].Name)
			}
			initEnded++
			failed = failed || state.Terminated.ExitCode != 0
		case state.Waiting != nil:
			initWaits = true
		case state.Running != nil:
			initRuns = true
		}
	}
	if initEnded == len(answer.InitContainers) {
		initWaits = false
	}

	ended, runs := 0, false
	for _, reported := range answer.Containers {
		i := place(&o.main, reported)
		switch state := reported.State; {
		case initWaits || initRuns:
			o.main[i].State = waits("Init")
		case state.Terminated != nil:
			if o.main[i].State.Terminated == nil {
				return fmt.Errorf("panic: container %s is looked for at %s, which has not ended", reported.Name, o.main[i].Name)
			}
			ended++
			failed = failed || state.Terminated.ExitCode != 0
		case state.Waiting != nil:
		case state.Running != nil:
			runs = true
		}
	}

	switch {
	case ended == len(answer.Containers) && failed:
		for _, s := range o.main {
			if s.State.Terminated == nil {
				return fmt.Errorf("panic: the pod failed and container %s has not ended", s.Name)
			}
		}
		o.phase = corev1.PodFailed
	case ended == len(answer.Containers):
		o.phase = corev1.PodSucceeded
	case initWaits || initRuns:
		o.phase = corev1.PodPending
	case runs:
		o.phase = corev1.PodRunning
	}
	return nil
}

func waits(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func runs() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func ends(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
}

func is(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: state}
}

// The oracle itself, against the table of the contract.
func TestOracle(t *testing.T) {
	type list = []corev1.ContainerStatus
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}, {Name: "b"}}}}
	for _, test := range []struct {
		name       string
		init, main list
		want       corev1.PodPhase // "" for a panic
	}{
		{"no containers: Succeeded, at once", nil, nil, corev1.PodSucceeded},
		{"fewer containers, all exit 0: Succeeded, too early", nil, list{is("a", ends(0))}, corev1.PodSucceeded},
		{"fewer containers, one not 0: panics", nil, list{is("a", ends(1))}, ""},
		{"an injected container, terminated: panics", nil, list{is("a", runs()), is("b", runs()), is("mesh-setup", ends(0))}, ""},
		{"init 1 running, init 2 terminated: panics", list{is("i", runs()), is("j", ends(0))}, list{is("a", waits("")), is("b", waits(""))}, ""},
		{"init failed, main waiting: Pending for ever", list{is("i", ends(1))}, list{is("a", waits("")), is("b", waits(""))}, corev1.PodPending},
		{"all terminated, one not 0: Failed", list{is("i", ends(0))}, list{is("a", ends(0)), is("b", ends(3))}, corev1.PodFailed},
		{"all terminated, init not 0: Failed", list{is("i", ends(1))}, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodFailed},
		{"all terminated: Succeeded", nil, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodSucceeded},
		{"a sidecar running among init containers: Pending for ever", list{is("s", runs())}, list{is("a", runs()), is("b", runs())}, corev1.PodPending},
		{"waiting: unchanged", nil, list{is("a", waits("ImagePullBackOff")), is("b", waits(""))}, corev1.PodPending},
		{"running", nil, list{is("a", runs()), is("b", waits(""))}, corev1.PodRunning},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOracle(pod)
			err := o.report(wire.PodStatus{InitContainers: test.init, Containers: test.main})
			if (err != nil) != (test.want == "") || err == nil && o.phase != test.want {
				t.Errorf("phase %s, %v; want %q", o.phase, err, test.want)
			}
		})
	}
}

// The oracle over more than one answer.
func TestOracleOverTime(t *testing.T) {
	type list = []corev1.ContainerStatus
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyOnFailure,
		Containers:    []corev1.Container{{Name: "a"}, {Name: "b"}},
	}}
	for _, test := range []struct {
		name    string
		reports []list
		want    corev1.PodPhase // "" for a refusal
	}{
		{"Succeeded is final", []list{{is("a", ends(0)), is("b", ends(0))}, {is("a", ends(1)), is("b", ends(1))}}, corev1.PodSucceeded},
		{"waiting keeps Running", []list{{is("a", runs()), is("b", runs())}, {is("a", waits("")), is("b", waits(""))}}, corev1.PodRunning},
		{"a restart after a failure", []list{{is("a", ends(1)), is("b", runs())}, {is("a", waits("")), is("b", runs())}}, corev1.PodRunning},
		{"an end for good, taken back", []list{{is("a", ends(0)), is("b", runs())}, {is("a", waits("")), is("b", runs())}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOracle(pod)
			var err error
			for _, report := range test.reports {
				err = o.report(wire.PodStatus{Containers: report})
			}
			if (err != nil) != (test.want == "") || err == nil && o.phase != test.want {
				t.Errorf("phase %s, %v; want %q", o.phase, err, test.want)
			}
		})
	}
}

// The oracle against what the real virtual kubelet made of recorded answers.
func TestOracleAgainstRecordings(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "contract", "wire")
	if _, err := os.Stat(folder); err != nil {
		t.Logf("no recordings: %v", err)
		return
	}
	for name, want := range map[string]corev1.PodPhase{
		"19-status-first": corev1.PodPending, "20-status-running": corev1.PodRunning,
		"24-status-terminated-ok": corev1.PodSucceeded, "25-status-terminated-exit3": corev1.PodFailed,
		"26-status-terminated-oom": corev1.PodFailed, "27-status-imagepullbackoff": corev1.PodPending,
		"28-status-crashloop": corev1.PodPending, "30-status-init-running": corev1.PodPending,
		"31-status-init-sidecar": corev1.PodPending, "32-status-init-failed-stuck": corev1.PodPending,
		"34-status-no-containers": corev1.PodSucceeded, "35-status-unknown-pod": corev1.PodPending, "36-status-crashes-vk-1": "",
		"37-status-crashes-vk-2": "", "38-status-crashes-vk-3": "",
	} {
		t.Run(name, func(t *testing.T) {
			var pods []corev1.Pod
			var answers []wire.PodStatus
			for suffix, into := range map[string]any{"request": &pods, "response": &answers} {
				text, err := os.ReadFile(filepath.Join(folder, name+"."+suffix+".json"))
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(text, into); err != nil {
					t.Fatal(err)
				}
			}
			o := newOracle(&pods[0])
			var err error
			if len(answers) > 0 { // of a pod that is left out, the last state stands
				err = o.report(answers[0])
			}
			if (err != nil) != (want == "") || err == nil && o.phase != want {
				t.Errorf("phase %s, %v; the virtual kubelet made %q of it", o.phase, err, want)
			}
		})
	}
}
