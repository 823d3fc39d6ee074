package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// recorder records the requests of a client.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []string
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.next.RoundTrip(request)
	kind := ""
	if err == nil {
		kind = answer.Header.Get("Content-Type")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf("%s %s %s", request.Method, request.URL, kind))
	return answer, err
}

func offloaded(name, uid string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: uid, "user": strings.Repeat("x", 50),
			},
			Annotations: map[string]string{"user": strings.Repeat("x", 5000), wire.AnnotationDefaultContainer: "main"},
		},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "main", Image: "busybox", Env: []corev1.EnvVar{{Name: "SECRET", Value: "s3cr3t"}}}},
		},
	}
}

// The pod cache holds offloaded pods and no others, from one namespace or from all.
// It keeps only some fields, uses protobuf, and lets the API server filter by label.
func TestCacheHoldsOffloadedPodsOnly(t *testing.T) {
	server := apiserver.ForTest(t)
	here, elsewhere := server.Namespace(t), server.Namespace(t)
	for _, single := range []bool{false, true} {
		t.Run(fmt.Sprintf("single namespace %v", single), func(t *testing.T) {
			suffix := fmt.Sprintf("-%v", single)
			pods := server.Client.CoreV1().Pods(here)
			foreign := offloaded("foreign"+suffix, "uid-foreign"+suffix)
			delete(foreign.Labels, wire.LabelOffloading)
			for _, pod := range []*corev1.Pod{offloaded("here"+suffix, "uid-here"+suffix), foreign} {
				if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			other := offloaded("elsewhere"+suffix, "uid-elsewhere"+suffix)
			if _, err := server.Client.CoreV1().Pods(elsewhere).Create(t.Context(), other, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}

			// The client configuration of the plugin, with the credentials of the test's server.
			client, err := cluster.Connect(config.K8s{Kubeconfig: config.Secret(server.Kubeconfig()), QPS: 100, Burst: 100}, "test")
			if err != nil {
				t.Fatal(err)
			}
			calls := &recorder{}
			config := client.Connection.Config()
			config.Wrap(func(next http.RoundTripper) http.RoundTripper { calls.next = next; return calls })
			namespace := ""
			if single {
				namespace = here
			}
			c := runCluster(t, config, namespace)
			testkit.Eventually(t, "the pod cache is filled", c.Synced)

			pod := c.CachedPod("uid-here" + suffix)
			if pod == nil || pod.Name != "here"+suffix || pod.Namespace != here || pod.Annotations[wire.AnnotationDefaultContainer] != "main" {
				t.Fatalf("the cached pod is %+v", pod)
			}
			if text := fmt.Sprint(pod); strings.Contains(text, "s3cr3t") || strings.Contains(text, "xxxxx") {
				t.Errorf("the cached pod holds fields that the plugin does not need: %s", text)
			}
			if c.CachedPod("uid-foreign"+suffix) != nil {
				t.Error("a pod that no plugin offloaded is cached")
			}
			if got := c.CachedPod("uid-elsewhere"+suffix) != nil; got == single {
				t.Errorf("a pod of another namespace is cached: %v", got)
			}

			if err := pods.Delete(t.Context(), "here"+suffix, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, "the pod cache drops the deleted pod", func() bool { return c.CachedPod("uid-here"+suffix) == nil })

			calls.mu.Lock()
			defer calls.mu.Unlock()
			for _, call := range calls.seen {
				if !strings.Contains(call, "labelSelector=interlink.io%3Doffloading") || !strings.Contains(call, "protobuf") {
					t.Errorf("the cache sends %s", call)
				}
				if single && !strings.Contains(call, "/namespaces/"+here+"/pods") {
					t.Errorf("with credentials for one namespace the cache sends %s", call)
				}
			}
		})
	}
}

// If two remote pods have the same local UID, the pod that is not being deleted is used.
func TestPodThatIsNotBeingDeletedIsPreferred(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	pods := server.Client.CoreV1().Pods(namespace)
	for _, name := range []string{"deleted", "kept"} {
		if _, err := pods.Create(t.Context(), offloaded(name, "uid-twice"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// The deletion of a bound pod waits for a kubelet.
		if err := pods.Bind(t.Context(), &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: "node"},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := pods.Delete(t.Context(), "deleted", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c := runCluster(t, server.Config, namespace)
	testkit.Eventually(t, "the pod cache is filled", c.Synced)
	if pod := c.CachedPod("uid-twice"); pod == nil || pod.Name != "kept" {
		t.Errorf("the cached pod is %v", pod)
	}
	if pods := c.CachedPods("uid-twice"); len(pods) != 2 {
		t.Errorf("the cache has %d pods with this UID, want both", len(pods))
	}
}

// While the API server is down, the cache keeps the last known state. When the server
// is up again, the cache receives the changes.
func TestCacheKeepsItsPodsWhileTheAPIServerIsDown(t *testing.T) {
	server, err := apiserver.Start(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	namespace := server.Namespace(t)
	pods := server.Client.CoreV1().Pods(namespace)
	if _, err := pods.Create(t.Context(), offloaded("pod", "uid"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c := runCluster(t, server.Config, "")
	testkit.Eventually(t, "the pod cache is filled", c.Synced)
	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Pod(t.Context(), namespace, "pod"); err == nil {
		t.Error("the API server is not down, so the test checks nothing")
	}
	if c.CachedPod("uid") == nil || !c.Synced() {
		t.Error("the cache has lost its pods")
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(t.Context(), "pod", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the pod cache drops the deleted pod", func() bool { return c.CachedPod("uid") == nil })
}

// runCluster runs a Cluster until the test ends.
func runCluster(t *testing.T, config *rest.Config, namespace string) *cluster.Cluster {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.New(client, namespace, status.CachedFields, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, c)
	return c
}

// run fills the cache of a Cluster, and keeps it up to date until the test ends.
func run(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
}
