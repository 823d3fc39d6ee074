//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// holdTime is how long the Secrets of late pods are held back: the kubelet looks for
// them several times.
const holdTime = 20 * time.Second

// testSecretsComeLate holds back the Secrets of pods that exist already. No container
// starts before the Secret of its pod exists, and nothing is lost.
func testSecretsComeLate(t *testing.T) {
	holder := newSecretHolder(t, testEnv.clusterWide)
	l := newLateCluster(t, startPlugin(t, holder.account, "MESH_ENABLED=true", "MESH_SCRIPTS=any", "MESH_IMAGE=busybox:1.37", "MESH_INSTALL="))
	holder.hold()
	answers := map[string]<-chan error{}
	for _, p := range latePods {
		answers[p.name] = l.startCreate(p.localPod("late-"))
	}
	for _, p := range latePods {
		l.waitUntilHeld("late-"+p.name, p.gated)
	}
	time.Sleep(holdTime)
	if err := l.Poll(testEnv.ctx); err != nil {
		t.Errorf("the status of pods whose create is not answered yet: %v", err)
	}
	for _, p := range latePods {
		l.checkHeld("late-" + p.name)
		select {
		case err := <-answers[p.name]:
			t.Fatalf("the create of pod %s was answered before its Secret exists: %v", p.name, err)
		default:
		}
	}
	holder.pass()
	for _, p := range latePods {
		if err := <-answers[p.name]; err != nil {
			t.Fatal(err)
		}
		if secrets := l.remoteSecrets("late-" + p.name); len(secrets) != 1 {
			t.Errorf("pod %s has %d Secrets when its create is answered, want 1", p.name, len(secrets))
		}
	}
	for _, p := range latePods {
		l.checkStartedLate(p)
		l.remove("late-" + p.name)
	}
	for _, p := range latePods {
		l.waitForNothingLeft("late-" + p.name)
	}
}

// startCreate begins to create a pod, and deletes it at the end of the test. The result
// is the answer.
func (l *simulatedCluster) startCreate(pod *corev1.Pod) <-chan error {
	l.Helper()
	answer := make(chan error, 1)
	go func() { answer <- l.Create(testEnv.ctx, pod) }()
	eventually(l.T, "the local cluster has pod "+pod.Name, func(context.Context) error {
		if l.Pod(pod.Name) == nil {
			return errors.New("it does not exist")
		}
		return nil
	})
	l.removeAfterTest(pod.Name)
	return answer
}

// waitUntilHeld waits until the remote pod exists and is kept from starting: by its
// gate, or by the kubelet, which does not find the Secret.
func (l *simulatedCluster) waitUntilHeld(name string, gated bool) {
	l.Helper()
	eventually(l.T, "remote pod of "+name+" waits for its Secret", func(ctx context.Context) error {
		pods := l.remotePods(name)
		if len(pods) != 1 {
			return fmt.Errorf("there are %d remote pods", len(pods))
		}
		pod := pods[0]
		hasGate := slices.ContainsFunc(pod.Spec.SchedulingGates, func(g corev1.PodSchedulingGate) bool { return g.Name == wire.GateDependents })
		if hasGate != gated {
			l.Fatalf("the remote pod has the gates %v, want %s: %v", pod.Spec.SchedulingGates, wire.GateDependents, gated)
		}
		if gated {
			if pod.Spec.NodeName != "" {
				l.Fatalf("a pod with a gate is on node %s", pod.Spec.NodeName)
			}
			return wantSchedulingGated(&pod)
		}
		events, err := testEnv.remote.client.CoreV1().Events(pod.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=FailedMount,involvedObject.uid=" + string(pod.UID)})
		if err == nil && len(events.Items) == 0 {
			err = errors.New("the kubelet has not looked for the Secret yet")
		}
		return err
	})
}

func wantSchedulingGated(pod *corev1.Pod) error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated {
			return nil
		}
	}
	return fmt.Errorf("the scheduler has not seen the gate: %+v", pod.Status.Conditions)
}

// checkHeld checks that no Secret exists and no container has started, and that the user
// sees containers that wait.
func (l *simulatedCluster) checkHeld(name string) {
	l.Helper()
	if secrets := l.remoteSecrets(name); len(secrets) > 0 {
		l.Fatalf("pod %s has Secret %s, which must be held", name, secrets[0].Name)
	}
	remote := l.remotePod(name)
	for _, c := range slices.Concat(remote.Status.InitContainerStatuses, remote.Status.ContainerStatuses) {
		if c.State.Waiting == nil || c.RestartCount != 0 {
			l.Errorf("container %s of pod %s started without its Secret: %+v", c.Name, name, c.State)
		}
	}
	status := l.Status(name)
	if status.Phase != corev1.PodPending {
		l.Errorf("pod %s is %s: %s", name, status.Phase, status.Message)
	}
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		if c.State.Waiting == nil {
			l.Errorf("the local cluster shows of container %s of pod %s: %+v", c.Name, name, c.State)
		}
	}
}

// checkStartedLate waits until a pod has ended. By the clocks of the API server and of
// the kubelet, which are the same node's, no container started before the Secret.
func (l *simulatedCluster) checkStartedLate(p latePod) {
	l.Helper()
	name := "late-" + p.name
	l.waitForResult(p, name)
	secrets, remote := l.remoteSecrets(name), l.remotePod(name)
	if len(secrets) != 1 {
		l.Fatalf("pod %s has %d Secrets, want 1", name, len(secrets))
	}
	secret := secrets[0]
	if owners := secret.OwnerReferences; len(owners) != 1 || owners[0].UID != remote.UID {
		l.Errorf("Secret %s of pod %s has the owners %+v", secret.Name, name, owners)
	}
	// Times are in whole seconds.
	if held := secret.CreationTimestamp.Sub(remote.CreationTimestamp.Time); held < holdTime-time.Second {
		l.Errorf("the Secret of pod %s was created %s after the pod, and was to be held for %s", name, held, holdTime)
	}
	first := true
	for _, c := range slices.Concat(remote.Status.InitContainerStatuses, remote.Status.ContainerStatuses) {
		for _, state := range []corev1.ContainerState{c.State, c.LastTerminationState} {
			var started metav1.Time
			switch {
			case state.Terminated != nil:
				started = state.Terminated.StartedAt
			case state.Running != nil:
				started = state.Running.StartedAt
			}
			if started.IsZero() { // it never started
				continue
			}
			if started.Time.Before(secret.CreationTimestamp.Time) {
				l.Errorf("container %s of pod %s started at %s, before its Secret was created at %s", c.Name, name, started, secret.CreationTimestamp)
			}
			if first {
				l.Logf("pod %s: %s starts %s after the Secret, which came %s after the pod", name, c.Name,
					started.Sub(secret.CreationTimestamp.Time), secret.CreationTimestamp.Sub(remote.CreationTimestamp.Time))
				first = false
			}
		}
	}
	if first {
		l.Errorf("no container of pod %s has started: %+v", name, remote.Status)
	}
}

// waitForResult waits until a late pod has ended as it should.
func (l *simulatedCluster) waitForResult(p latePod, name string) {
	l.Helper()
	if p.log == "" {
		status := l.waitForPhase(name, corev1.PodFailed)
		if end := status.ContainerStatuses[0].State.Terminated; end == nil || !strings.Contains(end.Message, p.failure) {
			l.Errorf("pod %s failed with %+v, want %q", name, end, p.failure)
		}
		return
	}
	l.waitForPhase(name, corev1.PodSucceeded)
	if log := strings.TrimSpace(l.readLog(name, wire.LogOpts{})); log != strings.ReplaceAll(p.log, "NAME", name) {
		l.Errorf("the log of pod %s is %q, want %q", name, log, p.log)
	}
	for _, c := range l.remotePod(name).Status.ContainerStatuses {
		if c.RestartCount != 0 {
			l.Errorf("container %s of pod %s ran %d times", c.Name, name, c.RestartCount+1)
		}
	}
}

// remoteSecrets lists the remote Secrets of a local pod.
func (l *simulatedCluster) remoteSecrets(name string) []corev1.Secret {
	l.Helper()
	list, err := testEnv.remote.client.CoreV1().Secrets("").List(testEnv.ctx, l.remoteObjects(name))
	if err != nil {
		l.Fatal(err)
	}
	return list.Items
}

// remoteObjects selects the remote objects of a local pod.
func (l *simulatedCluster) remoteObjects(name string) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: "interlink.io/source.pod_uid=" + string(l.Pod(name).UID)}
}

// waitForNothingLeft waits until no remote object of a local pod exists.
func (l *simulatedCluster) waitForNothingLeft(name string) {
	l.Helper()
	eventually(l.T, "nothing is left of pod "+name, func(ctx context.Context) error {
		out, err := testEnv.remote.run(ctx, "get", "pods,secrets,configmaps,services", "-A", "-o", "name", "-l", l.remoteObjects(name).LabelSelector)
		if err == nil && strings.TrimSpace(out) != "" {
			err = errors.New(out)
		}
		return err
	})
}
