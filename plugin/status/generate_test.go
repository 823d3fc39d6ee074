package status_test

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// generate makes a local pod and a remote one in a random state, the phase of
// which is what a kubelet would say, or what a node controller, an eviction or a
// deadline made of it.
func generate(random *rand.Rand) (requested, remote *corev1.Pod) {
	requested, remote = &corev1.Pod{}, &corev1.Pod{}
	requested.Name, requested.Namespace, requested.UID = "pod", "demo", "uid"
	requested.Annotations = map[string]string{wire.AnnotationJobID: "jid"}
	remote.UID = "jid"
	policies := []corev1.RestartPolicy{corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever}
	requested.Spec.RestartPolicy = policies[random.IntN(3)]
	remote.Spec.RestartPolicy = requested.Spec.RestartPolicy

	if random.IntN(5) == 0 { // injected in front, as a sidecar
		remote.Spec.InitContainers = append(remote.Spec.InitContainers, sidecar("mesh-setup"))
	}
	for i := range random.IntN(4) {
		c := corev1.Container{Name: fmt.Sprintf("init-%d", i)}
		if random.IntN(3) == 0 {
			c = sidecar(fmt.Sprintf("sidecar-%d", i))
		}
		requested.Spec.InitContainers = append(requested.Spec.InitContainers, c)
		remote.Spec.InitContainers = append(remote.Spec.InitContainers, c)
	}
	local := ""
	for i := range 1 + random.IntN(3) {
		c := corev1.Container{Name: fmt.Sprintf("main-%d", i)}
		if random.IntN(10) == 0 {
			c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyNever)
			c.RestartPolicyRules = []corev1.ContainerRestartRule{{
				Action:    corev1.ContainerRestartRuleActionRestart,
				ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: corev1.ContainerRestartRuleOnExitCodesOpIn, Values: []int32{137}},
			}}
		}
		requested.Spec.Containers = append(requested.Spec.Containers, c)
		if i > 0 && random.IntN(8) == 0 {
			local += " " + c.Name + ","
			continue
		}
		remote.Spec.Containers = append(remote.Spec.Containers, c)
	}
	if local != "" {
		requested.Annotations[wire.AnnotationDisableContainers] = local
	}
	if random.IntN(8) == 0 { // injected behind, as an ordinary container
		remote.Spec.Containers = append(remote.Spec.Containers, corev1.Container{Name: "helper"})
	}

	remote.Status = randomStatus(random, remote)
	return requested, remote
}

func sidecar(name string) corev1.Container {
	return corev1.Container{Name: name, RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}
}

func randomStatus(random *rand.Rand, pod *corev1.Pod) corev1.PodStatus {
	var status corev1.PodStatus
	if random.IntN(12) == 0 { // not scheduled
		status.Phase = corev1.PodPending
		status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes"}}
		return status
	}
	// A pod of which most init containers are done is more telling than one
	// that is stuck at the first.
	progressed := random.IntN(3) > 0
	for _, c := range pod.Spec.InitContainers {
		switch {
		case progressed && c.RestartPolicy != nil:
			s := is(c.Name, runs())
			s.Started = ptr.To(true)
			status.InitContainerStatuses = append(status.InitContainerStatuses, s)
		case progressed:
			status.InitContainerStatuses = append(status.InitContainerStatuses, is(c.Name, ends(0)))
		default:
			status.InitContainerStatuses = appendRandom(random, status.InitContainerStatuses, c.Name)
		}
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = appendRandom(random, status.ContainerStatuses, c.Name)
	}
	pod = pod.DeepCopy()
	pod.Status = status
	status.Phase = kubeletPhase(pod)
	switch random.IntN(12) {
	case 0:
		reasons := []string{"Evicted", "DeadlineExceeded", "NodeLost", "Shutdown", ""}
		status.Phase, status.Reason, status.Message = corev1.PodFailed, reasons[random.IntN(len(reasons))], "the node said so"
	case 1:
		if status.Phase == corev1.PodRunning {
			status.Phase = corev1.PodUnknown
		}
	}
	return status
}

// appendRandom appends a container in a random state, or leaves it out.
func appendRandom(random *rand.Rand, list []corev1.ContainerStatus, name string) []corev1.ContainerStatus {
	s := corev1.ContainerStatus{Name: name, RestartCount: int32(random.IntN(3))}
	codes := []int32{0, 0, 1, 137}
	switch random.IntN(10) {
	case 0:
		return list
	case 1: // the zero value, which means waiting
	case 2, 3:
		s.State = waits([]string{"ContainerCreating", "PodInitializing", "ImagePullBackOff", "CreateContainerConfigError"}[random.IntN(4)])
	case 4:
		s.State, s.LastTerminationState = waits("CrashLoopBackOff"), ends(codes[random.IntN(4)])
	case 5, 6:
		s.State, s.Started, s.Ready = runs(), ptr.To(random.IntN(4) > 0), true
		if random.IntN(2) == 0 {
			s.LastTerminationState = ends(codes[random.IntN(4)])
		}
	default:
		s.State = ends(codes[random.IntN(4)])
	}
	return append(list, s)
}

// kubeletPhase is what a kubelet says of a pod whose containers are in the given
// states (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/): a
// model of its own, not the code under test.
func kubeletPhase(pod *corev1.Pod) corev1.PodPhase {
	states := map[string]corev1.ContainerStatus{}
	for _, s := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		states[s.Name] = s
	}
	var initializing, unknown, running, neverStarted, stopped, forGood, well int
	for _, c := range pod.Spec.InitContainers {
		s, known := states[c.Name]
		end, began := s.State.Terminated, s.State.Running != nil
		if end == nil && s.State.Waiting != nil {
			end = s.LastTerminationState.Terminated
		}
		switch isSidecar := c.RestartPolicy != nil; {
		case isSidecar && !known:
			unknown++
		case isSidecar && began:
			running++
			if !ptr.Deref(s.Started, false) {
				initializing++
			}
		case isSidecar && end == nil:
			initializing++
		case isSidecar:
		case end == nil:
			initializing++
		case end.ExitCode != 0 && !runsAgain(pod.Spec.RestartPolicy, c, end.ExitCode):
			return corev1.PodFailed
		}
	}
	for _, c := range pod.Spec.Containers {
		s, known := states[c.Name]
		end := s.State.Terminated
		if end == nil && s.State.Waiting != nil {
			end = s.LastTerminationState.Terminated
		}
		switch {
		case s.State.Running != nil:
			running++
		case end != nil:
			stopped++
			if s.State.Terminated != nil && end.ExitCode == 0 {
				well++
			}
			if !runsAgain(pod.Spec.RestartPolicy, c, end.ExitCode) {
				forGood++
			}
		case known && s.State.Waiting != nil:
			neverStarted++
		default:
			unknown++
		}
	}
	switch {
	case initializing > 0, neverStarted > 0:
		return corev1.PodPending
	case unknown > 0:
		return corev1.PodPending
	case running > 0, stopped > forGood:
		return corev1.PodRunning
	case stopped == 0:
		return corev1.PodPending
	case stopped == well:
		return corev1.PodSucceeded
	}
	return corev1.PodFailed
}

func runsAgain(policy corev1.RestartPolicy, c corev1.Container, code int32) bool {
	if len(c.RestartPolicyRules) > 0 {
		return code == 137
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && code != 0
}
