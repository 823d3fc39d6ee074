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

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// of is the function under test, or a mutant of it.
type of func(requested, remote *corev1.Pod) wire.PodStatus

// judge checks what the local cluster would make of the answer about a remote
// pod: its phase must be the remote one's, however the pod came there. An earlier
// moment of nil is the one before the remote pod was there.
func judge(of of, requested, remote *corev1.Pod, earlier ...*corev1.Pod) error {
	o := newOracle(requested)
	for _, before := range earlier {
		request := o.request()
		if before == nil {
			delete(request.Annotations, wire.AnnotationJobID)
		}
		if err := o.report(of(request, before)); err != nil {
			return fmt.Errorf("earlier: %w", err)
		}
		if o.final() {
			return fmt.Errorf("earlier: already %s", o.phase)
		}
	}
	prior := o.phase
	for i := range 2 { // a first report is not treated like a second one
		answer := of(o.request(), remote)
		if err := wellFormed(requested, remote, answer); err != nil {
			return err
		}
		if err := o.report(answer); err != nil {
			return fmt.Errorf("report %d: %w", i+1, err)
		}
		if want := expected(remote, prior, answer); o.phase != want {
			return fmt.Errorf("report %d: the remote pod is %s, the local one was %s and became %s, want %s", i+1, remote.Status.Phase, prior, o.phase, want)
		}
	}
	return nil
}

// lastKnown is a pod's phase, and that of a pod whose node is lost the one that
// it had.
func lastKnown(remote *corev1.Pod) corev1.PodPhase {
	if remote.Status.Phase == corev1.PodUnknown {
		return kubeletPhase(remote)
	}
	return remote.Status.Phase
}

// expected is the local phase for a remote one. A pod that crashes without having
// been seen running has no counterpart: it stays what it was.
func expected(remote *corev1.Pod, prior corev1.PodPhase, answer wire.PodStatus) corev1.PodPhase {
	running := slices.ContainsFunc(answer.Containers, func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
	phase := lastKnown(remote)
	if phase == corev1.PodRunning && !running {
		return prior
	}
	return phase
}

// wellFormed checks an answer for itself: the right containers, each once, in
// exactly one state.
func wellFormed(requested, remote *corev1.Pod, answer wire.PodStatus) error {
	if answer.Name != requested.Name || answer.Namespace != requested.Namespace || answer.UID != string(requested.UID) || answer.JID != string(remote.UID) {
		return fmt.Errorf("the answer is about %+v", answer)
	}
	var wantInit, wantMain []string
	isRemote := func(name string) bool {
		is := func(c corev1.Container) bool { return c.Name == name }
		return slices.ContainsFunc(remote.Spec.Containers, is) || slices.ContainsFunc(remote.Spec.InitContainers, is)
	}
	for _, c := range requested.Spec.InitContainers {
		if !isSidecar(c) && isRemote(c.Name) {
			wantInit = append(wantInit, c.Name)
		}
	}
	for _, c := range requested.Spec.Containers {
		// Those that stayed local are ended together with a pod that failed.
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
			for _, is := range []bool{s.State.Waiting != nil, s.State.Running != nil, s.State.Terminated != nil} {
				if is {
					states++
				}
			}
			if states != 1 {
				return fmt.Errorf("container %s is in %d states", s.Name, states)
			}
		}
		slices.Sort(got)
		slices.Sort(list.want)
		if !slices.Equal(got, list.want) {
			return fmt.Errorf("reported are %v, want %v", got, list.want)
		}
	}
	if answer.Containers == nil || answer.InitContainers == nil {
		return errors.New("a list is null")
	}
	return nil
}

// judgeAll judges one pod along the ways that lead to it.
func judgeAll(random *rand.Rand, of of, requested, remote *corev1.Pod) error {
	pending := initializing(random, remote)
	ways := [][]*corev1.Pod{{}, {nil}, {pending}}
	if lastKnown(remote) != corev1.PodPending {
		ways = append(ways, []*corev1.Pod{started(remote)}, []*corev1.Pod{nil, pending, started(remote)})
	}
	if earlier := before(random, remote); earlier != nil {
		ways = append(ways, []*corev1.Pod{earlier})
	}
	for i, way := range ways {
		if err := judge(of, requested, remote, way...); err != nil {
			return fmt.Errorf("way %d: %w", i, err)
		}
	}
	return nil
}

const generated = 20_000

// Whatever a remote pod does, the local one shows its phase, the virtual kubelet
// does not panic, and nothing sticks.
func TestGeneratedPods(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	covered := map[string]int{}
	for i := range generated {
		requested, remote := generate(random)
		requestedBefore, remoteBefore := requested.DeepCopy(), remote.DeepCopy()
		if err := judgeAll(random, status.Of, requested, remote); err != nil {
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
		"Evicted", "DeadlineExceeded", "NodeLost", "init failed for good", "init fails and is retried", "failed with exit codes of 0",
		"held back", "running while Pending", "crashing, none running", "lost while Pending"} {
		if covered[kind] < 20 {
			t.Errorf("only %d pods of the kind %q", covered[kind], kind)
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
				add("init fails and is retried", again)
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
	add("held back", phase == corev1.PodRunning && ended == all)
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
		if err := judgeAll(random, status.Of, requested, remote); err != nil {
			t.Fatalf("%v\n%s", err, show(requested, remote))
		}
	})
}
