package fakecluster_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

// An informer, made as the plugin's pod cache is, fills and follows.
func TestInformer(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	pods := client.CoreV1().Pods("")
	here := client.CoreV1().Pods("default")
	create := func(name, label string) {
		if _, err := here.Create(t.Context(), podOf(name, label), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("before", "a")
	create("foreign", "b")
	informer := cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = "l=a"
			return pods.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = "l=a"
			return pods.Watch(ctx, options)
		},
	}, client), &corev1.Pod{}, 0, cache.Indexers{})
	go informer.RunWithContext(t.Context())
	if !cache.WaitForCacheSync(t.Context().Done(), informer.HasSynced) {
		t.Fatal("not synced")
	}
	// More than the fake's own watch holds before it panics.
	for i := range 1000 {
		create(fmt.Sprintf("after-%d", i), "a")
	}
	holds := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); len(informer.GetIndexer().ListKeys()) != n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the cache holds %d pods, not %d", len(informer.GetIndexer().ListKeys()), n)
			}
		}
	}
	holds(1001)
	if err := here.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "l in (a, b)"}); err != nil {
		t.Fatal(err)
	}
	holds(0)
}

func TestLogsVersionAndRights(t *testing.T) {
	cluster := fakecluster.New(fakecluster.Options{Logs: func(_ context.Context, pod *corev1.Pod, options *corev1.PodLogOptions) (io.ReadCloser, error) {
		if options.Previous {
			return nil, fmt.Errorf("no previous run")
		}
		return io.NopCloser(strings.NewReader(pod.Name + "/" + options.Container)), nil
	}})
	pods := cluster.Client().CoreV1().Pods("default")
	if _, err := pods.Create(t.Context(), podOf("pod", "a"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := pods.GetLogs("pod", nil).DoRaw(t.Context()); err != nil || len(text) != 0 {
		t.Errorf("logs of an unbound pod: %q, %v", text, err)
	}
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "pod"}, Target: corev1.ObjectReference{Name: "node"}}
	if err := pods.Bind(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := pods.GetLogs("pod", nil).DoRaw(t.Context()); err != nil || string(text) != "pod/main" {
		t.Errorf("logs: %q, %v", text, err)
	}
	if _, err := pods.GetLogs("pod", &corev1.PodLogOptions{Previous: true}).Stream(t.Context()); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "no previous run") {
		t.Errorf("a refusal: %v", err)
	}
	version, err := cluster.Client().Discovery().ServerVersion()
	if err != nil || version.GitVersion != "v1.37.0" || version.Minor != "37" {
		t.Errorf("version: %v, %v", version, err)
	}
	if _, err := cluster.Client().Discovery().RESTClient().Get().AbsPath("/version").DoRaw(t.Context()); err != nil {
		t.Error(err)
	}
}

// One pod's way through a cluster that holds n others: it must not take the
// longer the more there are.
func BenchmarkPod(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			client := fakecluster.New(fakecluster.Options{}).Client()
			must := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
			}
			create := func(name string) {
				pod := podOf(name, name)
				pod.Labels["all"] = "yes"
				_, err := client.CoreV1().Pods("default").Create(b.Context(), pod, metav1.CreateOptions{})
				must(err)
			}
			for i := range n {
				create(fmt.Sprintf("other-%d", i))
			}
			watcher, err := client.CoreV1().Pods("").Watch(b.Context(), metav1.ListOptions{LabelSelector: "all=yes"})
			must(err)
			defer watcher.Stop()
			go func() {
				for range watcher.ResultChan() { //nolint:revive // somebody watches
				}
			}()
			one := metav1.ListOptions{LabelSelector: "all=yes,l=pod"}
			for b.Loop() {
				pods := client.CoreV1().Pods("default")
				create("pod")
				list, err := pods.List(b.Context(), one)
				must(err)
				list.Items[0].Status.Phase = corev1.PodRunning
				_, err = pods.UpdateStatus(b.Context(), &list.Items[0], metav1.UpdateOptions{})
				must(err)
				must(pods.DeleteCollection(b.Context(), metav1.DeleteOptions{}, one))
			}
		})
	}
}
