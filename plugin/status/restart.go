package status

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// restartingAll is the kubelet's reason for a container that it ended in order to
// start all containers of the pod anew.
const restartingAll = "RestartingAllContainers"

func sidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// restarts says whether the restart policy of the pod, or of the container, runs
// a container again that has ended:
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
func (r *report) restarts(name string, end *corev1.ContainerStateTerminated) bool {
	if end.Reason == restartingAll {
		return true
	}
	policy := r.remote.Spec.RestartPolicy
	is := func(c corev1.Container) bool { return c.Name == name }
	containers := r.remote.Spec.Containers
	if slices.ContainsFunc(r.remote.Spec.InitContainers, is) {
		if end.ExitCode == 0 {
			return false // an init container has to end well once, whatever the policy
		}
		containers = r.remote.Spec.InitContainers
	}
	if i := slices.IndexFunc(containers, is); i >= 0 {
		if slices.ContainsFunc(containers[i].RestartPolicyRules, func(rule corev1.ContainerRestartRule) bool { return matches(rule, end.ExitCode) }) {
			return true
		}
		if containers[i].RestartPolicy != nil {
			policy = corev1.RestartPolicy(*containers[i].RestartPolicy)
		}
	}
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return end.ExitCode != 0
	}
	return true
}

// matches says whether a container's restart rule is about an exit code. Every
// action that there is restarts it.
func matches(rule corev1.ContainerRestartRule, code int32) bool {
	if rule.ExitCodes == nil {
		return false
	}
	listed := slices.Contains(rule.ExitCodes.Values, code)
	switch rule.ExitCodes.Operator {
	case corev1.ContainerRestartRuleOnExitCodesOpIn:
		return listed
	case corev1.ContainerRestartRuleOnExitCodesOpNotIn:
		return !listed
	}
	return false
}
