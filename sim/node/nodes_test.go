package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// behaviorAnnotation holds the name of a pod's behavior.
const behaviorAnnotation = "interlink.io/source.name"

func remotePod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{wire.LabelOffloading: wire.Offloading}, Annotations: map[string]string{behaviorAnnotation: name}},
		Spec:       corev1.PodSpec{RestartPolicy: corev1.RestartPolicyOnFailure, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}
}

// runNodes runs nodes until the test ends.
func runNodes(t testing.TB, options node.Options) *node.Nodes {
	t.Helper()
	nodes := node.New(options)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := nodes.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return nodes
}

var untilStopped = &metav1.Duration{}

var behaviors = map[string]scenario.Pod{
	"fine":          {Containers: map[string]scenario.Container{"main": {Output: []string{"hello", "world"}}}},
	"crashes":       {Containers: map[string]scenario.Container{"main": {ExitCodes: []int32{7, 0}, Output: []string{"again"}}}},
	"evicted":       {Containers: map[string]scenario.Container{"main": {Run: untilStopped}}, Events: []scenario.Event{{At: metav1.Duration{Duration: 5 * time.Second}, Evict: "disk"}}},
	"deleted":       {Containers: map[string]scenario.Container{"main": {Run: untilStopped}}, Events: []scenario.Event{{At: metav1.Duration{Duration: 5 * time.Second}, Delete: true}}},
	"unschedulable": {Unschedulable: "0/1 nodes are available"},
}

// describe returns what a client sees of a pod: status, conditions and logs.
func describe(ctx context.Context, client kubernetes.Interface, namespace, name string) string {
	pods := client.CoreV1().Pods(namespace)
	pod, err := pods.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "deleted"
	}
	text := fmt.Sprintf("%s %s node %v", pod.Status.Phase, pod.Status.Reason, pod.Spec.NodeName != "")
	for _, c := range pod.Status.Conditions {
		text += fmt.Sprintf(" %s=%s/%s", c.Type, c.Status, c.Reason)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Terminated != nil {
			text += fmt.Sprintf(" %d *%d", c.State.Terminated.ExitCode, c.RestartCount)
		}
	}
	if pod.Spec.NodeName == "" {
		return text
	}
	for _, options := range []corev1.PodLogOptions{{Follow: true}, {Previous: true}} {
		stream, err := pods.GetLogs(name, &options).Stream(ctx)
		if err != nil {
			text += " log: " + err.Error()
			continue
		}
		log, err := io.ReadAll(stream)
		_ = stream.Close()
		text += fmt.Sprintf(" log: %q %v", log, err)
	}
	return text
}

// The same behaviors have the same results on the fake cluster and on a real API server.
func TestNodesOnFakeAndRealAPIServer(t *testing.T) {
	want := map[string]string{
		"fine": `Succeeded  node true PodScheduled=True/ Initialized=True/PodCompleted ContainersReady=False/PodCompleted Ready=False/PodCompleted` +
			` 0 *0 log: "hello\nworld\n" <nil> log: previous terminated container "main" in pod "fine" not found`,
		"crashes": `Succeeded  node true PodScheduled=True/ Initialized=True/PodCompleted ContainersReady=False/PodCompleted Ready=False/PodCompleted` +
			` 0 *1 log: "again\n" <nil> log: "again\n" <nil>`,
		"evicted": `Failed Evicted node true PodScheduled=True/ Initialized=True/ ContainersReady=False/PodFailed Ready=False/PodFailed` +
			` 137 *0 log: "" <nil> log: previous terminated container "main" in pod "evicted" not found`,
		"deleted":       "deleted",
		"unschedulable": "Pending  node false PodScheduled=False/Unschedulable",
	}
	run := func(t *testing.T, client kubernetes.Interface, namespace string) {
		for name := range want {
			if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), remotePod(name), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "all pods reach their last state", func(ctx context.Context) error {
			got := map[string]string{}
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // ends the followed logs of running containers
			defer cancel()
			for name := range want {
				got[name] = describe(ctx, client, namespace, name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				return errors.New(diff)
			}
			return nil
		})
	}
	behaviorOf := func(pod *corev1.Pod) (scenario.Pod, bool) {
		return behaviors[pod.Annotations[behaviorAnnotation]], true
	}
	t.Run("fake", func(t *testing.T) {
		clock := node.ScaledClock(20)
		logs := node.NewLogs(clock)
		client := fakecluster.New(fakecluster.Options{Now: clock.Now, Logs: logs.Open}).Client()
		runNodes(t, node.Options{Client: client, Behavior: behaviorOf, Clock: clock, Logs: logs})
		run(t, client, "default")
	})
	t.Run("real", func(t *testing.T) {
		server := apiserver.ForTest(t)
		config := rest.CopyConfig(server.Config)
		config.QPS = -1 // the default of five requests a second is too low for a clock at 20 times the real time
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		runNodes(t, node.Options{Client: client, Behavior: behaviorOf, Clock: node.ScaledClock(20), ServeLogs: true})
		run(t, client, server.Namespace(t))
	})
}

// A followed log ends when its reader leaves and when the container ends.
func TestFollowedLogEnds(t *testing.T) {
	clock := node.ScaledClock(1)
	logs := node.NewLogs(clock)
	client := fakecluster.New(fakecluster.Options{Logs: logs.Open}).Client()
	runNodes(t, node.Options{Client: client, Clock: clock, Logs: logs, Behavior: func(*corev1.Pod) (scenario.Pod, bool) {
		return scenario.Pod{Containers: map[string]scenario.Container{"main": {Start: &metav1.Duration{}, Output: []string{"line"}}}}, true
	}})
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), remotePod("pod"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the pod runs", func() bool {
		pod, err := client.CoreV1().Pods("default").Get(t.Context(), "pod", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning
	})
	ctx, disconnect := context.WithCancel(t.Context())
	stream, err := client.CoreV1().Pods("default").GetLogs("pod", &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, len("line\n"))); err != nil {
		t.Error(err)
	}
	disconnect()
	if _, err := stream.Read(make([]byte, 1)); err == nil {
		t.Error("the stream is still open after its context ended")
	}
	stream, err = client.CoreV1().Pods("default").GetLogs("pod", &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(stream); err != nil || string(text) != "line\n" {
		t.Errorf("the log is %q, error %v; want %q", text, err, "line\n")
	}
}

// The time in which many pods run from their creation to their end.
func BenchmarkManyPods(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				client := fakecluster.New(fakecluster.Options{}).Client()
				ctx, stop := context.WithCancel(b.Context())
				nodes := node.New(node.Options{Client: client, Clock: node.ScaledClock(1000)})
				var running sync.WaitGroup
				running.Go(func() { _ = nodes.Run(ctx) })
				for i := range n {
					if _, err := client.CoreV1().Pods("default").Create(ctx, remotePod(fmt.Sprint("pod-", i)), metav1.CreateOptions{}); err != nil {
						b.Fatal(err)
					}
				}
				for left := n; left > 0; time.Sleep(5 * time.Millisecond) {
					list, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Succeeded"})
					if err != nil {
						b.Fatal(err)
					}
					left = len(list.Items)
				}
				stop()
				running.Wait()
			}
		})
	}
}
