package lifecycle

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Status returns the status of local pods. For a pod in the watch cache it sends no
// request. It leaves out a pod whose state is not certain because the remote API
// server cannot be reached: InterLink then keeps the status that it has
// (docs/contract.md, STATUS-35). If no pod has a certain state, it returns an error
// of kind Unavailable.
func (l *Lifecycle) Status(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
	if l.options.Observer != nil {
		l.options.Observer.Asked(pods)
	}
	answer := make([]wire.PodStatus, 0, len(pods))
	var failures []error
	for i := range pods {
		pod := &pods[i]
		state, err := l.status(ctx, pod)
		if err != nil {
			l.podLogger(ctx, pod).Warn("the state of the pod is unknown", "error", err)
			failures = append(failures, err)
			continue
		}
		answer = append(answer, state)
	}
	if len(answer) == 0 && len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	return answer, nil
}
