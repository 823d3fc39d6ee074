package play

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// runningPods are the pods that real nodes report as running.
type runningPods struct {
	atLastPoll map[string]bool
	longEnough map[string]bool // at the end of two polls in a row
}

// observe keeps which pods real nodes report as running at the end of a poll. A
// pod that runs at the end of two polls in a row ran long enough: the second poll must
// have shown it to the local cluster.
func (r *runningPods) observe(ctx context.Context, env *environment) {
	if env.nodes != nil || env.remote == nil {
		return
	}
	pods, err := env.remotePods(ctx)
	if err != nil {
		return // environment.observe has reported it
	}
	before := r.atLastPoll
	r.atLastPoll = map[string]bool{}
	for i := range pods {
		key, _ := env.key(&pods[i])
		if !runs(env.file.Pod(key), &pods[i]) {
			continue
		}
		r.atLastPoll[key] = true
		if before[key] {
			if r.longEnough == nil {
				r.longEnough = map[string]bool{}
			}
			r.longEnough[key] = true
		}
	}
}

// runs reports whether a remote pod is Running and one of the local pod's own containers
// runs in it.
func runs(local, remote *corev1.Pod) bool {
	if local == nil || remote.Status.Phase != corev1.PodRunning {
		return false
	}
	return slices.ContainsFunc(remote.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
		return status.State.Running != nil &&
			slices.ContainsFunc(local.Spec.Containers, func(c corev1.Container) bool { return c.Name == status.Name })
	})
}

// tooShort reports whether real nodes did not report a pod as running for long
// enough.
func (r *runningPods) tooShort(env *environment, key string) bool {
	return env.nodes == nil && env.remote != nil && !r.longEnough[key]
}
