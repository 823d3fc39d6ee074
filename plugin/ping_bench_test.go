package plugin

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// largeSite returns what is known of 200 nodes with 10,000 pods.
func largeSite() ([]capacity.Node, []capacity.Pod) {
	list := func(cpu, memory, gpus string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory), "nvidia.com/gpu": resource.MustParse(gpus)}
	}
	var nodes []capacity.Node
	var pods []capacity.Pod
	for i := range 200 {
		name := fmt.Sprintf("node-%d", i)
		nodes = append(nodes, capacity.NewNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{
			Allocatable: list("64", "512Gi", "8"), Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		}}, capacity.Options{}))
		for range 50 {
			pods = append(pods, capacity.NewPod(&corev1.Pod{Spec: corev1.PodSpec{NodeName: name, Containers: []corev1.Container{
				{Resources: corev1.ResourceRequirements{Requests: list("1", "1Gi", "0")}}}}}, capacity.Options{}))
		}
	}
	return nodes, pods
}

// A ping costs the same whether the remote cluster is large or empty, and whether it is watched meanwhile: it only reads what
// was summed before. The number of allocations says it without a clock.
func TestPingCostsNothingMore(t *testing.T) {
	nodes, pods := largeSite()
	report := capacity.OfNodes(slices.Values(nodes), slices.Values(pods), capacity.Options{})
	large := &offer{report: report, resources: newPingResources(report)}
	cfg := config.Defaults()
	cfg.Offloading.NodePods = 20
	allocations := func(offered *offer) float64 {
		return testing.AllocsPerRun(1000, func() { _, _ = pingAnswer(cfg, offered, cluster.Trouble{}, cluster.Trouble{}, true, time.Now()) })
	}
	if before, now := allocations(nil), allocations(large); now > before {
		t.Errorf("a ping allocates %v times, and %v times with a report", before, now)
	}
}

// BenchmarkPing compares a ping with a report, while it is computed every second, with one without: see the ratio.
func BenchmarkPing(b *testing.B) {
	nodes, pods := largeSite()
	compute := func() *offer {
		report := capacity.OfNodes(slices.Values(nodes), slices.Values(pods), capacity.Options{})
		return &offer{report: report, resources: newPingResources(report)}
	}
	cfg := config.Defaults()
	cfg.Offloading.NodePods = 20
	answer := func(r *capacityReporter) time.Duration {
		began := time.Now()
		for range 1000 {
			response, _ := pingAnswer(cfg, r.offered(), cluster.Trouble{}, cluster.Trouble{}, true, time.Now())
			_ = response
		}
		return time.Since(began)
	}
	reporter := &capacityReporter{}
	reporter.latest.Store(compute())
	var computing sync.WaitGroup
	stop := make(chan struct{})
	computing.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(capacityInterval):
				reporter.latest.Store(compute())
			}
		}
	})
	var without, with time.Duration
	for b.Loop() { // in turns, so that other load on the machine is the same for both
		without += answer(nil)
		with += answer(reporter)
	}
	close(stop)
	computing.Wait()
	b.ReportMetric(float64(with)/float64(without), "with/without")
}

// BenchmarkReport sums 200 nodes and 10,000 pods.
func BenchmarkReport(b *testing.B) {
	nodes, pods := largeSite()
	for b.Loop() {
		capacity.OfNodes(slices.Values(nodes), slices.Values(pods), capacity.Options{})
	}
}
