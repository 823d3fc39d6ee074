package status

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// report is an answer on its way: the pod's own containers that were offloaded,
// each once, in the local pod's order. Injected ones and native sidecars are not
// among them (rules 1 and 4).
type report struct {
	requested, remote *corev1.Pod
	init, main        []corev1.ContainerStatus
}

func newReport(requested, remote *corev1.Pod) *report {
	r := &report{requested: requested, remote: remote}
	var there []corev1.Container
	if remote != nil {
		there = slices.Concat(remote.Spec.InitContainers, remote.Spec.Containers)
	}
	offloaded := func(c corev1.Container, annotation string) bool {
		if remote != nil {
			return slices.ContainsFunc(there, func(o corev1.Container) bool { return o.Name == c.Name })
		}
		return !slices.Contains(strings.Split(strings.ReplaceAll(requested.Annotations[annotation], " ", ""), ","), c.Name)
	}
	for _, c := range requested.Spec.InitContainers {
		if !sidecar(c) && offloaded(c, wire.AnnotationDisableInitContainers) {
			r.init = append(r.init, r.status(c))
		}
	}
	for _, c := range requested.Spec.Containers {
		if offloaded(c, wire.AnnotationDisableContainers) {
			r.main = append(r.main, r.status(c))
		}
	}
	return r
}

func sidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// status returns a copy of what the remote pod says of a container. Where it
// says nothing yet the container waits, for the reason that the pod gives.
func (r *report) status(c corev1.Container) corev1.ContainerStatus {
	if r.remote == nil {
		return corev1.ContainerStatus{Name: c.Name, Image: c.Image}
	}
	for _, list := range [][]corev1.ContainerStatus{r.remote.Status.InitContainerStatuses, r.remote.Status.ContainerStatuses} {
		for i := range list {
			if list[i].Name == c.Name {
				s := *list[i].DeepCopy()
				if s.State == (corev1.ContainerState{}) {
					s.State = r.notYet()
				}
				return s
			}
		}
	}
	return corev1.ContainerStatus{Name: c.Name, Image: c.Image, State: r.notYet()}
}

// notYet is the state of a container of which the remote pod says nothing: it
// waits to be scheduled, for the init containers, or to be created.
func (r *report) notYet() corev1.ContainerState {
	for _, condition := range r.remote.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			reason := condition.Reason
			if reason == "" {
				reason = corev1.PodReasonUnschedulable
			}
			return waiting(reason, condition.Message)
		}
	}
	if len(r.remote.Spec.InitContainers) > 0 {
		return waiting(reasonInit, r.remote.Status.Message)
	}
	return waiting(reasonCreating, r.remote.Status.Message)
}

// ended says whether nothing of the pod will run again: its phase says so, or an
// init container failed for good, which the phase follows a moment later.
func (r *report) ended() bool {
	switch r.remote.Status.Phase {
	case corev1.PodSucceeded, corev1.PodFailed:
		return true
	}
	return slices.ContainsFunc(r.init, func(s corev1.ContainerStatus) bool {
		end := s.State.Terminated
		return end != nil && end.ExitCode != 0 && !r.restarts(s.Name, end)
	})
}

// end reports every container as terminated (rule 3). A container that never ran
// did not succeed, unless the pod did.
func (r *report) end() {
	succeeded := r.remote.Status.Phase == corev1.PodSucceeded
	failed := false
	for _, list := range [][]corev1.ContainerStatus{r.init, r.main} {
		for i := range list {
			if list[i].State.Terminated == nil {
				code := int32(killed)
				if succeeded {
					code = 0
				}
				list[i].State = terminated(code, r.reason(), r.message("the container did not run to its end"), r.endTime())
				list[i].Ready, list[i].Started = false, new(bool)
			}
			end := list[i].State.Terminated
			if succeeded && end.ExitCode != 0 {
				// An init container that failed once more when the pod's sandbox
				// was made anew; to the virtual kubelet, any code but 0 is a failure.
				end.Message = fmt.Sprintf("ended with exit code %d; the pod succeeded. %s", end.ExitCode, end.Message)
				end.ExitCode = 0
			}
			failed = failed || end.ExitCode != 0
		}
	}
	if succeeded {
		return
	}
	if !failed && len(r.main) > 0 {
		// The pod failed although each container ended well, as when it is
		// evicted and its processes obey: by its containers alone, the virtual
		// kubelet would call it a success.
		end := r.main[0].State.Terminated
		end.ExitCode, end.Reason = killed, r.reason()
		end.Message = r.message("the container itself ended with 0, the pod failed")
	}
	r.addLocal()
}

// addLocal ends the containers that stayed in the local cluster together with a
// pod that failed: the virtual kubelet looks up the end of every container then,
// and panics at one that has none.
func (r *report) addLocal() {
	for _, c := range r.requested.Spec.Containers {
		if !slices.ContainsFunc(r.main, func(s corev1.ContainerStatus) bool { return s.Name == c.Name }) {
			r.main = append(r.main, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image,
				State: terminated(0, "NotOffloaded", "the container stayed in the local cluster", metav1.Time{}),
			})
		}
	}
}

// proceed reports a pod that goes on. The virtual kubelet makes the phase of the
// containers' states, so where the two contradict each other the remote phase
// decides what is said of the containers, with the truth in the message.
func (r *report) proceed() {
	phase := r.remote.Status.Phase
	r.proceedInit(phase == corev1.PodRunning || phase == corev1.PodUnknown)
	ended := len(r.main) > 0
	for i := range r.main {
		s := &r.main[i]
		r.settle(s)
		if (phase == corev1.PodPending || phase == "") && s.State.Running != nil {
			// Another container has not started, and one that runs would make
			// the pod Running.
			s.State = waiting(reasonStarting, fmt.Sprintf("running since %s; the pod is Pending until all its containers have started", s.State.Running.StartedAt.UTC().Format("2006-01-02T15:04:05Z")))
			s.Ready = false
		}
		ended = ended && s.State.Terminated != nil
	}
	if ended {
		// Sidecars are still being stopped; all ended would end the pod.
		s := &r.main[len(r.main)-1]
		s.LastTerminationState = corev1.ContainerState{Terminated: s.State.Terminated}
		s.State = waiting(reasonEnding, fmt.Sprintf("ended with exit code %d; the pod has not ended yet", s.State.Terminated.ExitCode))
	}
}

// proceedInit puts init containers in the order that the virtual kubelet can
// bear: terminated, then at most one that is not, then waiting (rule 4). Once the
// pod has been initialized, all are terminated.
func (r *report) proceedInit(initialized bool) {
	waits := false
	for i := range r.init {
		s := &r.init[i]
		r.settle(s)
		switch {
		case initialized && s.State.Terminated == nil:
			s.State = terminated(0, "Completed", "", metav1.Time{})
			if last := s.LastTerminationState.Terminated; last != nil && last.ExitCode == 0 {
				s.State.Terminated = last
			}
		case waits && s.State.Waiting == nil:
			s.State = waiting(reasonInit, "")
		}
		waits = waits || s.State.Terminated == nil
	}
}

// settle makes of a container that ended, but will run again, one that waits
// (rule 2).
func (r *report) settle(s *corev1.ContainerStatus) {
	end := s.State.Terminated
	if end == nil || !r.restarts(s.Name, end) {
		return
	}
	s.LastTerminationState = corev1.ContainerState{Terminated: end}
	s.State = waiting(reasonBackOff, fmt.Sprintf("ended with exit code %d and will be restarted", end.ExitCode))
	s.Ready = false
}

// restartingAll is the kubelet's reason for a container that it ended in order to
// start all containers of the pod anew.
const restartingAll = "RestartingAllContainers"

// restarts says whether the remote kubelet will run a container again that has
// ended: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
func (r *report) restarts(name string, end *corev1.ContainerStateTerminated) bool {
	if end.Reason == restartingAll {
		return true
	}
	policy := r.remote.Spec.RestartPolicy
	is := func(c corev1.Container) bool { return c.Name == name }
	containers := r.remote.Spec.Containers
	init := slices.ContainsFunc(r.remote.Spec.InitContainers, is)
	if init {
		containers = r.remote.Spec.InitContainers
	}
	if i := slices.IndexFunc(containers, is); i >= 0 {
		if slices.ContainsFunc(containers[i].RestartPolicyRules, func(rule corev1.ContainerRestartRule) bool { return matches(rule, end.ExitCode) }) {
			return true
		}
		if containers[i].RestartPolicy != nil {
			policy = corev1.RestartPolicy(*containers[i].RestartPolicy)
		}
	}
	if init && policy == corev1.RestartPolicyAlways {
		policy = corev1.RestartPolicyOnFailure // an init container has to end well once
	}
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return end.ExitCode != 0
	}
	return true
}

// matches says whether a container's restart rule is about an exit code. Every
// action that there is restarts it.
func matches(rule corev1.ContainerRestartRule, code int32) bool {
	if rule.ExitCodes == nil {
		return false
	}
	listed := slices.Contains(rule.ExitCodes.Values, code)
	return listed == (rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn)
}

func (r *report) reason() string {
	if r.remote.Status.Reason != "" {
		return r.remote.Status.Reason
	}
	return "PodFailed"
}

// message returns the pod's own message, else the given one.
func (r *report) message(otherwise string) string {
	if r.remote.Status.Message != "" {
		return r.remote.Status.Message
	}
	return otherwise
}

// endTime is when the remote pod last changed a condition: the best guess at
// when a container ended that does not say.
func (r *report) endTime() metav1.Time {
	var last metav1.Time
	for _, condition := range r.remote.Status.Conditions {
		if last.Before(&condition.LastTransitionTime) {
			last = condition.LastTransitionTime
		}
	}
	return last
}

func (r *report) answer(jid string) wire.PodStatus {
	return wire.PodStatus{
		Name: r.requested.Name, UID: string(r.requested.UID), Namespace: r.requested.Namespace, JID: jid,
		Containers:     append([]corev1.ContainerStatus{}, r.main...),
		InitContainers: append([]corev1.ContainerStatus{}, r.init...),
	}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func terminated(code int32, reason, message string, at metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, Message: message, FinishedAt: at,
	}}
}
