package podstate_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

func TestWillRestart(t *testing.T) {
	restartOn := func(operator corev1.ContainerRestartRuleOnExitCodesOperator, code int32) corev1.Container {
		return corev1.Container{RestartPolicy: ptr.To(corev1.ContainerRestartPolicyNever), RestartPolicyRules: []corev1.ContainerRestartRule{{
			Action:    corev1.ContainerRestartRuleActionRestart,
			ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: operator, Values: []int32{code}},
		}}}
	}
	own := func(policy corev1.ContainerRestartPolicy) corev1.Container {
		return corev1.Container{RestartPolicy: &policy}
	}
	in, notIn := corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn
	failed, succeeded := corev1.ContainerStateTerminated{ExitCode: 1}, corev1.ContainerStateTerminated{}
	for _, test := range []struct {
		name      string
		pod       corev1.RestartPolicy
		container corev1.Container
		init      bool
		end       corev1.ContainerStateTerminated
		want      bool
	}{
		{"Always, succeeded", "Always", corev1.Container{}, false, succeeded, true},
		{"no policy means Always", "", corev1.Container{}, false, succeeded, true},
		{"OnFailure, succeeded", "OnFailure", corev1.Container{}, false, succeeded, false},
		{"OnFailure, failed", "OnFailure", corev1.Container{}, false, failed, true},
		{"Never, failed", "Never", corev1.Container{}, false, failed, false},
		{"Never, the kubelet restarts all containers", "Never", corev1.Container{}, false, corev1.ContainerStateTerminated{Reason: podstate.ReasonRestartingAll}, true},
		{"container's policy takes precedence: Never", "Always", own("Never"), false, failed, false},
		{"container's policy takes precedence: Always", "Never", own("Always"), false, succeeded, true},
		{"rule takes precedence over policy", "Never", restartOn(in, 1), false, failed, true},
		{"rule for another exit code", "Never", restartOn(in, 2), false, failed, false},
		{"rule for all but another exit code", "Never", restartOn(notIn, 2), false, failed, true},
		{"rule for all but this exit code", "Never", restartOn(notIn, 1), false, failed, false},
		{"rule without exit codes", "Never", corev1.Container{RestartPolicyRules: []corev1.ContainerRestartRule{{}}}, false, failed, false},
		{"init container succeeded", "Always", corev1.Container{}, true, succeeded, false},
		{"init container failed", "OnFailure", corev1.Container{}, true, failed, true},
		{"sidecar failed", "Never", own("Always"), true, failed, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.container.Name = "a"
			pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: test.pod}}
			if test.init {
				pod.Spec.InitContainers = []corev1.Container{test.container}
			} else {
				pod.Spec.Containers = []corev1.Container{test.container}
			}
			if got := podstate.WillRestart(pod, "a", &test.end); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
