package status_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// localCluster models what the local cluster does with answers about one pod: the
// virtual kubelet, after the table of docs/contract.md (STATUS-10 to STATUS-29), and the
// local API server.
type localCluster struct {
	pod        *corev1.Pod
	phase      corev1.PodPhase
	init, main []corev1.ContainerStatus
}

// ruleError is an error about an answer that breaks a rule of docs/contract.md.
type ruleError struct{ rule, text string }

func (e *ruleError) Error() string { return e.rule + ": " + e.text }

// violation returns an error about an answer that breaks a rule of docs/contract.md.
func violation(rule, format string, args ...any) error {
	return &ruleError{rule, fmt.Sprintf(format, args...)}
}

// newLocalCluster returns a local cluster with a pod that the virtual kubelet has just
// sent: every container waits, also those that stay local, and init containers have no
// status.
func newLocalCluster(pod *corev1.Pod) *localCluster {
	l := &localCluster{pod: pod, phase: corev1.PodPending}
	for _, c := range pod.Spec.Containers {
		l.main = append(l.main, corev1.ContainerStatus{Name: c.Name, State: waits("Remote pod submitted")})
	}
	return l
}

// request returns the pod of the next status request, with the statuses that were
// reported before.
func (l *localCluster) request() *corev1.Pod {
	pod := l.pod.DeepCopy()
	pod.Status = corev1.PodStatus{Phase: l.phase, InitContainerStatuses: l.init, ContainerStatuses: l.main}
	return pod.DeepCopy()
}

// store stores a reported container. It returns the index where the virtual kubelet
// then looks for it: 0 if it did not know the container.
func store(known *[]corev1.ContainerStatus, reported corev1.ContainerStatus) int {
	reported = *reported.DeepCopy()
	i := slices.IndexFunc(*known, func(s corev1.ContainerStatus) bool { return s.Name == reported.Name })
	if i < 0 {
		*known = append(*known, reported)
		return 0
	}
	(*known)[i] = reported
	return i
}

// report handles one answer. An error is a panic of the virtual kubelet, or a status
// that the local API server refuses.
func (l *localCluster) report(answer wire.PodStatus) error {
	if l.final() {
		return nil
	}
	before := slices.Clone(l.main)
	if err := l.update(answer); err != nil {
		return err
	}
	if name := restartedAfterEnd(l.pod, before, l.main); name != "" {
		return violation("STATUS-27", "the API server refuses the status: container %s was terminated for good", name)
	}
	return nil
}

func (l *localCluster) final() bool {
	return l.phase == corev1.PodSucceeded || l.phase == corev1.PodFailed
}

// restartedAfterEnd returns the name of a container that was terminated and no longer
// is, although its restart policy does not permit a restart. An API server refuses such
// a status.
func restartedAfterEnd(pod *corev1.Pod, before, after []corev1.ContainerStatus) string {
	for _, c := range pod.Spec.Containers {
		hasName := func(s corev1.ContainerStatus) bool { return s.Name == c.Name }
		i, j := slices.IndexFunc(before, hasName), slices.IndexFunc(after, hasName)
		if i < 0 || before[i].State.Terminated == nil || j >= 0 && after[j].State.Terminated != nil {
			continue
		}
		if !runsAgain(pod.Spec.RestartPolicy, c, before[i].State.Terminated.ExitCode) {
			return c.Name
		}
	}
	return ""
}

func (l *localCluster) update(answer wire.PodStatus) error {
	initWaits, initRuns, failed := false, false, false
	initEnded := 0
	for _, reported := range answer.InitContainers {
		at := &l.init
		i := store(at, reported)
		switch state := reported.State; {
		case state.Terminated != nil:
			if (*at)[i].State.Terminated == nil {
				return violation("STATUS-16", "panic: the virtual kubelet looks for init container %s at %s, which has not terminated", reported.Name, (*at)[i].Name)
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
		i := store(&l.main, reported)
		switch state := reported.State; {
		case initWaits || initRuns:
			l.main[i].State = waits("Init")
		case state.Terminated != nil:
			if l.main[i].State.Terminated == nil {
				return violation("STATUS-15", "panic: the virtual kubelet looks for container %s at %s, which has not terminated", reported.Name, l.main[i].Name)
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
		for _, s := range l.main {
			if s.State.Terminated == nil {
				return violation("STATUS-26", "panic: the pod failed, but container %s has not terminated", s.Name)
			}
		}
		l.phase = corev1.PodFailed
	case ended == len(answer.Containers):
		l.phase = corev1.PodSucceeded
	case initWaits || initRuns:
		l.phase = corev1.PodPending
	case runs:
		l.phase = corev1.PodRunning
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

// TestLocalClusterModel checks the model against the table of docs/contract.md.
func TestLocalClusterModel(t *testing.T) {
	type list = []corev1.ContainerStatus
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}, {Name: "b"}}}}
	for _, test := range []struct {
		name       string
		init, main list
		want       corev1.PodPhase // "" for a panic
	}{
		{"STATUS-12: no containers: Succeeded, at once", nil, nil, corev1.PodSucceeded},
		{"STATUS-13: fewer containers, all exit 0: Succeeded, too early", nil, list{is("a", ends(0))}, corev1.PodSucceeded},
		{"STATUS-14: fewer containers, one not 0: panics", nil, list{is("a", ends(1))}, ""},
		{"STATUS-15: injected container, terminated: panics", nil, list{is("a", runs()), is("b", runs()), is("mesh-setup", ends(0))}, ""},
		{"STATUS-16: init 1 running, init 2 terminated: panics", list{is("i", runs()), is("j", ends(0))}, list{is("a", waits("")), is("b", waits(""))}, ""},
		{"STATUS-17: init failed, main waiting: Pending for ever", list{is("i", ends(1))}, list{is("a", waits("")), is("b", waits(""))}, corev1.PodPending},
		{"STATUS-18: all terminated, one not 0: Failed", list{is("i", ends(0))}, list{is("a", ends(0)), is("b", ends(3))}, corev1.PodFailed},
		{"STATUS-18: all terminated, init not 0: Failed", list{is("i", ends(1))}, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodFailed},
		{"STATUS-19: all terminated: Succeeded", nil, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodSucceeded},
		{"STATUS-20: sidecar running among init containers: Pending for ever", list{is("s", runs())}, list{is("a", runs()), is("b", runs())}, corev1.PodPending},
		{"STATUS-22: waiting: unchanged", nil, list{is("a", waits("ImagePullBackOff")), is("b", waits(""))}, corev1.PodPending},
		{"STATUS-23: running", nil, list{is("a", runs()), is("b", waits(""))}, corev1.PodRunning},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLocalCluster(pod)
			err := l.report(wire.PodStatus{InitContainers: test.init, Containers: test.main})
			if (err != nil) != (test.want == "") || err == nil && l.phase != test.want {
				t.Errorf("phase %s, %v; want %q", l.phase, err, test.want)
			}
		})
	}
}

// TestLocalClusterModelOverTime checks the model with several answers.
func TestLocalClusterModelOverTime(t *testing.T) {
	type list = []corev1.ContainerStatus
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyOnFailure,
		Containers:    []corev1.Container{{Name: "a"}, {Name: "b"}},
	}}
	for _, test := range []struct {
		name    string
		reports []list
		want    corev1.PodPhase // "" if the API server refuses the status
	}{
		{"STATUS-21: Succeeded is final", []list{{is("a", ends(0)), is("b", ends(0))}, {is("a", ends(1)), is("b", ends(1))}}, corev1.PodSucceeded},
		{"STATUS-22: waiting keeps Running", []list{{is("a", runs()), is("b", runs())}, {is("a", waits("")), is("b", waits(""))}}, corev1.PodRunning},
		{"restart after a failure", []list{{is("a", ends(1)), is("b", runs())}, {is("a", waits("")), is("b", runs())}}, corev1.PodRunning},
		{"STATUS-27: terminated for good, then waiting", []list{{is("a", ends(0)), is("b", runs())}, {is("a", waits("")), is("b", runs())}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLocalCluster(pod)
			var err error
			for _, report := range test.reports {
				err = l.report(wire.PodStatus{Containers: report})
			}
			if (err != nil) != (test.want == "") || err == nil && l.phase != test.want {
				t.Errorf("phase %s, %v; want %q", l.phase, err, test.want)
			}
		})
	}
}

// TestLocalClusterModelAgainstRecordings checks the model against what the real virtual
// kubelet did with recorded answers (fixtures/wire).
func TestLocalClusterModelAgainstRecordings(t *testing.T) {
	for name, want := range map[string]corev1.PodPhase{ // "" if the virtual kubelet panicked
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
			testkit.ReadWire(t, name+".request.json", &pods)
			testkit.ReadWire(t, name+".response.json", &answers)
			l := newLocalCluster(&pods[0])
			var err error
			if len(answers) > 0 { // an answer without the pod does not change its state
				err = l.report(answers[0])
			}
			if (err != nil) != (want == "") || err == nil && l.phase != want {
				t.Errorf("phase %s, error %v, want %q", l.phase, err, want)
			}
		})
	}
}
