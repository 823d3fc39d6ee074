package node

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// The times after which a control plane reacts to the loss of a node. They follow the
// defaults of the node lifecycle controller and of the tolerations that admission adds:
// https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
const (
	nodeLossNoticedAfter = 40 * time.Second
	podFailedAfter       = 5 * time.Minute
	podForceDeletedAfter = 6 * time.Minute
	deadlineMessage      = "Pod was active on the node longer than the specified deadline"
)

// nextEvent returns the time of the scenario's next event, zero if there is none.
func (p *podState) nextEvent() time.Time {
	if len(p.events) == 0 {
		return time.Time{}
	}
	return p.firstSeen.Add(p.events[0].At.Duration)
}

// applyEvent applies an event of the scenario. Only a deletion has an effect on a pod
// that has ended.
func (p *podState) applyEvent(event scenario.Event, now time.Time, effects *sideEffects) {
	switch {
	case event.Delete:
		effects.delete = true
	case p.stopped() || p.ended():
	case event.LoseNode:
		p.nodeLostAt = now
	case event.Evict != "":
		p.fail(now, "Evicted", event.Evict)
	case event.Deadline && p.object.Spec.ActiveDeadlineSeconds != nil:
		p.fail(now, "DeadlineExceeded", deadlineMessage)
	}
}

// nextNodeLossTransition returns when the control plane next reacts to the loss of
// the node.
func (p *podState) nextNodeLossTransition() time.Time {
	switch {
	case p.forceDeleted:
		return time.Time{}
	case p.finalPhase != "":
		return p.nodeLostAt.Add(podForceDeletedAfter)
	case p.unreachable:
		return p.nodeLostAt.Add(podFailedAfter)
	}
	return p.nodeLostAt.Add(nodeLossNoticedAfter)
}

// nodeLossTransition is what the control plane does about the pod of a lost node. The
// containers keep their last known state, because no kubelet reports another one.
func (p *podState) nodeLossTransition(effects *sideEffects) {
	switch {
	case !p.unreachable:
		p.unreachable, p.reason = true, "NodeLost"
		p.message = "Node " + p.object.Spec.NodeName + " which was running pod " + p.object.Name + " is unresponsive"
	case p.finalPhase == "":
		p.finalPhase = corev1.PodFailed
	default:
		p.forceDeleted, effects.forceDelete = true, true
	}
}
