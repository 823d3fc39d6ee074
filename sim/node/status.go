package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// initFailed says that an init container failed for good.
func (p *play) initFailed() bool {
	return slices.ContainsFunc(p.inits, func(c *container) bool { return !c.native && c.step == done && c.finished.ExitCode != 0 })
}

// uninitialized names the init containers that have not done their part.
func (p *play) uninitialized() (names []string) {
	for _, c := range p.inits {
		if !c.up() && (c.step != done || c.finished.ExitCode != 0) {
			names = append(names, c.spec.Name)
		}
	}
	return names
}

func (p *play) ended() bool {
	ph := p.phaseNow()
	return ph == corev1.PodSucceeded || ph == corev1.PodFailed
}

// phaseNow is the phase by the kubelet's rules.
func (p *play) phaseNow() corev1.PodPhase {
	if p.phase != "" {
		return p.phase
	}
	if p.initFailed() {
		return corev1.PodFailed
	}
	if len(p.uninitialized()) > 0 {
		return corev1.PodPending
	}
	ended, failed := true, false
	for _, c := range p.mains {
		if c.runs == 0 {
			return corev1.PodPending
		}
		ended = ended && c.step == done
		failed = failed || c.step == done && c.finished.ExitCode != 0
	}
	for _, c := range p.inits {
		ended = ended && c.step == done
	}
	switch {
	case !ended:
		return corev1.PodRunning
	case failed:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

func (p *play) status(now time.Time) corev1.PodStatus {
	s := corev1.PodStatus{Phase: p.phaseNow(), Reason: p.reason, Message: p.message, QOSClass: p.pod.Status.QOSClass}
	if !p.bound {
		if p.behaviour.Unschedulable != "" {
			p.condition(now, corev1.PodScheduled, false, corev1.PodReasonUnschedulable, p.behaviour.Unschedulable)
		}
		s.Conditions = slices.Clone(p.conditions)
		return s
	}
	s.HostIP, s.HostIPs = "127.0.0.1", []corev1.HostIP{{IP: "127.0.0.1"}}
	s.PodIP, s.PodIPs = "10.244.0.2", []corev1.PodIP{{IP: "10.244.0.2"}}
	s.StartTime = p.startTime
	created := "ContainerCreating"
	if len(p.inits) > 0 {
		created = "PodInitializing"
	}
	var unready []string
	for _, c := range p.inits {
		s.InitContainerStatuses = append(s.InitContainerStatuses, c.status(created))
	}
	for _, c := range p.mains {
		s.ContainerStatuses = append(s.ContainerStatuses, c.status(created))
		if c.step != running {
			unready = append(unready, c.spec.Name)
		}
	}
	p.condition(now, corev1.PodScheduled, true, "", "")
	waiting := p.uninitialized()
	switch reason := ""; {
	case len(waiting) > 0:
		text := fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(waiting, " "))
		p.condition(now, corev1.PodInitialized, false, "ContainersNotInitialized", text)
	default:
		if s.Phase == corev1.PodSucceeded {
			reason = "PodCompleted"
		}
		p.condition(now, corev1.PodInitialized, true, reason, "")
	}
	ready, reason, text := len(unready) == 0 && len(waiting) == 0, "", ""
	switch {
	case p.unreachable:
		ready, reason = false, "NodeNotReady"
	case s.Phase == corev1.PodSucceeded:
		ready, reason = false, "PodCompleted"
	case s.Phase == corev1.PodFailed:
		ready, reason = false, "PodFailed"
	case !ready:
		reason, text = "ContainersNotReady", fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	p.condition(now, corev1.ContainersReady, ready, reason, text)
	p.condition(now, corev1.PodReady, ready, reason, text)
	s.Conditions = slices.Clone(p.conditions)
	return s
}

// condition sets a condition; its time is that of its last change.
func (p *play) condition(now time.Time, kind corev1.PodConditionType, holds bool, reason, message string) {
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now)}
	if holds {
		c.Status = corev1.ConditionTrue
	}
	for i := range p.conditions {
		if old := &p.conditions[i]; old.Type == kind {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			*old = c
			return
		}
	}
	p.conditions = append(p.conditions, c)
}
