package status_test

import (
	"math/rand/v2"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// started returns the moment at which all containers of a remote pod ran.
func started(remote *corev1.Pod) *corev1.Pod {
	earlier := remote.DeepCopy()
	earlier.Status = corev1.PodStatus{Phase: corev1.PodRunning}
	for _, c := range remote.Spec.InitContainers {
		s := is(c.Name, ends(0))
		if isSidecar(c) {
			s = is(c.Name, runs())
			s.Started = ptr.To(true)
		}
		earlier.Status.InitContainerStatuses = append(earlier.Status.InitContainerStatuses, s)
	}
	for _, c := range remote.Spec.Containers {
		earlier.Status.ContainerStatuses = append(earlier.Status.ContainerStatuses, is(c.Name, runs()))
	}
	return earlier
}

// initializing returns a moment at which one of the init containers ran.
func initializing(random *rand.Rand, remote *corev1.Pod) *corev1.Pod {
	earlier := remote.DeepCopy()
	earlier.Status = corev1.PodStatus{Phase: corev1.PodPending}
	at := random.IntN(len(remote.Spec.InitContainers) + 1)
	for i, c := range remote.Spec.InitContainers {
		state := waits("PodInitializing")
		switch {
		case isSidecar(c) && i <= at, i == at:
			state = runs()
		case i < at:
			state = ends(0)
		}
		earlier.Status.InitContainerStatuses = append(earlier.Status.InitContainerStatuses, is(c.Name, state))
	}
	return earlier
}

// before returns an earlier moment of a remote pod, chosen at random, or nil if the
// moment that was chosen cannot be earlier.
func before(random *rand.Rand, remote *corev1.Pod) *corev1.Pod {
	earlier := remote.DeepCopy()
	earlier.Status = randomStatus(random, remote)
	switch phase := lastKnown(earlier); {
	case phase == corev1.PodSucceeded, phase == corev1.PodFailed,
		phase == corev1.PodRunning && lastKnown(remote) == corev1.PodPending: // a pod does not become Pending again
		return nil
	}
	for _, c := range remote.Spec.Containers {
		hasName := func(s corev1.ContainerStatus) bool { return s.Name == c.Name }
		i, j := slices.IndexFunc(earlier.Status.ContainerStatuses, hasName), slices.IndexFunc(remote.Status.ContainerStatuses, hasName)
		if i < 0 || earlier.Status.ContainerStatuses[i].State.Terminated == nil {
			continue
		}
		end := earlier.Status.ContainerStatuses[i].State
		if runsAgain(remote.Spec.RestartPolicy, c, end.Terminated.ExitCode) {
			continue
		}
		// The container was terminated for good, and its pod does not initialize again.
		if j < 0 || !reflect.DeepEqual(end, remote.Status.ContainerStatuses[j].State) || lastKnown(remote) == corev1.PodPending && !initialized(remote) {
			return nil
		}
	}
	return earlier
}

// initialized reports whether all init containers have succeeded.
func initialized(pod *corev1.Pod) bool {
	return !slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
		i := slices.IndexFunc(pod.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == c.Name })
		if isSidecar(c) {
			return false
		}
		return i < 0 || pod.Status.InitContainerStatuses[i].State.Terminated == nil || pod.Status.InitContainerStatuses[i].State.Terminated.ExitCode != 0
	})
}
