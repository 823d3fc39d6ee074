//go:build e2e

package suite

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// chainRestart kills the virtual kubelet under running pods. While there is none a pod ends, another is created
// and a third is deleted. The next one must find the same remote pods, make none a second time, and make up for
// what it missed.
func chainRestart(u *chainUser) {
	u.apply(chainPod("staying", "Never", "echo staying runs"+untilTold+"echo staying ends"))
	u.apply(chainPod("ending", "Never", "echo ending runs"+untilTold+"echo ending ends"))
	u.apply(chainPod("leaving", "Never", untilTold))
	u.apply(chainDeploymentManifest("v1"))
	for _, name := range []string{"staying", "ending", "leaving"} {
		u.phase(name, corev1.PodRunning)
	}
	u.kubectl("rollout", "status", "deployment/web", "--timeout="+chainPatience.String())
	before := u.remotePods()
	if len(before) != 5 {
		u.Fatalf("there are %d remote pods", len(before))
	}
	leaving := u.localUID("leaving")

	u.stage.chain.KillVirtualKubelet()
	u.exec("ending", "touch", "/tmp/go")
	u.kubectl("delete", "pod", "leaving", "--wait=false")
	u.apply(chainPod("coming", "Never", "echo coming runs"+untilTold))
	if err := u.stage.chain.RestartVirtualKubelet(u.Context()); err != nil {
		u.Fatal(err)
	}

	u.phase("ending", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "ending"), "ending runs", "ending ends")
	u.phase("coming", corev1.PodRunning)
	u.kubectl("wait", "--for=delete", "pod/leaving", "--timeout="+chainPatience.String())
	u.wait("the remote pod of leaving is gone", func(context.Context) (bool, string) {
		pod, there := u.remotePods()[leaving]
		return !there, pod.Name
	})
	delete(before, leaving)
	u.sameRemotely(before, "coming")

	// The pods of before are as alive as ever.
	u.phase("staying", corev1.PodRunning)
	u.wantLines(u.kubectl("logs", "staying"), "staying runs")
	u.exec("staying", "touch", "/tmp/go")
	u.phase("staying", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "staying"), "staying ends")
	u.kubectl("rollout", "status", "deployment/web", "--timeout="+chainPatience.String())
}

// sameRemotely checks that the remote pods are those of before, each still the same, and one more.
func (u *chainUser) sameRemotely(before map[types.UID]corev1.Pod, more string) {
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
		u.Errorf("remotely stood %q,\nand now stand %q", was, is)
	}
}

func (u *chainUser) localUID(pod string) types.UID {
	u.Helper()
	return types.UID(u.kubectl("get", "pod", pod, "-o", "jsonpath={.metadata.uid}"))
}
