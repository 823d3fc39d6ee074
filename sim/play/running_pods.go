package play

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const (
	// maxWatchDelay is how long the plugin may need to learn what the remote API server
	// shows, on a machine whose cores many programs share.
	maxWatchDelay = 5 * time.Second
	// maxShortRun limits how long a container runs, by its scenario, that is allowed to
	// end before a poll can show that it ran.
	maxShortRun = 3 * pollPause
)

// runningPods are the pods that real nodes report as running, and those that they
// reported as running at a poll of the status.
type runningPods struct {
	since  map[string]time.Time // when a pod was first observed as running, without a break since
	atPoll map[string]bool
}

// observe keeps which pods real nodes report as running now.
func (r *runningPods) observe(env *environment, remotePods []corev1.Pod) {
	if env.nodes != nil || env.remote == nil {
		return
	}
	before := r.since
	r.since = map[string]time.Time{}
	for i := range remotePods {
		key, _ := env.key(&remotePods[i])
		if !runs(env.file.Pod(key), &remotePods[i]) {
			continue
		}
		r.since[key] = env.clock.Now()
		if since, ok := before[key]; ok {
			r.since[key] = since
		}
	}
}

// observePoll keeps which pods ran from the start of a poll, when the plugin knew it,
// until now: that poll must have shown it to the local cluster.
func (r *runningPods) observePoll(start time.Time) {
	for key, since := range r.since {
		if !since.Add(maxWatchDelay).After(start) {
			if r.atPoll == nil {
				r.atPoll = map[string]bool{}
			}
			r.atPoll[key] = true
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

// ranBetweenPolls reports whether real nodes reported a pod as running at no poll,
// although its containers run for a short time only; or that they run for less time than
// the plugin takes to learn the state of all pods of the scenario.
func (e *environment) ranBetweenPolls(key string) bool {
	if cached := e.options.profile().SlackPerPod.Duration; cached > 0 && e.options.Plugin != "" {
		// A cache that ends between two polls is asked again at the second one.
		if runsAtMost(e.file, key, time.Duration(len(e.pods))*(cached+pollPause)) {
			return true
		}
	}
	return e.nodes == nil && e.remote != nil && !e.running.atPoll[key] && runsAtMost(e.file, key, maxShortRun)
}

// runsAtMost reports whether no container of a pod runs longer than a limit, by the
// scenario.
func runsAtMost(file *scenario.File, key string, limit time.Duration) bool {
	pod := file.Pod(key)
	if pod == nil {
		return false
	}
	for _, c := range pod.Spec.Containers {
		if run := file.Nodes[key].Containers[c.Name].Run; run != nil && (run.Duration == 0 || run.Duration > limit) {
			return false // 0 means until the container is stopped
		}
	}
	return true
}
