//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// The tests in this file disrupt the whole remote cluster, so none of them runs in
// parallel with another test.

// testDrain drains the node of a running pod, and makes the node schedulable again.
func testDrain(t *testing.T) {
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide).address)
	drained := l.create(shellPod("drained", "sleep 3600"))
	l.waitForPhase(drained, corev1.PodRunning)
	pod := l.remotePod(drained)
	node := pod.Spec.NodeName
	t.Cleanup(func() {
		if _, err := testEnv.remote.run(afterTest(), "uncordon", node); err != nil {
			t.Error(err)
		}
	})
	if _, err := testEnv.remote.run(testEnv.ctx, "drain", node, "--force", "--ignore-daemonsets", "--delete-emptydir-data",
		"--pod-selector", "interlink.io=offloading", "--timeout", waitTimeout.String()); err != nil {
		t.Fatal(err)
	}
	status := l.waitForPhase(drained, corev1.PodFailed)
	if end := status.ContainerStatuses[0].State.Terminated; end == nil || end.ExitCode == 0 || !strings.Contains(end.Message, "RemotePodNotFound") {
		t.Errorf("the container terminated with %+v", end)
	}
	late := l.create(shellPod("late", "sleep 3600"))
	eventually(t, "the pod shows that it waits for a node", func(context.Context) error {
		status := l.Status(late)
		if status.Phase != corev1.PodPending {
			return fmt.Errorf("the pod is %s", status.Phase)
		}
		waiting := status.ContainerStatuses[0].State.Waiting
		if waiting == nil || waiting.Reason != "Unschedulable" || !strings.Contains(waiting.Message, "unschedulable") {
			return fmt.Errorf("the container waits with %+v", waiting)
		}
		return nil
	})
	if _, err := testEnv.remote.run(testEnv.ctx, "uncordon", node); err != nil {
		t.Fatal(err)
	}
	l.waitForPhase(late, corev1.PodRunning)
}

// testControlPlaneRestarts kills the remote API server while pods are created. Each
// of them is created once.
func testControlPlaneRestarts(t *testing.T) {
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide).address)
	before := l.create(shellPod("before", "sleep 3600"))
	l.waitForPhase(before, corev1.PodRunning)
	remoteBefore := l.remotePod(before).UID

	// The creates begin before the API server is killed and end after the next one has started.
	restarted := make(chan struct{})
	var mu sync.Mutex
	var names []string
	var creates errgroup.Group
	for worker := range 2 {
		creates.Go(func() error {
			// The pause grows, so that a slow restart does not fill the node with pods.
			for i, pause := 0, 300*time.Millisecond; ; i, pause = i+1, 2*pause {
				pod := shellPod(fmt.Sprintf("during-%d-%d", worker, i), "sleep 3600")
				pod.Spec.AutomountServiceAccountToken = nil // the default creates a Secret too
				mu.Lock()
				names = append(names, pod.Name)
				mu.Unlock()
				if err := l.Create(testEnv.ctx, pod); err != nil {
					return err
				}
				select {
				case <-restarted:
					return nil
				case <-time.After(pause):
				}
			}
		})
	}
	t.Cleanup(func() {
		_ = creates.Wait() // checked below
		for _, name := range names {
			l.remove(name)
		}
	})
	testEnv.restartStarted = time.Now()
	func() {
		defer close(restarted)
		restartAPIServer(t)
	}()
	if err := creates.Wait(); err != nil {
		t.Fatal(err)
	}
	testEnv.restartEnded = time.Now()
	for _, name := range names {
		l.waitForPhase(name, corev1.PodRunning)
		l.remotePod(name)
		secrets, err := testEnv.remote.client.CoreV1().Secrets("").List(testEnv.ctx, metav1.ListOptions{
			LabelSelector: "interlink.io/source.pod_uid=" + string(l.Pod(name).UID),
		})
		if err != nil || len(secrets.Items) != 1 {
			t.Errorf("pod %s has %d Secrets, want 1: %v", name, len(secrets.Items), err)
		}
	}
	t.Logf("%d pods were created during the restart", len(names))
	if got := l.remotePod(before).UID; got != remoteBefore {
		t.Errorf("the pod that ran before was replaced: its UID is %s, want %s", got, remoteBefore)
	}
	if status := l.Status(before); status.Phase != corev1.PodRunning {
		t.Errorf("the pod that ran before is %s: %s", status.Phase, status.Message)
	}
}

// restartAPIServer kills the process of the API server from a privileged pod, and
// waits until the kubelet has started another one.
func restartAPIServer(t *testing.T) {
	t.Helper()
	pods := testEnv.remote.client.CoreV1().Pods("kube-system")
	apiServer := func(ctx context.Context) (string, error) {
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "component=kube-apiserver"})
		if err != nil || len(list.Items) != 1 || len(list.Items[0].Status.ContainerStatuses) != 1 {
			return "", errors.Join(err, errors.New("the API server is not a static pod of kubeadm"))
		}
		return list.Items[0].Status.ContainerStatuses[0].ContainerID, nil
	}
	killed, err := apiServer(testEnv.ctx)
	if err != nil {
		t.Fatal(err)
	}
	killer := shellPod("e2e-kill-api-server", `
for process in /proc/[0-9]*; do
	if test "$(cat $process/comm)" = kube-apiserver; then kill -KILL ${process#/proc/}; fi
done`, func(pod *corev1.Pod) {
		pod.Spec.HostPID = true
		pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
		pod.Spec.NodeSelector = map[string]string{"node-role.kubernetes.io/control-plane": ""}
	})
	if _, err := pods.Create(testEnv.ctx, killer, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := pods.Delete(afterTest(), killer.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	eventually(t, "another API server runs", func(ctx context.Context) error {
		if is, err := apiServer(ctx); err != nil || is == killed {
			return errors.Join(err, errors.New("the API server that was to be killed still runs"))
		}
		return nil
	})
}
