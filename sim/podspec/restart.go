package podspec

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// Restarts reports whether a kubelet restarts a container that ended with this
// exit code. The container's own rules and policy come before the pod's policy:
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
func Restarts(pod *corev1.Pod, container string, exitCode int32) bool {
	for c, isInit := range containers(&pod.Spec) {
		if c.Name != container {
			continue
		}
		policy := restartPolicy(pod, c)
		if isInit && !IsSidecar(c) && policy == corev1.RestartPolicyAlways {
			policy = corev1.RestartPolicyOnFailure // an init container that succeeded does not run again
		}
		return restarts(c, policy, exitCode)
	}
	return false
}

// MayRestart reports whether the API server accepts a status in which a container
// that had ended with this exit code has not ended any more. Under the pod's
// policy Always that includes init containers that succeeded.
func MayRestart(pod *corev1.Pod, container string, exitCode int32) bool {
	c := Container(pod, container)
	if c == nil {
		c = &corev1.Container{}
	}
	return restarts(c, restartPolicy(pod, c), exitCode)
}

// restartPolicy returns the container's own restart policy, or else the pod's.
func restartPolicy(pod *corev1.Pod, c *corev1.Container) corev1.RestartPolicy {
	return corev1.RestartPolicy(ptr.Deref(c.RestartPolicy, corev1.ContainerRestartPolicy(pod.Spec.RestartPolicy)))
}

func restarts(c *corev1.Container, policy corev1.RestartPolicy, exitCode int32) bool {
	for _, rule := range c.RestartPolicyRules {
		if matches(rule, exitCode) {
			return rule.Action == corev1.ContainerRestartRuleActionRestart
		}
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && exitCode != 0
}

func matches(rule corev1.ContainerRestartRule, exitCode int32) bool {
	if rule.ExitCodes == nil {
		return false
	}
	in := rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn
	return slices.Contains(rule.ExitCodes.Values, exitCode) == in
}
