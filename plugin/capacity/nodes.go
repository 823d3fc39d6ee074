package capacity

import (
	"iter"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"
	"k8s.io/klog/v2"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Node is what is summed of a node.
type Node struct {
	Name string
	// Usable says that the node is Ready and accepts new pods, and that the selector and the
	// tolerations of the remote pods fit.
	Usable bool
	// Allocatable is what pods can use.
	Allocatable Amounts
	// Taints are the soft taints that the pods do not tolerate.
	Taints []corev1.Taint
}

// NewNode returns what is summed of a node.
func NewNode(node *corev1.Node, options Options) Node {
	n := Node{Name: node.Name, Usable: isReady(node) && !node.Spec.Unschedulable, Allocatable: amountsOf(node.Status.Allocatable, down)}
	for key, value := range options.NodeSelector {
		if has, ok := node.Labels[key]; !ok || has != value {
			n.Usable = false
		}
	}
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		switch {
		case tolerated(options.Tolerations, taint):
		case taint.Effect == corev1.TaintEffectPreferNoSchedule:
			n.Taints = append(n.Taints, corev1.Taint{Key: taint.Key, Value: taint.Value, Effect: taint.Effect})
		default:
			n.Usable = false
		}
	}
	return n
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// tolerated reports whether one of the tolerations tolerates a taint. An API server that accepts tolerations that compare
// numbers places pods by them.
func tolerated(tolerations []corev1.Toleration, taint *corev1.Taint) bool {
	return slices.ContainsFunc(tolerations, func(t corev1.Toleration) bool { return t.ToleratesTaint(klog.Logger{}, taint, true) })
}

// Pod is what is summed of a pod.
type Pod struct {
	Namespace string
	// Node is empty until the pod is placed.
	Node string
	// Own says that the pod belongs to this installation.
	Own bool
	// Ended says that the pod has ended, and uses nothing.
	Ended bool
	// PriorityClass is the name of the pod's priority class.
	PriorityClass string
	// Requests is what the scheduler reserves for the pod: for init containers the maximum, with the overhead of the runtime class.
	// Limits is what a quota of limits counts. A pod of others that has ended has neither.
	Requests, Limits Amounts
}

// NewPod returns what is summed of a pod.
func NewPod(pod *corev1.Pod, options Options) Pod {
	p := Pod{
		Namespace: pod.Namespace, Node: pod.Spec.NodeName, PriorityClass: pod.Spec.PriorityClassName,
		Own:   pod.Labels[wire.LabelOffloading] == wire.Offloading && pod.Labels[wire.LabelInstance] == options.Instance,
		Ended: pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed,
	}
	if p.Own || !p.Ended {
		// A pod that is resized in place counts with what it was given (its status), if that is more.
		how := resource.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
		p.Requests, p.Limits = amountsOf(resource.PodRequests(pod, how), up), amountsOf(resource.PodLimits(pod, how), up)
	}
	return p
}

// OfNodes returns what nodes offer: what usable nodes have, less what pods of others request there. Pods that
// are not placed yet request nothing there. A resource of a node that cannot be used is reported as 0,
// so that the virtual node loses it; and so is an extended resource that a pod of this installation requests, even if
// it has ended, and that no node has any more: the virtual node had it when the pod came.
func OfNodes(nodes iter.Seq[Node], pods iter.Seq[Pod], options Options) Report {
	s := newSums()
	for _, name := range known {
		s.total[name] = 0
	}
	free := map[string]map[corev1.ResourceName]int64{} // by usable node
	var taints []corev1.Taint
	for node := range nodes {
		for _, a := range node.Allocatable {
			s.total[a.Name] = plus(s.total[a.Name], 0)
		}
		if !node.Usable {
			continue
		}
		if len(free) == 0 {
			taints = slices.Clone(node.Taints)
		}
		taints = slices.DeleteFunc(taints, func(t corev1.Taint) bool { return !slices.Contains(node.Taints, t) })
		left := make(map[corev1.ResourceName]int64, len(node.Allocatable))
		for _, a := range node.Allocatable {
			left[a.Name] = a.Value
			s.total[a.Name] = plus(s.total[a.Name], a.Value)
		}
		free[node.Name] = left
	}
	gone := map[corev1.ResourceName]bool{}
	for pod := range pods {
		if pod.Own {
			for _, a := range pod.Requests {
				if _, ok := s.total[a.Name]; !ok {
					gone[a.Name] = true
				}
			}
		}
		switch left := free[pod.Node]; {
		case pod.Ended:
		case pod.Own:
			s.use(pod)
		case left != nil:
			left[corev1.ResourcePods]--
			for _, a := range pod.Requests {
				left[a.Name] = minus(left[a.Name], a.Value)
			}
		}
	}
	for _, left := range free {
		for name, value := range left {
			if _, ok := s.total[name]; ok { // another resource is none that a node has
				s.offered[name] = plus(s.offered[name], max(value, 0))
			}
		}
	}
	report := s.report(options.Reserve).with(maps.Keys(gone), s.used)
	if len(taints) > 0 {
		report.Taints = taints
	}
	return report
}

// use adds what a pod of this installation uses.
func (s sums) use(pod Pod) {
	s.used[corev1.ResourcePods]++
	for _, a := range pod.Requests {
		s.used[a.Name] = plus(s.used[a.Name], a.Value)
	}
}
