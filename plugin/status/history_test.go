package status_test

import (
	"math/rand/v2"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// started is the moment at which all of a pod ran: the earlier life of a remote
// pod that is no longer Pending.
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

// initializing is a pod in the middle of its init containers.
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

// before is some earlier moment of a remote pod, or nil: one that has not ended,
// and from which it can have come to where it is.
func before(random *rand.Rand, remote *corev1.Pod) *corev1.Pod {
	earlier := remote.DeepCopy()
	earlier.Status = randomStatus(random, remote)
	switch phase := lastKnown(earlier); {
	case phase == corev1.PodSucceeded, phase == corev1.PodFailed,
		phase == corev1.PodRunning && lastKnown(remote) == corev1.PodPending: // no way back
		return nil
	}
	for _, c := range remote.Spec.Containers {
		is := func(s corev1.ContainerStatus) bool { return s.Name == c.Name }
		i, j := slices.IndexFunc(earlier.Status.ContainerStatuses, is), slices.IndexFunc(remote.Status.ContainerStatuses, is)
		if i < 0 || earlier.Status.ContainerStatuses[i].State.Terminated == nil {
			continue
		}
		end := earlier.Status.ContainerStatuses[i].State
		if runsAgain(remote.Spec.RestartPolicy, c, end.Terminated.ExitCode) {
			continue
		}
		// It had ended for good, and its pod does not initialize anew.
		if j < 0 || !reflect.DeepEqual(end, remote.Status.ContainerStatuses[j].State) || lastKnown(remote) == corev1.PodPending && !initialized(remote) {
			return nil
		}
	}
	return earlier
}

// initialized says whether all init containers have ended well.
func initialized(pod *corev1.Pod) bool {
	return !slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
		i := slices.IndexFunc(pod.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == c.Name })
		if isSidecar(c) {
			return false
		}
		return i < 0 || pod.Status.InitContainerStatuses[i].State.Terminated == nil || pod.Status.InitContainerStatuses[i].State.Terminated.ExitCode != 0
	})
}
