package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// maxLateness bounds how long after its time a step, or the end of a scenario,
// waits for real nodes. Nothing is judged by it.
const maxLateness = 5 * time.Minute

// ready reports whether a step that is due can happen. Simulated nodes are always
// on time. Real nodes are slow on a loaded machine, so there a step waits until the
// local cluster has shown what the scenario expects before the step.
func (p *player) ready(step step) bool {
	if p.nodes != nil || p.pace.Now().After(p.zero.Add(step.At.Duration+maxLateness)) {
		return true
	}
	for key, expected := range p.file.Expect.Pods {
		if !happened(key, expected, step, p.kubelet.Phases(key), p.kubelet.Status(key)) {
			return false
		}
	}
	return true
}

// happened reports whether the local cluster has shown what a pod is expected to
// show before a step.
func happened(key string, expected scenario.PodExpectation, step step, phases []corev1.PodPhase, status corev1.PodStatus) bool {
	first := 0 // how many of the expected phases come before the step
	switch {
	case step.Delete == key, step.LoseDelete == key:
		first = len(expected.Phases)
	case step.vanish == key, step.expire == key:
		first = len(expected.Phases) - 1
		// A container that still runs then cannot exit with 0 any more.
		for _, c := range status.ContainerStatuses {
			if code := expected.Containers[c.Name].ExitCode; code != nil && *code == 0 && c.State.Terminated == nil {
				return false
			}
		}
	case step.RestartVirtualKubelet != nil:
		first = slices.Index(expected.Phases, corev1.PodRunning) + 1
	}
	over := status.Phase == corev1.PodSucceeded || status.Phase == corev1.PodFailed
	return over || len(phases) >= first
}

// complete reports whether the local cluster shows all that is expected at the
// scenario's end. Real nodes may need longer than until for it.
func (p *player) complete() bool {
	for key, expected := range p.file.Expect.Pods {
		now := *p.seen.Pods[key]
		now.Phases, now.Status = p.kubelet.Phases(key), p.kubelet.Status(key)
		if len(judge.StatusDifferences(key, expected, &now)) > 0 {
			return false
		}
	}
	return true
}

// expire makes the deadline of a remote pod pass, as if its activeDeadlineSeconds
// were over. Only the time is changed: a pod without a deadline keeps running.
func (s *stage) expire(ctx context.Context, key string) error {
	pod, err := s.remotePod(ctx, key)
	if err != nil || pod.Spec.ActiveDeadlineSeconds == nil {
		return err
	}
	patch := []byte(`{"spec":{"activeDeadlineSeconds":1}}`)
	_, err = s.remote.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}

// remotePod returns the remote pod of a local one.
func (s *stage) remotePod(ctx context.Context, key string) (*corev1.Pod, error) {
	pods, err := s.remotePods(ctx)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if found, ours := s.key(&pods[i]); ours && found == key {
			return &pods[i], nil
		}
	}
	return nil, fmt.Errorf("pod %s has no remote pod", key)
}

// checkReplaced reports remote pods that are not the ones of the first create.
func (p *player) checkReplaced(ctx context.Context) error {
	if p.remote == nil || p.seen.Created == nil {
		return nil
	}
	pods, err := p.remotePods(ctx)
	if err != nil {
		return errors.Join(errors.New("compare the remote pods with those of the first create"), err)
	}
	for i := range pods {
		uid, _ := p.owners.UIDOf(&pods[i])
		if was := p.seen.Created.Pod(uid); was != nil && was.UID != pods[i].UID {
			p.record.trouble("the remote pod of %s was replaced: its UID was %s and is %s", p.keys[uid], was.UID, pods[i].UID)
		}
	}
	return nil
}
