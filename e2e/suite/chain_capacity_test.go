//go:build e2e

package suite

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const (
	chainCapacityNode = "chain-capacity"
	chainGPU          = corev1.ResourceName("example.com/chain-gpu")
)

// testChainCapacity limits the remote namespaces of the plugin by a quota. InterLink's own virtual kubelet shows
// what it permits as the capacity of its node, within a minute after each change.
func testChainCapacity(t *testing.T) {
	const namespace = chainCapacityNode + "-users" // the prefix of the plugin's namespaces makes it one of them
	interlinkPrograms(t)
	core := testEnv.remote.client.CoreV1()
	if _, err := core.Namespaces().Create(testEnv.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := core.Namespaces().Delete(afterTest(), namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	hard := func(cpu, gpus string) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceRequestsCPU: resource.MustParse(cpu), corev1.ResourceRequestsMemory: resource.MustParse("9Gi"),
			corev1.ResourcePods: resource.MustParse("17"), "requests." + chainGPU: resource.MustParse(gpus),
		}
	}
	quota, err := core.ResourceQuotas(namespace).Create(testEnv.ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "users"}, Spec: corev1.ResourceQuotaSpec{Hard: hard("7", "3")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := startChain(t, chainCapacityNode, nil, "OFFLOADING_REPORT_RESOURCES=quota", "OFFLOADING_NAMESPACE_PREFIX="+chainCapacityNode)
	c.waitForCapacity(t, "7", "3")
	for _, change := range [][2]string{{"5", "4"}, {"8", "0"}} {
		testkit.EventuallyNoError(testEnv.ctx, t, time.Minute, "the quota is changed", func(ctx context.Context) error {
			quota, err = core.ResourceQuotas(namespace).Get(ctx, "users", metav1.GetOptions{})
			if err != nil {
				return err
			}
			quota.Spec.Hard = hard(change[0], change[1])
			_, err = core.ResourceQuotas(namespace).Update(ctx, quota, metav1.UpdateOptions{})
			return err
		})
		c.waitForCapacity(t, change[0], change[1])
	}
}

// waitForCapacity waits for what the node of the local cluster shows: one ping of InterLink and its answer.
func (c *runningChain) waitForCapacity(t *testing.T, cpu, gpus string) {
	t.Helper()
	changed := time.Now()
	want := map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: "9Gi", corev1.ResourcePods: "17", chainGPU: gpus}
	testkit.EventuallyNoError(testEnv.ctx, t, time.Minute, "the virtual node shows what the quota permits", func(ctx context.Context) error {
		node, err := c.local.client.CoreV1().Nodes().Get(ctx, chainCapacityNode, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for name, quantity := range want {
			for list, shown := range map[string]corev1.ResourceList{"capacity": node.Status.Capacity, "allocatable": node.Status.Allocatable} {
				if got, ok := shown[name]; !ok || got.Cmp(resource.MustParse(quantity)) != 0 {
					return fmt.Errorf("%s of %s is %s, want %s", list, name, got.String(), quantity)
				}
			}
		}
		return nil
	})
	t.Logf("the virtual node shows %s CPU and %s GPUs after %s", cpu, gpus, time.Since(changed).Round(100*time.Millisecond))
}
