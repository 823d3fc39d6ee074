package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// startPlugin runs this plugin on a cluster in memory whose nodes run at 50 times the
// real time.
func startPlugin(t testing.TB) (address string, client kubernetes.Interface) {
	t.Helper()
	client = fakecluster.New(fakecluster.Options{}).Client()
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + testkit.SocketPath(t)
	log := slog.New(slog.DiscardHandler)
	p, err := plugin.New(cfg, client, nil, "test", log)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = node.New(node.Options{Client: client, Clock: node.ScaledClock(50), Log: log}).Run(ctx) })
	running.Go(func() { _ = p.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return cfg.App.SocketAddress, client
}

// expectNoObjects waits until the remote cluster has no pods and no ConfigMaps. The
// nodes need some time to complete the deletions.
func expectNoObjects(t testing.TB, client kubernetes.Interface) {
	t.Helper()
	testkit.EventuallyNoError(context.Background(), t, testkit.Timeout, "all pods and ConfigMaps are deleted", func(ctx context.Context) error {
		pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		configMaps, err := client.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items)+len(configMaps.Items) > 0 {
			err = fmt.Errorf("%d pods and %d ConfigMaps remain", len(pods.Items), len(configMaps.Items))
		}
		return err
	})
}

func calls(r *Result, name string) Calls {
	for _, c := range r.Calls {
		if c.Name == name {
			return c
		}
	}
	return Calls{}
}

func TestLoad(t *testing.T) {
	address, client := startPlugin(t)
	const n = 200
	result, err := Run(t.Context(), Options{Plugin: address, Pods: n, Concurrency: 8, Interval: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	create, status, remove := calls(result, callCreate), calls(result, callStatus), calls(result, callDelete)
	if result.Failed() || result.Pods.Succeeded != n || create.Count != n || remove.Count != n || status.Count < n || result.Cycles.Count < 1 {
		t.Errorf("not all pods were created, polled until they succeeded, and deleted: %+v", result)
	}
	if create.PerSecond <= 0 || create.Latency.P50 <= 0 || create.Latency.P50 > create.Latency.P99 || create.Latency.P99 > create.Latency.Max {
		t.Errorf("throughput and latencies of the creates are not consistent: %+v", create)
	}
	expectNoObjects(t, client)
	var table, text bytes.Buffer
	if err := result.Table(&table); err != nil || !strings.Contains(table.String(), "200 succeeded, 0 failed, 0 not ended, 0 not deleted") {
		t.Errorf("Table: error %v\n%s", err, &table)
	}
	var decoded Result
	if err := result.JSON(&text); err != nil || json.Unmarshal(text.Bytes(), &decoded) != nil || decoded.Pods != result.Pods {
		t.Errorf("JSON: error %v\n%s", err, &text)
	}
	if !strings.Contains(text.String(), `"latencyMilliseconds"`) {
		t.Errorf("the JSON has no latencies:\n%s", &text)
	}
}

// After an interruption, the pods that were created are deleted.
func TestInterruptedLoad(t *testing.T) {
	address, client := startPlugin(t)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for {
			list, err := client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
			if err != nil || len(list.Items) >= 5 {
				interrupt()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	result, err := Run(ctx, Options{Plugin: address, Pods: 100000, Concurrency: 4, Rate: 200})
	if err == nil || result == nil {
		t.Fatalf("Run returns error %v, result %+v; want both", err, result)
	}
	if p := result.Pods; p.Succeeded+p.Failed+p.NotEnded > 10000 {
		t.Errorf("the result counts pods that were never created: %+v", p)
	}
	if create := calls(result, callCreate); create.Count < 5 || create.Count > 10000 {
		t.Errorf("%d creates were sent, want some, but by far not all", create.Count)
	}
	expectNoObjects(t, client)
}

// The load test of this plugin on a cluster in memory.
func BenchmarkLoad(b *testing.B) {
	address, client := startPlugin(b)
	for b.Loop() {
		result, err := Run(b.Context(), Options{Plugin: address, Pods: 200, Concurrency: 8, Interval: 10 * time.Millisecond})
		if err != nil || result.Failed() {
			b.Fatalf("error %v, result %+v", err, result)
		}
		b.ReportMetric(calls(result, callCreate).PerSecond, "creates/s")
		b.ReportMetric(calls(result, callCreate).Latency.P99, "create-p99-ms")
		b.ReportMetric(calls(result, callStatus).Latency.P99, "status-p99-ms")
		expectNoObjects(b, client)
	}
}
