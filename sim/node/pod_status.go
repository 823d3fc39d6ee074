package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ended reports whether the pod's phase is Succeeded or Failed.
func (p *podState) ended() bool {
	phase := p.phase()
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// phase returns the pod's phase by the rules of the kubelet:
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
func (p *podState) phase() corev1.PodPhase {
	if p.finalPhase != "" {
		return p.finalPhase
	}
	if p.initFailed() {
		return corev1.PodFailed
	}
	if len(p.incompleteInits()) > 0 {
		return corev1.PodPending
	}
	ended, failed := true, false
	for _, c := range p.mains {
		if c.runs == 0 {
			return corev1.PodPending
		}
		ended = ended && c.state == terminated
		failed = failed || c.state == terminated && c.final.ExitCode != 0
	}
	for _, c := range p.inits {
		ended = ended && c.state == terminated
	}
	switch {
	case !ended:
		return corev1.PodRunning
	case failed:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

// initFailed reports whether an init container failed for good.
func (p *podState) initFailed() bool {
	return slices.ContainsFunc(p.inits, func(c *container) bool { return !c.isSidecar && c.state == terminated && c.final.ExitCode != 0 })
}

// incompleteInits returns the names of the init containers that have not succeeded,
// and of the sidecars that have not started.
func (p *podState) incompleteInits() (names []string) {
	for _, c := range p.inits {
		if !c.hasStarted() && (c.state != terminated || c.final.ExitCode != 0) {
			names = append(names, c.spec.Name)
		}
	}
	return names
}

func (p *podState) status(now time.Time) corev1.PodStatus {
	s := corev1.PodStatus{Phase: p.phase(), Reason: p.reason, Message: p.message, QOSClass: p.object.Status.QOSClass}
	if !p.bound {
		if p.behavior.Unschedulable != "" && !p.gated() {
			p.setCondition(now, corev1.PodScheduled, false, corev1.PodReasonUnschedulable, p.behavior.Unschedulable)
		}
		s.Conditions = slices.Clone(p.conditions)
		return s
	}
	s.HostIP, s.HostIPs = "127.0.0.1", []corev1.HostIP{{IP: "127.0.0.1"}}
	s.PodIP, s.PodIPs = "10.244.0.2", []corev1.PodIP{{IP: "10.244.0.2"}}
	s.StartTime = p.startTime
	waitReason := "ContainerCreating"
	if len(p.inits) > 0 {
		waitReason = "PodInitializing"
	}
	for _, c := range p.inits {
		s.InitContainerStatuses = append(s.InitContainerStatuses, c.status(waitReason))
	}
	for _, c := range p.mains {
		s.ContainerStatuses = append(s.ContainerStatuses, c.status(waitReason))
	}
	p.setConditions(now, s.Phase)
	s.Conditions = slices.Clone(p.conditions)
	return s
}

// setConditions sets the conditions of a pod that has a node.
func (p *podState) setConditions(now time.Time, phase corev1.PodPhase) {
	p.setCondition(now, corev1.PodScheduled, true, "", "")
	incomplete := p.incompleteInits()
	switch {
	case len(incomplete) > 0:
		text := fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(incomplete, " "))
		p.setCondition(now, corev1.PodInitialized, false, "ContainersNotInitialized", text)
	case phase == corev1.PodSucceeded:
		p.setCondition(now, corev1.PodInitialized, true, "PodCompleted", "")
	default:
		p.setCondition(now, corev1.PodInitialized, true, "", "")
	}
	var unready []string
	for _, c := range p.mains {
		if c.state != running {
			unready = append(unready, c.spec.Name)
		}
	}
	ready, reason, text := len(unready) == 0 && len(incomplete) == 0, "", ""
	switch {
	case p.unreachable:
		ready, reason = false, "NodeNotReady"
	case phase == corev1.PodSucceeded:
		ready, reason = false, "PodCompleted"
	case phase == corev1.PodFailed:
		ready, reason = false, "PodFailed"
	case !ready:
		reason, text = "ContainersNotReady", fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	p.setCondition(now, corev1.ContainersReady, ready, reason, text)
	p.setCondition(now, corev1.PodReady, ready, reason, text)
}

// setCondition sets a condition. Its transition time changes only with its status.
func (p *podState) setCondition(now time.Time, conditionType corev1.PodConditionType, isTrue bool, reason, message string) {
	c := corev1.PodCondition{Type: conditionType, Status: corev1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now)}
	if isTrue {
		c.Status = corev1.ConditionTrue
	}
	for i := range p.conditions {
		if old := &p.conditions[i]; old.Type == conditionType {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			*old = c
			return
		}
	}
	p.conditions = append(p.conditions, c)
}
