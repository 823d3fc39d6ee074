package status_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// of is the function under test, or a mutant of it.
type of func(requested, remote *corev1.Pod) wire.PodStatus

// judge checks what the virtual kubelet would make of the answer about a remote
// pod: its phase must be the remote one's, however the pod came there.
func judge(of of, requested, remote *corev1.Pod, earlier ...*corev1.Pod) error {
	answer := of(requested, remote)
	if err := wellFormed(requested, remote, answer); err != nil {
		return err
	}
	o := newOracle(requested)
	for _, before := range earlier {
		if err := o.report(of(requested, before)); err != nil {
			return fmt.Errorf("earlier: %w", err)
		}
	}
	prior := o.phase
	for i := range 2 { // a first report is not treated like a second one
		if err := o.report(answer); err != nil {
			return fmt.Errorf("report %d: %w", i+1, err)
		}
		if want := expected(remote, prior, answer); o.phase != want {
			return fmt.Errorf("report %d: the remote pod is %s, the local one was %s and became %s, want %s", i+1, remote.Status.Phase, prior, o.phase, want)
		}
	}
	return nil
}

// expected is the local phase for a remote one. Two remote phases do not always
// have a local counterpart: a pod that crashes without having been seen running,
// and one whose node is lost, stay what they were.
func expected(remote *corev1.Pod, prior corev1.PodPhase, answer wire.PodStatus) corev1.PodPhase {
	running := slices.ContainsFunc(answer.Containers, func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
	switch phase := remote.Status.Phase; {
	case phase == corev1.PodRunning && !running, phase == corev1.PodUnknown && !running:
		return prior
	case phase == corev1.PodUnknown:
		return corev1.PodRunning
	default:
		return phase
	}
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
		if c.RestartPolicy == nil && isRemote(c.Name) {
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

// started is the moment at which all of a pod ran: the earlier life of a remote
// pod that is no longer Pending.
func started(remote *corev1.Pod) *corev1.Pod {
	earlier := remote.DeepCopy()
	earlier.Status = corev1.PodStatus{Phase: corev1.PodRunning}
	for _, c := range remote.Spec.InitContainers {
		s := is(c.Name, ends(0))
		if c.RestartPolicy != nil {
			s = is(c.Name, runs())
			s.Started = ptr.To(true)
		}
		earlier.Status.InitContainerStatuses = append(earlier.Status.InitContainerStatuses, s)
	}
	for _, c := range remote.Spec.Containers {
		earlier.Status.ContainerStatuses = append(earlier.Status.ContainerStatuses, is(c.Name, runs()))
	}
	return earlier
}

// initializing is a pod in the middle of its init containers.
func initializing(random *rand.Rand, remote *corev1.Pod) *corev1.Pod {
	earlier := remote.DeepCopy()
	earlier.Status = corev1.PodStatus{Phase: corev1.PodPending}
	at := random.IntN(len(remote.Spec.InitContainers) + 1)
	for i, c := range remote.Spec.InitContainers {
		state := waits("PodInitializing")
		switch {
		case c.RestartPolicy != nil && i <= at, i == at:
			state = runs()
		case i < at:
			state = ends(0)
		}
		earlier.Status.InitContainerStatuses = append(earlier.Status.InitContainerStatuses, is(c.Name, state))
	}
	return earlier
}

// judgeAll judges one pod along the ways that lead to it.
func judgeAll(random *rand.Rand, of of, requested, remote *corev1.Pod) error {
	pending := initializing(random, remote)
	ways := [][]*corev1.Pod{nil, {pending}}
	if remote.Status.Phase != corev1.PodPending {
		ways = append(ways, []*corev1.Pod{started(remote)}, []*corev1.Pod{pending, started(remote)})
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
		before := remote.DeepCopy()
		if err := judgeAll(random, status.Of, requested, remote); err != nil {
			t.Fatalf("pod %d: %v\n%s", i, err, show(requested, remote))
		}
		if diff := cmp.Diff(before, remote); diff != "" {
			t.Fatalf("pod %d was modified:\n%s", i, diff)
		}
		for _, kind := range kindsOf(requested, remote) {
			covered[kind]++
		}
	}
	t.Logf("covered: %v", covered)
	for _, kind := range []string{"Pending", "Running", "Succeeded", "Failed", "Unknown", "init", "sidecar", "injected", "local",
		"Always", "OnFailure", "Never", "rules", "killed with reason", "failed with exit codes of 0", "held back", "running while Pending", "crashing, none running"} {
		if covered[kind] < 20 {
			t.Errorf("only %d pods of the kind %q", covered[kind], kind)
		}
	}
}

func kindsOf(requested, remote *corev1.Pod) []string {
	phase := remote.Status.Phase
	kinds := []string{string(phase), string(remote.Spec.RestartPolicy)}
	add := func(kind string, is bool) {
		if is {
			kinds = append(kinds, kind)
		}
	}
	add("local", requested.Annotations[wire.AnnotationDisableContainers] != "")
	add("init", len(requested.Spec.InitContainers) > 0)
	add("killed with reason", phase == corev1.PodFailed && remote.Status.Reason != "")
	running, ended, nonZero := 0, 0, 0
	for _, c := range remote.Spec.InitContainers {
		add("sidecar", c.RestartPolicy != nil)
		add("injected", c.Name == "mesh-setup")
	}
	for _, c := range remote.Spec.Containers {
		add("rules", c.RestartPolicyRules != nil)
	}
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

// The judge has teeth: what a plugin can get wrong is caught.
func TestMutantsAreCaught(t *testing.T) {
	for name, mutate := range map[string]func(requested, remote *corev1.Pod, answer *wire.PodStatus){
		"no containers":          func(_, _ *corev1.Pod, a *wire.PodStatus) { a.Containers = []corev1.ContainerStatus{} },
		"a container is dropped": func(_, _ *corev1.Pod, a *wire.PodStatus) { a.Containers = a.Containers[:len(a.Containers)-1] },
		"the injected one is reported": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			for _, s := range remote.Status.ContainerStatuses {
				if s.Name == "helper" {
					a.Containers = append(a.Containers, s)
				}
			}
		},
		"sidecars are listed": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			for _, s := range remote.Status.InitContainerStatuses {
				if s.Name != "mesh-setup" && s.State.Running != nil {
					a.InitContainers = append(a.InitContainers, s)
				}
			}
		},
		"init failures are reported as Kubernetes does": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			failed := slices.ContainsFunc(a.InitContainers, func(s corev1.ContainerStatus) bool {
				return s.State.Terminated != nil && s.State.Terminated.ExitCode != 0
			})
			for i := range a.Containers {
				if failed {
					a.Containers[i].State = waits("PodInitializing")
				}
			}
		},
		"restarting containers are terminated": func(_, _ *corev1.Pod, a *wire.PodStatus) {
			for i := range a.Containers {
				if s := &a.Containers[i]; s.State.Waiting != nil && s.LastTerminationState.Terminated != nil {
					s.State = s.LastTerminationState
				}
			}
		},
		"states are passed on as they are": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			for i := range a.Containers {
				for _, s := range remote.Status.ContainerStatuses {
					if s.Name == a.Containers[i].Name && s.State != (corev1.ContainerState{}) {
						a.Containers[i].State = s.State
					}
				}
			}
		},
		"containers that stayed local are left out of a failure": func(requested, remote *corev1.Pod, a *wire.PodStatus) {
			a.Containers = slices.DeleteFunc(a.Containers, func(s corev1.ContainerStatus) bool {
				return !slices.ContainsFunc(remote.Spec.Containers, func(c corev1.Container) bool { return c.Name == s.Name })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			mutant := func(requested, remote *corev1.Pod) wire.PodStatus {
				answer := status.Of(requested, remote)
				mutate(requested, remote, &answer)
				return answer
			}
			for range generated {
				requested, remote := generate(random)
				if judgeAll(random, mutant, requested, remote) != nil {
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
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
