package podstate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// IsSidecar reports whether an init container is a native sidecar: the kubelet
// starts it in the order of the init containers and keeps it running as long as the
// pod's containers run.
func IsSidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// WillRestart reports whether the kubelet starts a container of a pod again after it
// has terminated as given. The restart policy of the container takes precedence over
// that of the pod:
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
func WillRestart(pod *corev1.Pod, container string, terminated *corev1.ContainerStateTerminated) bool {
	if terminated.Reason == ReasonRestartingAll {
		return true
	}
	hasName := func(c corev1.Container) bool { return c.Name == container }
	policy, containers := pod.Spec.RestartPolicy, pod.Spec.Containers
	if slices.ContainsFunc(pod.Spec.InitContainers, hasName) {
		if terminated.ExitCode == 0 {
			return false // an init container must succeed once, whatever the policy
		}
		containers = pod.Spec.InitContainers
	}
	if i := slices.IndexFunc(containers, hasName); i >= 0 {
		c := containers[i]
		if slices.ContainsFunc(c.RestartPolicyRules, func(rule corev1.ContainerRestartRule) bool { return matches(rule, terminated.ExitCode) }) {
			return true
		}
		if c.RestartPolicy != nil {
			policy = corev1.RestartPolicy(*c.RestartPolicy)
		}
	}
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return terminated.ExitCode != 0
	}
	return true
}

// matches reports whether a restart rule of a container applies to an exit code.
// Every action that Kubernetes defines restarts the container.
func matches(rule corev1.ContainerRestartRule, exitCode int32) bool {
	if rule.ExitCodes == nil {
		return false
	}
	listed := slices.Contains(rule.ExitCodes.Values, exitCode)
	switch rule.ExitCodes.Operator {
	case corev1.ContainerRestartRuleOnExitCodesOpIn:
		return listed
	case corev1.ContainerRestartRuleOnExitCodesOpNotIn:
		return !listed
	}
	return false
}
