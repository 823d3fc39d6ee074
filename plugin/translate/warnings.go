package translate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The text of [wire.AnnotationWarnings] has at most maxWarnings bytes, and each line at most
// maxWarning: enough for what matters, and little enough for the pod cache, which holds it.
const (
	maxWarnings = 2048
	maxWarning  = 400
)

// warningsText returns the warnings for the annotation of the remote pod, one a line.
func warningsText(warnings []string) string {
	var text strings.Builder
	for i, warning := range warnings {
		line := strings.ToValidUTF8(strings.Join(strings.Fields(warning), " "), "?")
		if len(line) > maxWarning {
			line = strings.ToValidUTF8(line[:maxWarning-len("...")], "") + "..."
		}
		if text.Len()+len(line) > maxWarnings {
			fmt.Fprintf(&text, "and %d more", len(warnings)-i)
			break
		}
		text.WriteString(line + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// warnAboutPlacement names what is dropped of the placement, apart from what concerns the
// virtual node itself: every offloaded pod has that.
func (t *translation) warnAboutPlacement(spec *corev1.PodSpec) {
	o := t.options
	var selectors []string
	for key, value := range spec.NodeSelector {
		if site, ok := o.NodeSelector[key]; !t.isOfVirtualNode(key) && (!ok || site != value) {
			selectors = append(selectors, key+"="+value)
		}
	}
	if slices.Sort(selectors); len(selectors) > 0 {
		t.warn("node selectors %s are left out: [offloading] node_selector selects the nodes of the remote cluster", strings.Join(selectors, ", "))
	}
	if keys := t.affinityKeys(spec.Affinity); len(keys) > 0 {
		t.warn("node affinity for %s is left out: it is about the local cluster's nodes", strings.Join(keys, ", "))
	}
	if a := spec.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		t.warn("pod affinity and anti-affinity are left out: they are about the local cluster's nodes and pods")
	}
	if len(spec.TopologySpreadConstraints) > 0 {
		t.warn("topology spread constraints are left out: they are about the local cluster's nodes")
	}
	var tolerations []string
	for _, toleration := range spec.Tolerations {
		key := toleration.Key
		isOfSite := slices.ContainsFunc(o.NodeTolerations, func(site corev1.Toleration) bool { return site.Key == key || site.Key == "" })
		// A node controller's taints are tolerated by every pod, for a time.
		if key != "" && !strings.HasPrefix(key, "node.kubernetes.io/") && !isOfSite && !t.isOfVirtualNode(key) && !slices.Contains(tolerations, key) {
			tolerations = append(tolerations, key)
		}
	}
	if len(tolerations) > 0 {
		t.warn("tolerations of %s are left out: [offloading] node_tolerations sets those of remote pods", strings.Join(tolerations, ", "))
	}
	for _, gate := range spec.ReadinessGates {
		t.warn("readiness gate %s is left out: its controller is in the local cluster", gate.ConditionType)
	}
	for _, container := range spec.EphemeralContainers {
		t.warn("ephemeral container %s is left out: it can only be added to a pod that runs", container.Name)
	}
}

// warnAboutClasses names the objects of the local cluster that the pod is not connected with
// any more.
func (t *translation) warnAboutClasses(spec *corev1.PodSpec) {
	o := t.options
	replaced := func(what, local, remote, option string) {
		if local != "" && local != remote {
			result := "the remote pod has the default of the remote cluster"
			if remote != "" {
				result = "the remote pod has " + remote
			}
			t.warn("%s %s is of the local cluster: %s ([offloading] %s)", what, local, result, option)
		}
	}
	account := spec.ServiceAccountName
	if account == "default" {
		account = ""
	}
	replaced("service account", account, o.ServiceAccount, "service_account")
	replaced("priority class", spec.PriorityClassName, o.PriorityClass, "priority_class")
	if class := spec.RuntimeClassName; class != nil {
		replaced("runtime class", *class, o.RuntimeClass, "runtime_class")
	}
	if scheduler := spec.SchedulerName; scheduler != corev1.DefaultSchedulerName {
		replaced("scheduler", scheduler, o.SchedulerName, "scheduler_name")
	}
	if spec.SchedulingGroup != nil {
		t.warn("the scheduling group is left out: it is about the local cluster's pods")
	}
	if len(spec.EvictionResponders) > 0 {
		t.warn("eviction responders are left out: they are in the local cluster")
	}
}

// affinityKeys returns the labels of nodes that a node affinity names, in order.
func (t *translation) affinityKeys(affinity *corev1.Affinity) []string {
	if affinity == nil || affinity.NodeAffinity == nil {
		return nil
	}
	var terms []corev1.NodeSelectorTerm
	if required := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		terms = slices.Clone(required.NodeSelectorTerms)
	}
	for _, preferred := range affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
		terms = append(terms, preferred.Preference)
	}
	var keys []string
	for _, term := range terms {
		for _, expression := range slices.Concat(term.MatchExpressions, term.MatchFields) {
			if !t.isOfVirtualNode(expression.Key) && !slices.Contains(keys, expression.Key) {
				keys = append(keys, expression.Key)
			}
		}
	}
	return keys
}

// isOfVirtualNode reports whether a label or taint is one that each virtual node has, with
// its own value: a pod selects the virtual node with it.
func (t *translation) isOfVirtualNode(key string) bool {
	return key == nodeNameField || slices.ContainsFunc(t.options.VirtualNode, func(pattern string) bool {
		matches, err := path.Match(pattern, key)
		return err == nil && matches
	})
}

// nodeNameField is the field of a node with its name.
const nodeNameField = "metadata.name"
