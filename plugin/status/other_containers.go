package status

import (
	"fmt"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

const (
	// exitCodeTerminated is the exit code of a process that SIGTERM has ended, as the kubelet
	// asks sidecars to end.
	exitCodeTerminated = 143
	// maxCause is the size of one text about another container, or of an event.
	maxCause = 1024
)

// others says what is the matter with the containers of the remote pod that the local pod does
// not show: its native sidecars, and those that the plugin or the remote cluster has added.
// trouble says it of one container, or returns "".
func (r *report) others(trouble func(c *corev1.Container, isInit bool, s *corev1.ContainerStatus) string) string {
	var texts []string
	look := func(containers []corev1.Container, statuses []corev1.ContainerStatus, isInit bool) {
		for i := range containers {
			c := &containers[i]
			s := podstate.Find(statuses, c.Name)
			if s == nil || podstate.Find(r.init, c.Name) != nil || podstate.Find(r.main, c.Name) != nil {
				continue
			}
			if text := trouble(c, isInit, s); text != "" {
				texts = append(texts, r.describe(c, isInit)+" "+shorten(text))
			}
		}
	}
	look(r.remote.Spec.InitContainers, r.remote.Status.InitContainerStatuses, true)
	look(r.remote.Spec.Containers, r.remote.Status.ContainerStatuses, false)
	return strings.Join(texts, "; ")
}

// describe names a container of the remote pod.
func (r *report) describe(c *corev1.Container, isInit bool) string {
	kind := "container"
	switch {
	case isInit && podstate.IsSidecar(*c):
		kind = "sidecar"
	case isInit:
		kind = "init container"
	}
	if hasContainer(r.requested.Spec.InitContainers, c.Name) || hasContainer(r.requested.Spec.Containers, c.Name) {
		return kind + " " + c.Name
	}
	return kind + " " + c.Name + ", which was added to the remote pod,"
}

// addWaitCause adds why a pod waits to the message of the first init container and of the first
// container that wait, if it lies in a container that the local pod does not show, or in an
// event (docs/contract.md, STATUS-43 and STATUS-44). The virtual kubelet does not show the
// messages of containers while an init container waits.
func (r *report) addWaitCause() {
	first := []*corev1.ContainerStateWaiting{firstWaiting(r.init), firstWaiting(r.main)}
	if first[0] == nil && first[1] == nil {
		return
	}
	cause, event := r.others(r.waitTrouble), r.usableEvent()
	for _, waiting := range first {
		if waiting == nil {
			continue
		}
		waiting.Message = appendText(waiting.Message, cause)
		if _, words, _ := strings.Cut(event, ": "); !strings.Contains(waiting.Message, words) {
			waiting.Message = appendText(waiting.Message, event)
		}
	}
}

// firstWaiting returns the state of the first container of a list that waits, or nil.
func firstWaiting(statuses []corev1.ContainerStatus) *corev1.ContainerStateWaiting {
	for i := range statuses {
		if waiting := statuses[i].State.Waiting; waiting != nil {
			return waiting
		}
	}
	return nil
}

// waitTrouble says why other containers may wait for this one. A mesh that is starting has
// words of its own (mesh.WaitMessage).
func (r *report) waitTrouble(c *corev1.Container, isInit bool, s *corev1.ContainerStatus) string {
	if isInit && c.Name == mesh.Container && mesh.WaitMessage(r.remote) != "" {
		return ""
	}
	isSidecar := isInit && podstate.IsSidecar(*c)
	switch {
	case s.State.Running != nil && isInit && !isSidecar:
		return "runs"
	case s.State.Running != nil && isSidecar && s.Started != nil && !*s.Started:
		return "runs, but its startup probe or postStart hook has not succeeded" + lastEnd(s)
	}
	return trouble(s)
}

// trouble says why a container does not run, if that is because of an error.
func trouble(s *corev1.ContainerStatus) string {
	switch waiting, end := s.State.Waiting, s.State.Terminated; {
	case waiting != nil && waiting.Reason != "" && waiting.Reason != podstate.ReasonCreating && waiting.Reason != podstate.ReasonInitializing:
		return "waits: " + withWords(waiting.Reason, waiting.Message) + lastEnd(s)
	case end != nil && end.ExitCode != 0 && end.ExitCode != exitCodeTerminated:
		return endOf(end)
	}
	return ""
}

// lastEnd says how the previous run of a container ended, if there was one.
func lastEnd(s *corev1.ContainerStatus) string {
	if last := s.LastTerminationState.Terminated; last != nil {
		return "; before, it " + endOf(last)
	}
	return ""
}

// endOf says how a container ended.
func endOf(end *corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("terminated with exit code %d", end.ExitCode)
	if end.Reason != "" && end.Reason != "Error" && end.Reason != "Completed" {
		text += " (" + end.Reason + ")"
	}
	if message := strings.TrimSpace(end.Message); message != "" {
		text += ": " + message
	}
	return text
}

// endTrouble says how other containers of a pod ended that has ended by itself. What a mesh
// means for a pod is decided elsewhere (mesh.FailureMessage).
func endTrouble(c *corev1.Container, _ bool, s *corev1.ContainerStatus) string {
	if c.Name == mesh.Container {
		return ""
	}
	return trouble(s)
}

// endCause says how other containers of a pod that has ended ended. It is empty if the end of
// the pod has another cause, which also ended these containers.
func (r *report) endCause() string {
	if r.remote.Status.Reason != "" || mesh.FailureMessage(r.remote) != "" || r.findDisruption() != nil {
		return ""
	}
	return r.others(endTrouble)
}

// addEndCause adds how other containers ended to the message of the first container
// (docs/contract.md, STATUS-43). A message that the container itself has written stays as it
// is.
func (r *report) addEndCause() {
	if message := r.pluginMessage(); message != nil {
		if cause := r.endCause(); !strings.Contains(*message, cause) {
			*message = appendText(*message, cause)
		}
	}
}

// stillRunning says which other containers keep a pod from ending whose own containers have
// ended.
func (r *report) stillRunning() string {
	text := r.others(func(c *corev1.Container, _ bool, s *corev1.ContainerStatus) string {
		if s.State.Running == nil || c.Name == mesh.Container {
			return ""
		}
		return "still runs"
	})
	if text == "" {
		return ""
	}
	return ": " + text
}

// appendText appends a text to a message.
func appendText(message, text string) string {
	switch {
	case text == "":
		return message
	case message == "":
		return text
	}
	return message + "; " + text
}

// shorten cuts a text that is too long for a message.
func shorten(text string) string {
	if len(text) <= maxCause {
		return text
	}
	end := maxCause
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}
