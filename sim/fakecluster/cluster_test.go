package fakecluster_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

// An informer with a label selector, as the plugin's pod cache uses it, lists and
// follows the pods.
func TestInformerFollowsPods(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	pods := client.CoreV1().Pods("")
	inDefault := client.CoreV1().Pods("default")
	create := func(name, label string) {
		if _, err := inDefault.Create(t.Context(), newPod(name, label), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("before", "a")
	create("other-label", "b")
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
		t.Fatal("the informer did not sync")
	}
	// The watch of client-go's fake clientset panics when its queue of 100 events is full.
	for i := range 1000 {
		create(fmt.Sprintf("after-%d", i), "a")
	}
	expectCached := func(pods int) {
		t.Helper()
		testkit.Eventually(t, fmt.Sprintf("the informer caches %d pods", pods), func() bool {
			return len(informer.GetIndexer().ListKeys()) == pods
		})
	}
	expectCached(1001)
	if err := inDefault.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "l in (a, b)"}); err != nil {
		t.Fatal(err)
	}
	expectCached(0)
}

func TestLogs(t *testing.T) {
	cluster := fakecluster.New(fakecluster.Options{Logs: func(_ context.Context, pod *corev1.Pod, options *corev1.PodLogOptions) (io.ReadCloser, error) {
		if options.Previous {
			return nil, fmt.Errorf("no previous run")
		}
		return io.NopCloser(strings.NewReader(pod.Name + "/" + options.Container)), nil
	}})
	pods := cluster.Client().CoreV1().Pods("default")
	if _, err := pods.Create(t.Context(), newPod("pod", "a"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := pods.GetLogs("pod", nil).DoRaw(t.Context()); err != nil || len(text) != 0 {
		t.Errorf("the log of a pod without a node is %q, error %v; want an empty log", text, err)
	}
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "pod"}, Target: corev1.ObjectReference{Name: "node"}}
	if err := pods.Bind(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := pods.GetLogs("pod", nil).DoRaw(t.Context()); err != nil || string(text) != "pod/main" {
		t.Errorf("the log is %q, error %v; want %q", text, err, "pod/main")
	}
	if _, err := pods.GetLogs("pod", &corev1.PodLogOptions{Previous: true}).Stream(t.Context()); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "no previous run") {
		t.Errorf("the log of the previous run: error %v; want a Bad Request with the text of the kubelet", err)
	}
}

func TestVersion(t *testing.T) {
	discovery := fakecluster.New(fakecluster.Options{}).Client().Discovery()
	version, err := discovery.ServerVersion()
	if err != nil || version.GitVersion != "v1.37.0" || version.Minor != "37" {
		t.Errorf("the version is %v, error %v; want v1.37.0", version, err)
	}
	if _, err := discovery.RESTClient().Get().AbsPath("/version").DoRaw(t.Context()); err != nil {
		t.Error(err)
	}
}

// The time to create, list, update and delete one pod must not depend on how many
// other pods the cluster holds.
func BenchmarkOnePodAmongMany(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			client := fakecluster.New(fakecluster.Options{}).Client()
			must := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
			}
			create := func(name string) {
				pod := newPod(name, name)
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
				for range watcher.ResultChan() { //nolint:revive // an open watch is part of the load
				}
			}()
			onlyPod := metav1.ListOptions{LabelSelector: "all=yes,l=pod"}
			for b.Loop() {
				pods := client.CoreV1().Pods("default")
				create("pod")
				list, err := pods.List(b.Context(), onlyPod)
				must(err)
				list.Items[0].Status.Phase = corev1.PodRunning
				_, err = pods.UpdateStatus(b.Context(), &list.Items[0], metav1.UpdateOptions{})
				must(err)
				must(pods.DeleteCollection(b.Context(), metav1.DeleteOptions{}, onlyPod))
			}
		})
	}
}
