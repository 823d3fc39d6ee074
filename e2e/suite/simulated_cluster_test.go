//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// simulatedCluster is a local cluster with a simulated virtual kubelet, which sends
// its pods to a plugin.
type simulatedCluster struct {
	*testing.T
	*virtualkubelet.Kubelet
	removed map[string]bool
}

// newSimulatedCluster polls the status of all pods, as InterLink does, until the end
// of the test.
func newSimulatedCluster(t *testing.T, plugin string) *simulatedCluster {
	t.Helper()
	return newSimulatedClusterWith(t, plugin, interlink.Options{})
}

// newSimulatedClusterWith sets options of the virtual kubelet.
func newSimulatedClusterWith(t *testing.T, plugin string, options interlink.Options) *simulatedCluster {
	t.Helper()
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Options: options, Plugin: plugin, CallTimeout: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(testEnv.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = kubelet.Poll(ctx) // tests look at what the local cluster shows
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended; kubelet.Close() })
	return &simulatedCluster{t, kubelet, map[string]bool{}}
}

// create creates a pod, which the plugin must accept, and deletes it at the end of
// the test. It returns the name of the pod.
func (l *simulatedCluster) create(pod *corev1.Pod) string {
	l.Helper()
	if err := l.Create(testEnv.ctx, pod); err != nil {
		l.Fatal(err)
	}
	l.removeAfterTest(pod.Name)
	return pod.Name
}

// removeAfterTest deletes a pod at the end of the test, unless the test itself does.
func (l *simulatedCluster) removeAfterTest(name string) {
	l.Cleanup(func() {
		if !l.removed[name] {
			l.remove(name)
		}
	})
}

// remove deletes a pod.
func (l *simulatedCluster) remove(name string) {
	l.Helper()
	l.removed[name] = true
	if err := l.Delete(afterTest(), name); err != nil {
		l.Error(err)
	}
}

// waitForPhase waits until the local cluster shows a phase.
func (l *simulatedCluster) waitForPhase(name string, want corev1.PodPhase) corev1.PodStatus {
	l.Helper()
	eventually(l.T, fmt.Sprintf("pod %s is %s", name, want), func(context.Context) error {
		if status := l.Status(name); status.Phase != want {
			return fmt.Errorf("it is %s (%s) with containers %+v", status.Phase, status.Message, status.ContainerStatuses)
		}
		return nil
	})
	return l.Status(name)
}

// readLog reads the log of a pod's container "main" to its end.
func (l *simulatedCluster) readLog(name string, options wire.LogOpts) string {
	l.Helper()
	stream, err := l.Logs(testEnv.ctx, name, "main", options)
	if err != nil {
		l.Fatal(err)
	}
	text, err := io.ReadAll(stream)
	if err := errors.Join(err, stream.Close()); err != nil {
		l.Fatal(err)
	}
	return string(text)
}

// remotePods lists the remote pods of a local pod.
func (l *simulatedCluster) remotePods(name string) []corev1.Pod {
	l.Helper()
	list, err := testEnv.remote.client.CoreV1().Pods("").List(testEnv.ctx, metav1.ListOptions{
		LabelSelector: "interlink.io/source.pod_uid=" + string(l.Pod(name).UID),
	})
	if err != nil {
		l.Fatal(err)
	}
	return list.Items
}

// remotePod returns the only remote pod of a local pod.
func (l *simulatedCluster) remotePod(name string) corev1.Pod {
	l.Helper()
	pods := l.remotePods(name)
	if len(pods) != 1 {
		l.Fatalf("pod %s has %d remote pods, want 1", name, len(pods))
	}
	return pods[0]
}

// shellPod returns a pod with one container that runs a script.
func shellPod(name, script string, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		RestartPolicy:                 corev1.RestartPolicyNever,
		TerminationGracePeriodSeconds: new(int64),
		AutomountServiceAccountToken:  new(bool),
		Containers: []corev1.Container{{
			Name: "main", Image: "busybox:1.37", Command: []string{"sh", "-c", strings.TrimSpace(script)},
		}},
	}}
	pod.Name = name
	for _, c := range change {
		c(pod)
	}
	return pod
}
