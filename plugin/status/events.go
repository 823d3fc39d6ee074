package status

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// eventBackOff is the reason of an event of type Normal that explains a wait: an image
	// cannot be pulled.
	eventBackOff = "BackOff"
	// eventUnschedulable is the reason of an event that explains nothing any more once the pod
	// is scheduled.
	eventUnschedulable = "FailedScheduling"
	// kueue is in the name of the component that reports the events of Kueue, which all say
	// what becomes of a pod that it keeps waiting.
	kueue = "kueue"
)

// MayExplain reports whether events can say why a remote pod waits. It may hold only the
// fields that [CachedFields] keeps.
func MayExplain(remote *corev1.Pod) bool {
	if remote.Status.Phase != corev1.PodPending || remote.DeletionTimestamp != nil {
		return false
	}
	for _, gate := range remote.Spec.SchedulingGates {
		if gate.Name == wire.GateDependents { // the plugin itself removes it
			return false
		}
	}
	return true
}

// WaitEvent returns what the newest of the events of a remote pod says that can explain why it
// waits, as "reason: message", or "" (docs/contract.md, STATUS-44).
func WaitEvent(remote *corev1.Pod, events []corev1.Event) string {
	var newest *corev1.Event
	for i := range events {
		event := &events[i]
		if event.InvolvedObject.UID == remote.UID && explains(event) && (newest == nil || !LastSeen(event).Before(LastSeen(newest))) {
			newest = event
		}
	}
	if newest == nil {
		return ""
	}
	return shorten(withWords(newest.Reason, strings.TrimSpace(newest.Message)))
}

func explains(event *corev1.Event) bool {
	return event.Type == corev1.EventTypeWarning || event.Reason == eventBackOff ||
		strings.Contains(event.Source.Component, kueue) || strings.Contains(event.ReportingController, kueue)
}

// LastSeen returns when an event was last reported. Components fill in different fields.
func LastSeen(event *corev1.Event) time.Time {
	last := event.CreationTimestamp.Time
	for _, t := range []time.Time{event.FirstTimestamp.Time, event.LastTimestamp.Time, event.EventTime.Time} {
		if t.After(last) {
			last = t
		}
	}
	if event.Series != nil && event.Series.LastObservedTime.After(last) {
		last = event.Series.LastObservedTime.Time
	}
	return last
}

// usableEvent returns the event of the options, unless the pod has got over it.
func (r *report) usableEvent() string {
	event := r.options.Event
	if event == "" || !MayExplain(r.remote) ||
		strings.HasPrefix(event, eventUnschedulable+": ") && r.condition(corev1.PodScheduled).Status == corev1.ConditionTrue {
		return ""
	}
	return event
}
