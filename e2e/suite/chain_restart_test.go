//go:build e2e

package suite

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// chainRestart kills the virtual kubelet while pods run. Before the next one starts, a
// pod ends, another one is created and a third one is deleted. The next virtual kubelet
// must find the same remote pods, create none of them again, and handle what happened
// in the meantime.
func chainRestart(u *chainUser) {
	u.apply(chainPod("staying", "Never", "echo staying runs"+waitForFile+"echo staying ends"))
	u.apply(chainPod("ending", "Never", "echo ending runs"+waitForFile+"echo ending ends"))
	u.apply(chainPod("leaving", "Never", waitForFile))
	u.apply(chainDeploymentManifest(2, "v1"))
	for _, name := range []string{"staying", "ending", "leaving"} {
		u.waitForPhase(name, corev1.PodRunning)
	}
	u.waitAvailable("web")
	before := u.remotePods()
	if len(before) != 5 {
		u.Fatalf("%d remote pods exist, want 5", len(before))
	}
	leaving := u.localUID("leaving")

	u.chain.interlink.KillVirtualKubelet()
	u.execRemote("ending", "touch", "/tmp/go")
	u.kubectl("delete", "pod", "leaving", "--wait=false")
	u.apply(chainPod("coming", "Never", "echo coming runs"+waitForFile))
	if err := u.chain.interlink.RestartVirtualKubelet(testEnv.ctx); err != nil {
		u.Fatal(err)
	}

	u.waitForPhase("ending", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "ending"), "ending runs", "ending ends")
	u.waitForPhase("coming", corev1.PodRunning)
	u.kubectl("wait", "--for=delete", "pod/leaving", "--timeout="+waitTimeout.String())
	eventually(u, "the remote pod of the deleted pod is deleted", func(context.Context) error {
		if pod, found := u.remotePods()[leaving]; found {
			return fmt.Errorf("pod %s exists", pod.Name)
		}
		return nil
	})
	delete(before, leaving)
	u.wantSameRemotePods(before, "coming")

	// The pods from before the restart still work.
	u.waitForPhase("staying", corev1.PodRunning)
	u.wantLines(u.kubectl("logs", "staying"), "staying runs")
	u.execRemote("staying", "touch", "/tmp/go")
	u.waitForPhase("staying", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "staying"), "staying ends")
	u.waitAvailable("web")
}

// wantSameRemotePods checks that the remote pods are the same as before, and one more.
func (u *chainUser) wantSameRemotePods(before map[types.UID]corev1.Pod, more string) {
	u.Helper()
	now := u.remotePods()
	delete(now, u.localUID(more))
	describe := func(pods map[types.UID]corev1.Pod) []string {
		var all []string
		for uid, pod := range pods {
			all = append(all, fmt.Sprintf("%s (%s) for %s", pod.Name, pod.UID, uid))
		}
		slices.Sort(all)
		return all
	}
	if was, is := describe(before), describe(now); !slices.Equal(was, is) {
		u.Errorf("the remote pods were %q\nand are %q", was, is)
	}
}
