package orphans

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// gapsPerGrace is how much one pause between two requests of a virtual node counts: at
// most a tenth of the grace. So a node must be heard at least so many times before
// one of its pods is suspect, however long the node, or this process, stood still.
const gapsPerGrace = 10

// evidence is what this process knows about the remote pods of this instance, and about
// the virtual nodes that ask about them. All times are times for which a node was heard;
// they come from the monotonic clock.
type evidence struct {
	maxGap time.Duration

	mu    sync.Mutex
	nodes map[string]*virtualNode
	// pods has the remote pods that exist, by their own UIDs; byLocal has the same by
	// the UIDs of their local pods. Several remote pods of one local pod exist only if a
	// site ran two plugins at the same time.
	pods    map[types.UID]*trackedPod
	byLocal map[string][]*trackedPod
}

// virtualNode is a virtual node that asks about pods.
type virtualNode struct {
	last time.Time // when it asked last
	// heard is the time for which the node has been asking about pods, as far as this
	// process knows.
	heard time.Duration
}

// trackedPod is a remote pod. asked and marked are values of heard of its node.
type trackedPod struct {
	namespace, name string
	uid             types.UID
	localUID, node  string
	deleting        bool
	ended           bool
	finished        time.Time // when it ended, by the clock of its kubelet

	asked     time.Duration // when the node asked about the pod last, or the pod was first seen
	mark      string        // wire.AnnotationUnaskedSince
	marked    time.Duration // when this process first saw that mark
	unmarking bool          // the mark is being removed
}

func newEvidence(grace time.Duration) *evidence {
	return &evidence{
		maxGap: grace / gapsPerGrace,
		nodes:  map[string]*virtualNode{}, pods: map[types.UID]*trackedPod{}, byLocal: map[string][]*trackedPod{},
	}
}

// node returns a virtual node. The caller holds mu.
func (e *evidence) node(name string) *virtualNode {
	n := e.nodes[name]
	if n == nil {
		n = &virtualNode{}
		e.nodes[name] = n
	}
	return n
}

// hear records that the node asks about a pod.
func (n *virtualNode) hear(now time.Time, maxGap time.Duration) {
	if !n.last.IsZero() {
		n.heard += max(0, min(now.Sub(n.last), maxGap))
	}
	n.last = now
}

// asked records that virtual nodes ask about pods, and returns the marked pods among
// them, each once until [evidence.unmarked].
func (e *evidence) asked(pods []corev1.Pod, now time.Time) (marked []*trackedPod) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range pods {
		if name := pods[i].Spec.NodeName; name != "" {
			e.node(name).hear(now, e.maxGap)
		}
		marked = append(marked, e.exists(string(pods[i].UID))...)
	}
	return marked
}

// mentioned records that a local pod exists, from a request that no virtual node sends
// for all of its pods. It returns the same as asked.
func (e *evidence) mentioned(uid string) (marked []*trackedPod) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.exists(uid)
}

// exists records that a local pod exists, and returns its remote pods whose marks must be
// removed. The caller holds mu.
func (e *evidence) exists(uid string) (marked []*trackedPod) {
	for _, pod := range e.byLocal[uid] {
		pod.asked = e.node(pod.node).heard
		if pod.mark != "" && !pod.unmarking {
			pod.unmarking = true
			marked = append(marked, pod)
		}
	}
	return marked
}

// unmarked records that an attempt to remove a mark has ended. After a failure, the next
// request about the pod is the next attempt.
func (e *evidence) unmarked(pod *trackedPod) {
	e.mu.Lock()
	defer e.mu.Unlock()
	pod.unmarking = false
}

// changed records the state of a remote pod. A mark that another replica removed counts
// as a request about the pod.
func (e *evidence) changed(pod *corev1.Pod) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.pods[pod.UID]
	name := pod.Annotations[wire.AnnotationSourceNode]
	heard := e.node(name).heard
	if t == nil {
		t = &trackedPod{
			namespace: pod.Namespace, name: pod.Name, uid: pod.UID,
			localUID: pod.Labels[wire.LabelPodUID], asked: heard,
		}
		e.pods[pod.UID] = t
		e.byLocal[t.localUID] = append(e.byLocal[t.localUID], t)
	}
	if t.node != name {
		t.node, t.asked, t.marked = name, heard, heard
	}
	t.deleting = pod.DeletionTimestamp != nil
	if t.ended = hasEnded(pod); t.ended {
		t.finished = finishedAt(pod)
	}
	switch mark := pod.Annotations[wire.AnnotationUnaskedSince]; mark {
	case t.mark:
	case "":
		t.mark, t.asked = "", heard
	default:
		t.mark, t.marked = mark, heard
	}
}

// gone records that a remote pod does not exist any more.
func (e *evidence) gone(uid types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.pods[uid]
	if t == nil {
		return
	}
	delete(e.pods, uid)
	others := e.byLocal[t.localUID]
	for i := range others {
		if others[i] == t {
			others = append(others[:i:i], others[i+1:]...)
			break
		}
	}
	if len(others) == 0 {
		delete(e.byLocal, t.localUID)
		return
	}
	e.byLocal[t.localUID] = others
}

// hasLocal reports whether a local pod has a remote pod of this instance.
func (e *evidence) hasLocal(uid string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.byLocal[uid]) > 0
}

// suspects returns copies of the pods about which their nodes have not asked for the
// grace, although they asked about others.
func (e *evidence) suspects(grace time.Duration) (unmarked, marked []trackedPod) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, pod := range e.pods {
		heard := e.node(pod.node).heard
		switch {
		case pod.node == "", pod.deleting, heard-pod.asked < grace:
		case pod.mark == "":
			unmarked = append(unmarked, *pod)
		case heard-pod.marked >= grace:
			marked = append(marked, *pod)
		}
	}
	return unmarked, marked
}

// hasEnded reports whether a remote pod has ended, or was reported as ended: its virtual
// node then does not ask about it any more (docs/contract.md, STATUS-19).
func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed ||
		pod.Annotations[wire.AnnotationFinished] != "" || pod.Annotations[wire.AnnotationFailed] != ""
}

// finishedAt returns when the last container of a pod ended. For a pod without such a
// container, it is the last change of its conditions, or else its creation.
func finishedAt(pod *corev1.Pod) time.Time {
	var last time.Time
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			if t := s.State.Terminated; t != nil && t.FinishedAt.After(last) {
				last = t.FinishedAt.Time
			}
		}
	}
	if !last.IsZero() {
		return last
	}
	for _, c := range pod.Status.Conditions {
		if c.LastTransitionTime.After(last) {
			last = c.LastTransitionTime.Time
		}
	}
	if last.IsZero() {
		last = pod.CreationTimestamp.Time
	}
	return last
}
