package status_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// generate returns a local pod and a remote pod in a random state. The phase is the one
// that a kubelet reports for that state, or that a node controller, an eviction or a
// deadline causes.
func generate(random *rand.Rand) (requested, remote *corev1.Pod) {
	requested, remote = &corev1.Pod{}, &corev1.Pod{}
	requested.Name, requested.Namespace, requested.UID = "pod", "demo", "uid"
	requested.Annotations = map[string]string{wire.AnnotationJobID: "jid"}
	remote.UID = "jid"
	policies := []corev1.RestartPolicy{corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever}
	requested.Spec.RestartPolicy = policies[random.IntN(3)]
	remote.Spec.RestartPolicy = requested.Spec.RestartPolicy

	if random.IntN(5) == 0 { // injected before the pod's own, as a sidecar
		remote.Spec.InitContainers = append(remote.Spec.InitContainers, sidecar("mesh-setup"))
	}
	localInit, local := "", ""
	for i := range random.IntN(4) {
		c := corev1.Container{Name: fmt.Sprintf("init-%d", i)}
		if random.IntN(3) == 0 {
			c = sidecar(fmt.Sprintf("sidecar-%d", i))
		} else {
			c = withRestartPolicy(random, c)
		}
		requested.Spec.InitContainers = append(requested.Spec.InitContainers, c)
		if random.IntN(8) == 0 { // stays local
			localInit += c.Name + " , "
			continue
		}
		remote.Spec.InitContainers = append(remote.Spec.InitContainers, c)
	}
	for i := range 1 + random.IntN(3) {
		c := withRestartPolicy(random, corev1.Container{Name: fmt.Sprintf("main-%d", i)})
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
	if localInit != "" {
		requested.Annotations[wire.AnnotationDisableInitContainers] = localInit
	}
	if random.IntN(8) == 0 { // injected after the pod's own, as an ordinary container
		remote.Spec.Containers = append(remote.Spec.Containers, corev1.Container{Name: "helper"})
	}

	if random.IntN(10) == 0 {
		remote.DeletionTimestamp = &metav1.Time{}
	}
	remote.Status = randomStatus(random, remote)
	return requested, remote
}

// withRestartPolicy gives some containers a restart policy of their own.
func withRestartPolicy(random *rand.Rand, c corev1.Container) corev1.Container {
	rule := func(operator corev1.ContainerRestartRuleOnExitCodesOperator, codes ...int32) corev1.Container {
		c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyNever)
		c.RestartPolicyRules = []corev1.ContainerRestartRule{{
			Action:    corev1.ContainerRestartRuleActionRestart,
			ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: operator, Values: codes},
		}}
		return c
	}
	switch random.IntN(16) {
	case 0:
		return rule(corev1.ContainerRestartRuleOnExitCodesOpIn, 137)
	case 1:
		return rule(corev1.ContainerRestartRuleOnExitCodesOpNotIn, 1, 2)
	case 2:
		c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyOnFailure)
	case 3:
		c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyNever)
	}
	return c
}

func sidecar(name string) corev1.Container {
	return corev1.Container{Name: name, RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}
}

func isSidecar(c corev1.Container) bool {
	return ptr.Deref(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways
}

func randomStatus(random *rand.Rand, pod *corev1.Pod) corev1.PodStatus {
	var status corev1.PodStatus
	if random.IntN(12) == 0 { // not scheduled
		status.Phase = corev1.PodPending
		status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes"}}
		return status
	}
	// More cases arise after the init containers than at the first of them.
	progressed := random.IntN(3) > 0
	for _, c := range pod.Spec.InitContainers {
		switch {
		case progressed && isSidecar(c):
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
	case 1, 2:
		// The containers of a lost node keep the states that were last reported.
		if status.Phase == corev1.PodRunning || status.Phase == corev1.PodPending && !allStarted(pod) {
			status.Phase = corev1.PodUnknown
		}
	}
	return status
}

func allStarted(pod *corev1.Pod) bool {
	started := 0
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil {
			started++
		}
	}
	return started == len(pod.Spec.Containers)
}

// appendRandom appends a container status in a random state, or none.
func appendRandom(random *rand.Rand, list []corev1.ContainerStatus, name string) []corev1.ContainerStatus {
	s := corev1.ContainerStatus{Name: name, RestartCount: int32(random.IntN(3))}
	codes := []int32{0, 0, 1, 137}
	switch random.IntN(10) {
	case 0:
		return list
	case 1: // the zero value; it means waiting
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

// kubeletPhase returns the phase that a kubelet reports for a pod with these container
// states (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/). It shares
// no code with the package under test.
func kubeletPhase(pod *corev1.Pod) corev1.PodPhase {
	states := map[string]corev1.ContainerStatus{}
	for _, s := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		states[s.Name] = s
	}
	// If a main container runs or has run, the pod is initialized.
	initialized := slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.State.Running != nil || s.State.Terminated != nil
	})
	var initializing, unknown, running, neverStarted, stopped, forGood, well int
	for _, c := range pod.Spec.InitContainers {
		s, known := states[c.Name]
		end, runs := s.State.Terminated, s.State.Running != nil
		if end == nil && s.State.Waiting != nil {
			end = s.LastTerminationState.Terminated
		}
		switch restartable := isSidecar(c); {
		case restartable && !known:
			unknown++
		case restartable && runs:
			running++
			if !ptr.Deref(s.Started, false) && !initialized {
				initializing++
			}
		case restartable && end == nil && s.State.Waiting == nil:
			unknown++
		case restartable && end == nil:
			neverStarted++
		case restartable:
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

// runsAgain reports whether the restart policies of a pod and a container restart the
// container after an exit code. It shares no code with the package under test.
func runsAgain(policy corev1.RestartPolicy, c corev1.Container, code int32) bool {
	for _, rule := range c.RestartPolicyRules {
		if slices.Contains(rule.ExitCodes.Values, code) == (rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return true
		}
	}
	if c.RestartPolicy != nil {
		policy = corev1.RestartPolicy(*c.RestartPolicy)
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && code != 0
}
