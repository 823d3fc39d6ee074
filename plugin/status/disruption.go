package status

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

const (
	// reasonEvicted is the reason of a pod that its kubelet has evicted.
	reasonEvicted = "Evicted"
	// reasonOOMKilled is the reason of a container that has used more memory than it may.
	reasonOOMKilled = "OOMKilled"
)

// disruptionReasons are the reasons with which kubelets and the control plane end pods that
// have done nothing wrong: evictions, preemption by a critical pod, the shutdown of a node
// (with its reasons in earlier versions) and the loss of a node.
var disruptionReasons = []string{reasonEvicted, "Preempting", "Terminated", "Shutdown", "NodeShutdown", "NodeLost"}

// ownLimit matches the message of a kubelet that evicts a pod because it has exceeded a limit
// of its own. Kubernetes does not call that a disruption: the next pod would exceed the limit
// again.
var ownLimit = regexp.MustCompile(`exceeds the (total )?limit|exceeded its local ephemeral storage limit`)

// clockSkew is how late the clock of a node may be: ends of containers have the time of the
// node, the beginning of a disruption that of the control plane, both in whole seconds.
const clockSkew = 2 * time.Second

// disruption is why the remote cluster, and not the pod itself, has ended a pod.
type disruption struct {
	reason, message string
	// since is when it began; zero if that is not known.
	since metav1.Time
}

// findDisruption returns the disruption that has ended the remote pod, or nil
// (docs/contract.md, STATUS-42). A pod that its user deletes is not disrupted, and neither is
// one that had failed before.
func (r *report) findDisruption() *disruption {
	if !r.requested.DeletionTimestamp.IsZero() {
		return nil
	}
	var d disruption
	pod, target := &r.remote.Status, r.condition(corev1.DisruptionTarget)
	isTarget := target.Status == corev1.ConditionTrue
	if isTarget {
		d.since = target.LastTransitionTime
	}
	switch {
	case pod.Reason != "":
		if !slices.Contains(disruptionReasons, pod.Reason) || pod.Reason == reasonEvicted && !isTarget && ownLimit.MatchString(pod.Message) {
			return nil
		}
		d.reason, d.message = pod.Reason, withWords(pod.Reason, pod.Message)
	case r.remote.DeletionTimestamp != nil && mesh.FailureMessage(r.remote) == "":
		d.reason, d.message = ReasonNotFound, ReasonNotFound+": the remote pod was deleted before it had ended"
		if isTarget {
			d.message += ": " + withWords(target.Reason, target.Message)
		} else {
			d.since = r.deletionBegan()
		}
	case isTarget:
		d.reason = cmp.Or(target.Reason, string(corev1.DisruptionTarget))
		d.message = withWords(d.reason, target.Message)
	default:
		return nil
	}
	if r.failedBefore(d.since) {
		return nil
	}
	return &d
}

// lastDelete is how long after the end of a deleted pod the kubelet sends its own delete.
const lastDelete = 10 * time.Second

// deletionBegan returns when another client deleted the remote pod, or a time shortly before. The
// deletion timestamp is the end of the grace period. When the containers of the pod have stopped, the
// kubelet deletes the pod once more, with a grace period of 0, which moves the timestamp to that
// moment. Without a finalizer, a pod that had ended before it was deleted has no timestamp: it is
// gone at once.
func (r *report) deletionBegan() metav1.Time {
	grace := time.Duration(ptr.Deref(r.remote.DeletionGracePeriodSeconds, 0)) * time.Second
	if grace == 0 && len(r.remote.Finalizers) == 0 {
		grace = time.Duration(ptr.Deref(r.remote.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds))*time.Second + lastDelete
	}
	return metav1.NewTime(r.remote.DeletionTimestamp.Add(-grace))
}

// failedBefore reports whether the pod had failed by itself at a time, unless that is zero.
func (r *report) failedBefore(at metav1.Time) bool {
	if at.IsZero() {
		return false
	}
	failed := false
	for _, statuses := range [][]corev1.ContainerStatus{r.remote.Status.InitContainerStatuses, r.remote.Status.ContainerStatuses} {
		for i := range statuses {
			end := statuses[i].State.Terminated
			switch {
			case statuses[i].State.Running != nil, end != nil && !endedBefore(end, at):
				return false
			case end != nil && end.ExitCode != 0 && !podstate.WillRestart(r.remote, statuses[i].Name, end):
				failed = true
			}
		}
	}
	return failed
}

// endedBefore reports whether a container had ended before a disruption began. One that a
// signal has ended shortly before was most likely stopped by the disruption, at a node whose
// clock is late; another exit code is the program's own.
func endedBefore(end *corev1.ContainerStateTerminated, since metav1.Time) bool {
	isStopped := (end.ExitCode == exitCodeKilled || end.ExitCode == exitCodeTerminated) && end.Reason != reasonOOMKilled
	if isStopped {
		since = metav1.NewTime(since.Add(-clockSkew))
	}
	return end.FinishedAt.Before(&since)
}

// stop gives the end of a container the exit code of the disruption, if the disruption has
// stopped the container: one that succeeded, or that had failed for good before, keeps its
// own.
func (d *disruption) stop(end *corev1.ContainerStateTerminated, willRestart bool, code int32) {
	if end.ExitCode == 0 || !willRestart && !d.since.IsZero() && endedBefore(end, d.since) {
		return
	}
	if end.Message == "" || end.Reason == podstate.ReasonUnknown {
		end.Message = d.message
		if end.ExitCode != code && end.Reason != podstate.ReasonUnknown {
			end.Message += fmt.Sprintf("; the container itself terminated with exit code %d", end.ExitCode)
		}
	}
	end.ExitCode, end.Reason = code, d.reason
}

// disruptedExitCode returns the exit code of containers that a disruption has stopped.
func (o Options) disruptedExitCode() int32 { return cmp.Or(o.DisruptedExitCode, exitCodeKilled) }

// withWords returns a reason with a message, if there is one.
func withWords(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}
