package status_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// statusFunc is status.Of, or a variant of it with a fault.
type statusFunc func(requested, remote *corev1.Pod) wire.PodStatus

// checkHistory reports the earlier moments of a remote pod and then the pod itself to a
// local cluster. The local phase must then be the remote one. An earlier moment is nil
// for the time before the remote pod existed.
func checkHistory(of statusFunc, requested, remote *corev1.Pod, earlier ...*corev1.Pod) error {
	l := newLocalCluster(requested)
	for _, before := range earlier {
		request := l.request()
		if before == nil {
			delete(request.Annotations, wire.AnnotationJobID)
		}
		if err := l.report(of(request, before)); err != nil {
			return fmt.Errorf("earlier: %w", err)
		}
		if l.final() {
			return fmt.Errorf("earlier: already %s", l.phase)
		}
	}
	prior := l.phase
	for i := range 2 { // the virtual kubelet handles the first report of a container differently
		answer := of(l.request(), remote)
		if err := wellFormed(requested, remote, answer); err != nil {
			return err
		}
		if err := l.report(answer); err != nil {
			return fmt.Errorf("report %d: %w", i+1, err)
		}
		if want := expected(remote, prior, answer); l.phase != want {
			return fmt.Errorf("report %d: %w", i+1, violation(phaseRule(remote, answer, l.phase, want),
				"the remote pod is %s, the local pod was %s and is now %s, want %s", remote.Status.Phase, prior, l.phase, want))
		}
	}
	return nil
}

// lastKnown returns the phase of a pod, or the earlier phase if its node is lost.
func lastKnown(remote *corev1.Pod) corev1.PodPhase {
	if remote.Status.Phase == corev1.PodUnknown {
		return kubeletPhase(remote)
	}
	return remote.Status.Phase
}

// expected returns the local phase that a remote pod must give. A Running pod without a
// running container keeps the local phase: only a running container changes it.
func expected(remote *corev1.Pod, prior corev1.PodPhase, answer wire.PodStatus) corev1.PodPhase {
	running := slices.ContainsFunc(answer.Containers, func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
	phase := lastKnown(remote)
	if phase == corev1.PodRunning && !running {
		return prior
	}
	return phase
}

// phaseRule returns the rule of docs/contract.md that an answer breaks if the local pod
// has a wrong phase.
func phaseRule(remote *corev1.Pod, answer wire.PodStatus, got, want corev1.PodPhase) string {
	failed := func(s corev1.ContainerStatus) bool {
		return s.State.Terminated != nil && s.State.Terminated.ExitCode != 0
	}
	restarts := func(c corev1.Container) bool {
		s := podstate.Find(answer.Containers, c.Name)
		return s != nil && s.State.Terminated != nil && runsAgain(remote.Spec.RestartPolicy, c, s.State.Terminated.ExitCode)
	}
	ended := got == corev1.PodSucceeded || got == corev1.PodFailed
	switch {
	case want == corev1.PodFailed && got == corev1.PodPending && slices.ContainsFunc(answer.InitContainers, failed):
		return "STATUS-17"
	case ended && lastKnown(remote) == corev1.PodRunning && slices.ContainsFunc(remote.Spec.Containers, restarts):
		return "STATUS-31"
	case ended && lastKnown(remote) == corev1.PodRunning:
		return "STATUS-38"
	}
	return "STATUS-37"
}

// containersRule returns the rule of docs/contract.md that an answer breaks if one of
// its lists has other containers than it must have.
func containersRule(remote *corev1.Pod, got, want []string) string {
	hasName := func(list []corev1.Container, name string) bool {
		return slices.ContainsFunc(list, func(c corev1.Container) bool { return c.Name == name })
	}
	for _, name := range got {
		switch {
		case slices.Contains(want, name):
		case hasName(remote.Spec.InitContainers, name):
			return "STATUS-20"
		default:
			return "STATUS-15"
		}
	}
	if len(got) == 0 {
		return "STATUS-12"
	}
	for _, name := range want {
		if !slices.Contains(got, name) && !hasName(remote.Spec.Containers, name) && !hasName(remote.Spec.InitContainers, name) {
			return "STATUS-26" // the container stays local
		}
	}
	return "STATUS-13"
}

// jobID returns the job ID that an answer must have.
func jobID(requested, remote *corev1.Pod) string {
	if id, found := requested.Annotations[wire.AnnotationJobID]; found {
		return id
	}
	return remote.Name
}

// wellFormed checks that an answer has the right containers, each once and in exactly
// one state.
func wellFormed(requested, remote *corev1.Pod, answer wire.PodStatus) error {
	if answer.Name != requested.Name || answer.Namespace != requested.Namespace || answer.UID != string(requested.UID) || answer.JID != jobID(requested, remote) {
		return fmt.Errorf("the answer is about another pod: %+v", answer)
	}
	var wantInit, wantMain []string
	isRemote := func(name string) bool {
		hasName := func(c corev1.Container) bool { return c.Name == name }
		return slices.ContainsFunc(remote.Spec.Containers, hasName) || slices.ContainsFunc(remote.Spec.InitContainers, hasName)
	}
	for _, c := range requested.Spec.InitContainers {
		if !isSidecar(c) && isRemote(c.Name) {
			wantInit = append(wantInit, c.Name)
		}
	}
	for _, c := range requested.Spec.Containers {
		// Containers that stay local are terminated when the pod failed.
		if isRemote(c.Name) || remote.Status.Phase == corev1.PodFailed {
			wantMain = append(wantMain, c.Name)
		}
	}
	for _, list := range []struct {
		want []string
		got  []corev1.ContainerStatus
	}{{wantInit, answer.InitContainers}, {wantMain, answer.Containers}} {
		var got []string
		for _, s := range list.got {
			got = append(got, s.Name)
			states := 0
			for _, isSet := range []bool{s.State.Waiting != nil, s.State.Running != nil, s.State.Terminated != nil} {
				if isSet {
					states++
				}
			}
			if states != 1 {
				return violation("STATUS-30", "container %s is in %d states", s.Name, states)
			}
		}
		slices.Sort(got)
		slices.Sort(list.want)
		if !slices.Equal(got, list.want) {
			return violation(containersRule(remote, got, list.want), "the answer has containers %v, want %v", got, list.want)
		}
	}
	if answer.Containers == nil || answer.InitContainers == nil {
		return errors.New("a list is null")
	}
	return nil
}

// checkHistories checks one pod after several possible histories.
func checkHistories(random *rand.Rand, of statusFunc, requested, remote *corev1.Pod) error {
	pending := initializing(random, remote)
	histories := [][]*corev1.Pod{{}, {nil}, {pending}}
	if lastKnown(remote) != corev1.PodPending {
		histories = append(histories, []*corev1.Pod{started(remote)}, []*corev1.Pod{nil, pending, started(remote)})
	}
	if earlier := before(random, remote); earlier != nil {
		histories = append(histories, []*corev1.Pod{earlier})
	}
	for i, history := range histories {
		if err := checkHistory(of, requested, remote, history...); err != nil {
			return fmt.Errorf("history %d: %w", i, err)
		}
	}
	return nil
}

const generated = 20_000

// TestGeneratedPods checks over random pods that the local pod shows the phase of the
// remote pod, that the virtual kubelet does not panic, and that the local API server
// refuses no status.
func TestGeneratedPods(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	covered := map[string]int{}
	for i := range generated {
		requested, remote := generate(random)
		requestedBefore, remoteBefore := requested.DeepCopy(), remote.DeepCopy()
		if err := checkHistories(random, status.Of, requested, remote); err != nil {
			t.Fatalf("pod %d: %v\n%s", i, err, show(requested, remote))
		}
		if !reflect.DeepEqual(requestedBefore, requested) || !reflect.DeepEqual(remoteBefore, remote) {
			t.Fatalf("pod %d was modified:\n%s%s", i, cmp.Diff(requestedBefore, requested), cmp.Diff(remoteBefore, remote))
		}
		for _, kind := range kindsOf(requested, remote) {
			covered[kind]++
		}
	}
	t.Logf("covered: %v", covered)
	for _, kind := range []string{"Pending", "Running", "Succeeded", "Failed", "Unknown", "Always", "OnFailure", "Never",
		"init", "sidecar", "injected sidecar", "injected container", "local", "local init", "rules", "being deleted", "no status", "Unschedulable",
		"Evicted", "DeadlineExceeded", "NodeLost", "init failed for good", "init fails and is restarted", "failed with exit codes of 0",
		"one kept waiting", "running while Pending", "crashing, none running", "lost while Pending"} {
		if covered[kind] < 20 {
			t.Errorf("only %d generated pods are of the kind %q", covered[kind], kind)
		}
	}
}

func kindsOf(requested, remote *corev1.Pod) []string {
	phase := remote.Status.Phase
	kinds := []string{string(phase), string(remote.Spec.RestartPolicy)}
	add := func(kind string, is bool) {
		if is && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	add("local", requested.Annotations[wire.AnnotationDisableContainers] != "")
	add("local init", requested.Annotations[wire.AnnotationDisableInitContainers] != "")
	add("init", len(requested.Spec.InitContainers) > 0)
	add("being deleted", remote.DeletionTimestamp != nil)
	add("Unschedulable", len(remote.Status.Conditions) > 0)
	add(remote.Status.Reason, phase == corev1.PodFailed && remote.Status.Reason != "")
	add("no status", len(remote.Status.ContainerStatuses) < len(remote.Spec.Containers))
	add("lost while Pending", phase == corev1.PodUnknown && lastKnown(remote) == corev1.PodPending)
	for _, c := range remote.Spec.InitContainers {
		add("sidecar", isSidecar(c))
		add("injected sidecar", c.Name == "mesh-setup")
		for _, s := range remote.Status.InitContainerStatuses {
			if end := s.State.Terminated; s.Name == c.Name && !isSidecar(c) && end != nil && end.ExitCode != 0 {
				again := runsAgain(remote.Spec.RestartPolicy, c, end.ExitCode)
				add("init failed for good", !again)
				add("init fails and is restarted", again)
			}
		}
	}
	for _, c := range remote.Spec.Containers {
		add("rules", c.RestartPolicyRules != nil)
		add("injected container", c.Name == "helper")
	}
	running, ended, nonZero := 0, 0, 0
	for _, s := range remote.Status.ContainerStatuses {
		if s.State.Running != nil {
			running++
		}
		if s.State.Terminated != nil {
			ended++
			if s.State.Terminated.ExitCode != 0 {
				nonZero++
			}
		}
	}
	all := len(remote.Spec.Containers)
	add("running while Pending", phase == corev1.PodPending && running > 0)
	add("crashing, none running", phase == corev1.PodRunning && running == 0)
	add("one kept waiting", phase == corev1.PodRunning && ended == all)
	add("failed with exit codes of 0", phase == corev1.PodFailed && ended == all && nonZero == 0)
	return kinds
}

func show(requested, remote *corev1.Pod) string {
	answer := status.Of(requested, remote)
	text, err := json.MarshalIndent(map[string]any{
		"requested": requested.Spec, "annotations": requested.Annotations,
		"remote": remote.Spec, "status": remote.Status, "answer": answer,
	}, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func FuzzOf(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		random := rand.New(rand.NewPCG(a, b))
		requested, remote := generate(random)
		if err := checkHistories(random, status.Of, requested, remote); err != nil {
			t.Fatalf("%v\n%s", err, show(requested, remote))
		}
	})
}
