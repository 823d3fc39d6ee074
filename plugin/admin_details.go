package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// pageDetails returns what the page of one remote pod shows.
func pageDetails(pod *corev1.Pod, events []corev1.Event, now time.Time) admin.Details {
	details := admin.Details{
		Pod: pageRow(pod, now), UID: pod.Labels[wire.LabelPodUID], RemoteUID: string(pod.UID), Warnings: warningsOf(pod),
		Timeline: timelineOf(pod, events), Containers: containersOf(pod), Objects: objectsOf(pod),
	}
	for i := range events {
		details.Events = append(details.Events, pageEvent(&events[i]))
	}
	return details
}

// waitingDetails is pageDetails for a pod that waits for a quota.
func waitingDetails(pod quotawait.Pod) admin.Details {
	row := waitingRow(pod)
	level := admin.Warn
	if pod.Failed {
		level = admin.Bad
	}
	details := admin.Details{Pod: row, UID: pod.UID, Timeline: []admin.Step{
		{Name: "Accepted", At: pod.Since, Note: "the create request is stored in the remote cluster until the quota permits the pod", Level: level},
		{Name: "Created"}, {Name: "Scheduled"}, {Name: "Running"}, {Name: "Ended"},
	}}
	for _, claim := range pod.Claims {
		details.Objects = append(details.Objects, claimObject(claim))
	}
	return details
}

// timelineOf returns the moments in the life of a pod.
func timelineOf(pod *corev1.Pod, events []corev1.Event) []admin.Step {
	created := admin.Step{Name: "Created", At: pod.CreationTimestamp.Time, Level: admin.Fine}
	if pod.Annotations[wire.AnnotationFromStoredRequest] != "" {
		created.Note = "after a wait for a quota"
	}
	scheduled := admin.Step{Name: "Scheduled", Level: admin.Fine}
	if condition := conditionOf(pod, corev1.PodScheduled); condition.Status == corev1.ConditionTrue {
		scheduled.At, scheduled.Note = condition.LastTransitionTime.Time, "to "+pod.Spec.NodeName
	}
	steps := []admin.Step{created, scheduled}

	running := admin.Step{Name: "Running", Level: admin.Fine}
	running.At, running.Note = firstStart(pod)
	if pulled, ok := pulledStep(events, !running.At.IsZero()); ok {
		steps = append(steps, pulled)
	}
	if initialized := conditionOf(pod, corev1.PodInitialized); len(pod.Spec.InitContainers) > 0 && initialized.Status == corev1.ConditionTrue {
		steps = append(steps, admin.Step{Name: "Initialized", At: initialized.LastTransitionTime.Time, Level: admin.Fine})
	}
	ended := admin.Step{Name: "Ended", Level: admin.Fine}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		ended.At, ended.Note = lastEnd(pod)
		if pod.Status.Phase == corev1.PodFailed {
			ended.Level = admin.Bad
		}
	}
	if !running.At.IsZero() || ended.At.IsZero() { // it may have ended without running
		steps = append(steps, running)
	}
	steps = append(steps, ended)
	if mark := pod.Annotations[wire.AnnotationUnaskedSince]; mark != "" {
		if at, err := time.Parse(time.RFC3339, mark); err == nil {
			steps = append(steps, admin.Step{Name: "Marked", At: at, Note: "the virtual node does not ask about the pod any more", Level: admin.Warn})
		}
	}
	if pod.DeletionTimestamp != nil {
		grace := time.Duration(0)
		if pod.DeletionGracePeriodSeconds != nil {
			grace = time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
		}
		steps = append(steps, admin.Step{Name: "Deleted", At: pod.DeletionTimestamp.Add(-grace), Note: fmt.Sprintf("with a grace period of %s", grace), Level: admin.Warn})
	}
	return steps
}

// pulledStep returns when the last image was pulled. started is true if the pod has started: then it needs no step that
// has not come, since the remote cluster forgets events after an hour.
func pulledStep(events []corev1.Event, started bool) (step admin.Step, ok bool) {
	step = admin.Step{Name: "Pulled", Level: admin.Fine}
	for i := range events {
		event := &events[i]
		at := status.LastSeen(event)
		switch {
		case event.Reason == "Pulled" && !at.Before(step.At):
			step.At, step.Note = at, event.Message
		case event.Reason == "Pulling" && step.At.IsZero():
			step.Note = event.Message
		}
	}
	return step, !started || !step.At.IsZero()
}

// firstStart returns when the first container of the pod, apart from init containers, began to run.
func firstStart(pod *corev1.Pod) (first time.Time, note string) {
	for _, s := range pod.Status.ContainerStatuses {
		for _, state := range []corev1.ContainerState{s.LastTerminationState, s.State} {
			at := time.Time{}
			switch {
			case state.Running != nil:
				at = state.Running.StartedAt.Time
			case state.Terminated != nil:
				at = state.Terminated.StartedAt.Time
			}
			if !at.IsZero() && at.Unix() > 0 && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	if restarts := restartsOf(pod); restarts > 0 && !first.IsZero() {
		note = fmt.Sprintf("restarts since then: %d", restarts)
	}
	return first, note
}

// lastEnd returns when the last container of a pod that has ended did so, and how.
func lastEnd(pod *corev1.Pod) (last time.Time, note string) {
	var notes []string
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			t := s.State.Terminated
			if t == nil {
				continue
			}
			if t.FinishedAt.After(last) {
				last = t.FinishedAt.Time
			}
			if t.ExitCode != 0 {
				notes = append(notes, fmt.Sprintf("%s: exit code %d", s.Name, t.ExitCode))
			}
		}
	}
	if last.IsZero() { // an eviction may end a pod before it has containers
		for _, c := range pod.Status.Conditions {
			if c.LastTransitionTime.After(last) {
				last = c.LastTransitionTime.Time
			}
		}
	}
	if last.IsZero() {
		last = pod.CreationTimestamp.Time
	}
	return last, strings.Join(notes, ", ")
}

// containersOf returns the containers of a pod with their states.
func containersOf(pod *corev1.Pod) (containers []admin.Container) {
	add := func(list []corev1.Container, statuses []corev1.ContainerStatus, kind string) {
		for _, c := range list {
			shown := admin.Container{Name: c.Name, Kind: kind, State: "waiting", Requests: requestsText(c.Resources.Requests)}
			if kind != "" && podstate.IsSidecar(c) {
				shown.Kind = "sidecar"
			}
			if s := podstate.Find(statuses, c.Name); s != nil {
				shown.Ready, shown.Restarts = s.Ready, int(s.RestartCount)
				switch {
				case s.State.Running != nil:
					shown.State, shown.Started = "running", s.State.Running.StartedAt.Time
				case s.State.Terminated != nil:
					t := s.State.Terminated
					// The message is written by the user's program: it is not shown.
					shown.State, shown.Reason, shown.ExitCode = "ended", t.Reason, fmt.Sprint(t.ExitCode)
					shown.Started, shown.Finished = t.StartedAt.Time, t.FinishedAt.Time
				case s.State.Waiting != nil:
					shown.Reason, shown.Message = s.State.Waiting.Reason, shownMessage(s.State.Waiting)
				}
			}
			containers = append(containers, shown)
		}
	}
	add(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, "init")
	add(pod.Spec.Containers, pod.Status.ContainerStatuses, "")
	return containers
}

// requestsText returns resources as "cpu 2, memory 4Gi".
func requestsText(requests corev1.ResourceList) string {
	var texts []string
	for name, quantity := range requests {
		texts = append(texts, string(name)+" "+quantity.String())
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}
