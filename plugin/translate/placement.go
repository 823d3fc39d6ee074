package translate

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/placement"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// place decides the placement of the remote pod: by the first rule of the site that matches
// the pod, or else by the options, and then by what the pod may choose.
func (t *translation) place() {
	o := t.options
	placed, byRule := o.PlacementRules.For(t.pod, placement.Placement{
		RuntimeClass: o.RuntimeClass, PriorityClass: o.PriorityClass, ServiceAccount: o.ServiceAccount, Scheduler: o.SchedulerName,
		NodeSelector: o.NodeSelector, Tolerations: o.NodeTolerations, ImagePullSecrets: o.ImagePullSecrets,
	})
	if byRule {
		t.placementOption = "placement"
	}
	for _, warning := range o.PlacementRules.Choose(t.pod, &placed, t.placementAllowed()) {
		t.warn(WarnPlacement, "%s", warning)
	}
	t.placement = placed
}

func (t *translation) placementAllowed() []placement.Value {
	var values []placement.Value
	for _, allowed := range t.options.PlacementAllowed {
		values = append(values, placement.Value(allowed))
	}
	return values
}

// canChoose returns what to add to a warning if the site lets pods choose a field.
func (t *translation) canChoose(field string) string {
	for _, allowed := range t.options.PlacementAllowed {
		if allowed.Field == field {
			return "; the annotation " + wire.AnnotationPlacementPrefix + field + " can choose it"
		}
	}
	return ""
}

// warnAboutPlacement names what is dropped of the placement, apart from what concerns the
// virtual node itself: every offloaded pod has that.
func (t *translation) warnAboutPlacement(spec *corev1.PodSpec) {
	placed := t.placement
	var selectors []string
	for key, value := range spec.NodeSelector {
		if site, ok := placed.NodeSelector[key]; !t.isOfVirtualNode(key) && (!ok || site != value) {
			selectors = append(selectors, key+"="+value)
		}
	}
	if slices.Sort(selectors); len(selectors) > 0 {
		t.warn(WarnPlacement, "node selectors %s are left out: [offloading] %s selects the nodes of the remote cluster%s",
			strings.Join(selectors, ", "), cmp.Or(t.placementOption, "node_selector"), t.canChoose("nodeSelector"))
	}
	if keys := t.affinityKeys(spec.Affinity); len(keys) > 0 {
		t.warn(WarnPlacement, "node affinity for %s is left out: it is about the local cluster's nodes", strings.Join(keys, ", "))
	}
	if a := spec.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		t.warn(WarnPlacement, "pod affinity and anti-affinity are left out: they are about the local cluster's nodes and pods")
	}
	if len(spec.TopologySpreadConstraints) > 0 {
		t.warn(WarnPlacement, "topology spread constraints are left out: they are about the local cluster's nodes")
	}
	var tolerations []string
	for _, toleration := range spec.Tolerations {
		key := toleration.Key
		isOfSite := slices.ContainsFunc(placed.Tolerations, func(site corev1.Toleration) bool { return site.Key == key || site.Key == "" })
		// A node controller's taints are tolerated by every pod, for a time.
		if key != "" && !strings.HasPrefix(key, "node.kubernetes.io/") && !isOfSite && !t.isOfVirtualNode(key) && !slices.Contains(tolerations, key) {
			tolerations = append(tolerations, key)
		}
	}
	if len(tolerations) > 0 {
		t.warn(WarnPlacement, "tolerations of %s are left out: [offloading] %s sets those of remote pods%s",
			strings.Join(tolerations, ", "), cmp.Or(t.placementOption, "node_tolerations"), t.canChoose("tolerations"))
	}
	for _, gate := range spec.ReadinessGates {
		t.warn(WarnOther, "readiness gate %s is left out: its controller is in the local cluster", gate.ConditionType)
	}
	for _, container := range spec.EphemeralContainers {
		t.warn(WarnOther, "ephemeral container %s is left out: it can only be added to a pod that runs", container.Name)
	}
}

// warnAboutClasses names the objects of the local cluster that the pod is not connected with
// any more.
func (t *translation) warnAboutClasses(spec *corev1.PodSpec) {
	placed := t.placement
	replaced := func(what, local, remote, option, field string) {
		if local != "" && local != remote {
			result := "the remote pod has the default of the remote cluster"
			if remote != "" {
				result = "the remote pod has " + remote
			}
			t.warn(WarnPlacement, "%s %s is of the local cluster: %s ([offloading] %s)%s", what, local, result, cmp.Or(t.placementOption, option), t.canChoose(field))
		}
	}
	account := spec.ServiceAccountName
	if account == "default" {
		account = ""
	}
	replaced("service account", account, placed.ServiceAccount, "service_account", "serviceAccount")
	replaced("priority class", spec.PriorityClassName, placed.PriorityClass, "priority_class", "priorityClass")
	if class := spec.RuntimeClassName; class != nil {
		replaced("runtime class", *class, placed.RuntimeClass, "runtime_class", "runtimeClass")
	}
	if scheduler := spec.SchedulerName; scheduler != corev1.DefaultSchedulerName {
		replaced("scheduler", scheduler, placed.Scheduler, "scheduler_name", "scheduler")
	}
	if spec.SchedulingGroup != nil {
		t.warn(WarnPlacement, "the scheduling group is left out: it is about the local cluster's pods")
	}
	if len(spec.EvictionResponders) > 0 {
		t.warn(WarnOther, "eviction responders are left out: they are in the local cluster")
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
