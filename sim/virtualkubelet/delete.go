package virtualkubelet

import (
	"context"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// Delete deletes a pod from the local cluster and sends its delete once: for a
// running pod at the start of its grace period, otherwise after the pod is removed
// (docs/contract.md, DELETE-1). InterLink only logs an error.
func (k *Kubelet) Delete(ctx context.Context, name string) error {
	pod, body, err := k.remove(name)
	if err != nil || body == nil {
		return err
	}
	k.mu.Lock()
	pod.deletion = body
	k.mu.Unlock()
	return k.sendDelete(ctx, pod, body)
}

// DeleteAgain sends the delete of a pod once more, after [Kubelet.Delete] has failed. InterLink
// does not do that: it is for callers that must leave nothing in the remote cluster.
func (k *Kubelet) DeleteAgain(ctx context.Context, name string) error {
	k.mu.Lock()
	pod := k.byName[name]
	if pod == nil || pod.deletion == nil {
		k.mu.Unlock()
		return fmt.Errorf("no delete of pod %s was sent", name)
	}
	body := pod.deletion
	k.mu.Unlock()
	return k.sendDelete(ctx, pod, body)
}

func (k *Kubelet) sendDelete(ctx context.Context, pod *localPod, body *corev1.Pod) error {
	status, answer, err := k.client.call(ctx, k.client.protocol.remove, k.client.session("DeletePod"), body)
	switch {
	case err != nil:
		return &unanswered{"delete of pod " + pod.admitted.Name, err}
	case status != http.StatusOK:
		return fmt.Errorf("delete of pod %s was answered %d: %s", pod.admitted.Name, status, message(answer))
	}
	return nil
}

// DeleteUnreported deletes a pod from the local cluster while the virtual kubelet
// is down, so that the plugin never receives a delete.
func (k *Kubelet) DeleteUnreported(name string) error {
	_, _, err := k.remove(name)
	return err
}

// remove removes a pod, and returns it with the body of its delete; the body is nil
// if the virtual kubelet never knew the pod.
func (k *Kubelet) remove(name string) (*localPod, *corev1.Pod, error) {
	pod, err := k.find(name)
	if err != nil {
		return nil, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if pod.deleted {
		return nil, nil, notFound(name)
	}
	pod.deleted = true
	delete(k.answers, pod.admitted.UID)
	if pod.stored == nil {
		return pod, nil, nil
	}
	body, running := pod.stored, pod.running()
	if running {
		body = asAPIServerReturns(body)
		body.Status = pod.shown
	}
	return pod, interlink.DeleteRequest(body, running, k.now()), nil
}
