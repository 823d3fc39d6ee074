package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// podList is an API server that has only a list of pods, and sends it to every watch.
type podList struct {
	initial []byte
	mu      sync.Mutex
	watches map[chan []byte]bool
}

func newPodList(b *testing.B, count int) *podList {
	b.Helper()
	list := &podList{watches: map[chan []byte]bool{}}
	for i := range count {
		list.initial = append(list.initial, event(b, "ADDED", remotePod(i))...)
	}
	end := &corev1.Pod{TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{
		ResourceVersion: "999999", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
	}}
	list.initial = append(list.initial, event(b, "BOOKMARK", end)...)
	return list
}

// remotePod returns a pod of the size of a real one, which owns four objects.
func remotePod(number int) *corev1.Pod {
	pod := testkit.RemotePod(number, map[string]string{
		wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "site-a", wire.LabelPodUID: localUID(number),
	})
	for i, kind := range []string{"configmaps", "configmaps", "secrets", "secrets"} {
		if i > 0 {
			pod.Annotations[wire.AnnotationOwned] += ","
		}
		pod.Annotations[wire.AnnotationOwned] += fmt.Sprintf("%s/settings-%d-%s", kind, i, localUID(number))
	}
	return pod
}

func localUID(number int) string { return fmt.Sprintf("%08x-ca03-4864-a97c-dabccaa67f8e", number) }

func event(b *testing.B, kind string, pod *corev1.Pod) []byte {
	b.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "object": pod})
	if err != nil {
		b.Fatal(err)
	}
	return append(text, '\n')
}

func (l *podList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, 1)
	l.mu.Lock()
	l.watches[events] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watches, events)
	}()
	w.Header().Set("Content-Type", "application/json")
	text := l.initial
	for {
		if _, err := w.Write(text); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case text = <-events:
		case <-r.Context().Done():
			return
		}
	}
}

// send sends an event to each watch.
func (l *podList) send(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for events := range l.watches {
		events <- text
	}
}

// watcher is a cache of pods: the plugin's, or an informer of client-go as it is.
type watcher struct {
	run    func(context.Context)
	synced func() bool
	// version returns the resource version of a cached pod. key is its namespace and name.
	version func(uid, key string) string
}

func newWatchers(b *testing.B, server *httptest.Server) map[string]watcher {
	b.Helper()
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	plugin, err := New(client, "", status.CachedFields, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	bare := informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer()
	return map[string]watcher{
		"plugin": {plugin.Run, plugin.Synced, func(uid, _ string) string { return plugin.CachedPod(uid).ResourceVersion }},
		"bare": {bare.RunWithContext, bare.HasSynced, func(_, key string) string {
			object, _, _ := bare.GetStore().GetByKey(key)
			return object.(*corev1.Pod).ResourceVersion
		}},
	}
}

// BenchmarkPodCache compares the pod cache with an informer of client-go that keeps
// whole pods, for 2,000 pods: the time until it is filled (ns/op), the heap for each
// pod after a garbage collection, and the time from the event of a change to the
// changed pod in the cache.
func BenchmarkPodCache(b *testing.B) {
	const count = 2000
	list := newPodList(b, count)
	server := httptest.NewServer(list)
	defer server.Close()
	for _, name := range []string{"bare", "plugin"} {
		b.Run(name, func(b *testing.B) {
			var perPod, latency float64
			for b.Loop() {
				watcher := newWatchers(b, server)[name]
				before := heap()
				ctx, stop := context.WithCancel(b.Context())
				var running sync.WaitGroup
				running.Go(func() { watcher.run(ctx) })
				waitFor(b, watcher.synced)
				b.StopTimer()
				perPod = (heap() - before) / count
				latency = changeLatency(b, list, watcher)
				stop()
				running.Wait()
				b.StartTimer()
			}
			b.ReportMetric(perPod, "heap-B/pod")
			b.ReportMetric(latency, "change-ns")
		})
	}
}

// changeLatency returns the median time from an event to the change of the cache.
func changeLatency(b *testing.B, list *podList, watcher watcher) float64 {
	b.Helper()
	const changes = 101
	times := make([]time.Duration, changes)
	for i := range times {
		pod := remotePod(i)
		pod.ResourceVersion = fmt.Sprint(1000000 + i)
		text, uid, key := event(b, "MODIFIED", pod), localUID(i), pod.Namespace+"/"+pod.Name
		start := time.Now()
		list.send(text)
		for watcher.version(uid, key) != pod.ResourceVersion {
			runtime.Gosched()
		}
		times[i] = time.Since(start)
	}
	return float64(median(times).Nanoseconds())
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func waitFor(b *testing.B, done func() bool) {
	b.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("the cache is not filled")
		}
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return float64(memory.HeapAlloc)
}

// BenchmarkCachedPod looks up one pod among many.
func BenchmarkCachedPod(b *testing.B) {
	for _, count := range []int{100, 10000} {
		b.Run(fmt.Sprintf("pods=%d", count), func(b *testing.B) {
			cluster, err := New(kubernetes.NewForConfigOrDie(&rest.Config{}), "", status.CachedFields, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			for i := range count {
				pod, err := encodePod(status.CachedFields(remotePod(i)))
				if err != nil {
					b.Fatal(err)
				}
				if err := cluster.pods.informer.GetIndexer().Add(pod); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if cluster.CachedPod(localUID(i%count)) == nil {
					b.Fatal("the pod is not found")
				}
			}
		})
	}
}
