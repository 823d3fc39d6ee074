package placement

import (
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Placement is the placement of a remote pod. An empty field is left to the remote cluster.
type Placement struct {
	RuntimeClass, PriorityClass, ServiceAccount, Scheduler string

	NodeSelector     map[string]string
	Tolerations      []corev1.Toleration
	ImagePullSecrets []string
	Affinity         *corev1.Affinity
}

// Rules are the placement rules of a site. The zero value has none.
type Rules struct {
	// Affinities are affinities by name, for rules and for pods that choose one.
	Affinities map[string]corev1.Affinity `json:"affinities,omitempty"`
	// Rules are in the order of the file: the first that matches a pod decides.
	Rules []Rule `json:"rules,omitempty"`
}

// Rule sets fields of the placement of the pods that it matches. A field that is not set stays
// as it is for pods without a rule; one that is set to an empty value is left to the remote
// cluster.
type Rule struct {
	Match            Match               `json:"match"`
	RuntimeClass     *string             `json:"runtimeClass,omitempty"`
	PriorityClass    *string             `json:"priorityClass,omitempty"`
	ServiceAccount   *string             `json:"serviceAccount,omitempty"`
	Scheduler        *string             `json:"scheduler,omitempty"`
	NodeSelector     map[string]string   `json:"nodeSelector,omitempty"`
	Tolerations      []corev1.Toleration `json:"tolerations,omitempty"`
	ImagePullSecrets []string            `json:"imagePullSecrets,omitempty"`
	// Affinity is one of the names of the affinities.
	Affinity *string `json:"affinity,omitempty"`
}

// Match says which pods a rule is about: those that meet all of its conditions.
type Match struct {
	// Namespaces are patterns of local namespaces.
	Namespaces []string `json:"namespaces,omitempty"`
	// Labels and NodeSelector are labels and node selectors that the local pod must have, with
	// patterns of their values.
	Labels       map[string]string `json:"labels,omitempty"`
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// VirtualNodes are patterns of the names of virtual nodes.
	VirtualNodes []string `json:"virtualNodes,omitempty"`
	// Resources are patterns of the names of resources: a container must request one of them.
	Resources []string `json:"resources,omitempty"`
}

// For returns the placement of a pod by the first rule that matches it, and whether there is
// one. base is the placement of pods without a rule.
func (r *Rules) For(pod *corev1.Pod, base Placement) (placement Placement, byRule bool) {
	at := slices.IndexFunc(r.Rules, func(rule Rule) bool { return rule.Match.matches(pod) })
	if at < 0 {
		return base, false
	}
	rule := r.Rules[at]
	for _, field := range []struct{ to, from *string }{
		{&base.RuntimeClass, rule.RuntimeClass}, {&base.PriorityClass, rule.PriorityClass},
		{&base.ServiceAccount, rule.ServiceAccount}, {&base.Scheduler, rule.Scheduler},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if rule.NodeSelector != nil {
		base.NodeSelector = maps.Clone(rule.NodeSelector)
	}
	if rule.Tolerations != nil {
		base.Tolerations = slices.Clone(rule.Tolerations)
	}
	if rule.ImagePullSecrets != nil {
		base.ImagePullSecrets = slices.Clone(rule.ImagePullSecrets)
	}
	if rule.Affinity != nil {
		base.Affinity = r.affinity(*rule.Affinity)
	}
	return base, true
}

// affinity returns a copy of an affinity by its name, or nil.
func (r *Rules) affinity(name string) *corev1.Affinity {
	affinity, ok := r.Affinities[name]
	if !ok {
		return nil
	}
	return affinity.DeepCopy()
}

func (m *Match) matches(pod *corev1.Pod) bool {
	return matchesName(m.Namespaces, pod.Namespace) && matchesName(m.VirtualNodes, pod.Spec.NodeName) &&
		hasAll(pod.Labels, m.Labels) && hasAll(pod.Spec.NodeSelector, m.NodeSelector) &&
		(len(m.Resources) == 0 || requests(&pod.Spec, m.Resources))
}

// requests reports whether a container requests one of the resources.
func requests(spec *corev1.PodSpec, patterns []string) bool {
	requires := func(r *corev1.ResourceRequirements) bool {
		for _, list := range []corev1.ResourceList{r.Requests, r.Limits} {
			for name, quantity := range list {
				if quantity.Sign() > 0 && matchesName(patterns, string(name)) {
					return true
				}
			}
		}
		return false
	}
	ofContainer := func(c corev1.Container) bool { return requires(&c.Resources) }
	return slices.ContainsFunc(spec.Containers, ofContainer) || slices.ContainsFunc(spec.InitContainers, ofContainer) ||
		spec.Resources != nil && requires(spec.Resources)
}

// hasAll reports whether there is a value for each key that matches its pattern.
func hasAll(values, patterns map[string]string) bool {
	for key, pattern := range patterns {
		if value, ok := values[key]; !ok || !matchesPattern(pattern, value) {
			return false
		}
	}
	return true
}

// matchesName reports whether a name matches one of the patterns. Without patterns, every name
// does.
func matchesName(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool { return matchesPattern(pattern, name) })
}

// matchesPattern reports whether a text matches a pattern. Unlike in a path, * matches / too.
func matchesPattern(pattern, text string) bool {
	oneName := strings.NewReplacer("/", "\x00")
	matches, err := path.Match(oneName.Replace(pattern), oneName.Replace(text))
	return err == nil && matches
}
