package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// start runs this plugin on a cluster in memory whose nodes are quick.
func start(t testing.TB) (address string, client kubernetes.Interface) {
	t.Helper()
	folder, err := os.MkdirTemp("", "l")
	if err != nil {
		t.Fatal(err)
	}
	client = fakecluster.New(fakecluster.Options{}).Client()
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + filepath.Join(folder, "s")
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
	t.Cleanup(func() { stop(); running.Wait(); _ = os.RemoveAll(folder) })
	return cfg.App.SocketAddress, client
}

// left counts what is offloaded once the nodes have let go of what was deleted.
func left(t testing.TB, client kubernetes.Interface) (pods, configMaps int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		list, err := client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		maps, err := client.CoreV1().ConfigMaps("").List(context.Background(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if pods, configMaps = len(list.Items), len(maps.Items); pods+configMaps == 0 || time.Now().After(deadline) {
			return pods, configMaps
		}
	}
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
	address, client := start(t)
	const n = 200
	result, err := Run(t.Context(), Options{Plugin: address, Pods: n, Concurrency: 8, Interval: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	create, status, remove := calls(result, "CreatePod"), calls(result, "GetStatus"), calls(result, "DeletePod")
	if result.Failed() || result.Pods.Succeeded != n || create.Count != n || remove.Count != n || status.Count < n || result.Rounds.Count < 1 {
		t.Errorf("%+v", result)
	}
	if create.PerSecond <= 0 || create.Latency.P50 <= 0 || create.Latency.P50 > create.Latency.P99 || create.Latency.P99 > create.Latency.Max {
		t.Errorf("%+v", create)
	}
	if pods, maps := left(t, client); pods+maps > 0 {
		t.Errorf("%d pods and %d ConfigMaps are left", pods, maps)
	}
	var table, text bytes.Buffer
	if err := result.Table(&table); err != nil || !strings.Contains(table.String(), "200 pods: 200 succeeded, 0 failed, 0 not ended, 0 not deleted") {
		t.Errorf("%v\n%s", err, &table)
	}
	var again Result
	if err := result.JSON(&text); err != nil || json.Unmarshal(text.Bytes(), &again) != nil || again.Pods != result.Pods {
		t.Errorf("%v\n%s", err, &text)
	}
	if !strings.Contains(text.String(), `"latencyMilliseconds"`) {
		t.Errorf("%s", &text)
	}
}

// An interruption deletes what was created.
func TestInterrupted(t *testing.T) {
	address, client := start(t)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for {
			list, err := client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
			if err != nil || len(list.Items) >= 5 {
				stop()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	result, err := Run(ctx, Options{Plugin: address, Pods: 100000, Concurrency: 4, Rate: 200})
	if err == nil || result == nil {
		t.Fatalf("%v, %+v", err, result)
	}
	if p := result.Pods; p.Succeeded+p.Failed+p.NotEnded > 10000 {
		t.Errorf("pods that were never created are counted: %+v", p)
	}
	if create := calls(result, "CreatePod"); create.Count < 5 || create.Count > 10000 {
		t.Errorf("%+v", create)
	}
	if pods, maps := left(t, client); pods+maps > 0 {
		t.Errorf("%d pods and %d ConfigMaps are left", pods, maps)
	}
}

// double is a plugin whose pods end at once, but for its faults.
func double(t *testing.T, create, status, remove http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	ok := func(http.ResponseWriter, *http.Request) {}
	var made sync.Map
	mux.HandleFunc("/create", func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Pod corev1.Pod }
		_ = json.NewDecoder(r.Body).Decode(&request)
		if create != nil {
			create(w, r)
			return
		}
		made.Store(request.Pod.UID, true)
		_, _ = fmt.Fprintf(w, `{"PodUID":%q,"PodJID":"j"}`, request.Pod.UID)
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var pods []corev1.Pod
		_ = json.Unmarshal(body, &pods)
		if status != nil && len(pods) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
			status(w, r)
			return
		}
		answer := []map[string]any{}
		for _, pod := range pods {
			main := corev1.ContainerStatus{Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}
			if _, there := made.Load(pod.UID); there {
				main.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			}
			answer = append(answer, map[string]any{"name": pod.Name, "UID": pod.UID, "containers": []corev1.ContainerStatus{main}})
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	if remove == nil {
		remove = ok
	}
	mux.HandleFunc("/delete", remove)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestFaults(t *testing.T) {
	fails := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no room", http.StatusInternalServerError) }
	hangsUp := func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	slow := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	var count atomic.Int64
	for _, test := range []struct {
		name                   string
		create, status, remove http.HandlerFunc
		call, words            string
		failures               int // at least
		pods                   Pods
	}{
		{"creates fail", fails, nil, nil, "CreatePod", "answered 500: no room", 20, Pods{Wanted: 20, Failed: 20}},
		{"creates hang up", hangsUp, nil, nil, "CreatePod", "no answer: EOF", 20, Pods{Wanted: 20, Failed: 20}},
		{"creates hang", slow, nil, nil, "CreatePod", "within 200ms", 20, Pods{Wanted: 20, Failed: 20}},
		{"each error says another word", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, fmt.Sprint("number ", count.Add(1)), http.StatusInternalServerError)
		}, nil, nil, "CreatePod", "other errors", 20, Pods{Wanted: 20, Failed: 20}},
		{"polls fail", nil, fails, nil, "GetStatus", "answered 500: no room", 20, Pods{Wanted: 20, NotEnded: 20}},
		{"polls fail, each with the pod's own words", nil, func(w http.ResponseWriter, r *http.Request) {
			var pods []corev1.Pod
			_ = json.NewDecoder(r.Body).Decode(&pods)
			http.Error(w, "pod "+pods[0].Name+" "+string(pods[0].UID), http.StatusInternalServerError)
		}, nil, "GetStatus", "[{answered 500: pod <pod> <uid> ", 20, Pods{Wanted: 20, NotEnded: 20}},
		{"polls answer nonsense", nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, nil, "GetStatus", "not a list", 20, Pods{Wanted: 20, NotEnded: 20}},
		{"polls hang", nil, slow, nil, "GetStatus", "within 200ms", 1, Pods{Wanted: 20, NotEnded: 20}},
		{"deletes fail", nil, nil, fails, "DeletePod", "answered 500: no room", 20, Pods{Wanted: 20, Succeeded: 20, Undeleted: 20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := Run(t.Context(), Options{
				Plugin: double(t, test.create, test.status, test.remove), Pods: 20, Concurrency: 20,
				Interval: time.Millisecond, CallTimeout: 200 * time.Millisecond, Wait: 300 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			c := calls(result, test.call)
			if c.Failures < test.failures || strings.Contains(fmt.Sprint(c.Errors), "canceled") || !strings.Contains(fmt.Sprint(c.Errors), test.words) || len(c.Errors) > maxKinds {
				t.Errorf("%+v", c)
			}
			if !result.Failed() || result.Pods != test.pods {
				t.Errorf("%+v, want %+v", result.Pods, test.pods)
			}
		})
	}
}

func TestNoPlugin(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	t.Cleanup(page.Close)
	for address, words := range map[string]string{page.URL: "is no plugin", "unix:///nowhere": "there is no plugin", "x": "address"} {
		if _, err := Run(t.Context(), Options{Plugin: address, Pods: 1, Concurrency: 1}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := Run(t.Context(), Options{Plugin: page.URL}); err == nil {
		t.Error("no pods: no error")
	}
}

func TestPercentile(t *testing.T) {
	list := func(n int) (d []time.Duration) {
		for i := range n {
			d = append(d, time.Duration(i+1))
		}
		return d
	}
	for _, test := range []struct {
		of, percent int
		want        time.Duration
	}{{0, 50, 0}, {1, 50, 1}, {1, 99, 1}, {2, 50, 1}, {2, 51, 2}, {3, 50, 2}, {100, 50, 50}, {100, 99, 99}, {100, 100, 100}, {101, 99, 100}, {10, 0, 1}} {
		if got := percentile(list(test.of), test.percent); got != test.want {
			t.Errorf("%d%% of %d: %d, want %d", test.percent, test.of, got, test.want)
		}
	}
}

// Against this plugin on a cluster in fakecluster.
func BenchmarkLoad(b *testing.B) {
	address, client := start(b)
	for b.Loop() {
		result, err := Run(b.Context(), Options{Plugin: address, Pods: 200, Concurrency: 8, Interval: 10 * time.Millisecond})
		if err != nil || result.Failed() {
			b.Fatalf("%v, %+v", err, result)
		}
		b.ReportMetric(calls(result, "CreatePod").PerSecond, "creates/s")
		b.ReportMetric(calls(result, "CreatePod").Latency.P99, "create-p99-ms")
		b.ReportMetric(calls(result, "GetStatus").Latency.P99, "status-p99-ms")
		left(b, client)
	}
}
