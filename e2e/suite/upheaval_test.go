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

// What is in this file strikes the whole remote cluster, so no test of it runs
// beside another.

// testDrain drains the node with a running pod, and lets it take pods again.
func testDrain(t *testing.T) {
	l := newLocal(t, startPlugin(t, stage.all).address)
	gone := l.create(shell("drained", "sleep 3600"))
	l.phase(gone, corev1.PodRunning)
	pod := l.remotePod(gone)
	node := pod.Spec.NodeName
	t.Cleanup(func() {
		if err := stage.remote.kubectl(context.WithoutCancel(stage.ctx), "uncordon", node); err != nil {
			t.Error(err)
		}
	})
	if err := stage.remote.kubectl(stage.ctx, "drain", node, "--force", "--ignore-daemonsets", "--delete-emptydir-data",
		"--pod-selector", "interlink.io=offloading", "--timeout", patience.String()); err != nil {
		t.Fatal(err)
	}
	status := l.phase(gone, corev1.PodFailed)
	if end := status.ContainerStatuses[0].State.Terminated; end == nil || end.ExitCode == 0 || !strings.Contains(end.Message, "RemotePodNotFound") {
		t.Errorf("its container's end: %+v", end)
	}
	late := l.create(shell("late", "sleep 3600"))
	eventually(t, "the pod waits for a node and says so", func(context.Context) error {
		status := l.Status(late)
		if status.Phase != corev1.PodPending {
			return fmt.Errorf("it is %s", status.Phase)
		}
		waiting := status.ContainerStatuses[0].State.Waiting
		if waiting == nil || waiting.Reason != "Unschedulable" || !strings.Contains(waiting.Message, "unschedulable") {
			return fmt.Errorf("it shows %+v", waiting)
		}
		return nil
	})
	if err := stage.remote.kubectl(stage.ctx, "uncordon", node); err != nil {
		t.Fatal(err)
	}
	l.phase(late, corev1.PodRunning)
}

// testControlPlaneRestarts kills the remote API server while pods are created:
// each is created in the end, once.
func testControlPlaneRestarts(t *testing.T) {
	l := newLocal(t, startPlugin(t, stage.all).address)
	before := l.create(shell("before", "sleep 3600"))
	l.phase(before, corev1.PodRunning)
	remoteBefore := l.remotePod(before).UID

	// Creates come from before the kill until the API server is another, so they meet its absence.
	restarted := make(chan struct{})
	var mu sync.Mutex
	var names []string
	var creates errgroup.Group
	for worker := range 2 {
		creates.Go(func() error {
			for i := 0; ; i++ {
				pod := shell(fmt.Sprintf("meanwhile-%d-%d", worker, i), "sleep 3600")
				pod.Spec.AutomountServiceAccountToken = nil // which brings a Secret along
				mu.Lock()
				names = append(names, pod.Name)
				mu.Unlock()
				if err := l.Create(stage.ctx, pod); err != nil {
					return err
				}
				select {
				case <-restarted:
					return nil
				case <-time.After(300 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(func() {
		_ = creates.Wait() // judged below
		for _, name := range names {
			l.remove(name)
		}
	})
	stage.restartBegan = time.Now()
	func() {
		defer close(restarted)
		restartAPIServer(t)
	}()
	if err := creates.Wait(); err != nil {
		t.Fatal(err)
	}
	stage.restartEnded = time.Now()
	for _, name := range names {
		l.phase(name, corev1.PodRunning)
		l.remotePod(name)
		secrets, err := stage.remote.client.CoreV1().Secrets("").List(stage.ctx, metav1.ListOptions{
			LabelSelector: "interlink.io/source.pod_uid=" + string(l.Pod(name).UID),
		})
		if err != nil || len(secrets.Items) != 1 {
			t.Errorf("%d Secrets of pod %s, %v", len(secrets.Items), name, err)
		}
	}
	t.Logf("%d pods were created meanwhile", len(names))
	if got := l.remotePod(before).UID; got != remoteBefore {
		t.Errorf("the pod that ran before is another: %s, not %s", got, remoteBefore)
	}
	if status := l.Status(before); status.Phase != corev1.PodRunning {
		t.Errorf("the pod that ran before is %s: %s", status.Phase, status.Message)
	}
}

// restartAPIServer kills the API server's process from a privileged pod, and waits
// until the kubelet has started another.
func restartAPIServer(t *testing.T) {
	t.Helper()
	pods := stage.remote.client.CoreV1().Pods("kube-system")
	apiServer := func(ctx context.Context) (string, error) {
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "component=kube-apiserver"})
		if err != nil || len(list.Items) != 1 || len(list.Items[0].Status.ContainerStatuses) != 1 {
			return "", errors.Join(err, errors.New("there is no API server that is a static pod, as kubeadm makes it"))
		}
		return list.Items[0].Status.ContainerStatuses[0].ContainerID, nil
	}
	was, err := apiServer(stage.ctx)
	if err != nil {
		t.Fatal(err)
	}
	killer := shell("e2e-kills-the-api-server", `
for process in /proc/[0-9]*; do
	if test "$(cat $process/comm)" = kube-apiserver; then kill -KILL ${process#/proc/}; fi
done`, func(pod *corev1.Pod) {
		pod.Spec.HostPID = true
		pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
		pod.Spec.NodeSelector = map[string]string{"node-role.kubernetes.io/control-plane": ""}
	})
	if _, err := pods.Create(stage.ctx, killer, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := pods.Delete(context.WithoutCancel(stage.ctx), killer.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	eventually(t, "the API server is another", func(ctx context.Context) error {
		if is, err := apiServer(ctx); err != nil || is == was {
			return errors.Join(err, errors.New("it is the same"))
		}
		return nil
	})
}
