//go:build e2e

package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const (
	// fakeGPU is an extended resource that no device of the remote node has.
	fakeGPU = corev1.ResourceName("example.com/gpu")
	// shownWithin is how long a change may take until the virtual node shows it, less the 30 s
	// between two pings of InterLink (docs/contract.md, PING-1).
	shownWithin = 30 * time.Second
)

// testCapacity gives a real remote node an extended resource. The virtual node shows it within a minute, less
// what others use, and loses it.
func testCapacity(t *testing.T) {
	client := testEnv.remote.client
	node := workerNode(t)
	plugin := startPlugin(t, testEnv.clusterWide, "OFFLOADING_REPORT_RESOURCES=nodes")
	l := newSimulatedCluster(t, plugin.address)
	l.waitForGPUs("the node has none", -1)
	if cpu := l.Node().Resources[corev1.ResourceCPU]; cpu.IsZero() {
		t.Error("the virtual node offers no CPU")
	}

	setGPUs := func(operation string, value string) {
		t.Helper()
		name := strings.ReplaceAll(string(fakeGPU), "/", "~1")
		patch := fmt.Sprintf(`[{"op":%q,"path":"/status/capacity/%s"%s}]`, operation, name, value)
		if _, err := client.CoreV1().Nodes().Patch(afterTest(), node.Name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	setGPUs("add", `,"value":"4"`)
	removed := false
	t.Cleanup(func() {
		if !removed {
			setGPUs("remove", "")
		}
	})
	l.waitForGPUs("the node has 4", 4)

	needsGPU := func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{fakeGPU: resource.MustParse("1")}
		pod.Spec.Containers[0].Resources.Requests = pod.Spec.Containers[0].Resources.Limits
	}
	other := shellPod("capacity-of-others", "sleep 3600", needsGPU)
	if _, err := client.CoreV1().Pods(metav1.NamespaceDefault).Create(testEnv.ctx, other, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	deleteOther := func() {
		if err := client.CoreV1().Pods(metav1.NamespaceDefault).Delete(afterTest(), other.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	l.waitForGPUs("a pod of the site uses one", 3)
	mine := l.create(shellPod("capacity-mine", "sleep 3600", needsGPU))
	l.waitForPhase(mine, corev1.PodRunning)
	l.waitForGPUs("a pod of the virtual node uses one, which the local scheduler subtracts", 3)
	deleteOther()
	l.waitForGPUs("the pod of the site is gone", 4)
	l.remove(mine)
	removed = true
	setGPUs("remove", "")
	l.waitForGPUs("the node has none any more", 0)
}

// workerNode returns a node of the remote cluster that runs all pods.
func workerNode(t *testing.T) *corev1.Node {
	t.Helper()
	nodes, err := testEnv.remote.client.CoreV1().Nodes().List(testEnv.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes.Items {
		if node := &nodes.Items[i]; len(node.Spec.Taints) == 0 && !node.Spec.Unschedulable {
			return node
		}
	}
	t.Fatal("each node of the remote cluster has a taint")
	return nil
}

// waitForGPUs waits until the virtual node shows so many; -1 if it shows none, and CPU.
func (l *simulatedCluster) waitForGPUs(why string, want int64) {
	l.Helper()
	testkit.EventuallyNoError(testEnv.ctx, l.T, shownWithin, why, func(ctx context.Context) error {
		answer, err := l.Ping(ctx)
		if err != nil {
			return err
		}
		shown, ok := l.Node().Resources[fakeGPU]
		if said := strings.Contains(string(answer), `"cpu"`); !said || ok != (want >= 0) || ok && shown.Value() != want {
			return fmt.Errorf("the virtual node shows %s of %s; the ping says %s", shown.String(), fakeGPU, answer)
		}
		return nil
	})
}
