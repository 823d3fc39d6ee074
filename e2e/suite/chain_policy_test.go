//go:build e2e

package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// chainRefusedDeployment runs a deployment of pods that the remote site does not accept. Its
// controller replaces each Failed pod at once, so the plugin answers later and later.
func chainRefusedDeployment(u *chainUser) {
	u.apply(strings.Replace(chainDeploymentManifest(1, "v1"), "      containers:\n", "      hostNetwork: true\n      containers:\n", 1))
	const wanted = 5
	var failed []corev1.Pod
	eventually(u, fmt.Sprintf("%d pods failed, and the next one waits", wanted), func(context.Context) error {
		failed = nil
		pending := 0
		for _, pod := range u.localPods("app=web") {
			switch pod.Status.Phase {
			case corev1.PodFailed:
				failed = append(failed, pod)
			case corev1.PodPending:
				pending++
			}
		}
		if len(failed) < wanted || pending != 1 {
			return fmt.Errorf("%d pods failed, %d wait", len(failed), pending)
		}
		return nil
	})
	slices.SortFunc(failed, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for n, pod := range failed {
		if !strings.Contains(pod.Status.Message, "spec.hostNetwork must not be true") {
			u.Errorf("pod %s failed with the message %q", pod.Name, pod.Status.Message)
		}
		// A slow machine makes the gaps longer, never shorter. The times have whole seconds.
		if n > 1 {
			least := 2*time.Second<<(n-2) - time.Second
			if gap := pod.CreationTimestamp.Sub(failed[n-1].CreationTimestamp.Time); gap < least {
				u.Errorf("pod %d was created %s after pod %d, want at least %s", n+1, gap, n, least)
			}
		}
	}
	u.kubectl("delete", "deployment", "web")
	eventually(u, "all pods are deleted", func(context.Context) error {
		if pods := u.localPods("app=web"); len(pods) > 0 {
			return fmt.Errorf("%d pods exist", len(pods))
		}
		return nil
	})
	if pods := u.remotePods(); len(pods) > 0 {
		u.Errorf("%d remote pods exist", len(pods))
	}
}
